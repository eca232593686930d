"""The IR: a series-parallel tree of five frozen nodes, each with its shapes and the place it came from.

    Op(layer)   Series(children)   Parallel(merge, paths)   Repeat(count, body)   Scope(name, body)

Every backend is a fold over these five. A network is a row of sections (stem, stages, head), each with such a tree.
"""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any, ClassVar, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, PlainValidator, WithJsonSchema

from resspec.ir.init import Init
from resspec.ir.ops import Layer
from resspec.ir.ops.fields import layer_from_json, layer_to_json
from resspec.ir.shape import Name, Shape

SCHEMA: Final = "resspec.ir/1"


class _Frozen(BaseModel):
    """A validator is built where a document is read, not at every start."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class _Node(_Frozen):
    node: ClassVar[str]
    input: Shape
    output: Shape
    span: str  # file:line:column-line:column

    @classmethod
    def made(cls, **fields: Any) -> Self:
        """A node of all its fields, which are known to be right: pydantic's `model_construct` in half the time and memory."""
        node, put = cls.__new__(cls), object.__setattr__
        put(node, "__dict__", fields)
        put(node, "__pydantic_fields_set__", _names(cls))
        put(node, "__pydantic_extra__", None)
        put(node, "__pydantic_private__", None)
        return node

    def changed(self, **fields: Any) -> Self:
        """The same node with other values of some fields."""
        return self.made(**{**vars(self), **fields})


@cache
def _names(node: type[_Node]) -> set[str]:
    return set(node.model_fields)


def _read_node(data: Any) -> Any:
    if isinstance(data, _Node):
        return data
    if not isinstance(data, dict) or not isinstance(data.get("node"), str) or data["node"] not in NODES:
        raise ValueError(f"a node is one of {', '.join(NODES)}")
    return NODES[data["node"]].model_validate({name: value for name, value in data.items() if name != "node"})


def _write_node(node: _Node) -> dict[str, Any]:
    return {"node": node.node, **node.model_dump(mode="json")}


# Read and written by hand: pydantic's own recursion over a union of models would double the start-up time of every command.
_ReadNode = PlainValidator(_read_node)
_WriteNode = PlainSerializer(_write_node)
_NodeSchema = WithJsonSchema({"$comment": "Node"})  # ir/json.py makes it a reference

LayerField = Annotated[
    Layer, PlainValidator(layer_from_json), PlainSerializer(layer_to_json), WithJsonSchema({"$comment": "Layer"})
]


class Op(_Node):
    """One layer. A name of None is a step that the language implies: the flattening before `fc`."""

    node: ClassVar = "op"
    name: Name | None
    layer: LayerField
    init: Init | None = None

    @property
    def kind(self) -> str:
        return self.layer.kind


class Series(_Node):
    """One after the other; empty, it is the identity."""

    node: ClassVar = "series"
    children: tuple[NodeField, ...]


class Parallel(_Node):
    """Paths that read the same input, run in order, and merge. `residual` is which path is F in a residual block's
    F + h; `inplace`: the sum is written into the first path's result."""

    node: ClassVar = "parallel"
    merge: Literal["add", "concat", "mul"]
    paths: tuple[NodeField, ...]
    residual: int | None = None
    inplace: bool | None = None


class Repeat(_Node):
    """The same body `count` times in a row: distinct weights, equal shapes. It opens no scope."""

    node: ClassVar = "repeat"
    count: int
    body: NodeField


class Scope(_Node):
    """A named module. `block` is the declaration it came from; it says nothing about what the network computes."""

    node: ClassVar = "scope"
    name: Name
    body: NodeField
    block: str | None = None


Node = Op | Series | Parallel | Repeat | Scope
NodeField = Annotated[Node, _ReadNode, _WriteNode, _NodeSchema]
NODES: dict[str, type[Node]] = {cls.node: cls for cls in (Op, Series, Parallel, Repeat, Scope)}


class Section(_Frozen):
    """A part of the network as its author divides it; a stage has a label."""

    kind: Literal["stem", "stage", "head"]
    label: str
    body: NodeField
    span: str


class Network(_Frozen):
    """A whole network. `input` has no batch axis."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)
    format: Literal["resspec.ir/1"] = Field(default=SCHEMA, alias="schema")
    name: str
    input: Shape
    output: Shape
    sections: tuple[Section, ...]
    span: str

    @property
    def body(self) -> Series:
        """All sections in a row."""
        children = tuple(section.body for section in self.sections)
        return Series.made(input=self.input, output=self.output, span=self.span, children=children)
