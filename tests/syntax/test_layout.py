"""Text and layout: where a clause ends, where a line may break, what a file may hold."""

from __future__ import annotations

from unicodedata import category, name

import pytest

from resspec.diagnostics import SpecError
from resspec.source import Source
from resspec.syntax import ast
from resspec.syntax.parse import parse, read
from resspec.syntax.text import to_text
from tests.random_specs import random_spec
from tests.relaid import relaid


def tree(text: str) -> str:
    """How a text is read, without its places and comments."""
    return shown(parse(Source("t.res", text)))


def shown(file: ast.SpecFile) -> str:
    return to_text(file._replace(comments=[]))


def refused(text: str) -> str:
    with pytest.raises(SpecError) as error:
        parse(Source("t.res", text))
    (found,) = error.value.diagnostics
    return found.code


ONE_LINE = "network n { input 3x8x8; stem conv 3x3, 4 -> add { bn | relu }; head fc 2 }"
LAYOUTS = [
    "network n {\n    input 3x8x8\n    stem conv 3x3, 4 -> add { bn | relu }\n    head fc 2\n}\n",
    "network n { input 3x8x8; stem conv 3x3, 4 -> add { bn | relu }; head fc 2; }",
    "network n { input 3x8x8;; stem conv 3x3, 4 -> add { bn | relu }\n;\nhead fc 2\n;;\n};;",
    "network n { input 3x8x8\n stem conv 3x3, 4\n   -> add { bn\n   | relu }\n head fc 2 }",
    "network n {\n input 3x8x8\n stem conv 3x3,\n 4 ->\n add {\n bn |\n relu\n }\n head fc 2\n}",
    "# 1\nnetwork n { # } ;\n\n# 2\n input 3x8x8 # ->\n stem conv 3x3, 4 #\n\n #\n -> add { bn # |\n | relu } #\n head fc 2 }#",
    "network n{input 3x8x8;stem conv 3x3,4->add{bn|relu};head fc 2}",
    "\tnetwork n {\t\tinput 3x8x8\n\tstem conv 3x3, 4 ->\tadd { bn | relu }\n  \thead fc 2\n\t}",
]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_of_one_network(layout: str) -> None:
    assert tree(layout) == tree(ONE_LINE)


@pytest.mark.parametrize("seed", range(60))
def test_layouts_of_random_specs(seed: int) -> None:
    text = random_spec(seed)
    source = read("t.res", relaid(text, seed).encode())
    assert shown(parse(source)) == tree(text)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("block b { let w = 3; conv 1x1, w }", "block b { let w = 3\n conv 1x1, w }"),
        ("block b = conv 1x1, 3 -> bn", "block b\n = conv 1x1, 3\n   # a comment\n\n   -> bn"),
        ("block b(a, c=1) = conv a, c", "block b(a,\n  c=1) = conv a,\n\n c"),
        (
            "shortcut B { same: identity; change: relu }",
            "shortcut B {\n same: identity\n change: relu\n}",
        ),
        ("shortcut B { same: bn -> relu }", "shortcut B { same:\n bn\n -> relu }"),
        (
            "network a = b n=1, m=2 { expect layers == 3 }",
            "network a = b n=1,\n m=2 {\n expect layers == 3\n}",
        ),
        (
            "block b { residual bn; shortcut; after relu }",
            "block b {\n residual bn\n shortcut\n after relu }",
        ),
        ("block b = a: relu", "block b = a: # a label\n relu"),
    ],
)
def test_a_line_breaks_without_changing_the_tree(one: str, other: str) -> None:
    assert tree(other) == tree(one)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("block b = conv 3x3, 4\nbn", "E0108"),  # a line ends a declaration
        ("block b = conv 3x3, 4 ; -> bn", "E0108"),
        ("; block b = relu", "E0108"),
        ("block b = conv\n3x3, 4", "E0108"),  # arguments begin on the line of their layer
        ("block b = conv 3x3\n, 4", "E0108"),
        ("block b = conv 3x3, 64 /2", "E0107"),
        ("block b = conv 3x3, 64/2", "E0107"),
        ("block b = conv 3x3, 64, / 2", "E0118"),
        ("block b = conv 3x3, 64, //2", "E0118"),
    ],
)
def test_where_a_line_does_not_break(text: str, code: str) -> None:
    assert refused(text) == code


def test_a_slash_strides_where_it_touches_and_divides_before_a_blank() -> None:
    assert tree("block b = conv 3x3, 8 / 2, /2").count("Binary") == 1
    assert tree("block b = conv 3x3, 8/ 2, /2") == tree("block b = conv 3x3, 8 / 2, /2")
    assert tree("block b = conv 3x3, 8, /(1 + 1)").count("Stride") == 1
    assert refused("block b = conv 3x3, 8/2") == "E0107"


@pytest.mark.parametrize(
    "text", ["block bn2_ = bn", "block x3 = bn", "block stage1 = bn", "block _ = bn", "let inx = 3"]
)
def test_names_that_begin_like_words(text: str) -> None:
    parse(Source("t.res", text))


@pytest.mark.parametrize(
    ("text", "size"), [("3x3", (3, 3)), ("3x224x224", (3, 224, 224)), ("01x2", (1, 2))]
)
def test_sizes_are_read_with_any_number_of_sides(text: str, size: tuple[int, ...]) -> None:
    (let,) = parse(Source("t.res", f"let v = {text}")).declarations
    assert isinstance(let, ast.Let) and isinstance(let.value, ast.Size) and let.value.dims == size


def test_a_repeat_needs_no_blank_before_its_x() -> None:
    assert tree("block b = 3x relu -> 36 x bn") == tree("block b = 3 x relu -> 36 x bn")


def test_comments_are_kept_with_their_places() -> None:
    source = Source("t.res", '# one\nuse "a#b.res"  # two\nlet v = 3#three\n#')
    assert [(span.text, source.place(span.start)) for span in parse(source).comments] == [
        ("# one", (1, 1)),
        ("# two", (2, 16)),
        ("#three", (3, 10)),
        ("#", (4, 1)),
    ]


def test_places_are_exact() -> None:
    source = Source(
        "t.res", "block b(w) {\n    residual a: 2 x conv 3x3, 2 * w, /2, groups=w -> bn\n}"
    )
    (block,) = parse(source).declarations
    assert isinstance(block, ast.Block)
    (part,) = block.clauses
    assert isinstance(part, ast.ChainClause)
    step, last = part.chain.steps
    times = step.item
    assert isinstance(times, ast.RepeatedStep)
    call = times.step.item
    assert isinstance(call, ast.LayerCall)
    spans = [part, part.chain, step, times, call, *call.arguments, last]
    assert [node.span.text for node in spans] == [
        "residual a: 2 x conv 3x3, 2 * w, /2, groups=w -> bn",
        "a: 2 x conv 3x3, 2 * w, /2, groups=w -> bn",
        "a: 2 x conv 3x3, 2 * w, /2, groups=w",
        "2 x conv 3x3, 2 * w, /2, groups=w",
        "conv 3x3, 2 * w, /2, groups=w",
        "3x3",
        "2 * w",
        "/2",
        "groups=w",
        "bn",
    ]
    assert step.label is not None and step.label.span.text == "a"


# --- bytes ---


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"let v = 1\r\nlet w = 2\r\n", "let v = 1\nlet w = 2\n"),
        (b"\xef\xbb\xbflet v = 1", "let v = 1"),  # a byte-order mark at the start says nothing
        ("let v = 1 # Dollár ×".encode(), "let v = 1 # Dollár ×"),
    ],
)
def test_bytes(data: bytes, expected: str) -> None:
    assert read("t.res", data).text == expected


@pytest.mark.parametrize(
    ("data", "code", "message", "place"),
    [
        (b"let v\n = \xff1", "E0101", "byte 9 (0xFF) is not UTF-8", (2, 4)),
        (b"\xef\xbb\xbflet \xff", "E0101", "byte 7 (0xFF) is not UTF-8", (1, 5)),
        ("let é\xe9".encode("latin-1"), "E0101", "byte 4 (0xE9) is not UTF-8", (1, 5)),
        (b"let v = 1\n\0", "E0101", "a NUL byte", (2, 1)),
        (b"let v = 1\rlet w = 2", "E0101", "a lone carriage return", (1, 10)),
        ("let v = 1\n\ufeff".encode(), "E0101", "a byte-order mark inside the text", (2, 1)),
        (b"#" * (1 << 20) + b"#", "E0102", "the file has more than 1,048,576 bytes", (1, 1)),
    ],
)
def test_no_text(data: bytes, code: str, message: str, place: tuple[int, int]) -> None:
    with pytest.raises(SpecError) as error:
        read("t.res", data)
    (found,) = error.value.diagnostics
    span = found.labels[0].span
    assert (found.code, found.message, span.source.place(span.start)) == (code, message, place)


def test_a_file_of_one_mebibyte_is_read() -> None:
    assert len(read("t.res", b"#" * (1 << 20)).text) == 1 << 20


def test_the_text_form_of_the_tree() -> None:
    assert (
        tree(
            'use "a.res"\nblock b(w=2, c) { residual n: 2 x conv 3x3, -w / 2, /2, bias=true; shortcut s: B }'
        )
        == """\
SpecFile
  declarations: UseDecl
    target: a.res
    is_file: True
  declarations: Block
    name: b
    parameters: ParameterDecl
      name: w
      default: 2
    parameters: ParameterDecl
      name: c
    clauses: ChainClause
      kind: residual
      chain: Chain
        steps: ChainStep
          label: n
          item: RepeatedStep
            turns: 2
            step: ChainStep
              item: LayerCall
                name: conv
                arguments: 3x3
                arguments: BinaryExpr
                  operator: /
                  left: Negate
                    operand: w
                  right: 2
                arguments: Stride
                  value: 2
                arguments: Keyword
                  name: bias
                  value: true
    clauses: Shortcut
      label: s
      option: LayerCall
        name: B
    is_module: True
"""
    )


def test_characters_of_each_kind() -> None:
    """Comments and strings hold visible characters; elsewhere one that is not ASCII is named."""
    kinds: dict[str, str] = {}
    beyond = [0xD7FF, 0xE000, 0xFFFD, 0xFFFF, 0x10000, 0x1F600, 0xE0001, 0x10FFFF]
    for char in map(chr, [*range(1, 0x20), *range(0x7F, 0x3000), *beyond]):
        kinds.setdefault(category(char) + ("" if char.isprintable() else "-"), char)
    for char in {*kinds.values(), "\x7f", "\x80", "\u2028", "\ud7ff", "\U0010ffff"} - set(
        "\n\t\r\0 "
    ):
        comment = Source("t.res", f'block a = relu  # {char}\nuse "{char}.res"\n')
        if char.isprintable():
            assert len(parse(comment).declarations) == 2
        else:
            with pytest.raises(SpecError) as error:
                parse(comment)
            assert [found.code for found in error.value.diagnostics] == ["E0103"] * 2
        for text in (f"block {char}a = relu", f"block a = {char} relu", f"{char}block a = relu"):
            with pytest.raises(SpecError) as error:
                parse(Source("t.res", text))
            (found,) = error.value.diagnostics
            assert found.code == "E0103" and found.labels[0].span.text == char
            assert name(char, f"U+{ord(char):04X}") in found.message
