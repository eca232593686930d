"""The reference is true: its examples run, its names, tables and figures are the compiler's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import MISSING, Field, fields
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import torch

from resspec import shipped
from resspec.backends import layers
from resspec.compiler import check, load
from resspec.ir.init import CHOICES, LAWS
from resspec.ir.ops import OPS, Layer
from resspec.ir.ops.norm import Norm
from resspec.ir.ops.placeholder import PlaceholderOp
from resspec.ir.quantities import DTYPES, OPTIMIZERS, QUANTITIES, Conditions
from resspec.ir.shape import Shape
from resspec.lowering.chain import MAX_NESTING
from resspec.lowering.context import MAX_LAYERS
from resspec.lowering.conversion import MAX_COUNT
from resspec.lowering.names import MAX_PARTS
from resspec.lowering.scope import RESERVED
from resspec.syntax.ast import MAX_DIGITS
from resspec.syntax.build import MAX_DEPTH
from resspec.syntax.errors import MAX_BYTES
from tests.specs.tensors import operations

PATH = shipped.path("grammar", "README.md")
TEXT = PATH.read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```res *(.*?)\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
CHAIN = "network example {{\n    input 16x32x32\n    stem {}    head avgpool -> fc 10\n}}\n"


def example(mark: str, text: str, folder: Path) -> Path:
    """A file of declarations as they stand, or of a chain as a network's stem."""
    path = folder / "example.res"
    path.write_text(CHAIN.format(text) if "chain" in mark else text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("mark", "text"), EXAMPLES, ids=[text.splitlines()[0] for _, text in EXAMPLES]
)
def test_an_example_is_clean_or_has_the_mistake_that_it_shows(
    mark: str, text: str, tmp_path: Path
) -> None:
    assert [diagnostic.code for diagnostic in check(example(mark, text, tmp_path))] == re.findall(
        r"E\d{4}", mark
    )


def test_every_word_of_the_language_is_in_an_example() -> None:
    examples = " ".join(text for _, text in EXAMPLES)
    assert {word for word in RESERVED if not re.search(rf"\b{word}\b", examples)} <= {"false"}
    assert set(re.search(r"free as labels: `([^`]*)`", TEXT)[1].split()) == RESERVED  # type: ignore[index]


def test_names_are_those_it_shows(tmp_path: Path) -> None:
    """Exactly, and in their order."""
    shown = [
        (text, " ".join(re.findall(r"#: (.*)", text)).split())
        for _, text in EXAMPLES
        if "#:" in text
    ]
    assert shown
    for text, names in shown:
        found = [
            name
            for name, op in operations(load(example("", text, tmp_path)))
            if op.layer.parameters(op.input)
        ]
        assert names == found


# --- tables ---


def rows() -> Iterator[str]:
    yield "| layer | bare | by name | torch |"
    yield "|---|---|---|---|"
    for kind, op in OPS.items():
        words = {name: word for word, name in op.words.items()}
        by_field = {
            field.name: argument(op, field, words.get(field.name, field.name))
            for field in fields(op)
        }
        bare = [text for name, text in by_field.items() if name in op.positional]
        named = [text for name, text in by_field.items() if name not in op.positional]
        named += ["`scale` *real* = 1"] * issubclass(op, Norm)
        yield f"| `{kind}` | {', '.join(bare)} | {', '.join(named)} | {', '.join(modules(op))} |"


def argument(op: type[Layer], field: Field[Any], word: str) -> str:
    if field.name in op.choices:
        first, *others = (f"`{choice}`" for choice in op.choices[field.name])
        return f"`{word}` = {first}, or {', '.join(others)}"
    kind = str(field.type).split(" ", maxsplit=1)[0].lower()
    kind = kind.replace("padding", "extent")
    also = "".join(f" or `{text}`" for text in op.alternatives.get(field.name, ()))
    shown = f"`{'/' * (word == 'stride')}{word}` *{kind}*{also}"
    match field.default:
        case bool() as value:
            return f"{shown} = {str(value).lower()}"
        case Fraction() as value:
            return f"{shown} = {float(value):g}"
        case (1, 1) | 1:
            return f"{shown} = 1"
        case int() as value:
            return f"{shown} = {value}"
        case _:
            assert field.default in (MISSING, None, (0, 0)) or field.default is MISSING
            return shown


def modules(op: type[Layer]) -> list[str]:
    """The classes that a layer can become: torch's, or our own."""
    samples = {
        "Size": (2, 2),
        "Count": 2,
        "Index": 1,
        "Real": Fraction(2),
        "Probability": Fraction(1, 2),
    }
    given = {
        field.name: samples[str(field.type)] for field in fields(op) if field.default is MISSING
    }
    windows: list[dict[str, Any]] = (
        [{"kernel_size": (2, 2)}, {}] if "to" in {field.name for field in fields(op)} else [{}]
    )
    shapes = [Shape((4, 8, 8)), Shape((4,))]
    found = dict.fromkeys(
        op(**given, **window).call(x).module for window in windows for x in shapes
    )
    if op is PlaceholderOp:
        return ["none"]
    if op.is_parameter:
        return ["`nn.Parameter`"]
    return [f"`{name}` of resspec" if hasattr(layers, name) else f"`nn.{name}`" for name in found]


def test_the_table_of_layers_is_that_of_the_compiler() -> None:
    table = "\n".join(rows())
    assert table in TEXT, f"the table of layers is now:\n{table}"
    assert all(hasattr(torch.nn, name) for name in re.findall(r"`nn\.(\w+)`", table))


def test_initializers_are_listed_with_their_defaults() -> None:
    paragraph = re.sub(
        r"\s+", " ", TEXT[TEXT.index("The laws are torch's") :].split("\n\n", maxsplit=1)[0]
    )
    for law, arguments in LAWS.items():
        shown = paragraph[paragraph.index(f"`{law}`") :]
        listed = re.findall(r"`(\w+)=(\w+)`", shown[: shown.index(")")] if arguments else "")
        assert listed == [(name, str(value)) for name, value in arguments.items()], law
    assert set(CHOICES) <= {name for arguments in LAWS.values() for name in arguments}


def test_limits_are_those_of_the_compiler() -> None:
    assert f"at most {MAX_BYTES >> 20} MiB" in TEXT
    text = re.sub(r"\s+", " ", TEXT)
    for phrase in (
        f"a number {MAX_DIGITS} digits",
        f"a count or side {MAX_COUNT:,}",
        f"a label {MAX_PARTS} names",
        f"nest {MAX_DEPTH} deep",
        f"blocks in blocks {MAX_NESTING} levels",
        f"at most {MAX_LAYERS:,} layers",
    ):
        assert phrase in text, phrase


def test_the_table_of_quantities_is_that_of_the_compiler() -> None:
    lines = ["| quantity | in | |", "|---|---|---|"]
    for name, quantity in QUANTITIES.items():
        arguments = ", ".join(f"{word}={getattr(Conditions(), word)}" for word in quantity.takes)
        lines.append(
            f"| `{name}{f'({arguments})' if arguments else ''}` | {quantity.unit} | {quantity.says} |"
        )
    table = "\n".join(lines)
    assert table in TEXT, f"the table of quantities is now:\n{table}"
    for words in (DTYPES, OPTIMIZERS):
        assert ", ".join(f"`{word}`" for word in words) in re.sub(r"\s+", " ", TEXT)


def test_all_libraries_are_listed() -> None:
    libraries = sorted(path.stem for path in shipped.path("specs", "lib").glob("*.res"))
    assert ", ".join(f"`{library}`" for library in libraries) in TEXT
