"""What is probed: networks of specs at initialisation, on noise, and trained ones of runs, on their test images."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from resspec import compiler
from resspec.backends.module import build
from resspec.diagnostics import UsageError
from resspec.ir.nodes import Network
from resspec.study.probe import Probed, blocks, probe
from resspec.train import data, recipe_file, record, weights
from resspec.train.data import Draw


def probed_of(spec: str, values: Mapping[str, str], batch: int, seed: int) -> list[Probed]:
    """Of a spec with values for its parameters; of a file of several every network that needs none; of the folder of a run.
    So many images are shown. Raises SpecError, UsageError."""
    if (run := Path(spec)).is_dir():
        if not (run / "spec.res").is_file():
            raise UsageError(f"{run} holds no run, which a folder has to")
        network = compiler.load(run / "spec.res")
        named = {run.name: network}
    else:
        named = {network.name: network for network in _networks(spec, values)}
    found = []
    for name, network in named.items():
        if not blocks(network) or len(network.output.dims) != 1:
            raise UsageError(f"there is nothing to probe in {name}: it has neither blocks nor convolutions in a row, or leaves "
                             "no scores")
        torch.manual_seed(seed)
        module = build(network)
        if run.is_dir():
            weights.read(run / "weights.safetensors").into(module)
            images, labels = _test_images(run, batch)
        else:
            images = torch.randn(batch, *network.input.dims)
            labels = torch.randint(network.output.channels, (batch,))
        found.append(probe(name, network, module, images, labels))
    return found


def _networks(spec: str, values: Mapping[str, str]) -> list[Network]:
    try:
        return [compiler.load(spec, **values)]
    except UsageError:
        if values or not Path(spec).is_file():
            raise
        return list(compiler.examine(spec).networks)


def _test_images(run: Path, count: int) -> tuple[Tensor, Tensor]:
    """The first of the data set that a run was trained on, as its recipe shows them."""
    facts = record.read(run)
    if facts is None:
        raise UsageError(f"{run} holds no run")
    recipe = recipe_file.load(str(run / "recipe.yaml"), [])
    test = data.load(facts["data"]["name"], normalise=recipe.data.normalise, exif=recipe.data.exif).test
    indices = torch.arange(min(count, len(test)))
    batch = next(iter(test.batches([Draw(indices, indices)], view=recipe.data.test, device=torch.device("cpu"))))
    return batch.images, test.labels[indices]
