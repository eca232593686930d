"""The differences between runs: all settings and decisions that are not the same in all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from resspec.backends.table import columns, filled, shown, taken
from resspec.training.run import record
from resspec.training.run.record import Facts

SIDE_BY_SIDE = 6  # runs that have a column each; of more the values are counted
MOST = 20  # differences that are shown
LONGEST = 40  # characters of a value
_DIGEST = 8  # characters of a digest that are shown
_NONE = "–"  # where a run has no such key


def to_table(names: Sequence[str], facts: Sequence[Facts], width: int, color: bool) -> str:
    """Return a table of the keys that differ between runs; empty where none does.

    Args:
        names: The names of the runs.
        facts: The content of the `run.json` of each.
        width: Columns of the terminal.
        color: Whether the terminal shows colors.
    """
    keys, values = _differing(facts)
    if not keys:
        return ""
    few = len(names) <= SIDE_BY_SIDE
    headings = ("differs", *names) if few else ("differs", "values")
    cells = values if few else [[_counted(row)] for row in values]
    rows = [[key, *row] for key, row in zip(keys, cells, strict=True)]
    own = columns(headings, rows)
    return shown([filled(own, rows)], max(width, taken(own)), color)


def _differing(facts: Sequence[Facts]) -> tuple[list[str], list[list[str]]]:
    """Return the keys that are not the same in all runs, and the value of each run."""
    flat = [dict(_settings(each)) for each in facts]
    keys = list(dict.fromkeys(key for each in flat for key in each))
    rows = {key: [each.get(key, _NONE) for each in flat] for key in keys}
    found = {key: row for key, row in rows.items() if len(set(row)) > 1}

    shown_keys = list(found)[:MOST]
    values = [[_short(value) for value in found[key]] for key in shown_keys]
    if len(found) > MOST:
        shown_keys.append(f"… and {len(found) - MOST} more")
        values.append(["" for _ in facts])
    return shown_keys, values


def _settings(facts: Facts) -> Iterator[tuple[str, str]]:
    """Yield the settings and decisions of a run by name, without its results."""
    data = facts["data"]
    yield "network", facts["network"]
    yield "network hash", facts["hash"][:_DIGEST]
    yield "data", data["name"]
    yield "classes", _listed(data["classes"])
    yield "training images", data["train"][:_DIGEST]
    yield "test images", str(record.latest(facts, record.TEST_IMAGES))[:_DIGEST]
    yield "seed", str(facts["seed"])
    yield "starts from", _start(facts.get("weights"))
    yield "steps", f"{facts['steps']:,}"
    recipe = {name: value for name, value in facts["recipe"].items() if name != "source"}
    yield from _flat(recipe, "")
    yield from _flat(facts["machine"], "machine")
    yield from _flat(facts.get("versions", {}), "version")


def _start(weights: Any) -> str:
    if not isinstance(weights, dict):
        return "random weights"
    return f"weights {str(weights.get('sha256'))[:_DIGEST]}"


def _flat(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from _flat(inner, f"{path}.{name}" if path else name)
    else:
        yield path, as_yaml(value)


def as_yaml(value: Any) -> str:
    """Return a value as a recipe writes it."""
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case dict():
            inside = ", ".join(f"{name}: {as_yaml(inner)}" for name, inner in value.items())
            return f"{{{inside}}}"
        case list() | tuple():
            return f"[{', '.join(map(as_yaml, value))}]"
        case _:
            return str(value)


def _listed(names: Sequence[Any]) -> str:
    words = ", ".join(map(str, names))
    return words if len(words) <= LONGEST else f"{len(names):,}: {words}"


def _short(value: str) -> str:
    return value if len(value) <= LONGEST else f"{value[: LONGEST - 1]}…"


def _counted(row: Sequence[str]) -> str:
    """Return the values of many runs, each with how many have it."""
    counts = Counter(row).most_common()
    first = counts[:SIDE_BY_SIDE]
    words = [value if count == 1 else f"{value} (×{count})" for value, count in first]
    return ", ".join(words) + (", …" if len(counts) > SIDE_BY_SIDE else "")
