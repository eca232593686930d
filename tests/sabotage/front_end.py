"""Defects of reading and laying out texts."""

from tests.sabotage.defects import Defect

DEFECTS = [
    Defect("the layout forgets comments of lines of their own", "resspec/syntax/format.py",
           "yield from (_Line(beside, \"\", comment.text) for comment in comments)", "pass",
           "tests/syntax/test_format.py"),
    Defect("braces nest without a limit", "resspec/syntax/parse.py", "if depth > MAX_DEPTH:", "if depth > 10**9:",
           "tests/lowering/test_bombs.py"),
]
