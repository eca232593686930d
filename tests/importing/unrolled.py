"""Networks of specs as graphs, as if they had been recorded."""

from __future__ import annotations

from collections.abc import Iterable

from resspec.importing.graph import INPUT, Graph, ModulePath, Step
from resspec.ir import walk
from resspec.ir.network import Network
from resspec.ir.nodes import Op, Parallel, Scope
from resspec.ir.outputs import output_of, whole
from resspec.ir.uninitialized import without_init


def unrolled(network: Network) -> Graph:
    """Return the graph of all steps that a network runs, in their order."""
    writer = _Writer()
    value = writer.row(walk.unrolled(whole(without_init(network))), (), INPUT)
    outputs = tuple(writer.outputs) or (("", value),)
    return Graph(network.name, network.input, tuple(writer.steps), outputs, writer.classes)


class _Writer:
    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.outputs: list[tuple[str, int]] = []
        self.classes: dict[ModulePath, str] = {}

    def row(self, steps: Iterable[walk.Step], path: ModulePath, value: int) -> int:
        for step in steps:
            value = self.step(step, path, value)
        return value

    def step(self, step: walk.Step, path: ModulePath, value: int) -> int:
        name = output_of(step.located)
        if name is not None:
            self.outputs.append((name, value))
            return value
        match step.node:
            case Op() as op:
                own = (step.name,) if step.name else ()
                return self.add(Step(step.layer, (value,), op.output, path + own, bool(own)))
            case Scope():
                assert step.name is not None
                inside = (*path, step.name)
                if step.located.block:
                    self.classes[inside] = step.located.block
                return self.row(step.contents, inside, value)
            case Parallel(merge=merge, output=output):
                ends = tuple(self.row(each, path, value) for each in step.paths)
                return self.add(Step(merge, ends, output, path, False))
            case _:
                raise AssertionError(step)

    def add(self, step: Step) -> int:
        self.steps.append(step)
        return len(self.steps) - 1
