"""The IR: a series-parallel tree of five frozen nodes, and beside it where each of them stands.

    Op(layer)   Series(children)   Parallel(merge, paths)   Repeat(count, body)   Scope(body)

A node is what is computed. Equal nodes are one object, so a block that is called twice stands in
the tree twice. What two occurrences of a node need not share is kept beside the tree: a `Location`
has the name of a node in its scope, the place of the text that it came from, and the locations of
its parts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final, Literal, NamedTuple

from resspec.ir.init import Init
from resspec.ir.interning import Interned
from resspec.ir.ops import Layer
from resspec.ir.shape import Name, Shape

SCHEMA: Final = "resspec.ir/1"
Merge = Literal["add", "concat", "mul"]


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class _Node(metaclass=Interned):
    """A part of a network, with the shapes that enter and leave it."""

    node: ClassVar[str]
    input: Shape
    output: Shape

    @property
    def parts(self) -> tuple[Node, ...]:
        """The nodes directly inside."""
        return ()


@dataclass(frozen=True, slots=True, eq=False)
class Op(_Node):
    """One layer."""

    node: ClassVar = "op"
    layer: Layer
    init: Init | None = None

    @property
    def kind(self) -> str:
        """The language's word for the layer."""
        return self.layer.kind


@dataclass(frozen=True, slots=True, eq=False)
class Series(_Node):
    """One after the other; empty, it is the identity."""

    node: ClassVar = "series"
    children: tuple[Node, ...]

    @property
    def parts(self) -> tuple[Node, ...]:
        return self.children


@dataclass(frozen=True, slots=True, eq=False)
class Parallel(_Node):
    """Paths that read the same input, run in order, and merge.

    Attributes:
        residual: Which path is F in a residual block's F + h.
        inplace: Whether the sum is written into the first path's result; None while that is open.
    """

    node: ClassVar = "parallel"
    merge: Merge
    paths: tuple[Node, ...]
    residual: int | None = None
    inplace: bool | None = None

    @property
    def parts(self) -> tuple[Node, ...]:
        return self.paths


@dataclass(frozen=True, slots=True, eq=False)
class Repeat(_Node):
    """The same body `count` times in a row: distinct weights, equal shapes. It opens no scope."""

    node: ClassVar = "repeat"
    count: int
    body: Node

    @property
    def parts(self) -> tuple[Node, ...]:
        return (self.body,)


@dataclass(frozen=True, slots=True, eq=False)
class Scope(_Node):
    """A module with names of its own."""

    node: ClassVar = "scope"
    body: Node

    @property
    def parts(self) -> tuple[Node, ...]:
        return (self.body,)


Node = Op | Series | Parallel | Repeat | Scope
NODES: dict[str, type[Node]] = {cls.node: cls for cls in (Op, Series, Parallel, Repeat, Scope)}


# --- where nodes stand ---


@dataclass(frozen=True, slots=True, eq=False)
class Location:
    """Where one occurrence of a node stands. One object serves all calls of a block that are the
    same.

    Attributes:
        name: Of a layer or module in its scope; None of other nodes, and of a step that the
            language implies, such as the flattening before `fc`.
        span: The place of the text that it came from, `file:line:column-line:column`.
        block: The block that a module was declared as, if any.
        parts: The locations of the nodes directly inside, in their order.
    """

    name: Name | None
    span: str
    block: str | None = None
    parts: tuple[Location, ...] = ()


class Located(NamedTuple):
    """A node at one of its places in a network."""

    node: Node
    at: Location

    @property
    def name(self) -> Name | None:
        """Its name in the scope around it."""
        return self.at.name

    @property
    def span(self) -> str:
        """The place of the text that it came from."""
        return self.at.span

    @property
    def block(self) -> str | None:
        """The block that a module was declared as."""
        return self.at.block

    @property
    def parts(self) -> tuple[Located, ...]:
        """What stands directly inside."""
        places = self.at.parts
        if not places:
            return ()
        pairs = zip(self.node.parts, places, strict=True)
        return tuple([_located(Located, pair) for pair in pairs])

    @property
    def body(self) -> Located:
        """The inside of a repeat or scope."""
        return Located(self.node.parts[0], self.at.parts[0])


_located = tuple.__new__  # without the detour of a NamedTuple's own, since walks make many
