"""Checkpoints: folders that are whole or not there, and whose every byte is vouched for.

    checkpoints/step-00012000/
        manifest.sha256       the SHA-256 of each file, as `sha256sum -c` reads it; of which step and which job they are; and
                              last the sum of the lines themselves
        ...                   the files, none of them a pickle

A save writes under another name, brings every file and the folder down to the disk, then renames; what is removed is renamed
first. What a crash leaves under the other name is swept away. The newest checkpoint is found by looking, the newest good one
by reading.
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
    """A checkpoint that is not what was saved; the text says what is wrong with which file."""


def save(
    folder: Path, step: int, content: Mapping[str, bytes], *, keep: int, job: str = ""
) -> Path:
    """The checkpoint of a step of `job`, in `folder`; `keep` stay, this one included. Raises UsageError where there is no room
    for it, and leaves the former ones as they are."""
    target, draft = _of_step(folder, step), folder / f"{DRAFT}{step:08d}"
    try:
        folder.mkdir(
            exist_ok=True
        )  # not its parent: a run folder that was removed is not made anew
        _sweep(folder)
        draft.mkdir()
        for name, each in {**content, MANIFEST: _manifest(content, target.name, job)}.items():
            _write(draft / name, each)
        _sync(draft)
        if os.path.lexists(target):  # damaged, or the run would have gone on from there
            target.rename(draft.with_name(f"{DRAFT}old"))
        draft.rename(target)
        _sync(folder)
        _tidy(folder, step, keep=keep)
    except OSError as error:
        with suppress(OSError):
            _sweep(folder)
        raise UsageError(_no_room(folder, content, error), "E0607") from None
    return target


def tidy(folder: Path, step: int, *, keep: int) -> None:
    """Do what a save does last, and does not do where it is cut short: with that of `step`, which is good, `keep` stay. Raises
    UsageError."""
    try:
        _tidy(folder, step, keep=keep)
    except OSError as error:
        raise UsageError(
            f"cannot remove old checkpoints in {folder}: {error.strerror}", "E0607"
        ) from None


def _tidy(folder: Path, step: int, *, keep: int) -> None:
    """Raises OSError."""
    _sweep(folder)
    older = sorted(
        old for old in steps(folder) if old < step
    )  # a later one is damaged, or it had been gone on from
    for old in older[: max(0, len(older) + 1 - keep)]:
        _of_step(folder, old).rename(folder / f"{DRAFT}{old:08d}")
    _sweep(folder)


def newest(folder: Path, job: str = "") -> Iterator[tuple[int, Files | DamagedCheckpoint]]:
    """Yield the checkpoints from the newest on, each with its files or with what is wrong with it."""
    for step in sorted(steps(folder), reverse=True):
        try:
            yield step, read(_of_step(folder, step), job)
        except DamagedCheckpoint as damage:
            yield step, damage


def steps(folder: Path) -> list[int]:
    """Return of which steps there are checkpoints, good or not. Raises UsageError where that cannot be seen."""
    if not os.path.lexists(folder):
        return []
    try:
        names = [path.name for path in folder.iterdir()]
    except OSError as error:
        told = f"the checkpoints of the run cannot be read: {folder}: {error.strerror}; restore the folder, or move it away"
        raise UsageError(told, "E0606") from None
    numbers = [
        int(name.removeprefix(PREFIX))
        for name in names
        if re.fullmatch(f"{PREFIX}[0-9]{{8,18}}", name)
    ]
    return [number for number in numbers if _of_step(folder, number).name in names]


def read(path: Path, job: str = "") -> Files:
    """Return all files of a checkpoint of `job`. Raises DamagedCheckpoint."""
    entries = _entries(path, job)
    try:
        names = {file.name for file in path.iterdir()} - {MANIFEST}
    except OSError as error:
        raise DamagedCheckpoint(f"{path}: {error.strerror}") from None
    if missing := entries.keys() - names:
        raise DamagedCheckpoint(f"{path / min(missing)} is missing")
    if strange := names - entries.keys():
        raise DamagedCheckpoint(f"{path / min(strange)} does not belong there")

    found = {name: _content(path / name) for name in sorted(entries)}
    for name, content in found.items():
        if sha256(content).hexdigest() != entries[name]:
            raise DamagedCheckpoint(f"{path / name} is damaged")
    return found


def _entries(path: Path, job: str) -> dict[str, str]:
    """Return the digest of each file, as the manifest of a checkpoint of `job` has it. Raises DamagedCheckpoint."""
    manifest = _content(path / MANIFEST)
    lines = manifest.decode("ascii", "replace").splitlines()[:-1]
    if not lines or manifest != _sealed(*lines):
        raise DamagedCheckpoint(f"{path / MANIFEST} is damaged")
    *entries, label = lines
    if label != _label(path.name, job):
        raise DamagedCheckpoint(
            f"{path} contains what was saved as {label[2:].partition(' ')[0]}"
            + (" of another run" if label.startswith(f"# {path.name} ") else "")
        )
    return {line[66:]: line[:64] for line in entries}


def _content(path: Path) -> bytes:
    """Raises DamagedCheckpoint."""
    try:
        return files.whole(path)
    except UsageError as error:
        raise DamagedCheckpoint(str(error)) from None


def _of_step(folder: Path, step: int) -> Path:
    return folder / f"{PREFIX}{step:08d}"


def _manifest(content: Mapping[str, bytes], name: str, job: str) -> bytes:
    entries = [f"{sha256(each).hexdigest()}  {file}" for file, each in sorted(content.items())]
    return _sealed(*entries, _label(name, job))


def _label(name: str, job: str) -> str:
    """A comment to sha256sum, as is the sum of the lines."""
    return f"# {name} of {job}"


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
    size = sum(map(len, content.values()))
    place = next(parent for parent in (folder, *folder.parents) if parent.is_dir())
    free = shutil.disk_usage(place).free
    stand = (
        f"the checkpoint of step {max(there)} is kept"
        if (there := steps(folder))
        else "no checkpoint was saved yet"
    )
    return (
        f"cannot save a checkpoint in {folder}: {error.strerror}; it takes {size_of(size)}, "
        f"{size_of(free)} are free; {stand}"
    )
