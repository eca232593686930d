"""The images of a request, inspected once for all checks and requests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Literal

import torch

from resspec.training.data.inspection import DamagedImage, Inspection
from resspec.training.preflight.request import Request

Part = Literal["training", "held-out", "test"]
Bar = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]


@contextmanager
def silent(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show no bar."""
    del what, total
    yield lambda _: None


class Inspections:
    """Inspections of the images of each part of a data set.

    Test and held-out images are decoded, since they are needed only after hours of training. Of
    training images the header and the end are read, unless the request asks for a full check.
    """

    def __init__(self, bar: Bar = silent) -> None:
        self._bar = bar
        self._found: dict[tuple[int, Part, int], Inspection] = {}

    def of(self, request: Request, part: Part) -> Inspection:
        """Return the inspection of one part; several processes share the work."""
        assert request.data
        key = (id(request.data), part, len(request.kept_apart))
        if key not in self._found:
            self._found[key] = self._inspect(request, part)
        return self._found[key]

    def _inspect(self, request: Request, part: Part) -> Inspection:
        data, processes = request.data, request.processes
        assert data
        match part:
            case "training":
                split, indices, decode = data.train, request.trained_on, request.full_check
            case "held-out":
                split, indices, decode = data.train, request.kept_apart, True
            case "test":
                split, indices, decode = data.test, torch.arange(len(data.test)), True
        own = indices[processes.rank :: processes.world]
        with self._bar(f"checking {part} images", len(own)) as progress:
            found = split.inspect(own, decode=decode, progress=progress)
        return _merged(found, request) if processes.world > 1 else found


def _merged(own: Inspection, request: Request) -> Inspection:
    """Return the inspections of all processes as one."""
    gather = request.processes.gather
    sizes = gather([(height, width, str(path)) for (height, width), path in own.sizes.items()])
    damaged = gather([(str(path), why) for path, why in own.damaged])
    return Inspection(
        sizes={
            (height, width): Path(path) for each in reversed(sizes) for height, width, path in each
        },
        damaged=tuple(DamagedImage(Path(path), why) for each in damaged for path, why in each),
    )
