"""Defects of reading and laying out texts."""

from tests.sabotage.defects import Defect

DEFECTS = [
    Defect(
        "the layout forgets comments of lines of their own",
        "resspec/syntax/format.py",
        'yield from (_Line(beside, "", comment.text) for comment in comments)',
        "pass",
        "tests/syntax/test_format.py",
    ),
    Defect(
        "what nobody sees may stand in comments",
        "resspec/syntax/parse.py",
        r'if found[0].replace("\t", "").isprintable():',
        "if found[0]:",
        "tests/syntax/test_characters.py",
    ),
    Defect(
        "what follows from a look-alike is told too",
        "resspec/syntax/parse.py",
        "if is_odd or statement not in fixed:",
        "if True:",
        "tests/syntax/test_characters.py",
    ),
    Defect(
        "the grammar is compiled at every start",
        "resspec/syntax/tables.py",
        'if tables.get("lark") == lark.__version__ and',
        "if False and",
        "tests/syntax/test_tables.py::test_the_tables_are_used",
    ),
    Defect(
        "the lexer takes a token that the parser does not accept",
        "resspec/syntax/lexer.py",
        "if token and (token.type in accepted or token.type in self._ignored):",
        "if token:",
        "tests/syntax/test_lexer.py::test_specs",
    ),
    Defect(
        "a name is a keyword where only a name is accepted",
        "resspec/syntax/lexer.py",
        "if kind in _WORDS and (keyword := self._keywords.get(value)) in accepted:",
        "if kind in _WORDS and (keyword := self._keywords.get(value)):",
        "tests/syntax/test_lexer.py::test_specs",
    ),
    Defect(
        "a text is evaluated",
        "resspec/syntax/parse.py",
        "text = data.decode()",
        'eval("0"); text = data.decode()',
        "tests/test_mutants.py::test_a_damaged_spec_ends_in_located_diagnostics",
    ),
    Defect(
        "a token makes a traceback",
        "resspec/syntax/parse.py",
        "except UnexpectedInput as error:",
        "except ValueError as error:",
        "tests/test_mutants.py::test_a_damaged_spec_ends_in_located_diagnostics",
    ),
    Defect(
        "a character makes a traceback of a recipe",
        "resspec/training/recipes/tree.py",
        "except (yaml.MarkedYAMLError, yaml.reader.ReaderError) as error:",
        "except yaml.MarkedYAMLError as error:",
        "tests/test_mutants.py::test_a_damaged_recipe_ends_in_located_diagnostics",
    ),
    Defect(
        "a text is copied at each of its words",
        "resspec/syntax/words.py",
        'text.find("\\n", start) % (end + 1)',
        '((text[start:] * 3).find("\\n") + start) % (end + 1)',
        "tests/benchmarks/test_linear.py::test_twice_as_long_takes_twice_as_long[stage]",
    ),
    Defect(
        "braces nest without a limit",
        "resspec/syntax/parse.py",
        "if depth > MAX_DEPTH:",
        "if depth > 10**9:",
        "tests/attacks/test_texts.py",
    ),
    Defect(
        "what is wrong in a library is taken for its misspelt name",
        "resspec/lowering/scope.py",
        "if fix is None or fix.span.source is not user:",
        "if fix is None:",
        "tests/attacks/test_paths.py::test_libraries[zeros]",
    ),
    Defect(
        "what nests too deep is told again below",
        "resspec/diagnostics.py",
        "if self.code == TOO_DEEP:",
        "if False:",
        "tests/attacks/test_texts.py::test_refused_at_once[a long ring of blocks]",
    ),
    Defect(
        "a pool that adapts reads too little",
        "resspec/ir/ops/window.py",
        "return size + target - gcd(size, target)",
        "return size",
        "tests/ir/test_ops.py::test_windows_of_a_pool_that_adapts",
    ),
]
