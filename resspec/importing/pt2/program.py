"""The graph of an exported program, out of its JSON, with every field's type checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from resspec.importing.files.called import module_path
from resspec.importing.files.errors import Malformed
from resspec.importing.files.tensors import SIZES
from resspec.importing.graph import ModulePath

MOST_SIDE = 1 << 24
TYPES = dict(
    enumerate("uint8 int8 int16 int32 int64 float16 float32 float64".split(), start=1),
) | {12: "bool", 13: "bfloat16"}
PLAIN: dict[str, set[type]] = {
    "as_int": {int},
    "as_float": {float, int},
    "as_bool": {bool},
    "as_string": {str},
}
assert set(TYPES.values()) == set(SIZES)


@dataclass(frozen=True, slots=True)
class Ref:
    """A tensor, or a list of tensors, by the name of its value."""

    name: str


@dataclass(frozen=True, slots=True)
class Module:
    """A module around a call.

    Attributes:
        path: Its names from the root.
        class_name: The name of its class.
    """

    path: ModulePath
    class_name: str


@dataclass(frozen=True, slots=True)
class Node:
    """A call of an operator.

    Attributes:
        target: The operator, `aten.conv2d.default`.
        arguments: What was given, by the names of its parameters.
        outputs: The names of its values.
        modules: The modules that it was called in, outermost first.
        place: The source line of the call, `net.py:90`.
    """

    target: str
    arguments: Mapping[str, Any]
    outputs: tuple[str, ...]
    modules: tuple[Module, ...]
    place: str

    @property
    def operator(self) -> str:
        """The operator's name, `conv2d`, without what its variant in place adds."""
        name = self._name
        return name if name.startswith("_") else name.rstrip("_")

    @property
    def is_inplace(self) -> bool:
        """True if it writes over its first argument."""
        return self._name != self.operator

    @property
    def _name(self) -> str:
        return self.target.removeprefix("aten.").partition(".")[0]


@dataclass(frozen=True, slots=True)
class Program:
    """An exported program.

    Attributes:
        nodes: Its calls in order.
        sizes: The sizes of each value that is a tensor, with the batch.
        tensors: The names in the state dict of those values that are parameters or buffers.
        inputs: The values that it takes.
        outputs: The values that it returns.
        output_names: The keys of a dict of outputs, if it returns one.
    """

    nodes: tuple[Node, ...]
    sizes: Mapping[str, tuple[int, ...]]
    tensors: Mapping[str, str]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    output_names: tuple[str, ...]


def program_of(data: Any) -> Program:
    """Return the program of a JSON document. Raises Malformed."""
    try:
        return _program(data)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, RecursionError) as error:
        raise Malformed(f"its graph is damaged ({type(error).__name__}: {error})") from None


def _program(data: Any) -> Program:
    version = data["schema_version"]["major"]
    if version != 8:
        raise Malformed(f"its schema is version {version!r:.20}; 8 can be read")
    module = data["graph_module"]
    graph, signature = module["graph"], module["signature"]
    numbers = {name: _size(each) for name, each in graph["sym_int_values"].items()}
    tensors, inputs = _taken(signature["input_specs"])
    return Program(
        tuple(_node(each, numbers) for each in graph["nodes"]),
        {name: _sizes(meta["sizes"]) for name, meta in graph["tensor_values"].items()},
        tensors,
        inputs,
        _returned(signature["output_specs"]),
        _keys(module["module_call_graph"]),
    )


def _taken(specs: Any) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the names of parameters and buffers by their values, and the other inputs."""
    tensors, inputs = {}, []
    for spec in specs:
        ((kind, given),) = spec.items()
        match kind:
            case "parameter" | "buffer" | "tensor_constant":
                tensors[_text(given["arg"]["name"])] = _text(given[f"{kind}_name"])
            case "user_input":
                if "as_tensor" in given["arg"]:
                    inputs.append(_text(given["arg"]["as_tensor"]["name"]))
            case _:
                raise Malformed(f"it has an input of the kind `{kind:.40}`")
    return tensors, tuple(inputs)


def _returned(specs: Any) -> tuple[str, ...]:
    """Return the values that the module returns, without the buffers that it changes."""
    arguments = [spec["user_output"]["arg"] for spec in specs if "user_output" in spec]
    return tuple(_text(each["as_tensor"]["name"]) for each in arguments if "as_tensor" in each)


def _keys(calls: Any) -> tuple[str, ...]:
    """Return the keys of the dict that the module returns."""
    signature = calls[0]["signature"] if calls else None
    spec = signature["out_spec"] if signature else ""
    found = re.search(r'"context": "(\[.{2,2000}?\])", "children_spec"', spec)
    return tuple(re.findall(r'\\"([A-Za-z_][A-Za-z_0-9]{0,60})\\"', found[1])) if found else ()


def _node(data: Any, numbers: Mapping[str, int]) -> Node:
    arguments = {}
    for given in data["inputs"]:
        arguments[_text(given["name"])] = _argument(given["arg"], numbers)
    outputs = [name for each in data["outputs"] for name in _output(each)]
    metadata = data.get("metadata") or {}
    return Node(
        _text(data["target"]).removeprefix("torch.ops."),
        arguments,
        tuple(outputs),
        _modules(metadata.get("nn_module_stack", "")),
        _place(metadata.get("stack_trace", "")),
    )


def _output(data: Any) -> list[str]:
    ((kind, given),) = data.items()
    match kind:
        case "as_tensor":
            return [_text(given["name"])]
        case "as_tensors":
            return [_text(each["name"]) for each in given]
        case "as_sym_int":
            return [_text(given["as_name"])]
        case _:
            return []


def _argument(data: Any, numbers: Mapping[str, int]) -> Any:
    """Return the value of an argument: a number, a text, a list, a `Ref`, or None."""
    ((kind, given),) = data.items()
    match kind:
        case "as_none":
            return None
        case "as_tensor":
            return Ref(_text(given["name"]))
        case "as_tensors":
            return [Ref(_text(each["name"])) for each in given]
        case "as_sym_int":
            return _number(given, numbers)
        case "as_sym_ints":
            return [_number(each, numbers) for each in given]
        case _:
            return _plain(kind, given)


def _plain(kind: str, given: Any) -> Any:
    """Return an argument that is no tensor."""
    types = PLAIN.get(kind.removesuffix("s"))
    if types is None:
        return Unread(kind)
    each = given if kind.endswith("s") else [given]
    if not all(type(value) in types for value in each):
        raise Malformed(f"an argument is {given!r:.40}")
    return given


@dataclass(frozen=True, slots=True)
class Unread:
    """An argument of another kind, which no layer depends on."""

    kind: str


def _number(data: Any, numbers: Mapping[str, int]) -> int:
    return _whole(data["as_int"]) if "as_int" in data else numbers[data["as_name"]]


def _sizes(data: Any) -> tuple[int, ...]:
    return tuple(_size(each) for each in data)


def _size(data: Any) -> int:
    """Return a size; of one that is open, the one that the module was exported with."""
    ((kind, given),) = data.items()
    return _whole(given if kind == "as_int" else given["hint"]["as_int"])


def _whole(data: Any) -> int:
    if not isinstance(data, int) or isinstance(data, bool) or abs(data) > MOST_SIDE:
        raise Malformed(f"a size is {data!r:.40}")
    return data


def _text(data: Any) -> str:
    if not isinstance(data, str) or len(data) > 1000:
        raise Malformed(f"a name is {data!r:.40}")
    return data


def _modules(stack: Any) -> tuple[Module, ...]:
    """Return the modules of `key,path,class;key,path,class`."""
    found = []
    for entry in _line(stack).split(";"):
        parts = entry.split(",")
        if len(parts) >= 3:
            path, _, _ = parts[1].partition("@")
            class_name = parts[-1].rpartition(".")[2]
            found.append(Module(module_path(path), class_name))
    return tuple(found)


def _place(trace: Any) -> str:
    """Return the innermost line that is not torch's own."""
    found = ""
    for file, line in re.findall(r'File "([^"\n]{1,500})", line (\d{1,9})', _line(trace)):
        if "/torch/" not in file:
            found = f"{file.rpartition('/')[2]}:{line}"
    return found


def _line(data: Any) -> str:
    if not isinstance(data, str):
        raise Malformed("its metadata is not text")
    return data[: 1 << 16]
