"""Everything that can be known before the first step, as one table of checks.

`train`, `train --plan`, `study`, `eval`, `bench`, and `probe` describe what they are about to do as requests. Each check of the
table looks at each request, and all that is wrong is reported at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from resspec.diagnostics import Diagnostic, InternalError, SpecError
from resspec.training.preflight import agreement, checks, files, norms, sizes
from resspec.training.preflight.images import Bar, Inspections, silent
from resspec.training.preflight.norms import least_images
from resspec.training.preflight.request import Note, Request, of_job
from resspec.training.preflight.sizes import test_shapes

__all__ = [
    "CHECKS",
    "Bar",
    "Check",
    "Note",
    "Request",
    "least_images",
    "of_job",
    "require",
    "silent",
    "test_shapes",
]


class Check(NamedTuple):
    """What must hold, in words, and what yields a mistake or a note for each way in which it does not."""

    holds: str
    look: Callable[[Request, Inspections], Iterator[Diagnostic | Note]]


CHECKS = (
    Check("The network ends with one score for each class of the data.", checks.classes),
    Check("The weights to start from fit the network.", checks.weights),
    Check("A part of the training images is held out where the recipe says so.", checks.held_out),
    Check("The batch divides over the processes, and a part of it fits into memory.", checks.batch),
    Check("Every image can be read.", checks.images),
    Check("The network can read every size that the transforms give.", sizes.sizes),
    Check("No norm sees a single value.", norms.norms),
    Check("Everything that will be written can be written.", files.folder),
)


def require(
    requests: Sequence[Request], *, tell: Callable[[str], None] = lambda _: None, bar: Bar = silent
) -> Inspections:
    """Check that requests can be carried out.

    Args:
        requests: What is about to be done, in the order in which it will be done.
        tell: Called with each note: what is no mistake and worth knowing.
        bar: Shows how many images have been checked; see `train/progress.py`.

    Returns:
        What was found of the images, for what is decided next.

    Raises:
        SpecError: Something is wrong; it holds all that is. Where several processes train together, only the first one's
            error holds diagnostics, so that they are printed once.
        UsageError: The processes were not asked for the same training.
    """
    processes = requests[0].processes
    agreement.require(requests, processes)

    inspections = Inspections(bar)
    mistakes: dict[tuple[str, str, str], Diagnostic] = {}
    notes: dict[str, None] = {}
    for request in requests:
        for check in CHECKS:
            for found in check.look(request, inspections):
                match found:
                    case Note(text=text):
                        notes[text] = None
                    case Diagnostic(code=code, message=message, labels=(first, *_)):
                        mistakes.setdefault((code, message, str(first.span)), found)
                    case _:
                        raise InternalError(f"a mistake without a place: {found}")

    if processes.first:
        for note in notes:
            tell(note)
    if processes.any(bool(mistakes)):
        raise SpecError(_in_order(mistakes.values()) if processes.first else ())
    return inspections


def _in_order(mistakes: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Sort mistakes by their places, the files in the order in which they were first named."""
    found = list(mistakes)
    files = list(dict.fromkeys(each.labels[0].span.source.name for each in found))
    return sorted(
        found,
        key=lambda each: (files.index(each.labels[0].span.source.name), each.labels[0].span.start),
    )
