"""Whatever can be long has a text in which it is, for `tests/benchmarks/test_linear.py`."""

import re

from tests.syntax.pumps import PUMPS, grammar, pumped

SIZE = 3000


def test_each_rule_and_terminal_has_one() -> None:
    assert set(PUMPS) == pumped()


def test_each_does_what_it_is_named_for() -> None:
    """A text of twice the size has twice as much of it."""
    found = grammar()
    terminals = {terminal.name: terminal.pattern.to_regexp() for terminal in found.terminals}

    def amount(name: str, text: str) -> int:
        if name in terminals:
            return max(len(match[0]) for match in re.finditer(terminals[name], text))
        tree = found.parse(text, start="start")
        return sum(1 + len(each.children) for each in tree.iter_subtrees() if each.data == name)

    for name, pump in PUMPS.items():
        once, twice = (amount(name, pump.text(size)) for size in (SIZE, 2 * SIZE))
        assert 1.8 * once < twice, (name, once, twice)
