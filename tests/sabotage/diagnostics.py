"""Defects of what is said of mistakes, and of what is done about them."""

from tests.sabotage.defects import Defect

FIXTURES, PLANTED = "tests/diagnostics/test_fixtures.py", "tests/test_planted.py"

DEFECTS = [
    Defect(
        "a code has neither page nor fixture",
        "resspec/lowering/argument_errors.py",
        'at("E0222"',
        'at("E0299"',
        f"{FIXTURES}::test_codes_pages_and_fixtures_are_the_same",
    ),
    Defect(
        "a page shows something that is right as wrong",
        "resspec/lowering/argument_errors.py",
        '"E0221",',
        '"E0222",',
        "tests/diagnostics/test_pages.py",
    ),
    Defect(
        "a value that failed is told again",
        "resspec/lowering/evaluation.py",
        "if not isinstance(value, Unknown):",
        "if True:",
        f"{FIXTURES}::test_text[many-in-a-library]",
    ),
    Defect(
        "a mistake of syntax hides all others",
        "resspec/syntax/parse.py",
        "partial, found = _rest(source, list(first.diagnostics))",
        "partial, found = None, list(first.diagnostics)",
        f"{FIXTURES}::test_text[many-syntax]",
    ),
    Defect(
        "a brace is missed at the end of the file",
        "resspec/syntax/parse.py",
        "for unclear in where.unclear:",
        "for unclear in ():",
        f"{PLANTED}::test_a_brace_is_looked_for_where_it_is_missing",
    ),
    Defect(
        "a span is more than the wrong word",
        "resspec/lowering/arguments.py",
        "place = keyword.name.span",
        "place = keyword.span",
        f"{FIXTURES}::test_text[E0203-typo]",
    ),
    Defect(
        "two letters swapped are two edits",
        "resspec/suggest.py",
        "if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:",
        "if False:",
        f"{FIXTURES}::test_text[E0202-typo]",
    ),
    Defect(
        "words that resemble nothing are suggested",
        "resspec/suggest.py",
        "limit = max(1, len(word) // 3)",
        "limit = max(3, len(word) // 2)",
        f"{PLANTED}::test_words_that_resemble_nothing",
    ),
    Defect(
        "the calls that led there are not told",
        "resspec/lowering/context.py",
        "notes = (*diagnostic.notes, *trail)",
        "notes = diagnostic.notes",
        f"{FIXTURES}::test_text[E0301-trail]",
    ),
    Defect(
        "a fix takes away what stands before it",
        "resspec/fixes.py",
        "parts += [text[end : fix.span.start], fix.text]",
        "parts += [fix.text]",
        "tests/diagnostics/test_fixes.py",
    ),
    Defect(
        "a comment allows no warning",
        "resspec/lowering/lint.py",
        "if permits.isdisjoint(_marks(each))",
        "if True",
        "tests/test_lint.py::test_a_comment_allows_a_line",
    ),
    Defect(
        "SARIF counts columns from 0",
        "resspec/commands/forms.py",
        '"startColumn": place["column"]',
        '"startColumn": place["column"] - 1',
        "tests/commands/test_check_forms.py",
    ),
    Defect(
        "names stand in the order of a set",
        "resspec/lowering/options.py",
        'return sorted({*frame.library.names(ast.Option), "identity", "none"})',
        'return list({*frame.library.names(ast.Option), "identity", "none"})',
        "tests/commands/test_same_bytes.py::test_the_same_under_any_hash_seed_locale_and_width",
    ),
    Defect(
        "what a terminal obeys is printed",
        "resspec/render.py",
        "    if text.isprintable():\n",
        "    if True:\n",
        "tests/test_render.py",
    ),
]
