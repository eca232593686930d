"""The table of the keys and names of other trainers, `foreign_keys.yaml`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from resspec.training.recipes import fields


class ForeignKey(NamedTuple):
    """A row of the table; `foreign_keys.yaml` explains its columns."""

    words: str
    key: str = ""
    convert: str = "same"
    kind: str = ""
    within: str = ""
    values: Mapping[str, str] | None = None
    why: str = ""
    help: str = ""
    remedy: str | None = None


@cache
def _tables() -> dict[str, Any]:
    text = Path(__file__).with_name("foreign_keys.yaml").read_text(encoding="utf-8")
    tables: dict[str, Any] = yaml.safe_load(text)
    return tables


@cache
def foreign_keys() -> dict[tuple[str, str], ForeignKey]:
    """Return the rows by the section where they hold, or "" for everywhere, and a word."""
    rows = [ForeignKey(**row) for row in _tables()["keys"]]
    return {
        (place, squashed(word)): row
        for row in rows
        for place in row.within.split() or [""]
        for word in row.words.split()
    }


def _by_word(table: Mapping[str, str]) -> dict[str, str]:
    return {word: ours for ours, words in table.items() for word in words.split()}


def is_foreign(name: str) -> bool:
    """Return whether another trainer, or another section of a recipe, has such a key."""
    word = squashed(name)
    own = {squashed(key[-1]) for key in fields.every_key()}
    return word in own or ("", word) in foreign_keys()


def kind_of(key: str, word: str) -> str:
    """Return our name of an optimizer, schedule, loss or precision; the word itself if unknown."""
    path = tuple(key.split("."))
    known = fields.at(path)
    ours = [*fields.kinds(path[:1]), *(known.choices if known else ())]
    names = {squashed(name): name for name in ours}
    theirs = _by_word(_tables()["names"].get(key, {}))
    return (theirs | names).get(squashed(word), word)


def substitute(word: str) -> str | None:
    """Return what to write in place of an optimizer or schedule that there is not, if known."""
    return _by_word(_tables()["substitutes"]).get(squashed(word))


def like(word: str) -> str:
    """Return the kind that has the keys of a kind that there is not: AdamW for Adam."""
    return _by_word(_tables()["alike"]).get(squashed(word), "")


def squashed(word: str) -> str:
    """Return the letters and digits of a name behind its last point.

    So `torch.optim.AdamW` is `adamw`, and `batch_size`, `batch-size` and `batchSize` are one.
    """
    return re.sub(r"[^a-z0-9]", "", word.rpartition(".")[2].lower())
