"""Defects of what a spec means, of emitted code, and of reading recipes."""

from tests.sabotage.defects import Defect

SHAPES = "tests/test_buildable.py"
RECIPES = "tests/train/test_recipe_texts.py"

SOURCE = "tests/backends/test_hostile_source.py"

DERIVED = "tests/lowering/test_derived.py"

QUANTITIES = "tests/passes/test_quantities.py::test_corners"
HASHES = "tests/ir/test_fingerprint.py"

DEFECTS = [
    Defect(
        "a product with a sum keeps only one of its factors",
        "resspec/ir/ops/composite.py",
        '"addcmul": ((1, 2), (2, 1)),',
        '"addcmul": ((1, 2),),',
        QUANTITIES,
    ),
    Defect(
        "a layer of several operations keeps an input that needs no gradient",
        "resspec/passes/autograd.py",
        'if x.needs_gradient:\n        needs.add("x")',
        'needs.add("x")',
        QUANTITIES,
    ),
    Defect(
        "a field that a later version added counts in every hash",
        "resspec/ir/fingerprint.py",
        "return bool(value != getattr(type(layer), name))",
        "return True",
        HASHES,
    ),
    Defect(
        "what a derived network gives wins over what is given from outside",
        "resspec/lowering/binding.py",
        "given = own | given",
        "given = given | own",
        DERIVED,
    ),
    Defect(
        "expectations of a base hold where its clauses are replaced",
        "resspec/lowering/binding.py",
        "is_replaced = is_replaced or level.replaces",
        "is_replaced = False",
        DERIVED,
    ),
    Defect(
        "the channels of a first convolution are repeated and not scaled",
        "resspec/training/weights/adapt.py",
        "(repeated * (have / float(channels)))",
        "repeated",
        "tests/train/test_carry.py",
    ),
    Defect(
        "layers are renamed without a look at them",
        "resspec/training/weights/carry.py",
        "is_same = old.op.layer == other.op.layer",
        "is_same = True",
        "tests/train/test_carry.py",
    ),
    Defect(
        "a layout is written unchecked",
        "resspec/syntax/format.py",
        "if words(Source(source.name, text)) != found:",
        "if False:",
        "tests/commands/test_fmt.py::test_a_layout_that_would_change_words_is_not_written",
    ),
    Defect(
        "a file is written where it stands",
        "resspec/files.py",
        'with draft.open("wb")',
        'with path.open("wb")',
        "tests/commands/test_fmt.py",
    ),
    Defect(
        "counts of stages do not line up",
        "resspec/syntax/layout.py",
        "right = max(counts) - count if count else 0",
        "right = 0",
        "tests/syntax/test_format.py::test_every_layout_of_the_example_formats_to_it",
    ),
    Defect(
        "a keyword becomes an attribute",
        "resspec/backends/source/syntax.py",
        "text.isascii() and not keyword.iskeyword(text)",
        "text.isascii()",
        SOURCE,
    ),
    Defect(
        "classes may be called as what torch is imported under",
        "resspec/backends/source/write.py",
        "taken = GLOBALS | copied.definitions().keys()",
        "taken = set(copied.definitions())",
        SOURCE,
    ),
    Defect(
        "a window that starts in the padding counts",
        "resspec/ir/ops/window.py",
        "ceil and steps * s >= n + p",
        "ceil and steps * s > n + p",
        SHAPES,
    ),
    Defect(
        "a layer's field does not reach torch",
        "resspec/ir/ops/activation.py",
        'module: ClassVar = "ELU"\n    torch_defaults: ClassVar = {"alpha": 1.0}',
        'module: ClassVar = "ELU"',
        "tests/ir/test_ops.py::test_fields_reach_torch",
    ),
    Defect(
        "`index` has a value in every block",
        "resspec/lowering/frame.py",
        "if not (self.residual or (self.inside and numbering.inside)):",
        "if not self.inside:",
        "tests/lowering/test_numbering.py",
    ),
    Defect(
        "a block that may end is taken for endless",
        "resspec/lowering/calls.py",
        "if context.uncertain > around[0].uncertain:",
        "if False:",
        "tests/lowering/test_recursion.py",
    ),
    Defect(
        "a repeat of the same call inside itself is followed",
        "resspec/lowering/calls.py",
        "if any(block is opened.block for opened in context.open) and",
        "if False and",
        "tests/lowering/test_recursion.py",
    ),
    Defect(
        "what a window reaches beyond the padding is not written to ONNX",
        "resspec/backends/onnx_pools.py",
        "return max(0, reached - self.size - 2 * self.padding)",
        "return 0",
        "tests/backends/test_onnx.py",
    ),
    Defect(
        "a mean counts what is beyond the padding",
        "resspec/backends/onnx_pools.py",
        'own = {**given, "count_include_pad": 0}',
        "own = given",
        "tests/backends/test_onnx.py",
    ),
    Defect(
        "a saved IR is taken as it is",
        "resspec/ir/json.py",
        "        verify(network)\n",
        "",
        "tests/backends/test_diff_damage.py",
    ),
    Defect(
        "a number of JSON has any length",
        "resspec/ir/shape.py",
        "if not _EXACT.fullmatch(text):",
        "if False:",
        "tests/backends/test_diff_damage.py::test_a_change_is_told_at_its_place[a number without end]",
    ),
    Defect(
        "a key of JSON may stand twice",
        "resspec/ir/document.py",
        "if len(found) < len(pairs):",
        "if False:",
        "tests/backends/test_diff_damage.py::test_what_is_not_a_document_is_refused_soon[twice]",
    ),
    Defect(
        "an emitted file may be called as a module",
        "resspec/backends/file_names.py",
        "is_module = name in sys.stdlib_module_names or name in _PACKAGES",
        "is_module = False",
        "tests/backends/test_file_names.py",
    ),
    Defect(
        "everything broadcasts",
        "resspec/lowering/merges.py",
        'merge == "mul" and (set(a.spatial) <= {1} or set(b.spatial) <= {1})',
        'merge == "mul" or (set(a.spatial) <= {1} or set(b.spatial) <= {1})',
        SHAPES,
    ),
    Defect(
        "zeros are padded to fewer channels",
        "resspec/ir/ops/arrange.py",
        "if self.out_channels < x.channels:",
        "if self.out_channels < 1:",
        SHAPES,
    ),
    Defect(
        "recipes take aliases",
        "resspec/training/recipes/tree.py",
        "if isinstance(event, yaml.AliasEvent):",
        "if False:",
        RECIPES,
    ),
    Defect(
        "recipes nest without a limit",
        "resspec/training/recipes/tree.py",
        "if depth > _MAX_DEPTH:",
        "if False:",
        RECIPES,
    ),
    Defect(
        "a recipe's number has any length",
        "resspec/training/recipes/scalars.py",
        "if len(text) > MOST_DIGITS and",
        "if False and",
        RECIPES,
    ),
    Defect(
        "a number that begins with 0 is octal",
        "resspec/training/recipes/scalars.py",
        "if found := _ZERO_FIRST.fullmatch(text):",
        'if found := re.fullmatch("()0[0-7]+", text):\n        return int(text, 8)\n    if found:',
        "tests/train/test_recipe_scalars.py",
    ),
    Defect(
        "true is the number 1",
        "resspec/training/recipes/mistakes.py",
        "Recipe.model_validate(self.values, strict=True)",
        "Recipe.model_validate(self.values)",
        "tests/train/test_recipe_scalars.py",
    ),
    Defect(
        "text is written without its quotes",
        "resspec/training/recipe_file.py",
        'style = None if read_scalar(Scalar(text, quoted=False)) == text else "\'"',
        "style = None",
        "tests/train/test_recipe_scalars.py",
    ),
    Defect(
        "a key of the recipe is set twice",
        "resspec/training/recipe_file.py",
        "if seen.setdefault(key, value) != value:",
        "if False:",
        "tests/train/test_codes.py",
    ),
    Defect(
        "devices are read",
        "resspec/files.py",
        "if not stat.S_ISREG(os.fstat(descriptor).st_mode):",
        "if False:",
        "tests/commands/test_fmt.py::test_what_is_no_file_is_not_waited_for",
    ),
    Defect(
        "merges are counted by every tool",
        "resspec/passes/like.py",
        "return _sum([*parts, _merge(node)])",
        "return _sum(parts)",
        "tests/passes/test_like.py::test_what_a_tool_cannot_count_is_said",
    ),
]
