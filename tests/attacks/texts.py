"""Texts made to explode, and the code of the one diagnostic that each ends in."""

from __future__ import annotations

from tests.texts import chain

MANY = 100_000


def blocks(n: int, body: str, last: str) -> str:
    """Blocks a0 … an: each has this body, where NEXT is the next one, and N its number."""
    declared = [
        f"block a{i}" + body.replace("NEXT", f"a{i + 1}").replace("N", str(i)) for i in range(n)
    ]
    return "\n".join([*declared, f"block a{n}{last}"])


def constants(n: int, value: str, first: str = "1") -> str:
    """Constants c0 … c(n-1): each but the first has this value, where LAST is the one before it."""
    return "\n".join(
        [
            f"let c0 = {first}",
            *(f"let c{i} = {value.replace('LAST', f'c{i - 1}')}" for i in range(1, n)),
        ]
    )


OPTION = "shortcut B { same: identity; change: conv 1x1, out, /stride }\n"
REPEATED = {  # steps of a network, what is declared before it, the code
    "repeats": (
        "1000 x a",
        "block a { 1000 x b }\nblock b { 1000 x c }\nblock c { relu }",
        "E0310",
    ),
    "one repeat": ("1_000_001 x relu", "", "E0310"),
    "a repeat of 18 digits": ("999_999_999_999_999_999 x relu", "", "E0209"),
    "a repeat of 5,000 digits": ("9" * 5000 + " x relu", "", "E0111"),
    "repeats of repeats of repeats": ("1000 x 1000 x 1000 x relu", "", "E0310"),
    "repeats in braces": ("2 x { " * 30 + "relu" + " }" * 30, "", "E0310"),
    "a computed repeat": ("(9999 * 9999) x relu", "", "E0209"),
    "repeats in the paths of a merge": ("1000 x add { 1000 x { 1000 x bn } | bn }", "", "E0310"),
    "repeats that a parameter counts": (
        "a0 10",
        blocks(5, "(n) { n x NEXT 10 * n }", "(n) { relu }"),
        "E0310",
    ),
    "repeats that a parameter squares": (
        "a0 2",
        blocks(5, "(n) { n x NEXT n * n }", "(n) { relu }"),
        "E0310",
    ),
    "a repeat of a fraction": ("1.5 x relu", "", "E0208"),
    "a repeat below zero": ("-1 x relu", "", "E0209"),
    "a repeat of a size": ("3x3 x relu", "", "E0207"),
    "abbreviations that double": ("a0", blocks(40, " = NEXT -> NEXT", " = relu"), "E0314"),
    "modules that double": ("a0", blocks(30, " { NEXT -> NEXT }", " = relu"), "E0310"),
    "blocks handed over that double": (
        "a0 relu",
        blocks(40, "(f) { NEXT f -> NEXT f }", "(f) = f"),
        "E0310",
    ),
    "merges that double": ("a0", blocks(25, " { add { NEXT | NEXT } }", " = relu"), "E0310"),
    "residuals that double": (
        "a0",
        blocks(25, " { residual NEXT -> NEXT; shortcut identity }", " = bn"),
        "E0310",
    ),
    "distinct modules": (
        "a0 2",
        blocks(20, "(w) { NEXT 2 * w -> NEXT 2 * w + 1 }", "(w) = conv 1x1, w"),
        "E0314",
    ),
    "distinct steps": (
        "a0 2",
        blocks(15, "(w) = NEXT 2 * w -> NEXT 2 * w + 1", "(w) = conv 1x1, w // 9999 + 1"),
        "E0314",
    ),
    "growth": ("1_000_000 x d 2", "block d(g) { concat { identity | conv 1x1, g } }", "E0314"),
    "growth in growth": (
        "1000 x e",
        "block d(g) { concat { identity | conv 1x1, g } }\nblock e { 1000 x d 1 }",
        "E0314",
    ),
    "growth around a repeat": (
        "100_000 x { g -> 100 x relu }",
        "block g { pad_channels in + 1 }",
        "E0310",
    ),
    "index": (
        "100_000 x u",
        "block u { residual bn -> drop_path 1 / (1 + index * index); shortcut identity }",
        "E0314",
    ),
    "labels in a repeat": ("500_000 x { a: relu }", "", "E0235"),
}
CIRCULAR = {
    "a block that calls itself": ("o", "block o { o }", "E0219"),
    "a block handed to itself": ("o o", "block o(f) { f f }", "E0219"),
    "a ring of blocks": ("a0", blocks(50, " = NEXT", " = a0"), "E0219"),
    "a long ring of blocks": ("a0", blocks(999, " = NEXT", " = a0"), "E0313"),
    "a ring of modules": ("a0", blocks(50, " { relu -> NEXT }", " { a0 }"), "E0219"),
    "a ring through an argument": ("a0", "block a0(f=a1) = f\nblock a1(f=a0) = f", "E0219"),
    "a shortcut option of itself": (
        "u",
        "shortcut S { same: u }\nblock u { residual bn; shortcut S }",
        "E0219",
    ),
    "a constant of itself": ("conv 1x1, c", "let c = c", "E0241"),
    "a ring of constants": ("conv 1x1, c49", constants(50, "LAST", "c49"), "E0241"),
    "a default of itself": ("b", "block b(p=p) = conv 1x1, p", "E0202"),
    "a ring of defaults": ("b", "block b(p=q, q=p) = conv 1x1, p", "E0202"),
    "a network of itself": ("relu", "network m = m", "E0241"),
    "a ring of networks": ("relu", "network a = b\nnetwork b = c\nnetwork c = a", "E0241"),
}
DEEP = {
    "shortcuts in shortcuts": (
        "a0 /2",
        OPTION
        + blocks(
            40,
            " { residual NEXT /stride; shortcut SN }\nshortcut SN { same: NEXT; change: NEXT /stride }",
            " = conv 1x1, in, /stride",
        ),
        "E0313",
    ),
    "a constant of constants": ("conv 1x1, c99", constants(100, "LAST"), "E0313"),
    "deep blocks": ("a0", blocks(200, " { relu -> NEXT }", " = relu"), "E0313"),
    "deep abbreviations": ("a0", blocks(5000, " = NEXT", " = relu"), "E0313"),
    "deep braces": ("{" * 65 + "relu" + "}" * 65, "", "E0110"),
    "deep braces in deep blocks": (
        "a0",
        blocks(60, " { " + "{ " * 50 + "NEXT" + " }" * 50 + " }", " = relu"),
        "E0313",
    ),
    "deep merges": ("add { " * 50_000 + "relu" + " | bn }" * 50_000, "", "E0110"),
    "deep repeats": ("1 x " * 65 + "relu", "", "E0110"),
    "a hundred thousand repeats": ("1 x " * MANY + "relu", "", "E0110"),
    "deep sums": ("conv 1x1, " + "1 + " * 65 + "1", "", "E0110"),
    "a hundred thousand sums": ("conv 1x1, " + "1 + " * MANY + "1", "", "E0110"),
    "deep quotients": ("conv 1x1, " + "1 // " * MANY + "1", "", "E0110"),
    "deep parentheses": ("conv 1x1, " + "(" * 9999 + "1" + ")" * 9999, "", "E0110"),
    "parentheses of parameters": ("b", "block b" + "(" * MANY + ")" * MANY + " = relu", "E0110"),
    "deep signs": ("conv 1x1, " + "-" * 9999 + "1", "", "E0110"),
    "braces that open nothing": ("{" * 400_000, "", "E0110"),
    "parentheses that open nothing": ("conv 1x1, " + "(" * 400_000, "", "E0110"),
}
LARGE = {
    "digits": ("conv 1x1, " + "9" * 100_000, "", "E0111"),
    "5,000 digits": ("conv 1x1, " + "9" * 5000, "", "E0111"),
    "5,000 digits after a point": ("dropout 0." + "1" * 5000, "", "E0111"),
    "an exponent": ("conv 1x1, 1e-999999999", "", "E0111"),
    "a large exponent": ("conv 1x1, 1e999999999", "", "E0111"),
    "a size of 5,000 digits": ("conv " + "9" * 5000 + "x3, 3", "", "E0112"),
    "a size of many sides": ("conv " + "1x" * 100_000 + "1, 3", "", "E0112"),
    "bytes of 5,000 digits": ("relu; expect saved_bytes <= " + "9" * 5000 + "TiB", "", "E0111"),
    "a product": ("conv 1x1, " + " * ".join(["999_999_999"] * 60), "", "E0223"),
    "constants that square": ("conv 1x1, c20", constants(21, "LAST * LAST", "10"), "E0223"),
    "parameters that square": (
        "a0 10",
        blocks(20, "(n) = NEXT n * n", "(n) = conv 1x1, n"),
        "E0223",
    ),
    "fractions of ever more digits": ("dropout c60", constants(61, "LAST / 3 + LAST / 7"), "E0223"),
    "quotients of the smallest": ("conv 1x1, c20", constants(21, "LAST / 1e-15"), "E0223"),
    "a billion channels": ("conv 1x1, 1_000_000_000", "", "E0209"),
    "a billion features": ("flatten -> fc 1_000_000_000", "", "E0209"),
    "a billion groups": ("conv 1x1, 3, groups=1_000_000_000", "", "E0209"),
    "a billion groups of a norm": ("gn 1_000_000_000", "", "E0209"),
    "a billion channels of padding": ("pad_channels 1_000_000_000", "", "E0209"),
    "a kernel of a million": ("conv 1_000_000x1_000_000, 3", "", "E0108"),
    "a kernel of a million, without marks": ("conv 1000000x1000000, 3", "", "E0303"),
    "a window of a million": ("maxpool 1000000x1000000, padding=0", "", "E0303"),
    "padding of a billion": ("conv 3x3, 3, padding=1_000_000_000", "", "E0209"),
    "a dilation of a billion": ("conv 3x3, 3, dilation=1_000_000_000", "", "E0209"),
    "a stride of a billion": ("conv 3x3, 3, /1_000_000_000", "", "E0209"),
    "a picture of a billion by a billion": ("avgpool to=1000000000x1000000000", "", "E0209"),
    "a billion parts": ("chunk 1_000_000_000, 0", "", "E0209"),
    "a slice to a billion": ("slice 0, 1_000_000_000", "", "E0209"),
    "a shuffle of a billion": ("shuffle 1_000_000_000", "", "E0209"),
    "sizes that double": ("40 x double", "block double = upconv 2x2, 3, /2, padding=0", "E0316"),
    "a share above one": ("dropout 1e17", "", "E0209"),
}
MUCH = {
    "dots": (".".join("a" * 100_000) + ": relu", "", "E0234"),
    "positional arguments": ("relu " + ", ".join(["1"] * MANY), "", "E0205"),
    "one option over and over": ("conv 1x1, 3" + ", bias=true" * 50_000, "", "E0210"),
    "arrows": ("relu" + " -> " * MANY, "", "E0108"),
    "bars": ("add { relu " + "| " * MANY + "}", "", "E0108"),
    "commas": ("conv 1x1" + ", " * MANY + "3", "", "E0108"),
    "points": ("conv 1x1, 3" + "." * MANY, "", "E0108"),
    "slashes": ("conv 1x1, 3" + "/" * MANY, "", "E0108"),
    "colons": ("a" + ":" * MANY + " relu", "", "E0108"),
    "a word of a megabyte": ("a" * 1_000_000, "", "E0201"),
    "a string without an end": ("relu", 'use "' + "a" * 1_000_000, "E0106"),
}
STEPS = REPEATED | CIRCULAR | DEEP | LARGE | MUCH
TEXTS = {
    name: (chain(steps, before).encode(), code) for name, (steps, before, code) in STEPS.items()
}
BYTES = {
    "zeros": (bytes(1_000_000), "E0101"),
    "bytes that are no UTF-8": (b"\xff" * 1_000_000, "E0101"),
    "UTF-16": ("network n { input 3x8x8; head relu }".encode("utf-16"), "E0101"),
    "overlong UTF-8": (b"block a = relu # \xc0\xaf", "E0101"),
    "surrogates": (b"block a = relu # \xed\xa0\x80", "E0101"),
    "carriage returns": (b"\r" * 1_000_000, "E0101"),
    "byte-order marks": ("\ufeff".encode() * 300_000, "E0101"),
    "escape sequences": (b"block a = relu # \x1b]0;boom\x07", "E0103"),
    "a text that turns around": ("block a = relu # \u202e".encode(), "E0103"),
    "blanks of no width": (b"block a = relu" + "\u200b".encode() * 1000, "E0103"),
    "an executable": (b"\x7fELF\x02\x01\x01" + bytes(9) + bytes(range(256)), "E0101"),
    "an archive": (b"PK\x03\x04" + bytes(range(256)), "E0101"),
    "a pickle": (b"\x80\x04cos\nsystem\n(S'boom'\ntR.", "E0101"),
    "a deep JSON": (b"[" * 500_000, "E0113"),
    "a JSON of objects": (b'{"a": ' * 100_000, "E0110"),
    "a YAML of aliases": (b"a: &a [x, x]\n", "E0108"),
    "Python": (b"__import__('os').system('boom')\n", "E0108"),
    "nothing": (b"", "E0114"),
    "a megabyte of nothing": (b" " * 1_000_000, "E0114"),
    "a megabyte of comments": (b"#\n" * 500_000, "E0114"),
    "a byte too many": (b"#" * (1 << 20) + b"\n", "E0102"),
    "a shebang": (b"#!/bin/sh\nrm -rf /\n", "E0108"),
}
