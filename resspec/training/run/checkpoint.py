"""Checkpoints: folders that are complete or do not exist, in which every byte has a checksum.

    checkpoints/step-00012000/
        manifest.sha256       the SHA-256 of each file, for `sha256sum -c`; then the step and the
                              training that they belong to, and the checksum of these lines
        ...                   the files, none of them a pickle

A save writes and syncs a draft, then renames it; whatever is removed is renamed first. Drafts that
a crash leaves are removed by the next save. No list of checkpoints is kept: the folder is it.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from resspec import files
from resspec.diagnostics import UsageError
from resspec.units import size_of

MANIFEST = "manifest.sha256"
PREFIX, DRAFT = "step-", ".saving-"

Files = dict[str, bytes]


class DamagedCheckpoint(Exception):
    """A checkpoint that is not what was saved; the text names the file and the damage."""


def save(
    folder: Path, step: int, content: Mapping[str, bytes], *, keep: int, job: str = ""
) -> Path:
    """Save a checkpoint, and remove old ones.

    Args:
        folder: The folder of all checkpoints, in a folder that exists.
        step: The step.
        content: The files by name.
        keep: How many checkpoints to keep, this one included.
        job: The identity of the training.

    Raises:
        UsageError: There is no room; the earlier checkpoints are as they were.
    """
    target, draft = _of_step(folder, step), folder / f"{DRAFT}{step:08d}"
    try:
        folder.mkdir(exist_ok=True)  # without its parent: it may have been removed
        _sweep(folder)
        draft.mkdir()
        for name, each in {**content, MANIFEST: _manifest(content, target.name, job)}.items():
            _write(draft / name, each)
        _sync(draft)
        if os.path.lexists(target):  # it is damaged, or the run would have resumed from it
            target.rename(draft.with_name(f"{DRAFT}old"))
        draft.rename(target)
        _sync(folder)
        _tidy(folder, step, keep)
    except OSError as error:
        with suppress(OSError):
            _sweep(folder)
        raise UsageError(_no_room(folder, content, error), "E0607") from None
    return target


def tidy(folder: Path, step: int, *, keep: int) -> None:
    """Remove old checkpoints, as the save of this step should have done before a crash.

    Raises:
        UsageError: They cannot be removed.
    """
    try:
        _tidy(folder, step, keep)
    except OSError as error:
        why = f"cannot remove old checkpoints in {folder}: {error.strerror}"
        raise UsageError(why, "E0607") from None


def _tidy(folder: Path, step: int, keep: int) -> None:
    _sweep(folder)
    older = sorted(old for old in steps(folder) if old < step)  # later ones are damaged
    for old in older[: max(0, len(older) + 1 - keep)]:
        _of_step(folder, old).rename(folder / f"{DRAFT}{old:08d}")
    _sweep(folder)


def newest(folder: Path, job: str | None = "") -> Iterator[tuple[int, Files | DamagedCheckpoint]]:
    """Yield the checkpoints from the newest on: the step, and the files or the damage."""
    for step in sorted(steps(folder), reverse=True):
        try:
            yield step, read(_of_step(folder, step), job)
        except DamagedCheckpoint as damage:
            yield step, damage


def steps(folder: Path) -> list[int]:
    """Return the steps that have a checkpoint, damaged or not.

    Raises:
        UsageError: The folder cannot be read.
    """
    if not os.path.lexists(folder):
        return []
    try:
        names = [path.name for path in folder.iterdir()]
    except OSError as error:
        why = f"the checkpoints of the run cannot be read: {folder}: {error.strerror}"
        raise UsageError(f"{why}; restore the folder, or move it away", "E0606") from None
    found = (re.fullmatch(f"{PREFIX}([0-9]{{8,18}})", name) for name in names)
    numbers = [int(match[1]) for match in found if match]
    return [number for number in numbers if _of_step(folder, number).name in names]


def read(path: Path, job: str | None = "") -> Files:
    """Return all files of a checkpoint.

    Args:
        path: Its folder.
        job: The identity of the training; None for any.

    Raises:
        DamagedCheckpoint: It is not what was saved, or belongs to another step or training.
    """
    digests = _digests(path, job)
    try:
        names = {file.name for file in path.iterdir()} - {MANIFEST}
    except OSError as error:
        raise DamagedCheckpoint(f"{path}: {error.strerror}") from None
    if missing := digests.keys() - names:
        raise DamagedCheckpoint(f"{path / min(missing)} is missing")
    if strange := names - digests.keys():
        raise DamagedCheckpoint(f"{path / min(strange)} does not belong there")

    found = {name: _content(path / name) for name in sorted(digests)}
    for name, content in found.items():
        if sha256(content).hexdigest() != digests[name]:
            raise DamagedCheckpoint(f"{path / name} is damaged")
    return found


def _digests(path: Path, job: str | None) -> dict[str, str]:
    """Return the SHA-256 of each file by name, from the manifest."""
    manifest = _content(path / MANIFEST)
    lines = manifest.decode("ascii", "replace").splitlines()[:-1]
    if not lines or manifest != _sealed(*lines):
        raise DamagedCheckpoint(f"{path / MANIFEST} is damaged")
    *entries, label = lines
    saved_as, _, owner = label.removeprefix("# ").partition(" of ")
    is_of_another = job is not None and owner != job
    if saved_as != path.name or is_of_another:
        run = " of another run" if saved_as == path.name else ""
        raise DamagedCheckpoint(f"{path} contains what was saved as {saved_as}{run}")
    return {line[66:]: line[:64] for line in entries}


def _content(path: Path) -> bytes:
    try:
        return files.whole(path)
    except UsageError as error:
        raise DamagedCheckpoint(str(error)) from None


def _of_step(folder: Path, step: int) -> Path:
    return folder / f"{PREFIX}{step:08d}"


def _manifest(content: Mapping[str, bytes], name: str, job: str) -> bytes:
    entries = [f"{sha256(each).hexdigest()}  {file}" for file, each in sorted(content.items())]
    return _sealed(*entries, f"# {name} of {job}")  # a comment for sha256sum


def _sealed(*lines: str) -> bytes:
    text = "".join(f"{line}\n" for line in lines)
    return f"{text}# {sha256(text.encode()).hexdigest()}\n".encode()


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sweep(folder: Path) -> None:
    for draft in folder.glob(f"{DRAFT}*"):
        if draft.is_dir() and not draft.is_symlink():
            shutil.rmtree(draft)
        else:
            draft.unlink()


def _no_room(folder: Path, content: Mapping[str, bytes], error: OSError) -> str:
    place = next(parent for parent in (folder, *folder.parents) if parent.is_dir())
    needed = size_of(sum(map(len, content.values())))
    free = size_of(shutil.disk_usage(place).free)
    kept = "no checkpoint was saved yet"
    if there := steps(folder):
        kept = f"the checkpoint of step {max(there)} is kept"
    problem = f"cannot save a checkpoint in {folder}: {error.strerror}"
    return f"{problem}; it takes {needed}, {free} are free; {kept}"
