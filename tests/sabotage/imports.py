"""Defects of how modules are imported, and of what is proven of them."""

from tests.sabotage.defects import Defect

VERIFY, SOURCES = "tests/importing/test_verify.py", "tests/importing/test_sources.py"
GRAPHS, CARRIED = "tests/importing/test_graphs.py", "tests/importing/test_carried.py"
SINCE = "tests/commands/test_since.py"
COMPARE = "resspec/importing/verify/compare.py"
SIDES = "resspec/importing/verify/sides.py"

DEFECTS = [
    Defect(
        "a value that is read right behind a gap does not leave it",
        "resspec/importing/gaps.py",
        "            if self.read.get(value.index, -1) >= stop",
        "            if self.read.get(value.index, -1) > stop",
        "tests/importing/test_gaps.py::test_the_smallest_part_around_is_a_placeholder",
    ),
    Defect(
        "a module is called once",
        COMPARE,
        "    if not all(map(torch.equal, expected, again)):",
        "    if False:",
        "tests/importing/test_faults.py::test_a_module_that_changes_is_not_proven",
    ),
    Defect(
        "a zero at the start of a residual path hides what follows it",
        SIDES,
        "        if tensor.is_floating_point():",
        "        if False:",
        f"{VERIFY}::test_a_zero_initialized_residual_path_hides_nothing",
    ),
    Defect(
        "gradients are those of eval mode",
        SIDES,
        "    module.train()\n",
        "    module.eval()\n",
        f"{VERIFY}::test_a_difference_in_training_alone_is_found",
    ),
    Defect(
        "a head of training alone moves the random numbers of dropout",
        COMPARE,
        "    if proof.unused:",
        "    if False:",
        f"{VERIFY}::test_a_head_of_training_alone_keeps_the_gradients_comparable",
    ),
    Defect(
        "a small input is the only one that is tried",
        COMPARE,
        "    if small is network or (found.is_sound and not found.failure):",
        "    if True:",
        f"{VERIFY}::test_a_module_that_takes_one_size_is_compared_at_that",
    ),
    Defect(
        "any size of a training step is taken to fit",
        COMPARE,
        "    if needed > MOST_BYTES:",
        "    if False:",
        f"{VERIFY}::test_what_is_too_large_to_be_trained_is_run",
    ),
    Defect(
        "a prefix comes before a file",
        "resspec/importing/sources.py",
        "    if is_file(Path(word)):",
        "    if is_file(Path(word)) and ':' not in word:",
        f"{SOURCES}::test_a_file_comes_before_a_prefix",
    ),
    Defect(
        "the folder of a revision takes the place of packages",
        "resspec/commands/apart.py",
        '"-P", ',
        "",
        f"{SINCE}::test_nothing_of_a_repository_runs_by_its_name",
    ),
    Defect(
        "a name that ends like that of a file is a file",
        "resspec/commands/since.py",
        '":" in each.source or not',
        "not",
        f"{SINCE}::test_nothing_of_a_repository_runs_by_its_name",
    ),
    Defect(
        "the worktree of a revision is left behind",
        "resspec/revision.py",
        '_git("worktree", "remove", "--force", str(folder), seconds=_SECONDS_TO_WRITE)',
        "pass",
        f"{SINCE}::test_each_side_is_the_code_of_its_revision",
    ),
    Defect(
        "operands come in the order in which they end",
        "resspec/importing/decompose.py",
        "    if first and second and _begin(first) > _begin(second):",
        "    if first and second and _begin(first[-1:]) > _begin(second[-1:]):",
        f"{GRAPHS}::test_merges",
    ),
    Defect(
        "a sum is opened whatever is computed first",
        "resspec/importing/decompose.py",
        "if _begin(other) < _begin(paths[0]):",
        "if False:",
        f"{GRAPHS}::test_merges",
    ),
    Defect(
        "a larger value has as many channels in the state as by itself",
        "resspec/importing/carried.py",
        "* self._factor(value) ** 2)",
        ")",
        f"{CARRIED}::test_values_of_several_sizes_are_carried",
    ),
]
