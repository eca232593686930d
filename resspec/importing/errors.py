"""E07: the parts of a network that a spec cannot express. The docstring of each function is the
title of its page.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from resspec.diagnostics import UsageError
from resspec.importing.graph import INPUT, Graph, ModulePath
from resspec.suggest import joined

MOST_PATHS = 6  # the most modules with the same obstacle that are listed
VALUES = {"add": "sum", "mul": "product", "concat": "concatenation"}  # the results of merges


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Something in a network that a spec cannot express.

    Attributes:
        code: The code of its page.
        path: The module that has it.
        module: The name of that module's class.
        place: The line of source, where it is known.
        message: The obstacle as a sentence without a period, the same for all of one kind.
        detail: More about this one.
        help: A change that makes the import work.
        call: The number of the call in the trace, where a single call is the obstacle.
    """

    code: str
    path: ModulePath
    module: str
    place: str
    message: str
    detail: str = ""
    help: str = ""
    call: int | None = None


class Unimportable(UsageError):
    """A network that cannot be written as a spec.

    Attributes:
        obstacles: All obstacles that were found.
    """

    def __init__(self, name: str, obstacles: Sequence[Obstacle]) -> None:
        super().__init__("\n".join(_lines(name, obstacles)), obstacles[0].code)
        self.name = name
        self.obstacles = tuple(obstacles)


def _lines(name: str, obstacles: Sequence[Obstacle]) -> Iterator[str]:
    places = "1 place" if len(obstacles) == 1 else f"{len(obstacles)} places"
    yield f"cannot import {name}: {places} in it cannot be written as a spec"
    for group in _groups(obstacles):
        yield from _group(group)
        if group[0].help:
            yield f"    help: {group[0].help}"


def gaps_in_words(gaps: Sequence[Obstacle]) -> list[str]:
    """Return lines about the parts of a network that placeholders stand for."""
    if not gaps:
        return []
    lines = [line for group in _groups(gaps) for line in _group(group, detailed=False)]
    stand = "a placeholder stands" if len(gaps) == 1 else f"{len(gaps)} placeholders stand"
    return [f"{stand} for what cannot be written as a spec", *lines]


def _groups(obstacles: Sequence[Obstacle]) -> list[list[Obstacle]]:
    groups: dict[tuple[str, ...], list[Obstacle]] = {}
    for each in obstacles:
        groups.setdefault((each.code, each.module, each.message, each.help), []).append(each)
    return list(groups.values())


def _group(group: Sequence[Obstacle], *, detailed: bool = True) -> Iterator[str]:
    first = group[0]
    place = f" at {first.place}" if first.place else ""
    yield f"  {dotted(first.path)} ({first.module}){place}: {first.message} [{first.code}]"
    if first.detail and (detailed or first.call is not None):
        yield f"    {first.detail}"
    others = list(dict.fromkeys(dotted(each.path) for each in group if each.path != first.path))
    if others:
        more = [f"{len(others) - MOST_PATHS} more"] if len(others) > MOST_PATHS else []
        yield f"    the same in {joined([*others[:MOST_PATHS], *more])}"


def no_layer(
    path: ModulePath, module: str, place: str, message: str, detail: str, help: str
) -> Obstacle:
    """E0701: no layer computes a call."""
    return Obstacle("E0701", path, module, place, message, detail, help)


def depends_on_values(path: ModulePath, module: str, place: str, detail: str) -> Obstacle:
    """E0709: the code depends on the values of tensors."""
    return Obstacle(
        "E0709",
        path,
        module,
        place,
        "it depends on the values of tensors, not only on their shapes",
        detail,
        "import a part without it",
    )


def fails(path: ModulePath, module: str, place: str, detail: str) -> Obstacle:
    """E0710: the module fails for the input."""
    return Obstacle(
        "E0710",
        path,
        module,
        place,
        "it fails for an input of this shape",
        detail,
        "give the input's shape, or arguments with which the module runs",
    )


def unregistered(path: ModulePath, module: str, place: str, detail: str) -> Obstacle:
    """E0712: the module computes with a tensor that is neither a parameter nor a buffer."""
    return Obstacle(
        "E0712",
        path,
        module,
        place,
        "it computes with a tensor that is neither a parameter nor a buffer",
        detail,
        "keep it with `self.register_buffer(name, tensor)`, so that it moves with the module",
    )


def crossing(
    graph: Graph, path: ModulePath, step: int, readers: Sequence[int], ends: Sequence[int]
) -> Obstacle:
    """E0702: two branches from one value cross."""
    ways = " and by ".join(
        described(graph, reader)
        + (f", which leads to {described(graph, end)}," if reader != end else "")
        for reader, end in zip(readers, ends, strict=True)
    ).removesuffix(",")
    return _obstacle(
        graph,
        path,
        ends[-1],
        "E0702",
        "branches cross, and no merge joins them all",
        f"{described(graph, step)} is read by {ways}",
        "write the block by hand with `concat` and `slice`, or import a part without it",
    )


def off_the_chain(graph: Graph, path: ModulePath, output: int) -> Obstacle:
    """E0703: an output is not on the main chain."""
    return _obstacle(
        graph,
        path,
        output,
        "E0703",
        "an output is not on the path to the last output",
        f"{described(graph, output)} is returned, but the layers after it read other values too",
        "import the part before it, or a module that returns one of the outputs",
    )


def shared(graph: Graph, path: ModulePath, step: int) -> Obstacle:
    """E0704: parameters are used twice."""
    return _obstacle(
        graph,
        path,
        step,
        "E0704",
        "its parameters are used more than once",
        f"{described(graph, step)} is called again",
        "give each call a layer of its own: layers of a spec cannot share parameters",
    )


def unsayable_name(graph: Graph, path: ModulePath, step: int, part: str) -> Obstacle:
    """E0705: a name that no layer of a spec can have."""
    return _obstacle(
        graph,
        path,
        step,
        "E0705",
        f"`{part}` cannot be the name of a layer or module",
        help="rename it in the module",
    )


def too_deep(graph: Graph, path: ModulePath, step: int, most: int) -> Obstacle:
    """E0706: merges are nested too deeply."""
    return _obstacle(
        graph,
        path,
        step,
        "E0706",
        f"more than {most} merges are nested inside one another",
        help="import a part of the network",
    )


def no_part(graph: Graph, path: ModulePath, near: str) -> UsageError:
    """E0707: a part that the network does not have."""
    return UsageError(f"{graph.name} has no module `{dotted(path)}` that runs{near}", "E0707")


def several_inputs(graph: Graph, path: ModulePath, inputs: Sequence[int]) -> UsageError:
    """E0708: a part that reads several values."""
    values = joined([described(graph, each) for each in inputs[:MOST_PATHS]])
    return UsageError(
        f"`{dotted(path)}` of {graph.name} reads {len(inputs)} values, {values}, "
        "but a part has one input: choose a module that contains it, or one inside it",
        "E0708",
    )


def no_gap(name: str, obstacle: Obstacle) -> UsageError:
    """E0711: no part of the network around an obstacle can be a placeholder."""
    why = "no module inside it that contains this place has one input and one result"
    lines = [f"cannot import {name} with placeholders: {why}", *_group([obstacle])]
    return UsageError("\n".join(lines), "E0711")


def dotted(path: ModulePath) -> str:
    return ".".join(path) or "the network"


def described(graph: Graph, step: int) -> str:
    """Return the words for a step, or for the input: `layer1.0.conv1`, the sum in layer1.0."""
    if step == INPUT:
        return "the input"
    found = graph.steps[step]
    if found.is_named:
        return f"`{'.'.join(found.path)}`"
    does = found.does
    what = f"the {VALUES[does]}" if isinstance(does, str) else f"the `{does.kind}`"
    return f"{what} in `{'.'.join(found.path)}`" if found.path else what


def _obstacle(
    graph: Graph,
    path: ModulePath,
    step: int,
    code: str,
    message: str,
    detail: str = "",
    help: str = "",
) -> Obstacle:
    module = graph.classes.get(path, "")
    place = "" if step == INPUT else graph.steps[step].place
    return Obstacle(code, path, module, place, message, detail, help)
