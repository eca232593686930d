"""Names of exceptions: who catches one by its name catches no other."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import resspec

PACKAGE = Path(resspec.__file__).parent


def classes() -> list[ast.ClassDef]:
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in sorted(PACKAGE.rglob("*.py"))]
    return [node for tree in trees for node in tree.body if isinstance(node, ast.ClassDef)]


def test_no_other_class_has_the_name_of_an_exception() -> None:
    found = classes()
    raised = {"Exception"}
    while (
        more := {each.name for each in found if raised & {ast.unparse(base) for base in each.bases}}
        - raised
    ):
        raised |= more
    assert {"UsageError", "DamagedFile", "DamagedCheckpoint"} < raised
    times = Counter(each.name for each in found)
    assert [name for name in sorted(raised) if times[name] > 1] == []
