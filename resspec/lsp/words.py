"""A sentence about each word of the language, layer and quantity, and each declaration."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import MISSING, fields
from fractions import Fraction
from typing import Any

from resspec.ir.init import LAWS
from resspec.ir.ops import OPS
from resspec.ir.ops.norm import Norm
from resspec.ir.quantities import QUANTITIES
from resspec.lowering.functions import FUNCTIONS
from resspec.lowering.scope import Library
from resspec.source import Span
from resspec.syntax import ast

DECLARATIONS = {
    "use": 'Read the declarations of a library, or of a file: `use he2015`, `use "blocks.res"`.',
    "let": "A constant: `let width = 64`.",
    "block": "A block: with braces a module of its own, with `=` an abbreviation for its steps.",
    "shortcut": "A shortcut option: what a residual block adds where its shape changes.",
    "network": "A network; with parameters a template, with `= BASE` one derived from another.",
}
NETWORK_CLAUSES = {
    "input": "The shape of one sample, channels first: `input 3x224x224`.",
    "stem": "The steps before the first stage.",
    "stage": "A stage, with its label: `stage layer1: 3 x bottleneck 64`.",
    "stages": "A stage for each entry of the lists: `stages layer1..: [3, 4] x unit [64, 128]`.",
    "head": "The steps after the last stage.",
    "output": "The steps whose values the network returns.",
    "shortcut": "The shortcut option of all residual blocks.",
    "init": "Initial weights: `init kaiming_normal`, or of one kind of layer: `init fc: zeros`.",
    "replace": "Another layer for all layers of a kind: `replace relu: silu`.",
    "expect": "A condition that a quantity must meet: `expect params <= 26M`.",
    "let": "A constant of this body.",
}
INIT_PARTS = {
    "residual": "The last norm of each residual.",
    "stem": "The layers with weights in the stem.",
    "head": "The layers with weights in the head.",
}
BLOCK_CLAUSES = {
    "preact": "The steps before both residual and projection shortcut: P of F(P(x)) + h(P(x)).",
    "residual": "The residual F of F(x) + h(x).",
    "shortcut": "The shortcut h of F(x) + h(x); alone, the network's option.",
    "after": "The steps after the sum.",
    "let": "A constant of this body.",
}
ARMS = {
    "same": "Where the residual keeps the channels, and the stride is 1.",
    "widen": "Where the residual outputs more channels, and the stride is 1.",
    "narrow": "Where the residual outputs fewer channels, and the stride is 1.",
    "change": "Where the residual has a stride.",
}
CHAIN_WORDS = {
    "sequential": "A module whose steps are numbered: `sequential { conv 3x3, 64 -> bn }`.",
}
VALUE_WORDS = {
    "in": "The channels that enter the block.",
    "stride": "The stride that the block was called with.",
    "out": "In an option: the channels that the residual outputs.",
    "index": "The number of this residual block, from 0.",
    "count": "The number of residual blocks in the network.",
    "true": "A flag that is on.",
    "false": "A flag that is off.",
    "none": "No shortcut, or no layer.",
}
_DEPENDING = ("padding",)  # fields whose default depends on others
MERGES = {
    "add": "The sum of its paths: `add { conv 1x1, 64 | identity }`.",
    "concat": "The channels of its paths, one after the other.",
    "mul": "The product of its paths.",
}


def about_layer(kind: str) -> str:
    """Return the sentences on a layer."""
    return " ".join((OPS[kind].__doc__ or "").split())


def about_quantity(name: str) -> str:
    """Return the sentence on a quantity."""
    quantity = QUANTITIES[name]
    says = f"{quantity.says[0].upper()}{quantity.says[1:]}."
    return says + (f" Takes {', '.join(quantity.takes)}." if quantity.takes else "")


def about_law(name: str) -> str:
    """Return the sentence on an initializer."""
    if name == "default":
        return "The initial values of torch's constructor."
    given = ", ".join(f"{word}={number(value)}" for word, value in LAWS[name].items())
    return f"`torch.nn.init.{name}_`" + (f" with {given}." if given else ".")


def about_function(name: str) -> str:
    """Return the sentence on a function."""
    return f"A function of numbers: {FUNCTIONS[name].example}."


def number(value: Any) -> str:
    """Return the value of a field as a spec has it."""
    match value:
        case bool():
            return str(value).lower()
        case Fraction():
            return f"{float(value):g}"
        case (int(one), int(other)):
            return str(one) if one == other else f"{one}x{other}"
        case _:
            return str(value)


def layer_fields(kind: str) -> dict[str, str]:
    """Return the fields of a layer by the words that a call has for them, as in a signature."""
    op = OPS[kind]
    words = {field: word for word, field in op.words.items()}
    found: dict[str, str] = {}
    for field in fields(op):
        word = words.get(field.name, field.name)
        choices = op.choices.get(field.name)
        if choices:
            found[word] = f"{word}={'|'.join(choices)}"
        elif field.default in (MISSING, None) or field.name in _DEPENDING:
            found[word] = word
        else:
            found[word] = f"{word}={number(field.default)}"
    return found | ({"scale": "scale=1"} if issubclass(op, Norm) else {})


def layer_signature(kind: str) -> tuple[str, list[str]]:
    """Return the call of a layer with all its fields, and each of these as it is written there."""
    op, found = OPS[kind], layer_fields(kind)
    words = {field: word for word, field in op.words.items()}
    bare = [words.get(name, name) for name in op.positional]
    others = [text for word, text in found.items() if word not in (*bare, "stride")]
    strided = ["/stride"] if "stride" in found else []
    labels = [*(found[word] for word in bare), *strided, *others]
    return f"{kind} {', '.join(labels)}".rstrip(), labels


def block_signature(declared: ast.Declaration) -> tuple[str, list[str]]:
    """Return the head of a declaration, and each of its parameters as it is written there."""
    parameters: Iterable[ast.ParameterDecl] = getattr(declared, "parameters", ())
    labels = [
        f"{each.name.text}={each.default.span.text}" if each.default else each.name.text
        for each in parameters
    ]
    word = {ast.Block: "block", ast.Option: "shortcut"}.get(type(declared), "network")
    name = getattr(declared, "name").text  # noqa: B009, of any declaration
    return f"{word} {name}" + (f"({', '.join(labels)})" if labels else ""), labels


def comment_of(declared: ast.Declaration, library: Library) -> str:
    """Return the comment on the lines right above a declaration, or behind its first line."""
    source = library.source
    line, _ = source.place(declared.span.start)
    above: list[str] = []
    for number in range(line - 1, 0, -1):
        text = source.line(number).strip()
        if not text.startswith("#"):
            break
        above.append(text.lstrip("# "))
    if above:
        return " ".join(reversed(above))
    comments = library.file.comments if library.file else []
    behind = [each for each in comments if source.place(each.start)[0] == line]
    return behind[0].text.lstrip("# ").rstrip() if behind else ""


def place_of(span: Span) -> str:
    """Return the file and line of a place."""
    line, _ = span.source.place(span.start)
    return f"{span.source.name}:{line}"
