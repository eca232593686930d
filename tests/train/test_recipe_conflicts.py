"""Values that are right by themselves and do not go together; and recipes that are legitimate
however odd they look.
"""

from __future__ import annotations

import re

import pytest

from resspec.diagnostics import UsageError
from resspec.source import Source
from resspec.training import recipe_file
from tests.train.foreign import BASE, mistakes

CONFLICTS = [
    (
        "schedule: {name: multistep, milestones: [3 epochs, 2 epochs]}",
        "must increase",
        "write `milestones: [2 epochs, 3 epochs]`",
    ),
    (
        "schedule: {name: multistep, milestones: [3 epochs, 3 epochs]}",
        "must increase",
        "write `milestones: [3 epochs]`",
    ),
    (
        "schedule: {name: multistep, milestones: [3 epochs, 10 epochs]}",
        "`milestones: 10 epochs` is after the end",
        "leave it out",
    ),
    (
        "schedule: {name: step, step_size: 10 epochs}",
        "`step_size: 10 epochs` is longer than the whole training",
        "make it shorter",
    ),
    (
        "warmup: 10 epochs",
        "`warmup: 10 epochs` is longer than the whole training",
        "make it shorter",
    ),
    (
        "schedule: plateau\nholdout: 0.1\nevaluate: 10 epochs",
        "`evaluate: 10 epochs` is longer",
        "make it shorter",
    ),
    (
        "schedule: plateau\nholdout: 0.1\nevaluate: null",
        "needs held-out images",
        "add `evaluate: 1 epoch`",
    ),
    ("schedule: plateau", "needs held-out images", "add `holdout: 0.1`"),
    (
        "optimizer: {name: sgd, momentum: 0, nesterov: true}",
        "`nesterov: true` needs a momentum",
        "write `nesterov: false`",
    ),
    (
        "bn_batch_size: 3",
        "`batch_size: 8` must be a multiple of `bn_batch_size: 3`",
        "write `batch_size: 6`",
    ),
    (
        "bn_batch_size: 4\nmicro_batch_size: 6",
        "`micro_batch_size: 6` must be a multiple",
        "write `micro_batch_size: auto`",
    ),
    (
        "micro_batch_size: 9",
        "`micro_batch_size: 9` is more than the whole batch",
        "write `micro_batch_size: auto`",
    ),
    ("bce_threshold: 0.2", "has no effect with `loss: cross-entropy`", "write `loss: bce`"),
    ("data: {aug_repeats: 9}", "`aug_repeats: 9` is more than the whole batch", "write a smaller"),
    ("data: {crop: 8, shift: 1}", "`crop` and `shift` both crop", "leave one of them out"),
    (
        "data: {random_resized_crop: 8, crop: 8}",
        "`random_resized_crop` and `crop` both crop",
        "leave one of them out",
    ),
    ("data: {random_resized_crop: 8, resize: 9}", "`resize` has no effect", "leave `resize` out"),
    (
        "data: {random_resized_crop: 8, padding: 9}",
        "`padding` has no effect",
        "leave `padding` out",
    ),
    ("data: {shift: 1, padding: 1}", "both add a border", "leave one of them out"),
    ("data: {resize: [9, 8]}", "ends below its start", "write `resize: [8, 9]`"),
    ("data: {resize: [8, 9], crop: 9}", "does not fit into images of 8 pixels", "write `crop: 8`"),
    (
        "data: {random_resized_crop: {ratio: [2, 1]}}",
        "the range [2, 1] ends below its start",
        "write `[1, 2]`",
    ),
    ("data: {crop: 100000}", "from 1 to 16,384", ""),
    ("data: {padding: 100000}", "from 0 to 16,384", ""),
    ("data: {randaugment: {num_ops: 1000}}", "from 1 to 100", ""),
    ("data: {randaugment: {magnitude: 30}}", "from 0 to 10", ""),
    ("data: {mixup: 1e300}", "from 0 to 1000", ""),
    ("ema: 1", "at least 0 and below 1", ""),
    ("label_smoothing: 1", "at least 0 and below 1", ""),
    ("iterations: 7", "`epochs: 9` and `iterations: 7` both say", "leave one of them out"),
    ("schedule: {name: cosine, min_lr: 0.2}", "is above the learning rate", "write a smaller"),
]


@pytest.mark.parametrize(
    ("lines", "said", "help"), CONFLICTS, ids=[lines for lines, _, _ in CONFLICTS]
)
def test_a_conflict_is_told_with_a_way_out(lines: str, said: str, help: str) -> None:
    (mistake,) = mistakes(f"{BASE}{lines}\n")
    assert mistake.code == "E0507"
    assert said in mistake.message
    assert (mistake.help or "").startswith(help)


def test_all_conflicts_are_told_at_once_and_beside_other_mistakes() -> None:
    text = f"{BASE}bce_threshold: 0.1\nbn_batch_size: 3\nlr: 0.1\nlog: abc\ndata: {{shift: 1, padding: 1, resize: [9, 8]}}\n"
    found = [(mistake.code, mistake.labels[0].span.text) for mistake in mistakes(text)]
    assert found == [
        ("E0507", "batch_size"),
        ("E0507", "bce_threshold"),
        ("E0540", "lr"),
        ("E0507", "abc"),
        ("E0507", "shift"),
        ("E0507", "resize"),
    ]


def test_what_a_mistake_is_part_of_is_not_told_as_well() -> None:
    found = mistakes("epochs: 9\nbatch_size: 8.5\nbn_batch_size: 3\nmicro_batch_size: 20\n")
    assert [mistake.labels[0].span.text for mistake in found] == [
        "8.5",
        "micro_batch_size",
    ]  # 20 is no multiple of 3


ODD = [
    "keep: 1000000",
    "log: 1000000",
    "checkpoint: 1000 epochs",
    "evaluate: 1000 epochs",
    "optimizer: {name: sgd, lr: 1e9}",
    "warmup: 9 epochs",
    "schedule: {name: step, step_size: 9 epochs, gamma: 1}",
    "holdout: 0.5",
    "precise_bn: 1000000000",
    "schedule: {name: multistep, milestones: [8 epochs, 100 iterations]}",
    "schedule: {name: multistep, milestones: [10000 iterations]}",
    "clip_grad_norm: 1e-300",
    "data: {random_erase: 1, mixup: 0.2, cutmix: 1.0, trivialaugment: true, randaugment: {}}",
]


@pytest.mark.parametrize("line", ODD)
def test_what_is_odd_and_legitimate_is_read(line: str) -> None:
    recipe_file.parse(Source("recipe.yaml", f"{BASE}{line}\n"))


@pytest.mark.parametrize("name", recipe_file.names())
def test_a_short_try_of_a_recipe_is_read_and_so_is_what_it_records(name: str) -> None:
    for short in ([], [("epochs", "1")], [("iterations", "1")]):
        recipe = recipe_file.load(name, short)
        recorded = recipe_file.dump(recipe)
        assert recipe_file.parse(Source("recipe.yaml", recorded)) == recipe


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            [("batch_size", "1"), ("batch_size", "2")],
            "`batch_size` is set twice, to `1` and to `2`: keep one of them",
        ),
        (
            [("lr", "1"), ("optimizer.lr", "2")],
            "`optimizer.lr` is set twice, to `1` and to `2`",
        ),
        (
            [("optimizer", "sgd"), ("optimizer.name", "lamb")],
            "`optimizer.name` is set twice, to `sgd` and to `lamb`",
        ),
        ([("epochs", "3"), ("iterations", "2")], "both say how long to train"),
        ([("ema", "0.9"), ("ema.decay", "0.8")], "`ema.decay` is set twice"),
        ([("optimizer", "{name: sgd}"), ("optimizer", "{name: lamb}")], "`optimizer` is set twice"),
    ],
)
def test_two_values_for_one_key_are_a_mistake(settings: list[tuple[str, str]], said: str) -> None:
    for given in (settings, settings[::-1]):
        with pytest.raises(UsageError) as caught:
            recipe_file.parse(Source("recipe.yaml", BASE), given)
        assert caught.value.code == "E0542"
        assert said.partition(", to")[0] in str(caught.value) or "twice" in str(caught.value)


def test_one_value_twice_and_a_part_of_a_whole_are_none() -> None:
    given = [
        ("batch_size", "4"),
        ("batch_size", "4"),
        ("optimizer", "{name: adamw, lr: 0.1}"),
        ("lr", "0.2"),
    ]
    recipe = recipe_file.parse(Source("recipe.yaml", BASE), given)
    assert (recipe.batch_size, recipe.optimizer.name, recipe.optimizer.lr) == (4, "adamw", 0.2)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("batch_size", "", "`batch_size` needs a value"),
        ("batch_size", "# 3", "`batch_size` needs a value"),
        ("batch_size", "010", "read `010` as 8"),
        ("checkpoint", "5", "`5` has no unit"),
        ("warmup", "none", "not `none`"),
        ("source", "a: b", "must be text, not a section"),
        ("optimizer", "adam", "there is no optimizer `adam`"),
        ("data.test", "32", "must be a section"),
    ],
)
def test_a_wrong_setting_is_told_as_a_setting(name: str, value: str, said: str) -> None:
    (mistake,) = mistakes(BASE, (name, value))
    assert said in mistake.message
    assert mistake.labels[0].span.source.name == f"value of {name}"
    assert not re.search(rf"`{name}: ", mistake.help or "")
