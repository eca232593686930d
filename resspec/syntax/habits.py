"""Habits of other languages and of handwriting: comments, sizes, arrows, calls, counts."""

from __future__ import annotations

import re

from resspec.diagnostics import Diagnostic
from resspec.source import Source, Span
from resspec.syntax import errors

_NEAR = 200  # characters around a mistake that are looked at

_SIZE_BEFORE, _SIZE_AFTER = (
    re.compile(r"[0-9]+ *\Z"),
    re.compile(r"x(?: *[0-9]+\b)?(?= *(?:,|->|\n|\}|#|\Z))"),
)
_CALLED = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)[ \t]*\([^(),]*\Z")
_IN_PARENTHESES = re.compile(r"\([ \t]*([0-9]+)[ \t]*\Z")
_CALL_OPENS = re.compile(r"(?:^|->|[|{:;]|\bx)[ \t]*([A-Za-z_]\w*)\([ \t]*([0-9]+)[ \t]*\Z")
_KERNEL_IN_NAME = re.compile(r"\bconv_?([0-9]+x[0-9]+)\Z")
_CALL_CLOSES = re.compile(r"(?:,[ \t]*[0-9]+[ \t]*)+\)")
_MORE_SIDES = re.compile(r",[ \t]*([0-9]+)(?:[ \t]*,[ \t]*([0-9]+))?[ \t]*\)")
_HYPHENED, _PART = (
    re.compile(r"^[ \t]*(?:network|block|shortcut|let|use)[ \t]+(\w+)\Z"),
    re.compile(r"-([A-Za-z0-9_-]+)"),
)
_USED = re.compile(r"^[ \t]*use[ \t]+(\w+)\Z")
_INPUT, _SIDES = (
    re.compile(r"\binput[ \t]+([0-9]+)[ \t]*,[ \t]*([0-9]+)[ \t]*\Z"),
    re.compile(r",[ \t]*([0-9]+)"),
)
_ARROW = re.compile(r"=?>>?")
_OPENS = re.compile(
    r",[ \t]*\n\s*(?:stem|stages?|head|residual|after|init|expect|shortcut|preact|replace|let)"
    r"[ \t]+\Z"
)

_OPERATOR = re.compile(r"//|[=!<>]=|[+\-*/<>]")
_FUNCTION_AS_COUNT = re.compile(
    r"(?:^|->|[|{:;]|\b(?:stem|head|residual|after|preact)\b)[ \t]*"
    r"([A-Za-z_]\w*\([^{}|\n]*\))[ \t]+x[ \t]"
)
_ENDS_VALUE = ("", "->", ",", ")", "|", "}", ";")
_STRIDE_BEFORE = re.compile(r"/(\w+)[ \t]*\Z")
_OPERAND_BEFORE = re.compile(
    r"(?:[A-Za-z0-9_.]+|\([^(){}\n]*(?:\([^(){}\n]*\)[^(){}\n]*)*\))[ \t]*\Z"
)
_REST_OF_COUNT = re.compile(
    r"[ \t]*[A-Za-z0-9_.()+\-*/ \t]*?[A-Za-z0-9_)](?=[ \t]+x[ \t]+[A-Za-z0-9_{(])"
)
_COMMENTED = re.compile(r"//(?!.*//)[ \t]*[A-Za-z][\w ',]*\Z")
_CLAUSE_SIGN = re.compile(
    r"(?:^|[;{])[ \t]*(input|stem|head|residual|after|preact|shortcut)[ \t]*\Z"
)
_CLAUSE_COLON = re.compile(r"(?:^|[;{])[ \t]*(input|init|expect|let|use|replace)[ \t]*(:)[^;{}]*\Z")
_NAMED = re.compile(
    r"(?:^|->|[|;{])[ \t]*(?:(?:stem|head|residual|after|preact)[ \t]+)?([A-Za-z_]\w*)[ \t]*\Z"
)
_OUTPUT = re.compile(r"(?:^|[;{])[ \t]*output\b[^;{}]*\Z")
_NETWORK = re.compile(r"(?:model|net|arch|architecture|nn)\b(?=[ \t]+\w+[ \t]*[({=])")
_CONSTANT = re.compile(r"([A-Za-z_]\w*)[ \t]*[=:][ \t]*(?=[0-9(\-])")


def habit(source: Source, span: Span, allowed: dict[str, str]) -> Diagnostic | None:
    """Return the error where a text is written as in other languages, or as by hand.

    Args:
        source: The text.
        span: The word that is not allowed.
        allowed: The terminals that are allowed there, with their texts.
    """
    around = _Around(source, span, allowed)
    return (
        around.count()
        or around.choice()
        or around.comment()
        or around.call()
        or around.size()
        or around.sign()
        or around.name()
        or around.output()
        or around.comma()
    )


def _call(name: str, numbers: list[str]) -> str:
    """Return a call of torch's or Keras's as a spec has it, as far as its numbers say."""
    layer = name.lower().removesuffix("2d")
    match layer, numbers:
        case "conv", [_, channels, side]:  # in_channels, out_channels, kernel_size
            return f"conv {side}x{side}, {channels}"
        case "conv", [side, channels]:
            return f"conv {side}x{side}, {channels}"
        case "maxpool" | "avgpool", [side, stride]:
            return f"{layer} {side}x{side}, /{stride}"
        case "linear" | "fc" | "dense", [*_, features]:
            return f"fc {features}"
        case _:
            return f"{name} {', '.join(numbers)}"


class _Around:
    """A mistake with the text around it; `line` is the part of its line before it."""

    def __init__(self, source: Source, span: Span, allowed: dict[str, str]) -> None:
        self.source, self.span, self.allowed = source, span, allowed
        self.before = source.text[max(0, span.start - _NEAR) : span.start]
        self.after = source.text[span.start : span.start + _NEAR]
        self.line = self.before[self.before.rfind("\n") + 1 :]

    def _from(self, characters: int, to: int = 0) -> Span:
        """Return the span from so many characters before the mistake to so many after its start."""
        return Span(self.source, self.span.start - characters, self.span.start + to)

    def _since(self, found: re.Match[str], to: int = 0, group: int = 0) -> Span:
        """Return the span from a match in the line to so many characters after the mistake."""
        return self._from(len(self.line) - found.start(group), to)

    def _instead(self, help: str, place: Span | None = None) -> Diagnostic:
        return errors.unexpected(place or self.span, "", help)

    def count(self) -> Diagnostic | None:
        """`2 * n x relu`: what is computed needs parentheses as the count of a repeat."""
        end_of_line = self.after.partition("\n")[0]
        for found in _FUNCTION_AS_COUNT.finditer(self.line + end_of_line):
            if found.start(1) < len(self.line) <= found.end():
                return errors.bare_count(self._since(found, found.end(1) - len(self.line), 1))
        operator = _OPERATOR.match(self.after)
        if operator is None or not {"x", "->"} & set(self.allowed.values()):
            return None
        first = _OPERAND_BEFORE.search(self.line)
        rest = _REST_OF_COUNT.match(self.after, operator.end())
        if first is None or rest is None:
            return None
        return errors.bare_count(self._since(first, rest.end()))

    def choice(self) -> Diagnostic | None:
        """Return the error of a choice without its `else`, or as a stride without parentheses."""
        if "ELSE" in self.allowed and self.span.text.strip() in _ENDS_VALUE:
            return self._instead("a choice needs an `else`: `64 if width > 32 else 16`")
        if self.span.text == "if" and (stride := _STRIDE_BEFORE.search(self.line)):
            return self._instead(f"put the choice in parentheses: `/({stride[1]} if … else …)`")
        return None

    def comment(self) -> Diagnostic | None:
        """Return the error of a comment that begins with `//`, `/*` or `--`."""
        line, after, sign = self.line, self.after, None
        is_slashes = after.startswith("//") and not line.rstrip().endswith(",")
        is_dashes = after.startswith("--") and not line.strip()
        if is_slashes or is_dashes or after.startswith("/*"):
            sign = self._from(0, 2)
        elif line.endswith("/") and after.startswith("*"):
            sign = self._from(1, 1)
        elif found := _COMMENTED.search(line):
            start = self._since(found).start
            sign = Span(self.source, start, start + 2)
        return self._instead("a comment begins with `#`", sign) if sign else None

    def call(self) -> Diagnostic | None:
        """`conv(3, 16)`: a call with its numbers in parentheses."""
        opening, rest = _CALL_OPENS.search(self.line), _CALL_CLOSES.match(self.after)
        if opening is None or rest is None:
            return None
        numbers = [opening[2], *re.findall("[0-9]+", rest[0])]
        whole = self._from(len(self.line) - opening.end(1), rest.end())
        help = f"write arguments without parentheses: `{_call(opening[1], numbers)}`"
        return self._instead(help, whole)

    def size(self) -> Diagnostic | None:
        """`3 x 3`, and an `input` whose sides are separated by commas."""
        if (first := _SIZE_BEFORE.search(self.line)) and (last := _SIZE_AFTER.match(self.after)):
            return errors.no_size(self._since(first, last.end()))
        for opening, sides in ((_INPUT, _SIDES), (_IN_PARENTHESES, _MORE_SIDES)):
            if (first := opening.search(self.line)) and (last := sides.match(self.after)):
                where = self._since(first, last.end(), group=1)
                if self.line[first.start()] == "(":
                    where = self._since(first, last.end())
                return errors.no_size(
                    where, "x".join(side for side in (*first.groups(), *last.groups()) if side)
                )
        return None

    def sign(self) -> Diagnostic | None:
        """Return a comparison, an arrow, or a sign between a word and what it takes."""
        is_arrow = self.after.startswith("=>") and "->" in self.allowed.values()
        if self.span.text == "=" and "COMPARISON" in self.allowed and not is_arrow:
            meant = {"=>": ">=", "=<": "<="}.get(self.after[:2], "==")
            wrong = self._from(0, 2 if meant != "==" else 1)
            return self._instead(f"did you mean `{meant}`?", wrong)
        if self.line.endswith("-") and self.after.startswith(">"):
            return self._instead("write a layer before each arrow", self._from(1, 1))
        if "->" in self.allowed.values() and (arrow := _ARROW.match(self.after)):
            return self._instead("an arrow is `->`", self._from(0, arrow.end()))
        if (
            self.span.text == "|"
            and "->" in self.allowed.values()
            and "|" not in self.allowed.values()
        ):
            return self._instead("write the paths in the braces of a merge: `add { … | … }`")
        if self.span.text in ("=", ":") and (clause := _CLAUSE_SIGN.search(self.line)):
            return self._instead(f"leave it out: `{clause[1]} …`")
        if clause := _CLAUSE_COLON.search(self.line):
            start = self._since(clause, group=2).start
            colon = Span(self.source, start, start + 1)
            return self._instead(f"leave it out: `{clause[1]} …`", colon)
        if self.span.text[:1] == '"' and "STRING" not in self.allowed:
            return self._instead("leave out the quotes: only `use` takes a string")
        return None

    def name(self) -> Diagnostic | None:
        """Return the error of a name with a hyphen, of a file without quotes, or given with `=`."""
        span, line, after = self.span, self.line, self.after
        if (
            span.text[0] == "-"
            and (name := _HYPHENED.search(line))
            and (last := _PART.match(after))
        ):
            whole = f"{name[1]}_{last[1].replace('-', '_')}"
            return self._instead(f"a name consists of letters, digits and `_`: `{whole}`")
        if span.text[0] == "." and (used := _USED.search(line)):
            return self._instead(f'`use {used[1]}`, or `use "{used[1]}.res"` for a file')
        if "NETWORK" in self.allowed and _NETWORK.match(after):
            return errors.misspelt(span, "declaration", ["network"])
        if "NETWORK" in self.allowed and (constant := _CONSTANT.match(after)):
            return self._instead(f"declare a constant, `let {constant[1]} = …`")
        if span.text == "=" and (name := _NAMED.search(line)):
            value = after[1:].lstrip(" \t")[:1]
            if value.isdigit() or value in ("(", "-"):
                return self._instead(f"declare a constant, `let {name[1]} = …`")
            return self._instead(f"a layer is named by a label: `{name[1]}: …`")
        return None

    def output(self) -> Diagnostic | None:
        """Return the error of outputs with commas between them, or of layers instead of names."""
        if not _OUTPUT.search(self.line):
            return None
        if self.span.text == "->":
            return self._instead("`output` takes names of stages; the last layers are `head …`")
        if self.span.text == ",":
            return self._instead("write the names without commas: `output layer1 layer2`")
        return None

    def comma(self) -> Diagnostic | None:
        """Return the error of arguments in parentheses, or of a comma after the last argument."""
        if self.span.text == "," and (kernel := _KERNEL_IN_NAME.search(self.line)):
            word = self._since(kernel)
            return self._instead(f"the kernel is an argument: `conv {kernel[1]}, …`", word)
        if self.span.text == "," and (call := _CALLED.search(self.line)):
            return self._instead(f"write arguments without parentheses: `{call[1]} …, …`")
        if clause := _OPENS.search(self.before):
            comma = self._from(
                len(self.before) - clause.start(), clause.start() - len(self.before) + 1
            )
            return self._instead("leave it out, or write an argument after it", comma)
        return None
