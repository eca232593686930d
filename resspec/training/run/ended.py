"""A run that has ended, read from its folder: nothing in it is taken for right unseen."""

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
from resspec.training.run import record
from resspec.training.run.record import Tested
from resspec.training.run.sealed import DamagedFile
from resspec.training.weights import LoadedWeights
from resspec.training.weights.preprocessing import checked

WEIGHTS = "weights.safetensors"


class Ended(NamedTuple):
    """What a run was, and what it left.

    Attributes:
        facts: What `run.json` says.
        network: The network of `spec.res`.
        weights: The trained ones, or those that were named in their place.
        tested: The recipe and the images of the last test.
    """

    facts: dict[str, Any]
    network: Network
    weights: LoadedWeights
    tested: Tested


def load(run: Path, instead: Path | None = None) -> Ended:
    """Read the folder of a run that has ended.

    Args:
        run: The folder.
        instead: A file of weights to take in place of the run's own; then it need not have ended.

    Raises:
        UsageError: It holds no run, one that has not ended, or a damaged one.
    """
    facts = record.existing(run)
    result = record.result(run)
    if result is None and not instead:
        raise UsageError(
            f"the run in {run} has not finished; run the same `resspec train` command again to resume it",
            "E0613",
        )
    network = record.network(run, facts)
    if result and not instead:
        check_weights(run, result)
    try:
        checked(facts["preprocessing"])
    except DamagedFile as damage:
        told = f"`preprocessing` in {run / 'run.json'} is damaged: {damage}; restore it from a copy"
        raise UsageError(told, "E0603") from None
    return Ended(
        facts, network, weights.read(instead or run / WEIGHTS), record.tested(run, facts, result)
    )


def data_of(run: Path, facts: Mapping[str, Any]) -> str:
    """Return the name of the data set of a run, or the folder of its images. Raises UsageError where that is gone."""
    name, path = facts["data"]["name"], facts["data"].get("path")
    if not isinstance(path, str):
        return str(name)
    folder = os.path.normpath(run.absolute() / path)
    if not Path(folder).is_dir():
        gone = f"the images that {run} was trained with are no longer in {folder}"
        raise UsageError(f"{gone}: pass their folder as the data set", remedy="data path")
    return folder


def check_weights(run: Path, result: dict[str, Any]) -> None:
    """Check that the weights in a folder are those that the run ended with. Raises UsageError."""
    path = run / WEIGHTS
    again = f"remove {run / 'result.json'}, then run the command that trained the run again to recreate both"
    try:
        content = files.whole(path)
    except UsageError as error:
        raise UsageError(f"{error}; {again}", "E0603") from None
    if sha256(content).hexdigest() != result["weights"]:
        raise UsageError(
            f"{path} is damaged: it is not the file that the run wrote; {again}", "E0603"
        )


def module_of(run: Path) -> nn.Module:
    """Return the trained network of a run that has ended. Raises UsageError as `load` does."""
    ended = load(run)
    module = build(ended.network)
    ended.weights.into(module, may_be_new=False)
    return module.eval()
