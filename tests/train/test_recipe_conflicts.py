"""Values that are right by themselves and do not go together; and recipes that are legitimate however odd they look."""

from __future__ import annotations

import re

import pytest

from resspec.diagnostics import UsageError
from resspec.source import Source
from resspec.training import recipe_file
from tests.train.foreign import BASE, mistakes

CONFLICTS = [
    (
        "schedule: {name: multistep, at: [3 epochs, 2 epochs]}",
        "must increase",
        "write `at: [2 epochs, 3 epochs]`",
    ),
    (
        "schedule: {name: multistep, at: [3 epochs, 3 epochs]}",
        "must increase",
        "write `at: [3 epochs]`",
    ),
    (
        "schedule: {name: multistep, at: [3 epochs, 10 epochs]}",
        "`at: 10 epochs` is after the end",
        "leave it out",
    ),
    (
        "schedule: {name: step, every: 10 epochs}",
        "`every: 10 epochs` is longer than the whole training",
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
    ("schedule: plateau\nholdout: 0.1", "needs held-out images", "add `evaluate: 1 epoch`"),
    ("schedule: plateau\nevaluate: 1 epoch", "needs held-out images", "add `holdout: 0.1`"),
    (
        "optimizer: {name: sgd, momentum: 0, nesterov: true}",
        "`nesterov: true` needs a momentum",
        "write `nesterov: false`",
    ),
    ("bn_batch: 3", "`batch: 8` must be a multiple of `bn_batch: 3`", "write `batch: 6`"),
    (
        "bn_batch: 4\nmicro_batch: 6",
        "`micro_batch: 6` must be a multiple",
        "write `micro_batch: auto`",
    ),
    (
        "micro_batch: 9",
        "`micro_batch: 9` is more than the whole batch",
        "write `micro_batch: auto`",
    ),
    ("bce_threshold: 0.2", "has no effect with `loss: cross-entropy`", "write `loss: bce`"),
    ("data: {repeated: 9}", "`repeated: 9` is more than the whole batch", "write a smaller"),
    ("data: {crop: 8, shift: 1}", "`crop` and `shift` both crop", "leave one of them out"),
    (
        "data: {random_resized: 8, crop: 8}",
        "`random_resized` and `crop` both crop",
        "leave one of them out",
    ),
    ("data: {random_resized: 8, resize: 9}", "`resize` has no effect", "leave `resize` out"),
    ("data: {random_resized: 8, pad: 9}", "`pad` has no effect", "leave `pad` out"),
    ("data: {shift: 1, pad: 1}", "both add a border", "leave one of them out"),
    ("data: {resize: [9, 8]}", "ends below its start", "write `resize: [8, 9]`"),
    ("data: {resize: [8, 9], crop: 9}", "does not fit into images of 8 pixels", "write `crop: 8`"),
    (
        "data: {random_resized: {ratio: [2, 1]}}",
        "the range [2, 1] ends below its start",
        "write `[1, 2]`",
    ),
    ("data: {crop: 100000}", "from 1 to 16,384", ""),
    ("data: {pad: 100000}", "from 0 to 16,384", ""),
    ("data: {randaugment: {operations: 1000}}", "from 1 to 100", ""),
    ("data: {randaugment: {magnitude: 30}}", "from 0 to 10", ""),
    ("data: {mixup: 1e300}", "from 0 to 1000", ""),
    ("ema: 1", "at least 0 and below 1", ""),
    ("smoothing: 1", "at least 0 and below 1", ""),
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
    text = f"{BASE}bce_threshold: 0.1\nbn_batch: 3\nlr: 0.1\nlog: abc\ndata: {{shift: 1, pad: 1, resize: [9, 8]}}\n"
    found = [(mistake.code, mistake.labels[0].span.text) for mistake in mistakes(text)]
    assert found == [
        ("E0507", "batch"),
        ("E0507", "bce_threshold"),
        ("E0540", "lr"),
        ("E0507", "abc"),
        ("E0507", "shift"),
        ("E0507", "resize"),
    ]


def test_what_a_mistake_is_part_of_is_not_told_as_well() -> None:
    found = mistakes("duration: 9 epochs\nbatch: 8.5\nbn_batch: 3\nmicro_batch: 20\n")
    assert [mistake.labels[0].span.text for mistake in found] == [
        "8.5",
        "micro_batch",
    ]  # 20 is no multiple of 3


ODD = [
    "keep: 1000000",
    "log: 1000000",
    "checkpoint: 1000 epochs",
    "evaluate: 1000 epochs",
    "optimizer: {name: sgd, rate: 1e9}",
    "warmup: 9 epochs",
    "schedule: {name: step, every: 9 epochs, factor: 1}",
    "holdout: 0.5",
    "exact_bn: 1000000000",
    "schedule: {name: multistep, at: [8 epochs, 100 iterations]}",
    "schedule: {name: multistep, at: [10000 iterations]}",
    "clip: 1e-300",
    "data: {erase: 1, mixup: 0.2, cutmix: 1.0, trivialaugment: true, randaugment: {}}",
]


@pytest.mark.parametrize("line", ODD)
def test_what_is_odd_and_legitimate_is_read(line: str) -> None:
    recipe_file.parse(Source("recipe.yaml", f"{BASE}{line}\n"))


@pytest.mark.parametrize("name", recipe_file.names())
def test_a_short_try_of_a_recipe_is_read_and_so_is_what_it_records(name: str) -> None:
    for duration in (None, "1 epoch", "1 iteration"):
        recipe = recipe_file.load(name, [("duration", duration)] if duration else [])
        recorded = recipe_file.dump(recipe)
        assert recipe_file.parse(Source("recipe.yaml", recorded)) == recipe


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            [("batch", "1"), ("batch", "2")],
            "`batch` is set twice, to `1` and to `2`: keep one of them",
        ),
        (
            [("rate", "1"), ("optimizer.rate", "2")],
            "`optimizer.rate` is set twice, to `1` and to `2`",
        ),
        (
            [("optimizer", "sgd"), ("optimizer.name", "lamb")],
            "`optimizer.name` is set twice, to `sgd` and to `lamb`",
        ),
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
        ("batch", "4"),
        ("batch", "4"),
        ("optimizer", "{name: adamw, rate: 0.1}"),
        ("rate", "0.2"),
    ]
    recipe = recipe_file.parse(Source("recipe.yaml", BASE), given)
    assert (recipe.batch, recipe.optimizer.name, recipe.optimizer.rate) == (4, "adamw", 0.2)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("batch", "", "`batch` needs a value"),
        ("batch", "# 3", "`batch` needs a value"),
        ("batch", "010", "read `010` as 8"),
        ("duration", "5", "`5` has no unit"),
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
