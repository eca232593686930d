"""The IR: a series-parallel tree of five frozen nodes, and beside it where each of them stands.

    Op(layer)   Series(children)   Parallel(merge, paths)   Repeat(count, body)   Scope(body)

A node is what is computed. Equal nodes are one object, so a block that is called twice stands in
the tree twice. What two occurrences of a node need not share is kept beside the tree: a `Located`
holds a node, its name in its scope, the place of the text that it came from, and its parts, each
located as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final, Literal, TypeVar, dataclass_transform

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

T = TypeVar("T")


@dataclass_transform(eq_default=False, frozen_default=True)
def read_only(cls: type[T]) -> type[T]:
    """Return a dataclass whose fields are set once.

    The type checker enforces it: a check at runtime would take a tenth of the lowering.
    """
    return dataclass(slots=True, eq=False)(cls)


@read_only
class Located:
    """A node at one of its places in a network.

    One object serves all calls of a block that are the same, so that a dict remembers by it what
    was found of a part.

    Attributes:
        node: The node.
        span: The place of the text that it came from, `file:line:column-line:column`.
        parts: The nodes directly inside at their places, in their order.
        name: Of a layer or module in its scope; None of other nodes, and of a step that the
            language implies, such as the flattening before `fc`.
        block: The block that a module was declared as, if any.
    """

    node: Node
    span: str
    parts: tuple[Located, ...] = ()
    name: Name | None = None
    block: str | None = None

    @property
    def body(self) -> Located:
        """The inside of a repeat or scope."""
        return self.parts[0]
