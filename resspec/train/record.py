"""The run folder: a complete record of a training run, in which no file is ever half-written.

    run.json              network, hash, data, seed, recipe, versions: written before the first step
    spec.res              the resolved spec, with the same hash
    metrics.csv           a row for each epoch
    weights.safetensors   the trained parameters and buffers, under the names that the spec gives them
    result.json           what was measured at the end; it exists only where a run has ended
"""

from __future__ import annotations

import csv
import io
import json
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from resspec.backends.expand import expand
from resspec.diagnostics import UsageError
from resspec.files import write
from resspec.ir.fingerprint import fingerprint
from resspec.ir.nodes import Network
from resspec.train.data import Dataset

SCHEMA = "resspec.run/1"


def begin(folder: Path, network: Network, data: Dataset, seed: int, recipe: Mapping[str, Any]) -> None:
    """Writes what is known before the first step. Raises UsageError where the folder is not empty."""
    _claim(folder)
    mean, deviation = data.moments.mean.tolist(), data.moments.deviation.tolist()
    write(folder / "spec.res", expand(network).encode())
    write_json(folder / "run.json", {
        "schema": SCHEMA, "network": network.name, "hash": fingerprint(network),
        "data": data.name, "mean": mean, "deviation": deviation, "recipe": dict(recipe),
        "seed": seed, "versions": _versions(),
    })


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    write(path, (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode())


def write_rows(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """A CSV file of rows with the same columns."""
    text = io.StringIO(newline="")
    table = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    write(path, text.getvalue().encode())


def _claim(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        taken = any(folder.iterdir())
    except OSError as error:
        raise UsageError(f"the run folder {folder} cannot be made: {error.strerror}") from None
    if taken:
        raise UsageError(f"the run folder {folder} is not empty; it is left as it is: choose another, or remove it first")


def _versions() -> dict[str, str]:
    packages = ("resspec", "torch", "numpy", "scikit-learn", "safetensors")
    return {"python": platform.python_version(), **{name: version(name) for name in packages}}
