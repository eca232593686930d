"""Texts of the same words and comments in random layouts."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from resspec.source import Source
from resspec.syntax.words import Comment, Word, words

_REMARKS = ("# a", "#", '# -> { ; " |', "#!}", "# é 層 \t x  y")


def laid_out(found: Sequence[Word], random: Random) -> str:
    """The words with other blanks, line ends and `;`."""
    text = ""
    for i, word in enumerate(found):
        text += _gap(found, i, random) + word.text
    return text.replace("\n", random.choice(["\n", "\r\n"]))


def commented(text: str, random: Random) -> list[Word]:
    """The words of a text, with comments wherever one may stand."""
    found = words(Source("", text))
    often = random.choice([0, 0.02, 0.1, 0.5])
    for i, word in enumerate(found):
        if (word.opens or _may_break(found, i)) and random.random() < often:
            remarks = [random.choice(_REMARKS) for _ in range(random.choice([1, 1, 2, 3]))]
            trails = i > 0 and (found[i - 1].kind == "SPACED_SLASH" or random.random() < 0.5)
            found[i] = word._replace(
                comments=tuple(Comment(text, trails and k == 0) for k, text in enumerate(remarks))
            )
    return found


def _may_break(found: Sequence[Word], i: int) -> bool:
    before, word = found[i - 1], found[i]
    if i == 0 or before.kind == "TOUCHING_SLASH":
        return i == 0
    follows = ("->", "|", "{", "(", ",", "*", "+", "//", "/", "=")
    labelled = before.kind == "LABEL" and found[i - 2].kind != "SHORTCUT"
    return before.text in follows or labelled or word.kind == "END" or word.text in ("->", "|", "}")


def _gap(found: Sequence[Word], i: int, random: Random) -> str:
    before, word = found[i - 1] if i else None, found[i]
    touches = before is not None and before.kind == "TOUCHING_SLASH"
    blank = "" if touches else random.choice([" ", " ", "  ", "\t"])
    text = blank if before else ""
    for comment in word.comments:
        line = (
            ""
            if comment.is_trailing
            else "\n" * bool(text or before) + random.choice(["", "\n", "  \n"]) + blank
        )
        text += (
            line + comment.text + random.choice(["", "" if comment.text.endswith("x  y") else "  "])
        )
    if word.comments:
        text += "\n" + random.choice(["", "\n \n", "\t"])
    if word.opens:
        ends = [";", " ;; ", "\n", "\n\n\n", ";\n;", "\n ; \t\n  "]
        text += random.choice(
            [*(end for end in ends if end.startswith(";")), ""] if word.comments else ends
        )
    elif not touches and _may_break(found, i) and before and before.kind != "SPACED_SLASH":
        text += random.choice(["", "", "\n", "\n\n   "])
    return text
