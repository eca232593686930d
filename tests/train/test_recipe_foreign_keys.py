"""Keys of other trainers: what is advised is what was meant."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from resspec.diagnostics import SpecError, UsageError
from resspec.source import Source
from resspec.training import recipe_file
from resspec.training.recipe import Recipe
from resspec.training.recipes import foreign
from tests.train.foreign import BASE, followed, mistakes, value_of

# What people write, and what it is in a recipe.
KEYS: list[tuple[str, dict[str, Any]]] = [
    ("lr: 0.2", {"optimizer.name": "sgd", "optimizer.lr": 0.2}),
    ("learning_rate: 3e-4", {"optimizer.lr": 3e-4}),
    ("learningRate: 0.2", {"optimizer.lr": 0.2}),
    ("learning-rate: 0.2", {"optimizer.lr": 0.2}),
    ("learningrate: 0.2", {"optimizer.lr": 0.2}),
    ("BatchSize: 16", {"batch_size": 16}),
    ("Log: 7", {"log": 7}),
    ("weightdecay: 1e-4", {"optimizer.weight_decay": 1e-4}),
    ("LR: 0.2", {"optimizer.lr": 0.2}),
    ("lr0: 0.01", {"optimizer.lr": 0.01}),
    ("max_lr: 0.4", {"optimizer.lr": 0.4}),
    ("momentum: 0.8", {"optimizer.name": "sgd", "optimizer.momentum": 0.8}),
    ("weight_decay: 1e-4", {"optimizer.weight_decay": 1e-4}),
    ("wd: 5e-5", {"optimizer.weight_decay": 5e-5}),
    ("nesterov: true", {"optimizer.nesterov": True}),
    ("opt: adamw", {"optimizer.name": "adamw"}),
    ("opt: SGD", {"optimizer.name": "sgd"}),
    ("opt: torch.optim.AdamW", {"optimizer.name": "adamw"}),
    ("opt_eps: 1e-6", {"optimizer.name": "adamw", "optimizer.eps": 1e-6}),
    ("opt_betas: [0.8, 0.99]", {"optimizer.name": "adamw", "optimizer.betas": [0.8, 0.99]}),
    ("beta_1: 0.8", {"optimizer.betas": [0.8, 0.999]}),
    ("adam_beta2: 0.99", {"optimizer.betas": [0.9, 0.99]}),
    ("duration: 90 epochs", {"epochs": 90, "iterations": None}),
    ("duration: 64000 iterations", {"iterations": 64000, "epochs": None}),
    ("duration: 1 iteration", {"iterations": 1}),
    ("num_train_epochs: 3.0", {"epochs": 3.0}),
    ("max_epochs: 1", {"epochs": 1}),
    ("max_steps: 64000", {"iterations": 64000}),
    ("batch: 128", {"batch_size": 128}),
    ("micro_batch: 4", {"micro_batch_size": 4}),
    ("bn_batch: 4", {"bn_batch_size": 4}),
    ("per_device_train_batch_size: 32", {"batch_size": 32}),
    ("accumulate_grad_batches: 4", {"batch_size": 32, "micro_batch_size": 8}),
    ("lr_scheduler: CosineAnnealingLR", {"schedule.name": "cosine"}),
    ("sched: cosine", {"schedule.name": "cosine"}),
    ("scheduler: linear", {"schedule.name": "linear"}),
    ("T_max: 90", {"schedule.name": "cosine"}),
    ("cos_lr: true", {"schedule.name": "cosine"}),
    ("lrf: 0.01", {"schedule.name": "linear", "schedule.min_lr": 0.001}),
    ("eta_min: 1e-5", {"schedule.name": "cosine", "schedule.min_lr": 1e-5}),
    ("min_lr: 0.001", {"schedule.name": "cosine", "schedule.min_lr": 0.001}),
    ("gamma: 0.2", {"schedule.name": "step", "schedule.gamma": 0.2}),
    ("decay_rate: 0.5", {"schedule.name": "step", "schedule.gamma": 0.5}),
    ("step_size: 3", {"schedule.name": "step", "schedule.step_size": "3 epochs"}),
    ("decay_epochs: 2.4", {"schedule.step_size": "2.4 epochs"}),
    (
        "milestones: [3, 6]",
        {"schedule.name": "multistep", "schedule.milestones": ["3 epochs", "6 epochs"]},
    ),
    (
        "patience_epochs: 7",
        {"schedule.name": "plateau", "schedule.patience": 7, "holdout": 0.1, "evaluate": "1 epoch"},
    ),
    ("warmup_epochs: 5", {"warmup.length": "5 epochs"}),
    ("warmup_steps: 500", {"warmup.length": "500 iterations"}),
    ("warmup_ratio: 0.5", {"warmup.length": "4.5 epochs"}),
    ("warmup_lr: 0.001", {"warmup.start_factor": 0.01}),
    ("lr_warmup_decay: 0.1", {"warmup.start_factor": 0.1}),
    ("lr_warmup_method: constant", {"warmup.method": "constant"}),
    ("smoothing: 0.1", {"label_smoothing": 0.1}),
    ("criterion: CrossEntropyLoss", {"loss": "cross-entropy"}),
    ("loss_fn: nn.BCEWithLogitsLoss", {"loss": "bce"}),
    ("bce_loss: true", {"loss": "bce"}),
    ("clip_grad: 5.0", {"clip_grad_norm": 5.0}),
    ("gradient_clip_val: 0.5", {"clip_grad_norm": 0.5}),
    ("max_grad_norm: 1", {"clip_grad_norm": 1.0}),
    ("clipnorm: 1.0", {"clip_grad_norm": 1.0}),
    ("ema_decay: 0.999", {"ema.decay": 0.999}),
    ("model_ema_decay: 0.9998", {"ema.decay": 0.9998}),
    ("model_ema: true", {"ema.decay": 0.9999}),
    ("model_ema: false", {"ema": None}),
    ("model_ema_steps: 32", {"ema.every": 32}),
    ("decay_norms: false", {"norm_weight_decay": 0}),
    ("bias_weight_decay: 0.0", {"norm_weight_decay": 0}),
    ("rate_changes: each epoch", {"lr_interval": "epoch"}),
    ("exact_bn: 512", {"precise_bn": 512}),
    ("amp: true", {"precision": "auto"}),
    ("amp: false", {"precision": "fp32"}),
    ("fp16: true", {"precision": "fp16"}),
    ("bf16: true", {"precision": "bf16"}),
    ("amp_dtype: bfloat16", {"precision": "bf16"}),
    ("mixed_precision: 'no'", {"precision": "fp32"}),
    ("torchcompile: true", {"compile": True}),
    ("img_size: 32", {"data.random_resized_crop.size": 32}),
    ("input_size: [3, 224, 224]", {"data.random_resized_crop.size": 224}),
    ("imgsz: 64", {"data.random_resized_crop.size": 64}),
    ("scale: [0.3, 1]", {"data.random_resized_crop.scale": [0.3, 1.0]}),
    ("size: 96", {"data.random_resized_crop.size": 96}),
    ("crop: 32", {"data.crop": 32}),
    ("flip: true", {"data.hflip": 0.5}),
    ("hflip: 0.5", {"data.hflip": 0.5}),
    ("hflip: 0", {"data.hflip": 0}),
    ("fliplr: 0.5", {"data.hflip": 0.5}),
    ("color_jitter: 0.4", {"data.color_jitter": 0.4}),
    ("colour: pca", {"data.lighting": 0.1}),
    ("normalise: pixel-mean", {"data.normalize": "pixel-mean"}),
    (
        "aa: rand-m9-mstd0.5-inc1",
        {"data.randaugment": {"num_ops": 2, "magnitude": 9.0, "magnitude_std": 0.5}},
    ),
    ("auto_augment: ta_wide", {"data.trivialaugment": True}),
    ("reprob: 0.25", {"data.random_erase": 0.25}),
    ("random_erase: 0.1", {"data.random_erase": 0.1}),
    ("mixup_alpha: 0.2", {"data.mixup": 0.2}),
    ("cutmix_alpha: 1", {"data.cutmix": 1.0}),
    ("mixup: 0.8", {"data.mixup": 0.8}),
    ("ra_sampler: true", {"data.aug_repeats": 3}),
    ("val_resize_size: 256", {"data.test.resize": 256}),
    ("val_crop_size: 224", {"data.test.crop": 224}),
    ("crop_pct: 0.875", {"data.test.resize": 256, "data.test.crop": 224}),
    ("val_interpolation: bicubic", {"data.test.interpolation": "bicubic"}),
    ("print_freq: 10", {"log": 10}),
    ("check_val_every_n_epoch: 5", {"evaluate": "5 epochs"}),
    ("eval_steps: 500", {"evaluate": "500 iterations"}),
    ("save_period: 10", {"checkpoint": "10 epochs"}),
    ("save_total_limit: 3", {"keep": 3}),
    ("validation_split: 0.1", {"holdout": 0.1}),
    ("description: mine", {"source": "mine"}),
    ("optimizer.lr: 0.2", {"optimizer.lr": 0.2}),
]

IN_SECTIONS: list[tuple[str, str, dict[str, Any]]] = [
    ("optimizer", "name: sgd, Lr: 0.2", {"optimizer.lr": 0.2}),
    ("optimizer", "name: sgd, rate: 0.2", {"optimizer.lr": 0.2}),
    ("optimizer", "name: adamw, momentum: 0.8", {"optimizer.betas": [0.8, 0.999]}),
    ("optimizer", "name: lamb, epsilon: 1e-3", {"optimizer.eps": 1e-3}),
    ("optimizer", "name: sgd, betas: [0.8, 0.9]", {"optimizer.momentum": 0.8}),
    ("optimizer", "name: sgd, batch: 16", {"batch_size": 16}),
    ("schedule", "name: step, step_size: 3 epochs, factor: 0.3", {"schedule.gamma": 0.3}),
    ("schedule", "name: cosine, eta_min: 0.01", {"schedule.min_lr": 0.01}),
    ("schedule", "name: cosine, floor: 0.1", {"schedule.min_lr": 0.01}),
    (
        "schedule",
        "name: multistep, lr_steps: [2, 3], milestones: [1 epoch]",
        {"schedule.milestones": ["2 epochs", "3 epochs"]},
    ),
    ("schedule", "name: constant, gamma: 0.3", {"schedule.name": "step", "schedule.gamma": 0.3}),
    ("data", "scale: [0.5, 1]", {"data.random_resized_crop.scale": [0.5, 1.0]}),
    ("data", "img_size: 32", {"data.random_resized_crop.size": 32}),
    ("data", "label_smoothing: 0.1", {"label_smoothing": 0.1}),
    ("data", "flip: true", {"data.hflip": 0.5}),
    ("data", "pad: 4", {"data.padding": 4}),
    ("data", "erase: 0.25", {"data.random_erase": 0.25}),
    (
        "data",
        "test: {crop: 32}, val_resize_size: 40",
        {"data.test.resize": 40, "data.test.crop": 32},
    ),
    ("warmup", "length: 3 epochs, warmup_lr: 0.01", {"warmup.start_factor": 0.1}),
    ("ema", "decay: 0.9, ema_steps: 4", {"ema.every": 4}),
]


@pytest.mark.parametrize(("line", "meant"), KEYS, ids=[line for line, _ in KEYS])
def test_what_is_advised_is_what_was_meant(line: str, meant: dict[str, Any]) -> None:
    (mistake,) = mistakes(BASE + line)
    assert (mistake.code, mistake.labels[0].span.text) == ("E0540", line.partition(":")[0])
    assert mistake.help
    recipe = followed(BASE, mistake.help)
    assert {key: value_of(recipe, key) for key in meant} == meant


@pytest.mark.parametrize(("line", "meant"), KEYS, ids=[line for line, _ in KEYS])
def test_a_setting_is_advised_as_a_key_is(line: str, meant: dict[str, Any]) -> None:
    name, _, value = line.partition(": ")
    try:
        recipe = recipe_file.parse(Source("recipe.yaml", BASE), [(name, value)])
    except (UsageError, SpecError) as error:
        told = str(error)
        if isinstance(error, SpecError):
            (mistake,) = error.diagnostics
            told = f"{mistake.code} {mistake.help}"
        elif error.code is None:  # of two sections, as `crop=32`
            assert "write one of these in full" in told
            return
        assert "E0540" in (told[:5], getattr(error, "code", ""))
        advised = re.findall(r"`([\w.]+)=([^`]*)`", told)
        recipe = recipe_file.parse(Source("recipe.yaml", BASE), advised)
    assert {key: value_of(recipe, key) for key in meant} == meant


@pytest.mark.parametrize(
    ("section", "inside", "meant"), IN_SECTIONS, ids=[inside for _, inside, _ in IN_SECTIONS]
)
def test_in_a_section(section: str, inside: str, meant: dict[str, Any]) -> None:
    (mistake,) = mistakes(f"{BASE}{section}: {{{inside}}}\n")
    word = mistake.labels[0].span.text
    assert mistake.code == "E0540" and mistake.help
    without = re.sub(rf"(, )?\b{word}: (\[[^\]]*\]|[^,]*)", "", inside).removeprefix(", ")
    text = f"{BASE}{section}: {{{without}}}\n" if without else BASE
    recipe = followed(text, mistake.help, section)
    assert {key: value_of(recipe, key) for key in meant} == meant


def test_a_whole_section_of_another_name_is_carried_over() -> None:
    line = "lr_scheduler: {name: StepLR, step_size: 3, gamma: 0.2}"
    (mistake,) = mistakes(f"{BASE}{line}\n")
    assert mistake.help == "write `schedule: {name: step, step_size: 3 epochs, gamma: 0.2}`"
    (mistake,) = mistakes(f"{BASE}opt: {{type: SGD, learning_rate: 0.2, momentum: 0.8}}\n")
    assert mistake.help == "write `optimizer: {name: sgd, lr: 0.2, momentum: 0.8}`"


def test_an_image_size_goes_with_the_transforms_that_are_there() -> None:
    (mistake,) = mistakes(f"{BASE}image_size: 64\n")
    assert mistake.help == "write `data: {random_resized_crop: 64, test: {resize: 73, crop: 64}}`"
    (mistake,) = mistakes(f"{BASE}data: {{resize: 72, test: {{crop: 64}}}}\nimage_size: 64\n")
    assert mistake.help == "add `crop: 64` to `data`"


def test_keys_that_belong_together_are_advised_together() -> None:
    flat = "lr: 0.2\nmomentum: 0.8\nweight_decay: 1e-4\nmilestones: [3, 6]\ngamma: 0.2\nbatch: 64\nnum_epochs: 30\n"
    found = mistakes(flat)
    assert {mistake.code for mistake in found} == {"E0540"}
    helps = [mistake.help or "" for mistake in found]
    assert helps[1:3] == ["the help for `lr` includes it"] * 2
    recipe = followed(BASE, " ".join(help for help in helps if help.startswith("write")))
    assert recipe.model_dump(mode="json", exclude_defaults=True) == {
        "epochs": 30,
        "batch_size": 64,
        "optimizer": {"lr": 0.2, "momentum": 0.8, "weight_decay": 1e-4},
        "schedule": {"name": "multistep", "milestones": ["3 epochs", "6 epochs"], "gamma": 0.2},
    }


def test_the_learning_rate_converts_what_is_a_share_of_it() -> None:
    (lr, floor) = mistakes(f"{BASE}lr: 0.5\nmin_lr_ratio: 0.02\n")
    assert lr.help == "write `optimizer: {name: sgd, lr: 0.5}`"
    assert floor.help == "write `schedule: {name: cosine, min_lr: 0.01}`"
    (floor,) = mistakes(f"{BASE}optimizer: {{name: adamw, lr: 1e-3}}\nmin_lr_ratio: 0.01\n")
    assert floor.help == "write `schedule: {name: cosine, min_lr: 1e-05}`"


@pytest.mark.parametrize(
    ("lines", "helps"),
    [
        (
            "optimizer: adamw\nmomentum: 0.8",
            ["write `optimizer: {name: adamw, betas: [0.8, 0.999]}`"],
        ),
        (
            "opt: adamw\nmomentum: 0.8",
            [
                "write `optimizer: {name: adamw, betas: [0.8, 0.999]}`",
                "the help for `opt` includes it",
            ],
        ),
        (
            "optimizer: SGD\nlr: 0.2\nopt_eps: 1e-3",
            [
                "write `optimizer: {name: sgd, lr: 0.2}`",
                "leave it out: `optimizer: sgd` has no `eps`",
            ],
        ),
        (
            "optimizer: {name: lamb}\nnesterov: true",
            ["leave it out: `optimizer: lamb` has no `nesterov`"],
        ),
        (
            "optimizer: {name: adamw}\nbeta_1: 0.8\nbeta_2: 0.9",
            ["add `betas: [0.8, 0.9]` to `optimizer`", "the help for `beta_1` includes it"],
        ),
    ],
)
def test_the_optimizer_that_is_written_stays(lines: str, helps: list[str]) -> None:
    assert [mistake.help for mistake in mistakes(f"{BASE}{lines}\n")] == helps


def test_the_keys_of_adam_are_those_of_adamw() -> None:
    kind, rate = mistakes(f"{BASE}optimizer: Adam\nlr: 0.001\n")
    assert (kind.code, rate.help) == ("E0508", "write `optimizer: {name: adamw, lr: 0.001}`")


def test_a_schedule_that_takes_no_such_key_is_replaced() -> None:
    (mistake,) = mistakes(f"{BASE}schedule: cosine\nstep_size: 3\n")
    assert mistake.help == "write `schedule: {name: step, step_size: 3 epochs}`"


def test_a_value_that_nothing_can_be_made_of_leaves_the_name() -> None:
    (mistake,) = mistakes(f"{BASE}learning_rate: fast\n")
    assert (mistake.message, mistake.help) == (
        "a recipe has no key `learning_rate`: it is called `optimizer.lr`",
        "`optimizer.lr` must be a number above 0",
    )


TABLES = yaml.safe_load(Path(foreign.__file__).with_name("foreign_keys.yaml").read_text())
WORDS = [
    (word, row.get("key", ""))
    for row in TABLES["keys"]
    for word in row["words"].split()
    if "within" not in row
]


def test_no_word_stands_for_two_things_or_is_a_key_of_ours() -> None:
    words = [word.replace("_", "") for word, _ in WORDS]
    assert len(words) == len(set(words)) >= 60
    assert not set(words) & set(Recipe.model_fields)


@pytest.mark.parametrize("value", ["0.1", "3", "true", "[1, 2]", "text", "{a: 1}", "null"])
def test_every_word_is_told_whatever_its_value_and_no_flag_is_named(value: str) -> None:
    for word, key in WORDS:
        (mistake,) = mistakes(f"{BASE}{word}: {value}\n")
        assert mistake.code == "E0540", word
        assert mistake.help, word
        assert key.removesuffix(".name") in mistake.message, word
        assert "--" not in f"{mistake.message} {mistake.help}", word


@pytest.mark.parametrize("value", ["0.1", "3", "true", "[1, 2]", "cosine"])
def test_all_advice_can_be_followed(value: str) -> None:
    for word, _ in WORDS:
        text = BASE.replace("8", "12")  # of which 3 is a part
        (mistake,) = mistakes(f"{text}{word}: {value}\n")
        if "min_lr: " in f"{mistake.help}":  # above the learning rate
            continue
        if mistake.help and mistake.help.startswith(("write `", "add `", "change `")):
            followed(text, mistake.help.partition("` or `")[0] + "`")


def test_kinds_of_others_lead_to_kinds_that_there_are() -> None:
    for key, names in TABLES["names"].items():
        section, _, _ = key.partition(".")
        pairs = [(word, ours) for ours, words in names.items() for word in words.split()]
        for theirs, ours in pairs:
            inside = {
                "step": "step, step_size: 3 epochs",
                "multistep": "multistep, milestones: [3 epochs]",
                "cosine-restarts": "cosine-restarts, t_0: 3 epochs",
            }.get(ours, ours)
            good = (
                f"{BASE}{section}: {{name: {inside}}}\n" if "." in key else f"{BASE}{key}: {ours}\n"
            )
            if key.startswith("data."):
                good = f"{BASE}data: {{{key.removeprefix('data.')}: {ours}}}\n"
            if ours != "plateau":
                recipe_file.parse(Source("recipe.yaml", good))
            bad = good.replace(f": {ours}", f": '{theirs}'") if "data." in key else ""
            bad = bad or f"{BASE}{section}: '{theirs}'\n"
            assert (
                f"`{ours}`" in f"{mistakes(bad)[0].help}"
                or f": {ours}`" in f"{mistakes(bad)[0].help}"
                or f"`{key}: {ours}`" in f"{mistakes(bad)[0].help}"
            ), theirs
