"""Python text to build emitted code from: names that are identifiers, and constants that are plain
values.
"""

from __future__ import annotations

import json
import keyword
import re
from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import chain, count
from math import isinf, lcm
from typing import Any

from resspec.backends.source.layout import Code, call
from resspec.ir.formulas import Binary, Formula, Variable, binary
from resspec.ir.ops.layer import Ramp
from resspec.ir.shape import Name

# What emitted code means by these names: in the whole file, and inside its functions.
_PYTHON = "bool enumerate float getattr int isinstance len list max range str super tuple type"
GLOBALS = frozenset([*_PYTHON.split(), "F", "HASH", "Tensor", "named", "nn", "numbered", "torch"])
LOOPS = tuple("ijkmnpqrstuv")  # variables of loops, from outside
LOCALS = frozenset({"module", "name", "row", "self", "x"})
FORMULAS = ("out_channels", "hidden_channels", "channels")

_RANKS = {"+": 1, "-": 1, "*": 2, "/": 2, "//": 2}

Turn = str | int  # of a loop: its variable, or which turn it is


def quoted(text: str) -> str:
    """Return a string of Python, in double quotes and ASCII."""
    return json.dumps(text)


def literal(value: Any) -> str:
    """Return a constant of Python."""
    match value:
        case str():
            return quoted(value)
        case tuple():
            return f"({', '.join(map(literal, value))})"
        case float() if isinf(value):
            return f'float("{value}")'
        case _:
            assert value is None or type(value) in (int, float, bool), value
            return repr(value)


def formula_text(formula: Any, turns: Sequence[Turn] = (), around: int = 0) -> str:
    """Return a formula of parameters, or a constant; a number that grows, in the variable of the
    nearest loop.

    Args:
        formula: The formula or constant.
        turns: Those of the enclosing loops, outermost first.
        around: The precedence of the operation whose operand it is.
    """
    match formula:
        case Variable(name):
            return name
        case Binary("each //", left, divisor):
            return f"tuple(n // {divisor} for n in {formula_text(left)})"
        case Binary(operator, left, right):
            rank = _RANKS[operator]
            first, second = formula_text(left, turns, rank), formula_text(right, turns, rank + 1)
            text = f"{first} {operator} {second}"
            return f"({text})" if rank < around else text
        case Ramp(start, step) if turns and isinstance(turns[-1], str):
            return formula_text(_ramp(start, step, Variable(turns[-1])))
        case Ramp():
            return literal(float(formula.at(int(turns[-1]) if turns else 0)))
        case _:
            return literal(formula)


def _ramp(start: Fraction, step: Fraction, variable: Variable) -> Formula:
    """`2 * (i + 3) / 7`: a division of whole numbers rounds as the exact fraction does."""
    divisor = lcm(start.denominator, step.denominator)
    first, further = int(start * divisor), int(step * divisor)
    if further > 1 and first and first % further == 0:
        return Binary("/", Binary("*", further, grown(first // further, 1, variable)), divisor)
    return Binary("/", grown(first, further, variable), divisor)


def grown(start: Formula, step: Formula, variable: Variable) -> Formula:
    """Return `start + step * variable`, as one writes it."""
    if step == 1:
        return binary("+", variable, start)
    return binary("+", start, binary("*", step, variable))


def label(name: Name, turns: Sequence[Turn] = ()) -> str:
    """Return a module's name as a string, which may grow: `f"conv{3 * i + 1}"`."""
    pairs = list(zip(name.steps, turns, strict=False))
    growing = [
        formula_text(grown(0, step, Variable(turn)))
        for step, turn in pairs
        if step and isinstance(turn, str)
    ]
    if name.number is None or not growing:
        return quoted(name.at(*[turn for turn in turns if isinstance(turn, int)]))
    first = name.number + sum(step * turn for step, turn in pairs if isinstance(turn, int))
    number = " + ".join([*growing, *([str(first)] if first else [])])
    if re.fullmatch(r"[A-Za-z0-9_-]*", name.prefix):
        return f'f"{name.prefix}{{{number}}}"'
    return f"{quoted(name.prefix)} + str({number})"


def attribute(owner: str, name: str) -> str:
    """Return `owner.name`, or `getattr(owner, "name")` where that is no identifier; `name` is a
    string of Python.
    """
    text = json.loads(name) if name.startswith('"') and name.endswith('"') else ""
    return f"{owner}.{text}" if is_attribute(text) else f"getattr({owner}, {name})"


def register(owner: str, name: str, value: Code, method: str = "add_module") -> Code:
    """Return `owner.name = value`, or a call of the method that does that for names that are no
    identifiers.
    """
    target = attribute(owner, name)
    if target.startswith("getattr"):
        return call(f"{owner}.{method}", [Code(name), value])
    return value.after(f"{target} = ")


# --- names ---


def is_attribute(text: str) -> bool:
    """Return whether `self.text` means that name: with two underscores in front it means another
    one inside a class.
    """
    is_word = text.isidentifier() and text.isascii() and not keyword.iskeyword(text)
    return is_word and not text.startswith("__")


def identifier(text: str) -> str:
    """Return the text as a name of Python: what is no letter or digit becomes an underscore."""
    text = re.sub(r"[^A-Za-z0-9_]", "_", text).strip("_") or "x"
    return f"_{text}" if text[0].isdigit() else f"{text}_" if keyword.iskeyword(text) else text


def class_name(text: str) -> str:
    """`dense_layer` → DenseLayer, `resnet152` → ResNet152, `vgg16_bn` → VGG16BN, `wide_resnet50_2`
    → WideResNet50_2.
    """
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

    def new(self, wanted: str) -> str:
        """Return this name, or one with a number where it is taken."""
        name = identifier(wanted)
        stem = f"{name}_" if name[-1].isdigit() else name
        names = chain([name], (f"{stem}{i}" for i in count(2)))
        free = next(text for text in names if text not in self.taken)
        self.taken.add(free)
        return free
