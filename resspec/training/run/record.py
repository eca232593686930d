"""The run folder: a complete record of a training run, in which no file is ever half-written.

    run.json              what was asked for, and what was decided: network, recipe, data, seed, machine, versions
    spec.res              the resolved spec, with the same hash
    recipe.yaml           the resolved recipe
    training_files.jsonl  the training images that the run began with, where they are files: name, length, class
    unreadable.json       only while a run waits for a training image to be mended or removed
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
import io
import os
import platform
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from resspec import files
from resspec.diagnostics import SpecError, UsageError
from resspec.files import write
from resspec.training.run import lock, sealed
from resspec.training.run.lock import Lock
from resspec.training.run.sealed import DamagedFile
from resspec.training.steps.state import FORMAT, Row, lines
from resspec.version import __version__

if TYPE_CHECKING:
    from resspec.ir.network import Network
    from resspec.training.recipe import Recipe

Shape = dict[str, Any]  # keys with their types, or with shapes of their own
LISTING, UNREADABLE = "training_files.jsonl", "unreadable.json"
BEFORE = {LISTING, "lock", "spec.res", "recipe.yaml"}  # in a folder before there is a run
DRAFTS = ".*.partial"  # see files.write
OF_A_RUN = {
    "spec.res",
    "recipe.yaml",
    "metrics.jsonl",
    "timings.jsonl",
}  # what tells that there was one
TEST_IMAGES, TEST_TRANSFORM = (
    "data.test",
    "recipe.data.test",
)  # what only a test reads, as `changes` calls it
REMADE = "remove it, then run the command that trained the run again to recreate it"
NEAR = 8  # runs that are named where one was not found
SHAPE: Shape = {  # what is read of run.json
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
COLUMNS = ("step", "epoch", "part", "lr", "loss", "top1", "top5")


@contextmanager
def locked(folder: Path) -> Iterator[Lock]:
    """Yield the lock of a run folder, which is made where needed, without what a crash left half-written.

    Raises:
        UsageError: Another process trains in it, or it cannot be made or locked.
    """
    with lock.locked(folder) as held:
        for draft in folder.glob(DRAFTS):
            if not draft.is_dir():
                draft.unlink()
        yield held


def read(folder: Path) -> dict[str, Any] | None:
    """Return what `run.json` says, or None where there is no run yet.

    Raises:
        UsageError: The folder holds something else, a run of another format, or a damaged one.
    """
    path = folder / "run.json"
    try:
        found = sealed.read(path)
        check_format(found, path)
        sealed.check(found)
        check_shape(found, SHAPE)
        for number, entry in enumerate(found["changes"]):
            check_shape(entry, CHANGE_SHAPE, f"changes.{number}")
    except FileNotFoundError:
        _check_empty(folder)
        return None
    except DamagedFile as damage:
        told = f"{path} is damaged: {damage}; restore it from a copy, or train in another folder"
        raise UsageError(told, "E0603") from None
    return found


def existing(folder: Path) -> dict[str, Any]:
    """Return what `run.json` says of a run that has begun. Raises UsageError as `read` does, and where there is none."""
    if not is_run(folder):
        told = f"{folder} does not contain a run: there is no run.json in it{runs_near(folder)}"
        raise UsageError(told, "E0603")
    found = read(folder)
    assert found is not None
    return found


def check_format(found: Mapping[str, Any], path: Path) -> None:
    """Check that a file of a run has the format of this version.

    Raises:
        DamagedFile: It has none.
        UsageError: It has an older or a newer one.
    """
    number = found.get("format")
    if number is None and (
        old := re.fullmatch(r"resspec\.run/([0-9]{1,3})", str(found.get("schema")))
    ):
        number = int(old[1])
    if type(number) is not int:
        raise DamagedFile("it has no format number")
    if number == FORMAT:
        return
    age = "an older" if number < FORMAT else "a newer"
    told = (
        f"{path} has format {number}, which {age} version of resspec wrote, but this one reads format {FORMAT}: "
        f"continue with that version, or train in another folder; the weights in {path.parent} can still be loaded"
    )
    raise UsageError(told, "E0604")


def check_shape(found: Any, shape: Any, name: str = "") -> None:
    """Check that a value has what is read of it, each of its type. Raises DamagedFile."""
    kind = dict if isinstance(shape, dict) else shape
    if not isinstance(found, kind) or (isinstance(found, bool) and kind is not bool):
        raise DamagedFile(f"`{name}` in it has an invalid value")
    for key, inner in shape.items() if isinstance(shape, dict) else ():
        check_shape(found.get(key), inner, f"{name}.{key}" if name else key)


def _check_empty(folder: Path) -> None:
    """Check that a folder without `run.json` can become a run's. Raises UsageError."""
    if not folder.is_dir():
        return
    try:
        names = {path.name for path in folder.iterdir() if not path.match(DRAFTS)}
    except OSError as error:
        raise UsageError(
            f"the run folder {folder} cannot be read: {error.strerror}", "E0603"
        ) from None
    if names >= OF_A_RUN:
        told = (
            f"{folder / 'run.json'} is missing, so this run cannot be identified; restore it from a copy, "
            "or train in another folder"
        )
        raise UsageError(told, "E0603")
    if names - BEFORE:
        told = f"the run folder {folder} is not empty, but does not contain a run; it was not changed: train in another folder"
        raise UsageError(told, "E0603")


def runs_in(folder: Path) -> list[Path]:
    """The folders of runs right below a folder; none below what is no folder."""
    try:
        return sorted(path.parent for path in folder.glob("*/run.json"))
    except OSError:
        return []


def is_run(folder: Path) -> bool:
    """Return whether a run was begun in a folder, be its `run.json` damaged or lost."""
    return any(
        all(os.path.lexists(folder / name) for name in names) for names in (["run.json"], OF_A_RUN)
    )


def runs_near(folder: Path) -> str:
    """Of a folder that is no run's, to be added to what is said of it: the runs in it, or those beside it where it is not
    there; empty where there are none."""
    try:
        found = [str(path) for path in runs_in(folder if folder.is_dir() else folder.parent)]
    except OSError:  # a name that no file can have
        return ""
    return f"; runs nearby: {', '.join(found[:NEAR])}{', …' * (len(found) > NEAR)}" if found else ""


def result(folder: Path) -> dict[str, Any] | None:
    """Return what `result.json` says of a run that has ended. Raises UsageError where it is damaged."""
    path = folder / "result.json"
    try:
        found = sealed.read(path)
        check_format(found, path)
        sealed.check(found)
        check_shape(found, RESULT_SHAPE)
    except FileNotFoundError:
        return None
    except DamagedFile as damage:
        told = f"{path} is damaged: {damage}; {REMADE}"
        raise UsageError(told, "E0603") from None
    return found


def latest(found: Mapping[str, Any], what: str) -> Any:
    """Return a value of `run.json`, `data.test` say, as it is after all that has changed since the run began."""
    earlier = [entry["new"] for entry in found["changes"] if entry["what"] == what]
    if earlier:
        return earlier[-1]
    value: Any = found
    for name in what.split("."):
        value = value[name]
    return value


class Tested(NamedTuple):
    """What a run's test is: the recipe that shows the images, and the digest of the images."""

    recipe: Recipe
    images: str


def tested(folder: Path, found: Mapping[str, Any], ended: Mapping[str, Any] | None) -> Tested:
    """Return how a run was tested, or is to be.

    Args:
        folder: The folder of the run.
        found: What `run.json` says.
        ended: What `result.json` says, where there is one.

    Raises:
        UsageError: What they say is not a recipe.
    """
    from resspec.training.recipe import Recipe, TestTransform

    try:
        recipe = Recipe.model_validate(found["recipe"])
        test, images = (
            TestTransform.model_validate(latest(found, TEST_TRANSFORM)),
            latest(found, TEST_IMAGES),
        )
    except ValueError:
        told = f"{folder / 'run.json'} is damaged: its recipe is not valid; restore it from a copy"
        raise UsageError(told, "E0603") from None
    if ended:
        try:
            test, images = (
                TestTransform.model_validate(ended["test"]["transform"]),
                ended["test"]["images"],
            )
        except ValueError:
            told = f"{folder / 'result.json'} is damaged: the test settings in it are not valid"
            raise UsageError(f"{told}; {REMADE}", "E0603") from None
    data = recipe.data.model_copy(update={"test": test})
    return Tested(recipe.model_copy(update={"data": data}), images)


def network(folder: Path, found: Mapping[str, Any]) -> Network:
    """Return the network of `spec.res`; `found` is what `run.json` says. Raises UsageError where it is another one."""
    from resspec.compiler import load
    from resspec.ir.fingerprint import fingerprint

    path = folder / "spec.res"
    try:
        saved = load(path)
    except SpecError as error:
        told = f"{path} is damaged: {error.diagnostics[0].brief}; restore it from a copy"
        raise UsageError(told, "E0603") from None
    except UsageError as error:
        raise UsageError(f"{error}; restore it from a copy", "E0603") from None
    if fingerprint(saved) != found["hash"]:
        told = f"{path} is damaged: it is not the network of the run; restore it from a copy"
        raise UsageError(told, "E0603")
    return saved


def spec(folder: Path) -> str:
    """Return the text of `spec.res`. Raises UsageError."""
    path = folder / "spec.res"
    try:
        return sealed.content(path).decode()
    except FileNotFoundError:
        why = "there is no such file"
    except (DamagedFile, UnicodeDecodeError) as error:
        why = str(error)
    raise UsageError(f"cannot read {path}: {why}; restore it from a copy", "E0603")


def wait_for_an_image(folder: Path, step: int, why: str) -> None:
    """Remember that a run was stopped by a training image that cannot be read: it may be mended, or removed."""
    with suppress(UsageError):  # which is then a matter of the disk
        sealed.write(folder / UNREADABLE, {"format": FORMAT, "step": step, "why": why})


def waits_for_an_image(folder: Path) -> bool:
    """Return whether a run waits for a training image to be mended or removed."""
    try:
        found = sealed.read(folder / UNREADABLE)
        sealed.check(found)
    except (FileNotFoundError, DamagedFile):
        return False
    return True


def wait_no_more(folder: Path) -> None:
    """Forget that a run waited, once it goes on."""
    with suppress(OSError):
        (folder / UNREADABLE).unlink(missing_ok=True)


def begin(
    folder: Path, facts: Mapping[str, Any], spec: str, recipe: str, files: bytes | None = None
) -> None:
    """Write what is known before the first step; `run.json` last, since with it there is a run.

    Args:
        folder: The folder of the run.
        facts: What `run.json` says.
        spec: The text of `spec.res`.
        recipe: The text of `recipe.yaml`.
        files: The list of training files, where the images are files.
    """
    if files is not None:
        write(folder / LISTING, files)
    write(folder / "spec.res", spec.encode())
    write(folder / "recipe.yaml", recipe.encode())
    sealed.write(
        folder / "run.json", {"format": FORMAT, **facts, "versions": versions(), "changes": []}
    )


def change(
    folder: Path, found: Mapping[str, Any], entries: list[dict[str, Any]], step: int
) -> None:
    """Add to `run.json` what has changed since the run began, and from which step on. `found`: what it says."""
    told = {name: value for name, value in found.items() if name != "sha256"}
    told["changes"] = [*found["changes"], *({"step": step, **entry} for entry in entries)]
    sealed.write(folder / "run.json", told)


def end(folder: Path, facts: Mapping[str, Any]) -> None:
    """Write `result.json`, with which a run has ended."""
    sealed.write(folder / "result.json", {"format": FORMAT, **facts})


def metrics(folder: Path, rows: list[Row]) -> None:
    """Write both files of metrics, as they are at a checkpoint or at the end; between them rows are only added. Of the timings
    goes what a crash cut short. Raises UsageError."""
    write(folder / "metrics.jsonl", lines(rows))
    text = io.StringIO(newline="")
    table = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    write(folder / "metrics.csv", text.getvalue().encode())

    timings = folder / "timings.jsonl"
    if not os.path.lexists(timings):
        return
    try:
        content = files.whole(timings)
    except UsageError as error:
        raise UsageError(
            f"{error}; remove it, and run the same command again to resume", "E0603"
        ) from None
    if not content.endswith(b"\n"):
        write(timings, content[: content.rfind(b"\n") + 1])


def add(folder: Path, row: Row, timing: Mapping[str, Any]) -> None:
    """One row more. Raises UsageError where there is no room."""
    text = io.StringIO(newline="")
    csv.DictWriter(text, COLUMNS, lineterminator="\n").writerow(row)
    more = {
        "metrics.jsonl": lines([row]),
        "timings.jsonl": lines([dict(timing)]),
        "metrics.csv": text.getvalue().encode(),
    }
    for name, content in more.items():
        try:
            with (folder / name).open("ab") as file:
                file.write(content)
        except OSError as error:
            raise UsageError(
                f"cannot write {folder / name}: {error.strerror}; it needs {len(content)} more bytes",
                "E0607",
            ) from None


def versions() -> dict[str, str]:
    packages = ("torch", "torchvision", "numpy", "safetensors")
    return {
        "python": platform.python_version(),
        "resspec": __version__,
        **{name: version(name) for name in packages},
    }
