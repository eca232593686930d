"""The run folder: a complete record of a training run, in which no file is ever half-written.

    run.json              the request and the decisions: network, recipe, data, seed, machine
    spec.res              the resolved spec, with the same hash
    recipe.yaml           the resolved recipe
    training_files.jsonl  the training images at the start, if they are files: name, length, class
    unreadable.json       only while a run waits for a training image to be repaired or removed
    metrics.csv .jsonl    the measurements, a row each
    timings.jsonl         the time and speed of each: the one file that differs from run to run
    checkpoints/          see checkpoint.py
    weights.safetensors   the trained parameters and buffers, under their names in the spec
    curves.png .svg       loss and error by epoch
    card.md               a summary for people: network, data, recipe, results, how to load it
    result.json           the final results and the digest of the weights: the run has finished
    lock                  held by the training process, and released when that ends

run.json and result.json end with a checksum of their other values.
"""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from resspec.diagnostics import SpecError, UsageError
from resspec.files import write
from resspec.training.run import lock, sealed
from resspec.training.run.lock import Lock
from resspec.training.run.sealed import DamagedFile
from resspec.training.steps.state import FORMAT
from resspec.version import __version__

if TYPE_CHECKING:
    from resspec.ir.network import Network
    from resspec.training.recipe import Recipe

Facts = Mapping[str, Any]  # the content of run.json or result.json
Shape = dict[str, Any]  # keys with their types, or with shapes of their own

LISTING = "training_files.jsonl"
BEFORE = {LISTING, "lock", "spec.res", "recipe.yaml"}  # in a folder before its run exists
DRAFTS = ".*.partial"  # see files.write
OF_A_RUN = {"spec.res", "recipe.yaml", "metrics.jsonl", "timings.jsonl"}  # whose run.json is lost
TEST_IMAGES, TEST_TRANSFORM = "data.test", "recipe.data.test"  # keys that only tests depend on
RESTORE = "restore it from a copy"
RECREATE = "remove it, then run the command that trained the run again to recreate it"
MAX_NEARBY = 8  # runs that are named where one was not found
VERSIONED = ("torch", "torchvision", "numpy", "safetensors")
RUN_SHAPE: Shape = {
    "network": str,
    "hash": str,
    "seed": int,
    "steps": int,
    "changes": list,
    "preprocessing": dict,
    "data": {"name": str, "classes": list, "train": str, "test": str},
    "recipe": {"data": {"test": dict}},
    "machine": {"device": str, "processes": int},
}
CHANGE_SHAPE: Shape = {"step": int, "what": str, "old": (str, dict), "new": (str, dict)}
RESULT_SHAPE: Shape = {
    "loss": float,
    "top1": float,
    "top5": float,
    "correct": int,
    "total": int,
    "weights": str,
    "test": {"images": str, "transform": dict},
}


@contextmanager
def locked(folder: Path) -> Iterator[Lock]:
    """Yield the lock of a run folder, which is created if needed; remove drafts of a crash.

    Raises:
        UsageError: Another process trains in it, or it cannot be created or locked.
    """
    with lock.locked(folder) as held:
        for draft in folder.glob(DRAFTS):
            if not draft.is_dir():
                draft.unlink()
        yield held


def read(folder: Path) -> dict[str, Any] | None:
    """Return the content of `run.json`, or None where there is no run yet.

    Raises:
        UsageError: The folder contains something else, or a damaged run or one of another format.
    """
    path = folder / "run.json"
    try:
        found = _whole(path, RUN_SHAPE)
        for number, entry in enumerate(found["changes"]):
            _check_shape(entry, CHANGE_SHAPE, f"changes.{number}")
    except FileNotFoundError:
        _check_empty(folder)
        return None
    except DamagedFile as damage:
        raise _damaged(path, f"{damage}; {RESTORE}, or train in another folder") from None
    return {**found, "recipe": _completed(found["recipe"])}


def _completed(recipe: dict[str, Any]) -> dict[str, Any]:
    """Return a recipe with the defaults of keys that came after the version that recorded it."""
    from resspec.training.recipe import Recipe

    try:
        return Recipe.model_validate(recipe).model_dump(mode="json")
    except ValueError:
        return recipe  # `tested` reports it


def existing(folder: Path) -> dict[str, Any]:
    """Return the content of `run.json`.

    Raises:
        UsageError: As `read`, and where there is no run.
    """
    found = read(folder) if is_run(folder) else None
    if found is None:
        missing = f"there is no run.json in it{runs_near(folder)}"
        raise UsageError(f"{folder} does not contain a run: {missing}", "E0603")
    return found


def result(folder: Path) -> dict[str, Any] | None:
    """Return the content of `result.json`, or None where the run has not finished.

    Raises:
        UsageError: The file is damaged or has another format.
    """
    path = folder / "result.json"
    try:
        return _whole(path, RESULT_SHAPE)
    except FileNotFoundError:
        return None
    except DamagedFile as damage:
        raise _damaged(path, f"{damage}; {RECREATE}") from None


def _whole(path: Path, shape: Shape) -> dict[str, Any]:
    found = sealed.read(path)
    _check_format(found, path)
    sealed.check(found)
    _check_shape(found, shape)
    return found


def _check_format(found: Facts, path: Path) -> None:
    number = found.get("format")
    early = re.fullmatch(r"resspec\.run/([0-9]{1,3})", str(found.get("schema")))
    if number is None and early:
        number = int(early[1])
    if type(number) is not int:
        raise DamagedFile("it has no format number")
    if number == FORMAT:
        return
    age = "an older" if number < FORMAT else "a newer"
    problem = f"{path} has format {number}, which {age} version of resspec wrote"
    advice = "continue with that version, or train in another folder"
    weights = f"the weights in {path.parent} can still be loaded"
    this = f"but this one reads format {FORMAT}"
    raise UsageError(f"{problem}, {this}: {advice}; {weights}", "E0604")


def _check_shape(found: Any, shape: Any, name: str = "") -> None:
    """Check the types of all values that are used; raise DamagedFile."""
    kind = dict if isinstance(shape, dict) else shape
    if not isinstance(found, kind) or isinstance(found, bool):
        raise DamagedFile(f"`{name}` in it has an invalid value")
    if isinstance(shape, dict):
        for key, inner in shape.items():
            _check_shape(found.get(key), inner, f"{name}.{key}" if name else key)


def _check_empty(folder: Path) -> None:
    """Check that a folder without `run.json` can become that of a run."""
    if not folder.is_dir():
        return
    try:
        names = {path.name for path in folder.iterdir() if not path.match(DRAFTS)}
    except OSError as error:
        why = f"cannot be read: {error.strerror}"
        raise UsageError(f"the run folder {folder} {why}", "E0603") from None
    if names >= OF_A_RUN:
        problem = f"{folder / 'run.json'} is missing, so this run cannot be identified"
        raise UsageError(f"{problem}; {RESTORE}, or train in another folder", "E0603")
    if names - BEFORE:
        problem = f"the run folder {folder} is not empty, but does not contain a run"
        raise UsageError(f"{problem}; it was not changed: train in another folder", "E0603")


def _damaged(path: Path, why: str) -> UsageError:
    return UsageError(f"{path} is damaged: {why}", "E0603")


def is_run(folder: Path) -> bool:
    """Return whether a folder is that of a run, even if its `run.json` is damaged or lost."""
    if os.path.lexists(folder / "run.json"):
        return True
    return all(os.path.lexists(folder / name) for name in OF_A_RUN)


def runs_in(folder: Path) -> list[Path]:
    """Return the folders of runs directly below a folder."""
    try:
        return sorted(path.parent for path in folder.glob("*/run.json"))
    except OSError:  # such as a name that no file can have
        return []


def runs_near(folder: Path) -> str:
    """Return the end of a sentence with the runs in a folder, or beside it if it does not exist."""
    try:
        found = [str(path) for path in runs_in(folder if folder.is_dir() else folder.parent)]
    except OSError:
        return ""
    if not found:
        return ""
    more = ", …" if len(found) > MAX_NEARBY else ""
    return f"; runs nearby: {', '.join(found[:MAX_NEARBY])}{more}"


def latest(found: Facts, what: str) -> Any:
    """Return a value of `run.json`, such as `data.test`, after all changes of the run."""
    changed = [entry["new"] for entry in found["changes"] if entry["what"] == what]
    if changed:
        return changed[-1]
    value: Any = found
    for name in what.split("."):
        value = value[name]
    return value


class Tested(NamedTuple):
    """The test of a run: the recipe with its transforms, and the digest of the images."""

    recipe: Recipe
    images: str


def tested(folder: Path, found: Facts, finished: Facts | None) -> Tested:
    """Return how a run was tested, or will be.

    Args:
        folder: The folder of the run.
        found: The content of `run.json`.
        finished: The content of `result.json`, if there is one.

    Raises:
        UsageError: They do not contain a valid recipe.
    """
    from resspec.training.recipe import Recipe
    from resspec.training.recipes.images import TestTransform

    if finished:
        transform, images = finished["test"]["transform"], finished["test"]["images"]
    else:
        transform, images = latest(found, TEST_TRANSFORM), latest(found, TEST_IMAGES)
    try:
        recipe = Recipe.model_validate(found["recipe"])
    except ValueError:
        why = f"its recipe is not valid; {RESTORE}"
        raise _damaged(folder / "run.json", why) from None
    try:
        test = TestTransform.model_validate(transform)
    except ValueError:
        name = "result.json" if finished else "run.json"
        why = "the test settings in it are not valid"
        advice = RECREATE if finished else RESTORE
        raise _damaged(folder / name, f"{why}; {advice}") from None
    data = recipe.data.model_copy(update={"test": test})
    return Tested(recipe.model_copy(update={"data": data}), images)


def network(folder: Path, found: Facts) -> Network:
    """Return the network of `spec.res`.

    Args:
        folder: The folder of the run.
        found: The content of `run.json`.

    Raises:
        UsageError: The file is damaged, or has another network.
    """
    from resspec.compiler import load
    from resspec.ir.fingerprint import fingerprint

    path = folder / "spec.res"
    try:
        saved = load(path)
    except SpecError as error:
        raise _damaged(path, f"{error.diagnostics[0].brief}; {RESTORE}") from None
    except UsageError as error:
        raise UsageError(f"{error}; {RESTORE}", "E0603") from None
    if fingerprint(saved) != found["hash"]:
        raise _damaged(path, f"it is not the network of the run; {RESTORE}")
    return saved


def spec(folder: Path) -> str:
    """Return the text of `spec.res`; raise a UsageError if it cannot be read."""
    path = folder / "spec.res"
    try:
        return sealed.content(path).decode()
    except FileNotFoundError:
        why = "there is no such file"
    except (DamagedFile, UnicodeDecodeError) as error:
        why = str(error)
    raise UsageError(f"cannot read {path}: {why}; {RESTORE}", "E0603")


def begin(folder: Path, facts: Facts, spec: str, recipe: str, listing: bytes | None = None) -> None:
    """Write all files that are known before the first step.

    Args:
        folder: The folder of the run.
        facts: The content of `run.json`, which is written last, since it makes the run exist.
        spec: The text of `spec.res`.
        recipe: The text of `recipe.yaml`.
        listing: The list of training files, where the images are files.
    """
    if listing is not None:
        write(folder / LISTING, listing)
    write(folder / "spec.res", spec.encode())
    write(folder / "recipe.yaml", recipe.encode())
    content = {"format": FORMAT, **facts, "versions": versions(), "changes": []}
    sealed.write(folder / "run.json", content)


def change(folder: Path, found: Facts, entries: list[dict[str, Any]], step: int) -> None:
    """Add what changed at a step to `run.json`, whose content is `found`."""
    content = {name: value for name, value in found.items() if name != "sha256"}
    new = [{"step": step, **entry} for entry in entries]
    sealed.write(folder / "run.json", {**content, "changes": [*found["changes"], *new]})


def end(folder: Path, facts: Facts) -> None:
    """Write `result.json`, which makes the run finished."""
    sealed.write(folder / "result.json", {"format": FORMAT, **facts})


def versions() -> dict[str, str]:
    """Return the versions of everything that can change the result of a run."""
    own = {"python": platform.python_version(), "resspec": __version__}
    return own | {name: version(name) for name in VERSIONED}
