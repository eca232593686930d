"""Every shipped network trains bit for bit the same twice, in each precision, on a GPU if any."""

from __future__ import annotations

import warnings
from hashlib import sha256
from pathlib import Path

import pytest
import torch

from resspec import shipped
from resspec.compiler import load
from resspec.training import recipe_file, trainer
from resspec.training.data.memory import ImageArrays, in_memory
from resspec.training.distributed.processes import Processes
from resspec.training.plan import Job
from resspec.training.steps import loop
from resspec.training.steps.step import Learner
from resspec.training.stop import Stop

DEVICE = torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
PROCESS = Processes(0, 1, DEVICE)
PRECISIONS = ["fp32", "bf16", "fp16"] if DEVICE.type == "cuda" else ["fp32", "bf16"]
NAMES = sorted(path.stem for path in shipped.path("specs").glob("*.res"))


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_network_trains_the_same_twice(name: str, precision: str, tmp_path: Path) -> None:
    with warnings.catch_warnings(record=True) as caught:  # torch names what it cannot repeat
        warnings.simplefilter("always")
        torch.use_deterministic_algorithms(True, warn_only=True)
        try:
            digests = {trained(name, precision, tmp_path / run) for run in ("first", "second")}
        finally:
            torch.use_deterministic_algorithms(False)
    assert len(digests) == 1
    assert not [warning for warning in caught if "deterministic" in str(warning.message)]


def trained(name: str, precision: str, folder: Path) -> str:
    """Return the SHA-256 of the state after a few steps on random images, or the error's text."""
    network = load(name)
    classes, draw = network.output.dims[0], torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (32, *network.input.dims), dtype=torch.uint8, generator=draw)
    stored = ImageArrays(images, torch.randint(classes, (len(images),), generator=draw))
    found = in_memory("random", tuple(map(str, range(classes))), stored, stored, "moments")
    recipe = recipe_file.load(
        "digits",
        [
            ("iterations", "4"),
            ("batch_size", "16"),
            ("precision", precision),
            ("evaluate", "null"),
            ("checkpoint", "1000 epochs"),
        ],
    )
    plan = trainer.planned(Job(network, recipe, found), folder, PROCESS)
    with trainer.settled(plan):
        state = trainer.begun(plan)
        silent = loop.Watcher(lambda *_: None, lambda _: None, lambda _: None)
        try:
            loop.fit(plan, state, Learner(plan, state), silent, Stop(PROCESS))
        except loop.NotFinite as error:
            assert name == "plain1202"  # whose gradients grow from layer to layer
            return str(error)
        kept = [tensor.cpu().numpy().tobytes() for _, tensor in state.tensors()]
    return sha256(b"".join(kept)).hexdigest()
