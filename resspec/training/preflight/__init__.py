"""Everything that can be checked before the first step, as one table.

`train`, `train --plan`, `study`, `eval`, `bench`, and `probe` describe what they are about to do as
requests. Each check looks at each request, and everything that is wrong is reported at once.
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
    """A condition in words, and a function that yields an error or a note where it does not."""

    holds: str
    look: Callable[[Request, Inspections], Iterator[Diagnostic | Note]]


CHECKS = (
    Check("The network ends with one score for each class of the data.", checks.classes),
    Check("The weights to start from fit the network.", checks.weights),
    Check("The network has the sections that the recipe names.", checks.sections),
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
        tell: Called with each note: what is not an error but worth knowing.
        bar: Shows how many images have been checked; see `train/progress.py`.

    Returns:
        The sizes and damaged files of the images, for later decisions.

    Raises:
        SpecError: Something is wrong; it has all diagnostics. Where several processes train
            together, only the first one's error has them, so that they are printed once.
        UsageError: The processes were not started with the same arguments.
    """
    processes = requests[0].processes
    agreement.require(requests, processes)

    inspections = Inspections(bar)
    found_errors: dict[tuple[str, str, str], Diagnostic] = {}
    notes: dict[str, None] = {}
    for request in requests:
        for check in CHECKS:
            for found in check.look(request, inspections):
                match found:
                    case Note(text=text):
                        notes[text] = None
                    case Diagnostic(code=code, message=message, labels=(first, *_)):
                        found_errors.setdefault((code, message, str(first.span)), found)
                    case _:
                        raise InternalError(f"a diagnostic without a place: {found}")

    if processes.is_main:
        for note in notes:
            tell(note)
    if processes.all_reduce_any(bool(found_errors)):
        raise SpecError(_in_order(found_errors.values()) if processes.is_main else ())
    return inspections


def _in_order(errors: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Sort errors by their places, with files in the order in which they were first named."""
    found = list(errors)
    files = list(dict.fromkeys(each.labels[0].span.source.name for each in found))
    return sorted(
        found,
        key=lambda each: (files.index(each.labels[0].span.source.name), each.labels[0].span.start),
    )
