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
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from resspec.diagnostics import UsageError

MANIFEST = "manifest.sha256"
PREFIX, DRAFT = "step-", ".saving-"

Files = dict[str, bytes]


class Damaged(Exception):
    """A checkpoint that is not what was saved; the text says what is wrong with which file."""


def save(folder: Path, step: int, files: Mapping[str, bytes], *, keep: int, job: str = "") -> Path:
    """The checkpoint of a step of `job`, in `folder`; `keep` stay, this one included. Raises UsageError where there is no room
    for it, and leaves the former ones as they are."""
    target, draft = folder / f"{PREFIX}{step:08d}", folder / f"{DRAFT}{step:08d}"
    try:
        folder.mkdir(exist_ok=True)  # not its parent: a run folder that was removed is not made anew
        _sweep(folder)
        draft.mkdir()
        for name, content in {**files, MANIFEST: _manifest(files, target.name, job)}.items():
            _write(draft / name, content)
        _sync(draft)
        if target.exists():  # damaged, or the run would have gone on from there
            target.rename(draft.with_name(f"{DRAFT}old"))
        draft.rename(target)
        _sync(folder)
        tidy(folder, step, keep=keep)
    except OSError as error:
        with suppress(OSError):
            _sweep(folder)
        raise UsageError(_no_room(folder, files, error), "E0607") from None
    return target


def tidy(folder: Path, step: int, *, keep: int) -> None:
    """What a save does last, and does not do where it is cut short: with that of `step`, which is good, `keep` stay."""
    _sweep(folder)
    older = sorted(old for old in steps(folder) if old < step)  # a later one is damaged, or it had been gone on from
    for old in older[: max(0, len(older) + 1 - keep)]:
        (folder / f"{PREFIX}{old:08d}").rename(folder / f"{DRAFT}{old:08d}")
    _sweep(folder)


def newest(folder: Path, job: str = "") -> Iterator[tuple[int, Files | Damaged]]:
    """The checkpoints from the newest on, each with its files or with what is wrong with it."""
    for step in sorted(steps(folder), reverse=True):
        try:
            yield step, read(folder / f"{PREFIX}{step:08d}", job)
        except Damaged as damage:
            yield step, damage


def steps(folder: Path) -> list[int]:
    """Of which steps there are checkpoints, good or not."""
    if not folder.is_dir():
        return []
    names = (path.name.removeprefix(PREFIX) for path in folder.iterdir() if path.name.startswith(PREFIX))
    return [int(name) for name in names if name.isdecimal()]


def read(path: Path, job: str = "") -> Files:
    """All files of a checkpoint of `job`. Raises Damaged."""
    try:
        manifest = (path / MANIFEST).read_bytes()
        names = {file.name for file in path.iterdir()} - {MANIFEST}
        files = {name: (path / name).read_bytes() for name in sorted(names)}
    except OSError as error:
        raise Damaged(f"{error.filename}: {error.strerror}") from None
    lines = manifest.decode("ascii", "replace").splitlines()[:-1]
    if not lines or manifest != _sealed(*lines):
        raise Damaged(f"{path / MANIFEST} is damaged")
    *entries, label = lines
    claimed = {line[66:]: line[:64] for line in entries}
    if label != _label(path.name, job):
        raise Damaged(f"{path} holds what was saved as {label[2:].partition(' ')[0]}"
                      + (" of another run" if label.startswith(f"# {path.name} ") else ""))
    if missing := claimed.keys() - names:
        raise Damaged(f"{path / min(missing)} is missing")
    if strange := names - claimed.keys():
        raise Damaged(f"{path / min(strange)} does not belong there")
    for name, content in files.items():
        if sha256(content).hexdigest() != claimed[name]:
            raise Damaged(f"{path / name} is damaged")
    return files


def _manifest(files: Mapping[str, bytes], name: str, job: str) -> bytes:
    return _sealed(*(f"{sha256(content).hexdigest()}  {file}" for file, content in sorted(files.items())), _label(name, job))


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
        shutil.rmtree(draft)


def _no_room(folder: Path, files: Mapping[str, bytes], error: OSError) -> str:
    size = sum(map(len, files.values()))
    place = next(parent for parent in (folder, *folder.parents) if parent.is_dir())
    free = shutil.disk_usage(place).free
    stand = f"that of step {max(there)} stands" if (there := steps(folder)) else "there is none yet"
    return (f"cannot save a checkpoint in {folder}: {error.strerror}; it takes {size / 1e6:,.1f} MB, "
            f"{free / 1e6:,.1f} MB are free; {stand}")
