"""Specs in another layout."""

from __future__ import annotations

import re
from random import Random


def relaid(text: str, seed: int) -> str:
    """The same spec with other line ends, blanks and comments; `;` for line ends and back."""
    random = Random(seed)

    def gap(found: re.Match[str]) -> str:
        word = found[0].strip()
        return random.choice(
            [f" {word} ", f" {word}\n\n   ", f' {word}  # -> {{ " |\n\t', f" {word} "]
        )

    text = re.sub(r" *(->|\||,(?! /)) *", gap, text)
    text = re.sub(r"; *", lambda _: random.choice(["; ", "\n", " ;; # ; }\n ; "]), text)
    text = re.sub(r"\n(?=\w)", lambda _: random.choice(["\n", "\n# another\n\n", " # {\n"]), text)
    return ("# a comment\n\n" + text).replace("\n", random.choice(["\n", "\r\n"]))
