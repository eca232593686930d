"""Training images that were mended or removed while a run waited for that.

An image that cannot be decoded stops a run, which then waits for it to be mended. What is resumed with is exact. The list of
files that the run began with keeps its places, and so does the order of images, which is a function of places. A file that was
mended is read as it is now. In the place of a file that was removed the next one is shown that is still there, of the same
class, and held out or not as the removed one was; after the last one comes the first.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, NamedTuple

import torch

from resspec.training import data as datasets
from resspec.training.data.folder import InFolders, digest_of
from resspec.training.run import record, sealed
from resspec.training.run.sealed import DamagedFile

WHAT = "data.train"  # as `changes` in run.json calls it
NAMED = 3  # files of each kind that are told


class File(NamedTuple):
    """A file of the training part as a run began with it."""

    name: str
    length: int
    label: int


class Difference(NamedTuple):
    """A file that is another one now: its length before and now, None where there is none."""

    file: str
    was: int | None
    now: int | None


@dataclass(frozen=True, eq=False)
class Mended(InFolders):
    """The training part in the places that a run began with.

    Attributes:
        begun: The digest of what the run began with, by which it is known.
        now: The digest of what is there now.
        differing: What has changed since the run last recorded it.
    """

    begun: str = ""
    now: str = ""
    differing: tuple[Difference, ...] = ()

    @property
    def digest(self) -> str:
        return self.begun


def listing(split: InFolders) -> bytes:
    """Return the list of files as a run keeps it: a line each."""
    files = zip(split.files, split.lengths, split.labels.tolist(), strict=True)
    return "".join(json.dumps(file) + "\n" for file in files).encode()


def read(run: Path, digest: str) -> list[File]:
    """Return the files that a run began with. Raises DamagedFile where the list is not the one of this digest."""
    path = run / record.LISTING
    try:
        lines = sealed.content(path).splitlines()
        files = [File(*sealed.parse(line)) for line in lines]
        if digest_of((file.name for file in files), (file.length for file in files)) != digest:
            raise DamagedFile("it does not list the files that the run began with")
    except FileNotFoundError:
        raise DamagedFile(f"{path} is missing") from None
    except (DamagedFile, TypeError, ValueError) as why:
        raise DamagedFile(f"{path} is damaged: {why}") from None
    return files


def differences(
    begun: Iterable[File], found: Mapping[str, Any], split: InFolders
) -> list[Difference]:
    """Return what is otherwise in the files than the run last recorded. `found`: what `run.json` says."""
    before: dict[str, int | None] = {file.name: file.length for file in begun}
    for entry in found["changes"]:
        if entry["what"] == WHAT:
            before.update(_recorded(entry))
    now = dict(zip(split.files, split.lengths, strict=True))
    names = [*before, *(name for name in now if name not in before)]
    return [
        Difference(name, before.get(name), now.get(name))
        for name in names
        if before.get(name) != now.get(name)
    ]


def _recorded(entry: Mapping[str, Any]) -> dict[str, int | None]:
    """Return the lengths of files that an entry of `changes` records. Raises DamagedFile."""
    try:
        return {str(each["file"]): each["now"] for each in entry["files"]}
    except (KeyError, TypeError):
        raise DamagedFile("`changes` in run.json does not list files") from None


def in_words(differing: Sequence[Difference]) -> str:
    """Return what was removed, changed and added, each with the first few files."""
    kinds = {
        "removed": [each.file for each in differing if each.now is None],
        "changed": [
            f"{each.file} ({each.was:,} bytes there, {each.now:,} now)"
            for each in differing
            if each.was is not None and each.now is not None
        ],
        "added": [each.file for each in differing if each.was is None],
    }
    told = []
    for kind, files in kinds.items():
        more = ", …" if len(files) > NAMED else ""
        if files:
            told.append(f"{len(files):,} {kind}: {', '.join(files[:NAMED])}{more}")
    return "; ".join(told)


def places(begun: Sequence[File], split: InFolders, holdout: float) -> dict[int, str]:
    """Return which file is shown in each place whose own file is gone. Raises DamagedFile where there is none to show."""
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


def _held_out(begun: Sequence[File], holdout: float) -> set[int]:
    if not holdout:
        return set()
    labels = torch.tensor([file.label for file in begun])
    return set(datasets.held_out(labels, holdout)[1].tolist())


def as_begun(
    split: InFolders,
    gone: Sequence[tuple[int, File, str]],
    begun: str,
    differing: Sequence[Difference],
) -> Mended:
    """Return a training part in the places that a run began with.

    Args:
        split: What is there now.
        gone: In rising order the places whose files are gone, what they were, and what is shown there.
        begun: The digest of what the run began with.
        differing: What has changed since the run last recorded it.
    """
    files, labels = list(split.files), split.labels.tolist()
    for place, file, shown in gone:
        files.insert(place, shown)
        labels.insert(place, file.label)
    kept = {field.name: getattr(split, field.name) for field in fields(split)}
    changed = {"files": tuple(files), "labels": torch.tensor(labels), "_sizes": {}}
    return Mended(**{**kept, **changed}, begun=begun, now=split.digest, differing=tuple(differing))
