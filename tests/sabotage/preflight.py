"""The checks before the first step, each taken out or made blind."""

from tests.sabotage.defects import Defect

FOLDER = "resspec/training/preflight/"
T = "tests/train/preflight/"
TABLE, NORMS, IMAGES, FILES, SIZES = (
    f"{FOLDER}{name}.py" for name in ("__init__", "norms", "images", "files", "sizes")
)
ALL = f"{T}test_preflight.py::test_everything_is_reported_at_once"
ONE_VALUE = f"{T}test_preflight.py::test_one_value_is_found_for_each_way_of_showing_one_image"

DEFECTS = [
    Defect(
        "the first mistake ends the checks",
        TABLE,
        "found_errors.setdefault((code, message, str(first.span)), found)",
        "raise SpecError([found])",
        ALL,
    ),
    Defect(
        "processes need not agree",
        TABLE,
        "    agreement.require(requests, processes)\n",
        "",
        f"{T}test_agreement.py",
    ),
    Defect(
        "test images are not decoded",
        IMAGES,
        "split, indices, decode = data.test, torch.arange(len(data.test)), True",
        "split, indices, decode = data.test, torch.arange(0), True",
        ALL,
    ),
    Defect(
        "a full check looks at no more",
        IMAGES,
        "request.trained_on, request.full_check",
        "request.trained_on, False",
        f"{T}test_preflight.py::test_a_full_check_decodes_training_images",
    ),
    Defect(
        "batch norm's own batch is not looked at",
        NORMS,
        "if recipe.bn_batch_size and isinstance(norm.op.layer, BatchNorm):",
        "if False:",
        ONE_VALUE,
    ),
    Defect(
        "micro-batches are not looked at",
        NORMS,
        'if recipe.micro_batch_size != "auto":\n        return',
        "if False:\n        return",
        ONE_VALUE,
    ),
    Defect(
        "a norm never needs two images",
        NORMS,
        "return 2 if any",
        "return 1 if any",
        f"{T}test_preflight.py::test_the_automatic_micro_batch_is_never_one_image_where_a_norm_needs_two",
    ),
    Defect(
        "a run's folder may be anywhere",
        FILES,
        "            _try_to_write(each)\n",
        "            pass\n",
        f"{T}test_preflight.py::test_a_folder_that_cannot_be_written_to",
    ),
    Defect(
        "mixed sizes are no mistake",
        SIZES,
        'if use.key == "data" and len(reached.sizes) > 1:',
        "if False:",
        f"{T}test_preflight.py::test_a_mistake_is_shown_at_its_place",
    ),
    Defect(
        "test images are not run through the shapes",
        SIZES,
        'case "1-crop":',
        'case "none":',
        f"{T}test_preflight.py::test_a_mistake_is_shown_at_its_place",
    ),
    Defect(
        "weights may be of another shape",
        "resspec/passes/propagate.py",
        "if op.layer.parameters(x) != op.layer.parameters(op.input):",
        "if False:",
        "tests/passes/test_propagate.py",
    ),
]
