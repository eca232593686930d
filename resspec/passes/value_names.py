"""Names for the values of a schedule: a value is called after where it goes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from resspec.passes.schedule import MergeStatement, Statement, sources

Readers = Mapping[int, list[int]]


def readers_of(
    statements: Sequence[Statement],
    result: int,
    fallbacks: Sequence[int | None] = (),
    outputs: Iterable[int] = (),
) -> dict[int, list[int]]:
    """Return which statements read each value; the result is read after the last.

    Args:
        statements: The statements of a schedule.
        result: The value that it returns.
        fallbacks: For each statement the value that is taken where it does not run.
        outputs: Values that are returned beside the result.
    """
    found: dict[int, list[int]] = {}
    for k, statement in enumerate(statements):
        for source in sources(statement):
            found.setdefault(source, []).append(k)
        if fallbacks and (fallback := fallbacks[k]) is not None:
            found.setdefault(fallback, []).append(k)
    for value in dict.fromkeys([*outputs, result]):
        found.setdefault(value, []).append(len(statements))
    return found


def variable(output: str) -> str:
    """Return a variable name for the value of an output: features_4 for `features.4`."""
    name = re.sub(r"\W", "_", output)
    return f"out_{name}" if name[0].isdigit() else name


def roles_of(
    statements: Sequence[Statement],
    result: int,
    main: str,
    readers: Readers,
    is_around: Sequence[bool],
) -> dict[int, str]:
    """Return what to call each value.

    Args:
        statements: The statements of a schedule.
        result: The value that it returns.
        main: What to call that, and what leads to it.
        readers: Which statements read each value.
        is_around: Whether a norm or an activation makes a value.
    """
    roles = {result: main}
    for k in reversed(range(len(statements))):
        role = roles.setdefault(k + 1, main)
        statement = statements[k]
        if isinstance(statement, MergeStatement):
            forked = [v for v in statement.sources if v == 0 or _is_forked(v, statements, readers)]
            roles.update(_roles_of_paths(statement, role, forked))
        else:
            roles.update(dict.fromkeys(sources(statement), role))
    for value in readers:
        if value and _is_forked(value, statements, readers):
            roles[value] = "preact" if is_around[value] else "skip"
    return roles


def _is_forked(value: int, statements: Sequence[Statement], readers: Readers) -> bool:
    if len(readers[value]) == 1:
        return False
    last = len(statements)
    return len({k for k in readers[value] if k == last or value in sources(statements[k])}) > 1


def _roles_of_paths(merge: MergeStatement, role: str, forked: Sequence[int]) -> dict[int, str]:
    """Return names for the values that come together: the main one as their result."""
    values = merge.sources
    if merge.kind == "concat":
        alone = len(values) - len(forked) == 1
        stem = f"{role}_" if role.startswith("branch") else "branch"
        plain = [role if alone or v in forked else f"{stem}{i + 1}" for i, v in enumerate(values)]
        return dict(zip(values, plain, strict=True))
    main = merge.residual or 0
    if merge.kind == "mul" and forked and values[0] not in forked:
        main = 1
    other = {"add": "shortcut", "mul": "scale"}[merge.kind]
    return {v: role if i == main else other for i, v in enumerate(values)}
