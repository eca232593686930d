"""Python syntax to build emitted code from: `ast` nodes whose names are identifiers and whose constants are plain values."""

from __future__ import annotations

import ast
import keyword
import re
from collections.abc import Iterable
from itertools import chain, count

from resspec.lowering.module_attributes import MODULE_ATTRIBUTES

# What emitted code means by these names: in the whole file, and inside its functions.
GLOBALS = frozenset(
    "F Tensor bool enumerate float getattr int isinstance list named nn numbered range str super torch tuple type".split()
)
LOOPS = tuple("ijkmnpqrstuv")  # variables of loops, from outside
LOCALS = frozenset({"module", "name", "row", "self", "x"})
FORMULAS = ("out_channels", "hidden_channels")

Constant = int | float | bool | str | tuple[int, ...]


def name(text: str) -> ast.Name:
    assert is_identifier(text), text
    return ast.Name(text)


def constant(value: Constant | None) -> ast.expr:
    if isinstance(value, tuple):
        return ast.Tuple([constant(item) for item in value])
    if isinstance(value, int | float) and value < 0:
        return ast.UnaryOp(ast.USub(), constant(-value))
    assert value is None or type(value) in (int, float, bool, str), value
    return ast.Constant(value)


def attribute(value: ast.expr, text: str) -> ast.expr:
    """`value.text`, or `getattr(value, "text")` where that is no identifier."""
    if is_attribute(text):
        return ast.Attribute(value, text)
    return call(name("getattr"), value, constant(text))


def dotted(text: str) -> ast.expr:
    """`nn.Conv2d`"""
    first, *rest = text.split(".")
    node: ast.expr = name(first)
    for part in rest:
        assert is_identifier(part), part
        node = ast.Attribute(node, part)
    return node


def call(function: ast.expr, *arguments: ast.expr, **keywords: ast.expr) -> ast.Call:
    return ast.Call(
        function, list(arguments), [ast.keyword(word, value) for word, value in keywords.items()]
    )


def binary(left: ast.expr, operator: str, right: ast.expr) -> ast.expr:
    operators: dict[str, ast.operator] = {
        "+": ast.Add(),
        "-": ast.Sub(),
        "*": ast.Mult(),
        "/": ast.Div(),
        "//": ast.FloorDiv(),
    }
    return ast.BinOp(left, operators[operator], right)


def compare(left: ast.expr, operator: str, right: ast.expr) -> ast.expr:
    operators: dict[str, ast.cmpop] = {
        "==": ast.Eq(),
        "!=": ast.NotEq(),
        "is": ast.Is(),
        "is not": ast.IsNot(),
    }
    return ast.Compare(left, [operators[operator]], [right])


def assign(target: ast.expr, value: ast.expr) -> ast.stmt:
    return ast.Assign([target], value)


def is_same(a: object, b: object) -> bool:
    """Whether two trees mean the same; what the parser adds of itself does not count."""
    match a, b:
        case ast.AST(), ast.AST():
            fields = set(a._fields) - {"ctx", "kind", "type_comment", "type_params", "type_ignores"}
            return type(a) is type(b) and all(
                is_same(getattr(a, f, None), getattr(b, f, None)) for f in fields
            )
        case list(), list():
            return len(a) == len(b) and all(map(is_same, a, b))
        case _:
            return type(a) is type(b) and a == b


# --- names ---


def is_identifier(text: str) -> bool:
    return text.isidentifier() and text.isascii() and not keyword.iskeyword(text)


def is_attribute(text: str) -> bool:
    """Whether `self.text` means that name: with two underscores in front it means another one inside a class."""
    return is_identifier(text) and not text.startswith("__")


def identifier(text: str) -> str:
    """The text as a name of Python: what is no letter or digit becomes an underscore."""
    text = re.sub(r"[^A-Za-z0-9_]", "_", text).strip("_") or "x"
    return f"_{text}" if text[0].isdigit() else f"{text}_" if keyword.iskeyword(text) else text


def class_name(text: str) -> str:
    """`dense_layer` → DenseLayer, `resnet152` → ResNet152, `vgg16_bn` → VGG16BN, `wide_resnet50_2` → WideResNet50_2."""
    name = ""
    for word in re.findall(r"[0-9]+[A-Za-z]*|[A-Za-z]+", text):
        letters = re.sub(r"[0-9]", "", word)
        if len(letters) > 1 and not re.search(r"[aeiouyAEIOUY]", letters):
            word = word.upper()  # noqa: PLW2901
        elif found := re.fullmatch(r"([a-z]+)net", word):
            word = f"{found[1].capitalize()}Net"  # noqa: PLW2901
        name += (
            ("_" if name[-1:].isdigit() and word[0].isdigit() else "") + word[0].upper() + word[1:]
        )
    return identifier(name or "Part")


class Names:
    """Hands out names, each once."""

    def __init__(self, taken: Iterable[str]) -> None:
        self.taken = set(taken)

    def new(self, *wanted: str) -> str:
        """The first of these that is free, or the last with a number."""
        names = [identifier(text) for text in wanted]
        stem = f"{names[-1]}_" if names[-1][-1].isdigit() else names[-1]
        free = next(
            text
            for text in chain(names, (f"{stem}{i}" for i in count(2)))
            if text not in self.taken
        )
        self.taken.add(free)
        return free


def attributes(taken: Iterable[str]) -> Names:
    """Names for attributes of a module, none of which every torch module has."""
    return Names({*taken, *MODULE_ATTRIBUTES, "training"})
