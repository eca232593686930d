"""Python code, laid out as ruff and black do: lines of 100 columns, broken at brackets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

WIDTH = 100
INDENT = "    "


@dataclass(frozen=True)
class Code:
    """An expression or a simple statement.

    Attributes:
        start: The text up to its last opening bracket; all of it where there is none.
        items: What is between the brackets.
        end: The text from the closing bracket on.
        separator: What is between two items.
        rows: Where the items are if the code is too long for a line: on one "line" between the
            brackets, if they fit there, or "each" on its own. With "always" they are so anyway.
        optional: Whether the brackets are only needed to break the line.
        comment: A comment at its end.
    """

    start: str
    items: tuple[Code, ...] = ()
    end: str = ""
    separator: str = ", "
    rows: Literal["line", "each", "always"] = "line"
    optional: bool = False
    comment: str = ""

    @property
    def text(self) -> str:
        """The code on one line."""
        inside = self.separator.join([item.text for item in self.items])
        if self.optional:
            return self.start[:-1] + inside + self.end[1:]
        return self.start + inside + self.end

    @property
    def is_broken(self) -> bool:
        return self.rows == "always" or any(item.is_broken for item in self.items)

    def after(self, text: str) -> Code:
        """Return the code with a text before it."""
        return replace(self, start=text + self.start)

    def before(self, text: str) -> Code:
        """Return the code with a text after it."""
        return replace(self, end=self.end + text)

    def lines(self, indent: str = "") -> list[str]:
        """Return the code on as many lines as it takes."""
        line = indent + self.text
        if not self.items or (len(line) <= WIDTH and not self.is_broken):
            fits = len(line + self.comment) <= WIDTH
            return [line + self.comment if fits else line]
        deeper = indent + INDENT
        inside = deeper + self.separator.join([item.text for item in self.items])
        if self.rows == "line" and len(inside) <= WIDTH and not self.is_broken:
            body = [inside]
        else:
            items = [item.before(self.separator.strip()) for item in self.items]
            body = [line for item in items for line in item.lines(deeper)]
        return [indent + self.start, *body, indent + self.end + self.comment]


@dataclass(frozen=True)
class Block:
    """A compound statement."""

    head: Code
    body: Sequence[Statement]

    def lines(self, indent: str = "") -> list[str]:
        inside = [line for each in self.body for line in each.lines(indent + INDENT)]
        return [*self.head.lines(indent), *inside]


Statement = Code | Block
BLANK = Code("")


def call(function: str, items: Iterable[Code]) -> Code:
    return Code(f"{function}(", tuple(items), ")")


def block(head: Code | str, body: Sequence[Statement]) -> list[Statement]:
    """Return statements under a head; empty if there are no statements."""
    head = Code(head) if isinstance(head, str) else head
    return [Block(head, body)] if body else []


def lay_out(statements: Iterable[Statement]) -> str:
    """Return the text of statements."""
    return "\n".join([line.rstrip() for each in statements for line in each.lines()])
