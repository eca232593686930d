"""From the calls of a run to a graph of layers and merges."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from resspec.collector import paused
from resspec.importing import errors
from resspec.importing.errors import Obstacle, Unimportable
from resspec.importing.graph import INPUT, Graph, ModulePath, Step
from resspec.importing.lift.arithmetic import ARITHMETIC
from resspec.importing.lift.arranged import Arranged, plain
from resspec.importing.lift.arranging import ARRANGING
from resspec.importing.lift.contractions import CONTRACTIONS
from resspec.importing.lift.leaves import LEAVES
from resspec.importing.lift.lifter import Handler, Lifter
from resspec.importing.lift.norms import NORMS
from resspec.importing.lift.pointwise import POINTWISE
from resspec.importing.lift.pools import POOLS
from resspec.importing.lift.problems import Problem
from resspec.importing.lift.rewrites import with_rewrites
from resspec.importing.lift.weights import Padded, Standardized, Viewed
from resspec.importing.trace import Called, Trace, Value, Weight
from resspec.ir.ops.placeholder import PlaceholderOp
from resspec.ir.shape import Shape

TABLE: dict[str, Handler] = {
    **ARITHMETIC,
    **ARRANGING,
    **CONTRACTIONS,
    **LEAVES,
    **NORMS,
    **POINTWISE,
    **POOLS,
}

# Functions that may have the border of their input as an argument of their own
PADDING = frozenset({"conv2d", "conv1d", "max_pool2d", "avg_pool2d"})


# Functions that compute a size of their own: an `expand` before them would be lost
SIZED = CONTRACTIONS.keys() | NORMS.keys() | POOLS.keys()


class Unknown:
    """The value of a call that could not be lifted."""


class Constant:
    """A value that does not depend on the network's input, nor on its parameters."""


def lift(trace: Trace, name: str) -> Graph:
    """Return the graph of a recorded run.

    Args:
        trace: The run.
        name: The network's name in the language.

    Raises:
        Unimportable: Calls that no layer of the language computes, all of them.
    """
    with paused():
        return _lift(trace, name)


def _lift(trace: Trace, name: str) -> Graph:
    shape = Shape(trace.input.dims[1:])
    lifter = Lifter(shape, trace.classes)
    values: dict[int, Any] = {trace.input.index: plain(INPUT, shape)}
    obstacles: list[Obstacle] = []
    for number, call in enumerate(trace.calls):
        try:
            result = _lifted(lifter, call, values)
        except Problem as problem:
            found = _obstacle(call, problem, trace.classes)
            obstacles.append(replace(found, call=number))
            result = Unknown()
        _assign(values, call.result, result)
    if obstacles:
        raise Unimportable(name, obstacles)
    try:
        outputs = _outputs(lifter, _read(trace.output, values))
        _check_outputs(lifter, outputs, trace.output)
    except Problem as problem:
        module = trace.classes.get((), "")
        found = errors.no_layer((), module, "", problem.message, "in its result", problem.help)
        raise Unimportable(name, [found]) from problem
    return _graph(name, lifter, outputs, trace.classes)


def _lifted(lifter: Lifter, call: Called, values: Mapping[int, Any]) -> Any:
    lifter.call = call
    args = _read(call.args, values)
    kwargs = _read(call.kwargs, values)
    if _has_unknown(args) or _has_unknown(kwargs):
        return Unknown()
    word = call.name.strip("_")
    if word not in TABLE:
        return _constant(call, args)
    if word not in PADDING:
        args, kwargs = _with_borders(lifter, args), _with_borders(lifter, kwargs)
    try:
        result = TABLE[word](lifter, *args, **kwargs)
    except TypeError as error:
        raise Problem(f"it has unexpected arguments: {error}") from error
    if word in SIZED:
        _check_size(result, call.result)
    return _from(call, result)


def _check_size(result: Any, recorded: Any) -> None:
    """Raise Problem where a value has other sizes than in the run: an `expand` is not lifted."""
    if isinstance(result, Arranged) and result.dims != recorded.dims:
        raise Problem("it reads a value that was expanded to other sizes")


def _with_borders(lifter: Lifter, given: Any) -> Any:
    """Return arguments with a layer for each border that no other layer has of its own."""
    match given:
        case Padded():
            return lifter.settled(given)
        case list() | tuple():
            return type(given)(_with_borders(lifter, each) for each in given)
        case dict():
            return {name: _with_borders(lifter, each) for name, each in given.items()}
        case _:
            return given


def _from(call: Called, result: Any) -> Any:
    """Return results that note which call arranged their axes."""
    match result:
        case Arranged() if not result.is_plain:
            return replace(result, origin=call)
        case list():
            return [_from(call, each) for each in result]
        case _:
            return result


def _constant(call: Called, args: Any) -> Any:
    """Return an unknown function's value where it does not depend on the network's input."""
    if _depends(args) or _depends(call.kwargs):
        raise Problem(f"no layer computes `{call.name}`")
    return Constant()


def _depends(given: Any) -> bool:
    match given:
        case Arranged() | Padded() | Weight() | Viewed() | Standardized():
            return True
        case list() | tuple():
            return any(map(_depends, given))
        case dict():
            return any(map(_depends, given.values()))
        case _:
            return False


def _read(given: Any, values: Mapping[int, Any]) -> Any:
    """Return arguments with what each value was lifted to."""
    match given:
        case Value():
            return values.get(given.index, Constant())
        case tuple():
            return tuple(_read(each, values) for each in given)
        case list():
            return [_read(each, values) for each in given]
        case dict():
            return {key: _read(each, values) for key, each in given.items()}
        case _:
            return given


def _has_unknown(given: Any) -> bool:
    match given:
        case Unknown():
            return True
        case list() | tuple():
            return any(map(_has_unknown, given))
        case dict():
            return any(map(_has_unknown, given.values()))
        case _:
            return False


def _assign(values: dict[int, Any], result: Any, lifted: Any) -> None:
    if isinstance(result, Value):
        values[result.index] = lifted
    elif isinstance(result, list):
        parts = lifted if isinstance(lifted, list) else [lifted] * len(result)
        for each, part in zip(result, parts, strict=True):
            _assign(values, each, part)


def _obstacle(call: Called, problem: Problem, classes: Mapping[ModulePath, str]) -> Obstacle:
    module = classes.get(call.path, "")
    words = f"`{call.name}`"
    detail = "" if words in problem.message else f"in its call of {words}"
    return errors.no_layer(call.path, module, call.place, problem.message, detail, problem.help)


# --- the graph ---


def _outputs(lifter: Lifter, output: Any) -> list[tuple[str, int]]:
    match output:
        case dict():
            return [(name, lifter.settled(each).step) for name, each in output.items()]
        case list() | tuple() if len(output) > 1:
            return [(f"out{i}", lifter.settled(each).step) for i, each in enumerate(output)]
        case [only]:
            return [("", lifter.settled(only).step)]
        case _:
            return [("", lifter.settled(output).step)]


def _check_outputs(lifter: Lifter, outputs: list[tuple[str, int]], recorded: Any) -> None:
    """Raise Problem for outputs that a spec does not have."""
    if not outputs:
        raise Problem("it returns nothing")
    steps = [step for _, step in outputs]
    if len(set(steps)) < len(steps):
        raise Problem("it returns a value twice", "return it once")
    expanded = isinstance(recorded, Value) and recorded.dims[1:] != lifter.shape(steps[0]).dims
    if expanded:
        raise Problem("it returns a value that was expanded to other sizes")


def _graph(
    name: str, lifter: Lifter, outputs: list[tuple[str, int]], classes: Mapping[ModulePath, str]
) -> Graph:
    """Return the graph of those steps that the outputs depend on."""
    rewritten = with_rewrites(lifter.steps, lifter.visits)
    needed = {index for _, index in outputs}
    for index in range(len(lifter.steps) - 1, -1, -1):
        if index in needed:
            needed.update(rewritten[index].inputs)
    kept = sorted(needed - {INPUT})
    new = {INPUT: INPUT} | {old: index for index, old in enumerate(kept)}
    steps = [
        replace(rewritten[old], inputs=tuple(new[each] for each in rewritten[old].inputs))
        for old in kept
    ]
    named = _named(steps, [lifter.visits[old] for old in kept], classes)
    ends = tuple((word, new[index]) for word, index in outputs)
    return Graph(name, lifter.input, named, ends, classes)


def _is_module(step: Step) -> bool:
    """Return whether a step may be all that its module computes. What a placeholder stands for is
    inside of a module, whose class names it.
    """
    return not isinstance(step.does, str | PlaceholderOp)


def _named(
    steps: list[Step], visits: list[int], classes: Mapping[ModulePath, str]
) -> tuple[Step, ...]:
    """Return the steps, those named as their modules that are all of what these compute."""
    parents = {path[:end] for path in classes for end in range(len(path))}
    counts = Counter(visits)
    return tuple(
        replace(step, is_named=True)
        if _is_module(step) and counts[visit] == 1 and step.path not in parents
        else step
        for step, visit in zip(steps, visits, strict=True)
    )
