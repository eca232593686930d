"""The IR: a series-parallel tree of five frozen nodes, each with its shapes and the place it came from.

    Op(layer)   Series(children)   Parallel(merge, paths)   Repeat(count, body)   Scope(name, body)

Every backend is a fold over these five. A network is a row of sections (stem, stages, head), each with such a tree.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import (
    Annotated,
    Any,
    ClassVar,
    Final,
    Literal,
    Self,
    TypeVar,
    cast,
    dataclass_transform,
)

from pydantic import ConfigDict, Field, PlainSerializer, PlainValidator, TypeAdapter, WithJsonSchema

from resspec.ir.init import Init
from resspec.ir.ops import Layer
from resspec.ir.ops.fields import layer_from_json, layer_to_json
from resspec.ir.shape import Name, Shape

SCHEMA: Final = "resspec.ir/1"
Class = TypeVar("Class", bound="type[_Values]")


@dataclass_transform(frozen_default=True, kw_only_default=True)
def _frozen(cls: Class) -> Class:
    """Frozen to whoever checks types: at run time that would treble the time that a node takes to make."""
    made: Any = dataclass(slots=True, kw_only=True)(cls)
    made.names = tuple(field.name for field in fields(made))
    return cast(Class, made)


class _Values:
    """What JSON documents hold. pydantic reads and writes them as it does its own models."""

    __slots__ = ()
    names: ClassVar[tuple[str, ...]]  # of the fields
    __pydantic_config__: ClassVar = ConfigDict(
        extra="forbid", validate_by_name=True, validate_by_alias=True, serialize_by_alias=True
    )

    def changed(self, **fields: Any) -> Self:
        """The same with other values of some fields."""
        return type(self)(**{name: getattr(self, name) for name in self.names} | fields)


_adapters: dict[Any, TypeAdapter[Any]] = {}


def adapter(cls: type[_Values]) -> TypeAdapter[Any]:
    """pydantic's reader and writer of a class of this module, made where a document is first read or written."""
    if cls not in _adapters:
        _adapters[cls] = TypeAdapter(cls)
    return _adapters[cls]


@_frozen
class _Node(_Values):
    node: ClassVar[str]
    input: Shape
    output: Shape
    span: str  # file:line:column-line:column


def _read_node(data: Any) -> Any:
    if isinstance(data, _Node):
        return data
    if (
        not isinstance(data, dict)
        or not isinstance(data.get("node"), str)
        or data["node"] not in NODES
    ):
        raise ValueError(f"a node is one of {', '.join(NODES)}")
    return adapter(NODES[data["node"]]).validate_python(
        {name: value for name, value in data.items() if name != "node"}
    )


def _write_node(node: _Node) -> dict[str, Any]:
    return {"node": node.node, **adapter(type(node)).dump_python(node, mode="json")}


# Read and written by hand: pydantic's own recursion over a union of models would double the start-up time of every command.
_ReadNode = PlainValidator(_read_node)
_WriteNode = PlainSerializer(_write_node)
_NodeSchema = WithJsonSchema({"$comment": "Node"})  # ir/json.py makes it a reference

LayerField = Annotated[
    Layer,
    PlainValidator(layer_from_json),
    PlainSerializer(layer_to_json),
    WithJsonSchema({"$comment": "Layer"}),
]


@_frozen
class Op(_Node):
    """One layer. A name of None is a step that the language implies: the flattening before `fc`."""

    node: ClassVar = "op"
    name: Name | None
    layer: LayerField
    init: Init | None = None

    @property
    def kind(self) -> str:
        return self.layer.kind


@_frozen
class Series(_Node):
    """One after the other; empty, it is the identity."""

    node: ClassVar = "series"
    children: tuple[NodeField, ...]


@_frozen
class Parallel(_Node):
    """Paths that read the same input, run in order, and merge. `residual` is which path is F in a residual block's
    F + h; `inplace`: the sum is written into the first path's result."""

    node: ClassVar = "parallel"
    merge: Literal["add", "concat", "mul"]
    paths: tuple[NodeField, ...]
    residual: Annotated[int, Field(strict=True)] | None = None
    inplace: Annotated[bool, Field(strict=True)] | None = None


@_frozen
class Repeat(_Node):
    """The same body `count` times in a row: distinct weights, equal shapes. It opens no scope."""

    node: ClassVar = "repeat"
    count: Annotated[int, Field(strict=True)]
    body: NodeField


@_frozen
class Scope(_Node):
    """A named module. `block` is the declaration it came from; it says nothing about what the network computes."""

    node: ClassVar = "scope"
    name: Name
    body: NodeField
    block: str | None = None


Node = Op | Series | Parallel | Repeat | Scope
NodeField = Annotated[Node, _ReadNode, _WriteNode, _NodeSchema]
NODES: dict[str, type[Node]] = {cls.node: cls for cls in (Op, Series, Parallel, Repeat, Scope)}


SectionKind = Literal["stem", "stage", "head"]


@_frozen
class Section(_Values):
    """A part of the network as its author divides it; a stage has a label."""

    kind: SectionKind
    label: str
    body: NodeField
    span: str


class _Declared:
    """What may be kept beside a network: the declaration that it was lowered from. Neither JSON nor `==` sees it."""

    __slots__ = ("declared",)

    declared: object


@_frozen
class Network(_Values, _Declared):
    """A whole network. `input` has no batch axis."""

    format: Annotated[Literal["resspec.ir/1"], Field(alias="schema")] = SCHEMA
    name: str
    input: Shape
    output: Shape
    sections: tuple[Section, ...]
    span: str

    @property
    def body(self) -> Series:
        """All sections in a row."""
        children = tuple(section.body for section in self.sections)
        return Series(input=self.input, output=self.output, span=self.span, children=children)
