"""The run folder: a complete record of a training run, in which no file is ever half-written.

    run.json              what was asked for, and what was decided: network, recipe, data, seed, machine, versions
    spec.res              the resolved spec, with the same hash
    recipe.yaml           the resolved recipe
    metrics.csv .jsonl    what was measured: rows of COLUMNS
    timings.jsonl         when each of them was, and how fast: the one file that differs from run to run
    checkpoints/          see checkpoint.py
    weights.safetensors   the trained parameters and buffers, under the names that the spec gives them
    curves.png .svg       loss and error by epoch
    result.json           what was measured at the end, and the digest of the weights; it exists only where a run has ended
    lock                  held by the process that trains; that of a dead one holds nothing up

run.json and result.json end with a digest of what else they say.
"""

from __future__ import annotations

import csv
import fcntl
import io
import json
import os
import platform
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resspec import __version__
from resspec.diagnostics import UsageError
from resspec.files import write
from resspec.train.state import Row, lines

if TYPE_CHECKING:
    from resspec.ir.nodes import Network

SCHEMA = "resspec.run/3"
BEFORE, DRAFTS = ("lock", "spec.res", "recipe.yaml"), ".*.partial"  # in a folder before there is a run; see files.write
NEAR = 8  # runs that are named where one was not found
COLUMNS = ("step", "epoch", "part", "rate", "loss", "top1", "top5")


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """The folder, made where needed, as this process's own. Raises UsageError where another one has it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Of the process, not of the file: a data worker that outlives its trainer holds nothing.
        file = (folder / "lock").open("a+b", buffering=0)
    except OSError as error:
        told = f"the run folder {folder} cannot be made: {error.strerror}; choose another with --run"
        raise UsageError(told, "E0602") from None
    with file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            holder = file.read().decode(errors="replace").strip() or "one that just started"
            told = f"another process trains in {folder}: {holder}; wait for it, or choose another folder with --run"
            raise UsageError(told, "E0601") from None
        with suppress(OSError):  # who it is matters less than that it trains
            file.truncate(0)
            file.write(f"process {os.getpid()} on {socket.gethostname()}\n".encode())
        for draft in folder.glob(DRAFTS):
            draft.unlink()
        yield


def read(folder: Path) -> dict[str, Any] | None:
    """run.json, or None where there is no run yet. Raises UsageError where the folder holds something else."""
    path = folder / "run.json"
    try:
        found = _read_json(path)
    except FileNotFoundError:
        if folder.is_dir() and any(file.name not in BEFORE and not file.match(DRAFTS) for file in folder.iterdir()):
            told = f"the run folder {folder} is not empty, and holds no run; it is left as it is"
            raise UsageError(told, "E0603") from None
        return None
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read: {error}", "E0603") from None
    if found.get("schema") != SCHEMA:
        told = f"{path} is no {SCHEMA}: another version of resspec made it; choose another folder with --run"
        raise UsageError(told, "E0604")
    if not _is_sealed(found):
        raise UsageError(f"{path} is damaged: it does not say what was written", "E0603")
    return found


def runs_in(folder: Path) -> list[Path]:
    """The folders of runs right below a folder; none below what is no folder."""
    try:
        return sorted(path.parent for path in folder.glob("*/run.json"))
    except OSError:
        return []


def is_run(folder: Path) -> bool:
    """Whether a run was begun in it; a name that no file can have is none."""
    try:
        return (folder / "run.json").is_file()
    except OSError:
        return False


def runs_near(folder: Path) -> str:
    """Of a folder that is no run's, to be added to what is said of it: the runs in it, or those beside it where it is not
    there; empty where there are none."""
    try:
        found = [str(path) for path in runs_in(folder if folder.is_dir() else folder.parent)]
    except OSError:  # a name that no file can have
        return ""
    return f"; runs that are there: {', '.join(found[:NEAR])}{', …' * (len(found) > NEAR)}" if found else ""


def result(folder: Path) -> dict[str, Any] | None:
    """result.json of a run that has ended."""
    path = folder / "result.json"
    try:
        found = _read_json(path)
        if not _is_sealed(found):
            raise ValueError("it is damaged, and does not say what was written")
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read: {error}; without it the same command makes it anew", "E0603") from None
    return found


def network(folder: Path, found: Mapping[str, Any]) -> Network:
    """That of spec.res; `found`: run.json. Raises SpecError, and UsageError where it is another."""
    from resspec.compiler import load
    from resspec.ir.fingerprint import fingerprint

    saved = load(folder / "spec.res")
    if fingerprint(saved) != found["hash"]:
        raise UsageError(f"{folder / 'spec.res'} is damaged: it is not the network of the run", "E0603")
    return saved


def begin(folder: Path, facts: Mapping[str, Any], spec: str, recipe: str) -> None:
    """What is known before the first step; run.json last, since with it there is a run."""
    write(folder / "spec.res", spec.encode())
    write(folder / "recipe.yaml", recipe.encode())
    write_json(folder / "run.json", {"schema": SCHEMA, **facts, "versions": _versions()})


def metrics(folder: Path, rows: list[Row]) -> None:
    """Both files, as they are at a checkpoint or at the end; between them rows are only added to the end. Of the timings goes
    what a crash cut short."""
    write(folder / "metrics.jsonl", lines(rows))
    text = io.StringIO(newline="")
    table = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    write(folder / "metrics.csv", text.getvalue().encode())
    timings = folder / "timings.jsonl"
    if timings.exists() and not (content := timings.read_bytes()).endswith(b"\n"):
        write(timings, content[: content.rfind(b"\n") + 1])


def add(folder: Path, row: Row, timing: Mapping[str, Any]) -> None:
    """One row more. Raises UsageError where there is no room."""
    text = io.StringIO(newline="")
    csv.DictWriter(text, COLUMNS, lineterminator="\n").writerow(row)
    more = {"metrics.jsonl": lines([row]), "timings.jsonl": lines([dict(timing)]), "metrics.csv": text.getvalue().encode()}
    for name, content in more.items():
        try:
            with (folder / name).open("ab") as file:
                file.write(content)
        except OSError as error:
            raise UsageError(f"cannot write {folder / name}: {error.strerror}; it takes {len(content)} bytes more; "
                             "the same command goes on from the last checkpoint", "E0607") from None


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    write(path, (json.dumps({**value, "sha256": _digest(value)}, indent=2, ensure_ascii=False) + "\n").encode())


def _read_json(path: Path) -> dict[str, Any]:
    """Raises OSError, ValueError."""
    found = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(found, dict):
        raise ValueError("it is no table")
    return found


def _is_sealed(found: Mapping[str, Any]) -> bool:
    return found.get("sha256") == _digest({name: value for name, value in found.items() if name != "sha256"})


def _digest(value: Mapping[str, Any]) -> str:
    return sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _versions() -> dict[str, str]:
    packages = ("torch", "torchvision", "numpy", "safetensors")
    return {"python": platform.python_version(), "resspec": __version__, **{name: version(name) for name in packages}}
