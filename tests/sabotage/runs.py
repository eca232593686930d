"""Protections of the run folder and of the end of a run, each taken out."""

from tests.sabotage.defects import Defect

T = "tests/train/"
RECORD, RESUME, FINISH, LOOP = (
    f"resspec/training/{name}.py" for name in ("run/record", "run/resume", "finish", "steps/loop")
)

DAMAGED = f"{T}test_run_damage.py::test_a_comparison_names_what_is_damaged_and_shows_the_others"

DEFECTS = [
    Defect(
        "the last state is not saved before the test",
        LOOP,
        "if due and (task.saved < state.step or task.stale):",
        "if due and task.saved < state.step and not last:",
        f"{T}test_finish.py::test_a_run_of_one_epoch_has_its_checkpoint",
    ),
    Defect(
        "the weights are saved after the test",
        FINISH,
        'digest = _save_weights(plan, state, run)\n    task.doing = "while testing the trained weights"\n'
        '    facts = {**_test(plan, state, watcher, stop), "weights": digest}',
        'facts = _test(plan, state, watcher, stop)\n    facts["weights"] = _save_weights(plan, state, run)',
        f"{T}test_finish.py::test_a_test_image_that_breaks_costs_nothing_that_was_trained",
    ),
    Defect(
        "a test that fails costs the steps before it",
        "resspec/training/trainer.py",
        "            rescue(error, task, state, learner.undo, _rescuer(plan, watcher, lock))\n",
        "",
        f"{T}test_finish.py::test_a_test_image_that_breaks_on_the_way_costs_no_step",
    ),
    Defect(
        "a picture that cannot be drawn ends a run",
        FINISH,
        "except Exception as error:",
        "except MemoryError as error:",
        f"{T}test_finish.py::test_a_picture_that_cannot_be_drawn_is_drawn_later",
    ),
    Defect(
        "the test images make a training another one",
        RESUME,
        '_without(facts["data"], "path", "test")',
        '_without(facts["data"], "path")',
        f"{T}test_finish.py::test_a_test_image_that_breaks_costs_nothing_that_was_trained",
    ),
    Defect(
        "how a test shows images makes a training another one",
        RESUME,
        '_without(recipe.get("data", {}), "test")',
        'recipe.get("data", {})',
        f"{T}test_finish.py::test_the_test_of_a_training_that_is_done_may_be_another_one",
    ),
    Defect(
        "a plateau may be shown other held-out images",
        RESUME,
        "if is_plateau and found",
        "if False and found",
        f"{T}test_finish.py::test_where_the_test_decides_the_training_it_may_change_once_that_is_done",
    ),
    Defect(
        "a run of any format is read",
        RECORD,
        "    if number == FORMAT:\n",
        "    if number:\n",
        f"{T}test_refusals.py::test_a_run_of_another_format",
    ),
    Defect(
        "any classes are measured",
        "resspec/commands/eval.py",
        "if target.classes is not None:",
        "if False:",
        f"{T}test_metadata.py::test_other_classes_are_not_measured",
    ),
    Defect(
        "weights are shown images as they may come",
        "resspec/commands/eval.py",
        "if preprocessing and not arguments.recipe:",
        "if False:",
        f"{T}test_metadata.py::test_weights_are_shown_images_as_in_training_without_being_told",
    ),
    Defect(
        "JSON may be as deep as it is",
        "resspec/training/run/sealed.py",
        "except RecursionError:",
        "except MemoryError:",
        DAMAGED,
    ),
    Defect(
        "a damaged line costs all of them",
        "resspec/training/run/measurements.py",
        "except DamagedFile as why:",
        "except MemoryError as why:",
        DAMAGED,
    ),
    Defect(
        "any change of the training images is taken",
        RESUME,
        "(is_added or not repaired.is_waiting(run))",
        "is_added",
        f"{T}test_repaired.py::test_other_changes_are_refused_by_name",
    ),
    Defect(
        "what stands in for a removed image may be held out",
        "resspec/training/run/repaired.py",
        "apart = _held_out(begun, holdout)",
        "apart = set[int]()",
        f"{T}test_repaired.py::test_stand_ins_are_of_the_same_class_and_part",
    ),
    Defect(
        "a run does not wait for an image to be mended",
        LOOP,
        "            watcher.unreadable(state, error)",
        "            pass",
        f"{T}test_repaired.py::test_an_image_that_was_mended_is_read_as_it_is_now",
    ),
]
