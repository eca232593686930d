"""The results of a run, read from its folder; everything is checked before it is used."""

from __future__ import annotations

import os
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from torch import nn

from resspec import files
from resspec.backends.module import build
from resspec.diagnostics import UsageError
from resspec.ir.network import Network
from resspec.training import weights
from resspec.training.run import checkpoint, record
from resspec.training.run.checkpoint import DamagedCheckpoint
from resspec.training.run.record import RESTORE, Tested
from resspec.training.run.sealed import DamagedFile
from resspec.training.weights import LoadedWeights
from resspec.training.weights.preprocessing import checked

WEIGHTS = "weights.safetensors"


class Ended(NamedTuple):
    """A run with its weights.

    Attributes:
        facts: The content of `run.json`.
        network: The network of `spec.res`.
        weights: The trained weights, or those that were given in their place.
        tested: The recipe and the images of the last test.
        step: The step of the weights, where they are those of a checkpoint.
    """

    facts: dict[str, Any]
    network: Network
    weights: LoadedWeights
    tested: Tested
    step: int | None = None


def load(run: Path, instead: Path | None = None, *, unfinished: bool = False) -> Ended:
    """Read the folder of a run.

    Args:
        run: The folder.
        instead: A file of weights to use in place of the run's own, which need not have finished.
        unfinished: Use the newest checkpoint of a run that has not finished.

    Raises:
        UsageError: It contains no run, a damaged one, or one that has not finished.
    """
    facts = record.existing(run)
    result = record.result(run)
    saved = _of_checkpoint(run) if unfinished and not (result or instead) else None
    if not (result or instead or saved):
        advice = "run the same `resspec train` command again to resume it"
        raise UsageError(f"the run in {run} has not finished; {advice}", "E0613")

    network = record.network(run, facts)
    try:
        checked(facts["preprocessing"])
    except DamagedFile as damage:
        problem = f"`preprocessing` in {run / 'run.json'} is damaged: {damage}; {RESTORE}"
        raise UsageError(problem, "E0603") from None

    tested = record.tested(run, facts, result)
    if instead:
        return Ended(facts, network, weights.read(instead), tested)
    if saved:
        step, found = saved
        return Ended(facts, network, found, tested, step)
    assert result is not None
    check_weights(run, result)
    return Ended(facts, network, weights.read(run / WEIGHTS), tested)


def _of_checkpoint(run: Path) -> tuple[int, LoadedWeights] | None:
    """Return the step of the newest good checkpoint, and the weights that it would be tested by."""
    from safetensors.torch import load

    folder = run / "checkpoints"
    for step, saved in checkpoint.newest(folder, job=None):
        if isinstance(saved, DamagedCheckpoint):
            continue
        content = saved["tensors.safetensors"]
        groups: dict[str, Any] = {"module": {}, "average": {}}
        for name, tensor in load(content).items():
            group, _, rest = name.partition("/")
            groups.setdefault(group, {})[rest] = tensor
        tensors = groups["average"] or groups["module"]
        return step, LoadedWeights(folder, tensors, sha256(content).hexdigest())
    return None


def data_of(run: Path, facts: Mapping[str, Any]) -> str:
    """Return the name of the data set of a run, or the folder of its images.

    Raises:
        UsageError: The folder does not exist any more.
    """
    name, path = facts["data"]["name"], facts["data"].get("path")
    if not isinstance(path, str):
        return str(name)
    folder = os.path.normpath(run.absolute() / path)
    if not Path(folder).is_dir():
        gone = f"the images that {run} was trained with are no longer in {folder}"
        raise UsageError(f"{gone}: pass their folder as the data set", remedy="data path")
    return folder


def check_weights(run: Path, result: Mapping[str, Any]) -> None:
    """Check that the weights in a folder are the final ones of its run; raise a UsageError."""
    path = run / WEIGHTS
    retrain = "run the command that trained the run again to recreate both"
    advice = f"remove {run / 'result.json'}, then {retrain}"
    try:
        content = files.whole(path)
    except UsageError as error:
        raise UsageError(f"{error}; {advice}", "E0603") from None
    if sha256(content).hexdigest() != result["weights"]:
        problem = f"{path} is damaged: it is not the file that the run wrote"
        raise UsageError(f"{problem}; {advice}", "E0603")


def module_of(run: Path) -> nn.Module:
    """Return the trained network of a finished run; raise a UsageError as `load`."""
    ended = load(run)
    module = build(ended.network)
    ended.weights.into(module)
    return module.eval()
