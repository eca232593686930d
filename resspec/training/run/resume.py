"""Check that the run in a folder is the requested one, and find what changed since it began.

A training is its network, recipe, data set and seed. Whatever only a test reads may change: the
test images and their transforms, and each result says on which it was measured. The exception is
`schedule: plateau`, which tests on held-out images and so depends on the test transforms, until the
last step is done. Training images may be repaired or removed where a run waits for that; see
repaired.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from resspec.diagnostics import UsageError
from resspec.training.data.folder import InFolders
from resspec.training.plan import Job
from resspec.training.run import checkpoint, record, repaired
from resspec.training.run.differing import as_yaml
from resspec.training.run.record import Facts
from resspec.training.run.repaired import TRAIN_IMAGES, Difference, RepairedSplit, TrainingFile
from resspec.training.run.sealed import DamagedFile

MAX_NAMED = 6  # elements of a long list


def identity(job: Job) -> str:
    """Return a digest that identifies a training; each of its checkpoints carries it.

    Of the recipe it covers what is not a default, so that another key does not change it.
    """
    recipe = job.recipe.model_dump(mode="json", exclude_defaults=True)
    training = _training({**job.facts, "recipe": recipe})
    return sha256(json.dumps(training, sort_keys=True).encode()).hexdigest()


class Seen(NamedTuple):
    """The contents of a run folder, compared with a job; other processes get it as JSON.

    Attributes:
        found: The content of `run.json`; None where there is no run yet.
        refused: Why the job cannot resume it.
        gone: Training images whose files are gone: the place, the TrainingFile, the replacement.
        differing: The fields of each Difference of training images since the last record.
    """

    found: dict[str, Any] | None
    refused: str | None = None
    gone: Sequence[Sequence[Any]] = ()
    differing: Sequence[Sequence[Any]] = ()


def look(job: Job, run: Path) -> Seen:
    """Return the contents of a run folder.

    Raises:
        UsageError: It contains something else, or a damaged run.
    """
    found = record.read(run)
    if found is None:
        return Seen(None)
    images = _images(found, job, run)
    try:
        check_same(found, as_begun(job, images), run, images.refused)
    except UsageError as error:
        return Seen(found, str(error))
    return images


def as_begun(job: Job, seen: Seen) -> Job:
    """Return a job whose training images have the places that they had at the start of its run."""
    train = job.data.train
    if not seen.found or not isinstance(train, InFolders) or not (seen.gone or seen.differing):
        return job
    gone = [(place, TrainingFile(*file), name) for place, file, name in seen.gone]
    differing = [Difference(*each) for each in seen.differing]
    split = repaired.as_begun(train, gone, seen.found["data"]["train"], differing)
    return replace(job, data=replace(job.data, train=split))


def check_same(found: Facts, job: Job, run: Path, images: str | None = None) -> None:
    """Check that the run in a folder is that of a job, however its spec is written.

    Args:
        found: The content of its `run.json`.
        job: The job.
        run: The folder.
        images: How the training images differ, as text.

    Raises:
        UsageError: It is another one; the message lists the differences.
    """
    differences = list(_differing(found, job.facts, run))
    network = _network(found, job, run) if found["hash"] != job.facts["hash"] else ""
    if images and not network and [path for path, _, _ in differences] == [TRAIN_IMAGES]:
        changed = f"the training images of {run} have changed since it began ({images})"
        raise UsageError(f"{changed}; restore them to resume, or train in another folder", "E0605")
    lines = []
    for path, old, new in differences:
        values = f"{_shown(old, new)} there, {_shown(new, old)} now"
        lines.append(f"  {path}: {images if images and path == TRAIN_IMAGES else values}")
    if lines or network:
        first = f"{run} contains another run, which was not changed; train in another folder"
        raise UsageError("\n".join([first, *lines]) + network, "E0605")


def changes(found: Facts, job: Job) -> list[dict[str, Any]]:
    """Return what has changed, and may, since the run last recorded it, for its `changes`."""
    data = job.facts["data"]
    tested = {
        record.TEST_IMAGES: data["test"],
        record.TEST_TRANSFORM: job.facts["recipe"]["data"]["test"],
    }
    entries: list[dict[str, Any]] = []
    for what, new in tested.items():
        old = record.latest(found, what)
        if old != new:
            entries.append({"what": what, "old": old, "new": new})

    train = job.data.train
    if isinstance(train, RepairedSplit) and train.differing:
        old = record.latest(found, TRAIN_IMAGES)
        files = [each._asdict() for each in train.differing]
        entries.append({"what": TRAIN_IMAGES, "old": old, "new": train.now, "files": files})
    return entries


def _images(found: dict[str, Any], job: Job, run: Path) -> Seen:
    """Compare the training images; `refused` is how they differ, where that is not allowed."""
    train, begun = job.data.train, found["data"]["train"]
    recorded = record.latest(found, TRAIN_IMAGES)
    if not isinstance(train, InFolders) or train.digest == begun == recorded:
        return Seen(found)
    try:
        files = repaired.read(run, begun)
        differing = repaired.differences(files, found, train)
        is_added = any(each.was is None for each in differing)
        if differing and (is_added or not repaired.is_waiting(run)):
            return Seen(found, repaired.in_words(differing))
        names = repaired.replacements(files, train, job.recipe.holdout)
    except DamagedFile as why:
        return Seen(found, str(why))
    gone = [(place, files[place], name) for place, name in names.items()]
    return Seen(found, None, gone, differing)


def _differing(found: Facts, job: Facts, run: Path) -> Iterator[tuple[str, Any, Any]]:
    """Yield each key that differs: its path, and both values."""
    yield from _pairs(_training(found), _training(job), "")
    is_plateau = job["recipe"]["schedule"]["name"] == "plateau"
    if is_plateau and found["steps"] not in checkpoint.steps(run / "checkpoints"):
        old, new = (facts["recipe"]["data"]["test"] for facts in (found, job))
        yield from _pairs(old, new, "data.test")


def _training(facts: Facts) -> Facts:
    """Drop where the data and the recipe are from, and what only a test reads."""
    data = _without(facts["data"], "path", "test")
    recipe = facts["recipe"]
    transforms = _without(recipe.get("data", {}), "test")
    return {**facts, "data": data, "recipe": {**recipe, "source": "", "data": transforms}}


def _without(facts: Facts, *names: str) -> Facts:
    return {name: value for name, value in facts.items() if name not in names}


def _pairs(old: Any, new: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(new, dict) and isinstance(old, dict):
        for name in sorted(new.keys() | old.keys() if path else new):
            if name != "hash":
                yield from _pairs(old.get(name), new.get(name), f"{path}.{name}" if path else name)
    elif old != new:
        yield path.removeprefix("recipe."), old, new


def _shown(value: Any, other: Any) -> str:
    """Return a value as YAML; of a long list only the elements that differ in their place."""
    if not isinstance(value, list) or len(value) <= MAX_NAMED:
        return as_yaml(value)
    others = other if isinstance(other, list) else []
    differing = [each for i, each in enumerate(value) if others[i : i + 1] != [each]]
    hidden = len(differing) - MAX_NAMED
    more = f", and {hidden} more that differ" if hidden > 0 else ""
    return f"{', '.join(map(str, differing[:MAX_NAMED]))}{more} (of {len(value)})"


def _network(found: Facts, job: Job, run: Path) -> str:
    from resspec.backends.diff import DiffSide, diff
    from resspec.backends.diff.table import to_table
    from resspec.backends.report import report

    networks = (record.network(run, found), job.network)
    old, new = (DiffSide(report(network), network) for network in networks)
    return f"\n\n{to_table(diff(old, new)).rstrip()}"
