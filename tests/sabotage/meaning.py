"""Defects of what a spec means, of emitted code, and of reading recipes."""

from tests.sabotage.defects import Defect

SHAPES = "tests/test_buildable.py"
RECIPES = "tests/train/test_recipe_texts.py"

SOURCE = "tests/backends/test_hostile_source.py"

DEFECTS = [
    Defect("a layout is written unchecked", "resspec/syntax/format.py",
           "if words(Source(source.name, text)) != found:", "if False:",
           "tests/commands/test_fmt.py::test_a_layout_that_would_change_words_is_not_written"),
    Defect("a file is written where it stands", "resspec/files.py", 'with draft.open("wb")', 'with path.open("wb")',
           "tests/commands/test_fmt.py"),
    Defect("counts of stages do not line up", "resspec/syntax/layout.py",
           "right = most - counts[i] if counts[i] else 0", "right = 0", "tests/syntax/test_format.py::test_shapes"),
    Defect("a keyword becomes an attribute", "resspec/backends/source/syntax.py",
           "text.isascii() and not keyword.iskeyword(text)", "text.isascii()", SOURCE),
    Defect("classes may be called as what torch is imported under", "resspec/backends/source/write.py",
           "taken = GLOBALS | copied.names()", "taken = copied.names()", SOURCE),
    Defect("a window that starts in the padding counts", "resspec/ir/ops/window.py",
           "if ceil and steps * s >= n + p:", "if ceil and steps * s > n + p:", SHAPES),
    Defect("`index` has a value in every block", "resspec/lowering/frame.py",
           "if not (self.residual or (self.inside and numbering.inside)):", "if not self.inside:",
           "tests/lowering/test_numbering.py"),
    Defect("a block that may end is taken for endless", "resspec/lowering/calls.py",
           "if lowerer.uncertain > around[0].uncertain:", "if False:", "tests/lowering/test_recursion.py"),
    Defect("a repeat of the same call inside itself is followed", "resspec/lowering/calls.py",
           "if any(block is opened.block for opened in lowerer.open) and", "if False and", "tests/lowering/test_recursion.py"),
    Defect("everything broadcasts", "resspec/lowering/merges.py",
           '(merge == "mul" and (set', '(merge == "mul" or (set', SHAPES),
    Defect("zeros are padded to fewer channels", "resspec/ir/ops/arrange.py", "if self.out_channels < x.channels:",
           "if self.out_channels < 1:", SHAPES),
    Defect("recipes take aliases", "resspec/train/recipes/tree.py", "if isinstance(event, yaml.AliasEvent):", "if False:",
           RECIPES),
    Defect("recipes nest without a limit", "resspec/train/recipes/tree.py", "if self.depth > _MAX_DEPTH:", "if False:",
           RECIPES),
    Defect("a recipe's number has any length", "resspec/train/recipes/scalars.py", "if len(text) > MOST_DIGITS and",
           "if False and", RECIPES),
    Defect("a number that begins with 0 is octal", "resspec/train/recipes/scalars.py",
           "if found := _ZERO_FIRST.fullmatch(text):",
           "if found := re.fullmatch(\"()0[0-7]+\", text):\n        return int(text, 8)\n    if found:",
           "tests/train/test_recipe_scalars.py"),
    Defect("true is the number 1", "resspec/train/recipes/mistakes.py", "Recipe.model_validate(self.values, strict=True)",
           "Recipe.model_validate(self.values)", "tests/train/test_recipe_scalars.py"),
    Defect("text is written without its quotes", "resspec/train/recipe_file.py",
           "style = None if read_scalar(Scalar(text, quoted=False)) == text else \"'\"", "style = None",
           "tests/train/test_recipe_scalars.py"),
    Defect("a key of the recipe is set twice", "resspec/train/recipe_file.py", "if seen.setdefault(key, value) != value:",
           "if False:", "tests/train/test_codes.py"),
    Defect("devices are read", "resspec/files.py", "if not stat.S_ISREG(os.fstat(descriptor).st_mode):", "if False:",
           "tests/commands/test_fmt.py::test_what_is_no_file_is_not_waited_for"),
]
