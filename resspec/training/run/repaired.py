"""Training images that were repaired or removed while a run waited for that.

An image that cannot be decoded stops a run, which then waits for it to be repaired or removed.
Resuming is exact: the list of files at the start of the run keeps its places, and the order of
images is a function of places. A repaired file is read as it is now. A removed one is replaced by
the next file (after the last one, the first) that still exists, has the same class, and is held out
or not as the removed one was.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, NamedTuple

import torch

from resspec.diagnostics import UsageError
from resspec.training import data as datasets
from resspec.training.data.folder import InFolders, digest_of
from resspec.training.run import sealed
from resspec.training.run.record import LISTING
from resspec.training.run.sealed import DamagedFile
from resspec.training.steps.state import FORMAT

TRAIN_IMAGES = "data.train"  # the key of run.json
UNREADABLE = "unreadable.json"
MAX_NAMED = 3  # files of each kind of change


class TrainingFile(NamedTuple):
    """A training image at the start of a run."""

    name: str
    length: int
    label: int


class Difference(NamedTuple):
    """A file that changed: its length before and now, None where it does not exist."""

    file: str
    was: int | None
    now: int | None


@dataclass(frozen=True, eq=False)
class RepairedSplit(InFolders):
    """The training images in the places that they had at the start of a run.

    Attributes:
        begun: The digest of the images at the start, which identifies the run.
        now: The digest of the images that exist now.
        differing: What has changed since the run last recorded it.
    """

    begun: str = ""
    now: str = ""
    differing: tuple[Difference, ...] = ()

    @property
    def digest(self) -> str:
        return self.begun


def wait(run: Path, step: int, why: str) -> None:
    """Record that a run waits for a training image to be repaired or removed, if possible."""
    with suppress(UsageError):
        sealed.write(run / UNREADABLE, {"format": FORMAT, "step": step, "why": why})


def is_waiting(run: Path) -> bool:
    """Return whether a run waits for a training image to be repaired or removed."""
    try:
        sealed.check(sealed.read(run / UNREADABLE))
    except (FileNotFoundError, DamagedFile):
        return False
    return True


def stop_waiting(run: Path) -> None:
    """Remove the record that a run waits, once it resumes."""
    with suppress(OSError):
        (run / UNREADABLE).unlink(missing_ok=True)


def listing(split: InFolders) -> bytes:
    """Return the list of training files that a run keeps, one a line."""
    files = zip(split.files, split.lengths, split.labels.tolist(), strict=True)
    return "".join(json.dumps(file) + "\n" for file in files).encode()


def read(run: Path, digest: str) -> list[TrainingFile]:
    """Return the training files at the start of a run.

    Args:
        run: The folder of the run.
        digest: The digest of these files.

    Raises:
        DamagedFile: The list is missing or not that of the digest.
    """
    path = run / LISTING
    try:
        lines = sealed.content(path).splitlines()
        files = [TrainingFile(*sealed.parse(line)) for line in lines]
        names = (file.name for file in files)
        lengths = (file.length for file in files)
        if digest_of(names, lengths) != digest:
            raise DamagedFile("it does not list the files that the run began with")
    except FileNotFoundError:
        raise DamagedFile(f"{path} is missing") from None
    except (DamagedFile, TypeError, ValueError) as why:
        raise DamagedFile(f"{path} is damaged: {why}") from None
    return files


def differences(
    begun: Iterable[TrainingFile], found: Mapping[str, Any], split: InFolders
) -> list[Difference]:
    """Return which files changed since the run last recorded changes in `run.json` (`found`)."""
    before: dict[str, int | None] = {file.name: file.length for file in begun}
    try:
        for entry in found["changes"]:
            if entry["what"] == TRAIN_IMAGES:
                before |= {str(each["file"]): each["now"] for each in entry["files"]}
    except (KeyError, TypeError):
        raise DamagedFile("`changes` in run.json does not list files") from None
    now = dict(zip(split.files, split.lengths, strict=True))
    both = ((name, before.get(name), now.get(name)) for name in dict.fromkeys([*before, *now]))
    return [Difference(*each) for each in both if each[1] != each[2]]


def in_words(differing: Sequence[Difference]) -> str:
    """Return what was removed, changed and added, each with its first few files."""
    kinds: dict[str, list[str]] = {"removed": [], "changed": [], "added": []}
    for file, was, now in differing:
        if now is None:
            kinds["removed"].append(file)
        elif was is None:
            kinds["added"].append(file)
        else:
            kinds["changed"].append(f"{file} ({was:,} bytes there, {now:,} now)")
    parts = []
    for kind, files in kinds.items():
        more = ", …" if len(files) > MAX_NAMED else ""
        if files:
            parts.append(f"{len(files):,} {kind}: {', '.join(files[:MAX_NAMED])}{more}")
    return "; ".join(parts)


def replacements(begun: Sequence[TrainingFile], split: InFolders, holdout: float) -> dict[int, str]:
    """Return the file to read in each place whose own file is gone.

    Raises:
        DamagedFile: No file of its class is left.
    """
    there = set(split.files)
    gone = [place for place, file in enumerate(begun) if file.name not in there]
    apart = _held_out(begun, holdout)
    groups: dict[tuple[int, bool], list[int]] = {}
    for place, file in enumerate(begun):
        groups.setdefault((file.label, place in apart), []).append(place)

    found = {}
    for place in gone:
        group = groups[begun[place].label, place in apart]
        turned = group[group.index(place) :] + group
        other = next((begun[each].name for each in turned if begun[each].name in there), None)
        if other is None:
            raise DamagedFile(f"no image of the class of {begun[place].name} is left to replace it")
        found[place] = other
    return found


def _held_out(begun: Sequence[TrainingFile], holdout: float) -> set[int]:
    labels = torch.tensor([file.label for file in begun])
    return set(datasets.held_out(labels, holdout)[1].tolist())


def as_begun(
    split: InFolders,
    gone: Sequence[tuple[int, TrainingFile, str]],
    begun: str,
    differing: Sequence[Difference],
) -> RepairedSplit:
    """Return the training images in the places that they had at the start of a run.

    Args:
        split: The images that exist now.
        gone: In rising order the places whose files are gone, these files, and their replacements.
        begun: The digest of the images at the start.
        differing: What has changed since the run last recorded it.
    """
    files, labels = list(split.files), split.labels.tolist()
    for place, file, replacement in gone:
        files.insert(place, replacement)
        labels.insert(place, file.label)
    kept = {field.name: getattr(split, field.name) for field in fields(split)}
    kept |= {"files": tuple(files), "labels": torch.tensor(labels), "_sizes": {}}
    return RepairedSplit(**kept, begun=begun, now=split.digest, differing=tuple(differing))
