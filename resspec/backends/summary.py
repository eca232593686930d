"""A part of a network in a line: `36 × bottleneck`, `2 × (conv 3x3, 64 → bn → relu)`."""

from __future__ import annotations

from collections.abc import Iterator

from resspec.ir.nodes import Located, Op, Parallel, Repeat
from resspec.ir.ops.layer import Layer, Ramp, short

Run = tuple[int, tuple[str, ...]]  # a row of steps, so many times

_LONGEST = 4  # steps of a row that is recognised as repeated
_SHOWN = 8  # runs of a line; what is more is left out in the middle


def summary(located: Located) -> str:
    """Return blocks by their names, layers with their sizes, equal neighbors counted."""
    return _line(_counted(_runs(located)))


def call(layer: Layer) -> str:
    """Return a layer with its sizes and stride: `conv 7x7, 64, /2`."""
    values = [getattr(layer, name) for name in layer.positional]
    words = [
        _size(value)
        for value in values
        if isinstance(value, int | tuple) and not isinstance(value, Ramp)
    ]
    if to := getattr(layer, "to", None):
        words.append(f"to={_size(to)}")
    if (stride := getattr(layer, "stride", (1, 1))) != (1, 1):
        words.append(f"/{_size(short(stride))}")
    return f"{layer.kind} {', '.join(words)}".rstrip()


def _runs(located: Located) -> Iterator[Run]:
    match located.node:
        case Op(layer=layer):
            if located.name is not None:
                yield 1, (call(layer),)
        case Parallel(merge=merge, paths=paths):
            yield 1, (f"{merge} of {len(paths)} paths",)
        case Repeat(count=count):
            match _counted(_runs(located.body)):
                case [(inner, steps)]:
                    yield count * inner, steps
                case runs if len(runs) <= _SHOWN:
                    yield count, tuple(map(_text, runs))
                case runs:
                    yield count, (_line(runs),)
        case _ if located.block is not None:
            yield 1, (located.block,)
        case _:
            for part in located.parts:
                yield from _runs(part)


def _counted(runs: Iterator[Run]) -> list[Run]:
    """Return the runs, with a count where the last few steps repeat those before."""
    done: list[Run] = []
    for count, steps in runs:
        if not _again(done, len(done), steps, count):
            done.append((count, steps))
        for length in range(2, _LONGEST + 1):
            last = done[-length:]
            single = len(last) == length and all(n == 1 and len(row) == 1 for n, row in last)
            if single and _again(done, len(done) - length, tuple(row[0] for _, row in last), 1):
                del done[-length:]
    return done


def _again(done: list[Run], end: int, steps: tuple[str, ...], count: int) -> bool:
    """Return whether `done[:end]` ends in the same steps: then they are counted there."""
    if end and done[end - 1][1] == steps:
        done[end - 1] = (done[end - 1][0] + count, steps)
        return True
    start = end - len(steps)
    if len(steps) > 1 and start >= 0 and done[start:end] == [(1, (step,)) for step in steps]:
        done[start:end] = [(1 + count, steps)]
        return True
    return False


def _line(runs: list[Run]) -> str:
    words = [_text(run) for run in runs]
    if len(words) > _SHOWN:
        words[_SHOWN - 3 : -2] = [f"… {len(words) - _SHOWN + 1:,} more …"]
    return " → ".join(words) or "identity"


def _text(run: Run) -> str:
    count, steps = run
    row = " → ".join(steps)
    return row if count == 1 else f"{count} × {row}" if len(steps) == 1 else f"{count} × ({row})"


def _size(value: int | tuple[int, ...]) -> str:
    return "x".join(map(str, value)) if isinstance(value, tuple) else str(value)
