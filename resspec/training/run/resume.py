"""Whether the run in a folder is the one that is asked for, and what may have changed since it began.

A training is its network, recipe, data set and seed. What only a test reads is no part of it: the test images and how they are
shown may change, and each result says what it was measured on. The one exception is `schedule: plateau`, which looks at images
that were held out as the test shows them, and so trains otherwise with another test, until the last step is done. Training
images may be mended or removed where a run waits for that; see mended.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from resspec.diagnostics import UsageError
from resspec.training.data.folder import InFolders
from resspec.training.plan import Job
from resspec.training.run import checkpoint, mended, record
from resspec.training.run.differing import as_yaml
from resspec.training.run.mended import Difference, File, Mended
from resspec.training.run.sealed import DamagedFile

Facts = Mapping[str, Any]

NAMED = 6  # elements of a long list that are shown


def identity(job: Job) -> str:
    """Return a digest of what makes a training this one: each of its checkpoints carries it."""
    return sha256(json.dumps(_training(job.facts), sort_keys=True).encode()).hexdigest()


class Seen(NamedTuple):
    """What is in the folder of a run, for a job; it goes to other processes as JSON.

    Attributes:
        found: What `run.json` says; None where there is no run yet.
        refused: Why the job cannot go on with it.
        gone: Places of training images whose files are gone: each place, its file, and the file that is shown there.
        differing: Training images that changed since the run last recorded it.
    """

    found: dict[str, Any] | None
    refused: str | None = None
    gone: Sequence[Sequence[Any]] = ()
    differing: Sequence[Sequence[Any]] = ()


def look(job: Job, run: Path) -> Seen:
    """Look at the folder of a run. Raises UsageError where it holds something else, or a damaged run."""
    found = record.read(run)
    if found is None:
        return Seen(None)
    images = _images(found, job, run)
    job = as_begun(job, Seen(found, None, images.gone, images.differing))
    try:
        check_same(found, job, run, images.refused)
    except UsageError as error:
        return Seen(found, str(error))
    return Seen(found, None, images.gone, images.differing)


def as_begun(job: Job, seen: Seen) -> Job:
    """Return a job whose training images are in the places in which its run began with them."""
    train = job.data.train
    if not seen.found or not isinstance(train, InFolders) or not (seen.gone or seen.differing):
        return job
    gone = [(place, File(*file), shown) for place, file, shown in seen.gone]
    differing = [Difference(*each) for each in seen.differing]
    mended_train = mended.as_begun(train, gone, seen.found["data"]["train"], differing)
    return replace(job, data=replace(job.data, train=mended_train))


def check_same(found: Facts, job: Job, run: Path, images: str | None = None) -> None:
    """Check that the run in a folder is this job's, however its spec is written.

    Args:
        found: What its `run.json` says.
        job: What is asked for.
        run: The folder.
        images: In what the training images differ, in words.

    Raises:
        UsageError: It is another one; the message says in what.
    """
    asked = job.facts
    differences = list(_differing(found, asked, run))
    network = _network(found, job, run) if found["hash"] != asked["hash"] else ""
    if images and not network and [path for path, _, _ in differences] == [mended.WHAT]:
        changed = f"the training images of {run} have changed since it began ({images})"
        raise UsageError(f"{changed}; restore them to resume, or train in another folder", "E0605")
    lines = []
    for path, old, new in differences:
        words = f"{_shown(old, new)} there, {_shown(new, old)} now"
        lines.append(f"  {path}: {images if images and path == mended.WHAT else words}")
    if lines or network:
        first = f"{run} contains another run, which was not changed; train in another folder"
        raise UsageError("\n".join([first, *lines]) + network, "E0605")


class _Images(NamedTuple):
    """In what the training images differ: what is refused, or what is gone and has changed."""

    refused: str | None = None
    gone: Sequence[tuple[int, File, str]] = ()
    differing: Sequence[Difference] = ()


def _images(found: Facts, job: Job, run: Path) -> _Images:
    train, begun = job.data.train, found["data"]["train"]
    if not isinstance(train, InFolders) or train.digest == begun == record.latest(
        found, mended.WHAT
    ):
        return _Images()
    try:
        files = mended.read(run, begun)
        differing = mended.differences(files, found, train)
        if differing and not (
            record.waits_for_an_image(run) and all(each.was is not None for each in differing)
        ):
            return _Images(mended.in_words(differing))
        shown = mended.places(files, train, job.recipe.holdout)
        return _Images(
            None, [(place, files[place], name) for place, name in shown.items()], differing
        )
    except DamagedFile as why:
        return _Images(str(why))


def changes(found: Facts, job: Job) -> list[dict[str, Any]]:
    """Return what is otherwise in this job than in the run as it stands, and may be: entries for `changes` in `run.json`."""
    asked = {
        record.TEST_IMAGES: job.facts["data"]["test"],
        record.TEST_TRANSFORM: job.facts["recipe"]["data"]["test"],
    }
    entries: list[dict[str, Any]] = [
        {"what": what, "old": old, "new": new}
        for what, new in asked.items()
        if (old := record.latest(found, what)) != new
    ]
    train = job.data.train
    if isinstance(train, Mended) and train.differing:
        files = [each._asdict() for each in train.differing]
        entries.append(
            {
                "what": mended.WHAT,
                "old": record.latest(found, mended.WHAT),
                "new": train.now,
                "files": files,
            }
        )
    return entries


def _differing(found: Facts, asked: Facts, run: Path) -> Iterator[tuple[str, Any, Any]]:
    """Yield each key that is another one: its path, and both values."""
    yield from _pairs(_training(found), _training(asked), "")
    if asked["recipe"]["schedule"]["name"] == "plateau" and not _is_trained(found, run):
        yield from _pairs(
            found["recipe"]["data"]["test"], asked["recipe"]["data"]["test"], "data.test"
        )


def _is_trained(found: Facts, run: Path) -> bool:
    """Return whether the last step is done, going by the checkpoints that are there."""
    return found["steps"] in checkpoint.steps(run / "checkpoints")


def _training(facts: Facts) -> Facts:
    """Drop where the data and the recipe come from, and what only a test reads."""
    data = {name: value for name, value in facts["data"].items() if name not in ("path", "test")}
    shown = {name: value for name, value in facts["recipe"]["data"].items() if name != "test"}
    return {**facts, "data": data, "recipe": {**facts["recipe"], "source": "", "data": shown}}


def _pairs(old: Any, new: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(new, dict) and isinstance(old, dict):
        for name in sorted(new.keys() | old.keys() if path else new):
            if name != "hash":
                yield from _pairs(old.get(name), new.get(name), f"{path}.{name}" if path else name)
    elif old != new:
        yield path.removeprefix("recipe."), old, new


def _shown(value: Any, other: Any) -> str:
    """Return a value as a recipe writes it; of a long list what is not in its place in the other one."""
    if not isinstance(value, list) or len(value) <= NAMED:
        return as_yaml(value)
    differing = [
        each
        for i, each in enumerate(value)
        if not isinstance(other, list) or other[i : i + 1] != [each]
    ]
    more = f", and {len(differing) - NAMED} more that differ" if len(differing) > NAMED else ""
    return f"{', '.join(map(str, differing[:NAMED]))}{more} (of {len(value)})"


def _network(found: Facts, job: Job, run: Path) -> str:
    from resspec.backends.diff import DiffSide, diff
    from resspec.backends.diff.table import to_table
    from resspec.backends.report import report

    saved = record.network(run, found)
    return (
        "\n\n"
        + to_table(
            diff(DiffSide(report(saved), saved), DiffSide(report(job.network), job.network))
        ).rstrip()
    )
