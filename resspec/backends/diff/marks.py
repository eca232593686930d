"""Marks for a drawing of a difference: layers and merges that are new, gone or changed."""

from __future__ import annotations

from typing import NamedTuple

from resspec.backends.diff.compare import ALIKE, Comparison, is_reordered
from resspec.backends.diff.fields import arm_kind, fields
from resspec.backends.diff.steps import DiffStep, Keys, steps
from resspec.backends.diff.structure import Structure
from resspec.ir.fingerprint import Digests
from resspec.ir.network import Network
from resspec.ir.nodes import Op, Parallel, Scope

Signs = dict[
    str, str
]  # `-`, `+` or `~` by the full name; of a block for all in it; of a merge its scope's with `(add)`


class Marks(NamedTuple):
    """Of each side."""

    a: Signs
    b: Signs


def marks(a: Network, b: Network, structure: Structure, digests: Digests) -> Marks:
    """Return the marks of both networks; other names and initial values are not marked."""
    found = _Marks(Keys(digests))
    for i, j in structure.sections:
        x = [] if i is None else list(steps(a.sections[i].located))
        y = [] if j is None else list(steps(b.sections[j].located))
        found.rows(x, y, "", "")
    return Marks(found.a, found.b)


class _Marks:
    def __init__(self, keys: Keys) -> None:
        self.keys = keys
        self.comparison = Comparison(keys)
        self.a: Signs = {}
        self.b: Signs = {}

    def rows(self, a: list[DiffStep], b: list[DiffStep], at: str, bt: str) -> None:
        """Two rows of steps, in scopes of these names."""
        opened, ours, _ = self.comparison.without_lone_shortcut(a, b, "")
        self._lone(a, opened, self.a, at, "-")
        self._lone(b, ours, self.b, bt, "+")
        for x, y in self.comparison.pairs(opened, ours):
            if x and y:
                self._both(x, y, at, bt)
            elif x:
                self._all([x], self.a, at, "-")
            elif y:
                self._all([y], self.b, bt, "+")

    def _lone(
        self, row: list[DiffStep], opened: list[DiffStep], signs: Signs, at: str, sign: str
    ) -> None:
        """The sum that one side alone has, and what is on its shortcut."""
        if opened is row:
            return
        for step in row:
            if isinstance(step.node, Parallel) and step.node.residual is not None:
                signs[_name(step, at)] = sign
                for i, path in enumerate(step.paths):
                    if i != step.node.residual:
                        self._all(path, signs, at, sign)

    def _both(self, x: DiffStep, y: DiffStep, at: str, bt: str) -> None:
        match x.node, y.node:
            case Scope(), Scope() if (
                x.located.block == y.located.block or self.keys.likeness(x, y) >= ALIKE
            ):
                if self.keys.exact(x) != self.keys.exact(y):
                    self.rows(x.contents, y.contents, f"{at}{x.place}.", f"{bt}{y.place}.")
            case Parallel(), Parallel():
                self._merges(x, y, at, bt)
            case Op() as a, Op() as b if a.kind == b.kind:
                if any(not what.startswith("init") for what, *_ in fields(x, y)):
                    self.a[_name(x, at)] = self.b[_name(y, bt)] = "~"
            case _:
                self._all([x], self.a, at, "-")
                self._all([y], self.b, bt, "+")

    def _merges(self, x: DiffStep, y: DiffStep, at: str, bt: str) -> None:
        a, b = x.node, y.node
        assert isinstance(a, Parallel) and isinstance(b, Parallel)
        paths = x.paths, y.paths
        changed = a.merge != b.merge or len(a.paths) != len(b.paths)
        if a.residual is not None and b.residual is not None and len(a.paths) == len(b.paths) == 2:
            i, j = a.residual, b.residual
            self.rows(paths[0][i], paths[1][j], at, bt)
            ours, theirs = x.located.parts[1 - i], y.located.parts[1 - j]
            if arm_kind(paths[0][1 - i], ours) == arm_kind(paths[1][1 - j], theirs):
                self.rows(paths[0][1 - i], paths[1][1 - j], at, bt)
            else:
                changed = True
                self._all(paths[0][1 - i], self.a, at, "-")
                self._all(paths[1][1 - j], self.b, bt, "+")
        else:
            pairs = self.comparison.paths(*paths)
            changed |= is_reordered([(i, j) for i, j in pairs if i is not None and j is not None])
            for one, other in pairs:
                if one is None and other is not None:
                    self._all(paths[1][other], self.b, bt, "+")
                elif other is None and one is not None:
                    self._all(paths[0][one], self.a, at, "-")
                elif one is not None and other is not None:
                    self.rows(paths[0][one], paths[1][other], at, bt)
        if changed:
            self.a[_name(x, at)] = self.b[_name(y, bt)] = "~"

    def _all(self, row: list[DiffStep], signs: Signs, at: str, sign: str) -> None:
        for step in row:
            signs[_name(step, at)] = sign
            if isinstance(step.node, Parallel):
                for path in step.paths:
                    self._all(path, signs, at, sign)


def _name(step: DiffStep, at: str) -> str:
    if isinstance(step.node, Parallel):
        return f"{at}{step.scope}({step.node.merge})"
    return f"{at}{step.place}".rstrip(".")
