"""Scalars are what all readers of YAML take them for, or refused; a value may stand for a section."""

from __future__ import annotations

import re
from itertools import product

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from resspec.source import Source
from resspec.training import recipe_file
from resspec.training.recipe import Recipe
from resspec.training.recipes.fields import DURATION
from resspec.training.recipes.kinds import Length
from resspec.training.recipes.scalars import Trap, read
from resspec.training.recipes.tree import Scalar
from tests.train.foreign import BASE, mistakes, value_of

# The core schema of YAML 1.2.2, section 10.3.2.
CORE = (
    (r"null|Null|NULL|~|", "null"),
    (r"true|True|TRUE|false|False|FALSE", "bool"),
    (r"[-+]?[0-9]+", "int"),
    (r"0o[0-7]+", "int"),
    (r"0x[0-9a-fA-F]+", "int"),
    (r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", "float"),
    (r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", "float"),
)
ALPHABETS = ("0189.-+_:", "018e.-+", "0x1aFob", "tTrueyYsnNoOf~", "2014-:T. ")


def core(text: str) -> object:
    """What YAML 1.2 takes a plain scalar for."""
    kind = next((kind for pattern, kind in CORE if re.fullmatch(pattern, text)), "str")
    match kind:
        case "null":
            return None
        case "bool":
            return text.lower() == "true"
        case "int":
            return int(text, 0) if text.startswith(("0o", "0x")) else int(text)
        case "float":
            return float(text.replace(".inf", "inf").replace(".nan", "nan"))
    return text


def old(text: str) -> object:
    """What YAML 1.1 takes it for; None where PyYAML cannot tell."""
    loader = yaml.SafeLoader("")
    tag = loader.resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
    node = yaml.ScalarNode(tag, text)
    try:
        return loader.construct_object(node)
    except (ValueError, yaml.YAMLError):
        return Trap("", ())


@pytest.mark.parametrize("alphabet", ALPHABETS)
def test_what_is_read_is_read_alike_by_both_versions_of_yaml(alphabet: str) -> None:
    for length in range(1, 5):
        for signs in product(alphabet, repeat=length):
            text = "".join(signs).strip()
            value = read(Scalar(text, quoted=False))
            if isinstance(value, Trap):
                continue
            assert (type(value), value) == (type(core(text)), core(text)), text
            # YAML 1.1 as PyYAML has it wants a point before an exponent, and a digit after a sign.
            if not isinstance(value, float) or not re.search(r"[eE]|^[-+]\.", text):
                assert (type(value), value) == (type(old(text)), old(text)), text


@pytest.mark.parametrize("text", ["1e3", "1e-3", "5E+2", "1.e3", ".5e1"])
def test_an_exponent_makes_a_number(text: str) -> None:
    assert read(Scalar(text, quoted=False)) == float(text)
    recipe = recipe_file.parse(
        Source("recipe.yaml", f"{BASE}optimizer: {{name: sgd, lr: {text}}}\n")
    )
    assert recipe.optimizer.lr == float(text)


TRAPS = [
    ("batch_size: 010", "E0541", "write `batch_size: 10` or `batch_size: 8`"),
    ("batch_size: 08", "E0541", "write `batch_size: 8`"),
    ("batch_size: 1:10", "E0541", "write `batch_size: 70`"),
    ("batch_size: 0x10", "E0541", "write `batch_size: 16`"),
    ("batch_size: 0o10", "E0541", "write `batch_size: 8`"),
    ("batch_size: 0b10", "E0541", "write `batch_size: 2`"),
    ("batch_size: 1_000", "E0541", "write `batch_size: 1000`"),
    ("batch_size: +0_8", "E0541", "write `batch_size: 8`"),
    ("batch_size: true", "E0507", "write, for example, `batch_size: 256`"),
    ("batch_size: yes", "E0541", "write, for example, `batch_size: 256`"),
    ("batch_size: 128.0", "E0507", "write `batch_size: 128`"),
    ("batch_size: 1e2", "E0507", "write `batch_size: 100`"),
    ("batch_size: '128'", "E0507", "write `batch_size: 128`"),
    ("batch_size: \uff11\uff12\uff18", "E0507", "write `batch_size: 128`"),
    ("batch_size: \u0661\u0662\u0668", "E0507", "write `batch_size: 128`"),
    ("batch_size: [128]", "E0507", "write `batch_size: 128`"),
    ("batch_size: 128 images", "E0507", "write `batch_size: 128`"),
    ("batch_size: -8", "E0507", "write, for example, `batch_size: 256`"),
    ("batch_size: .inf", "E0507", "write, for example, `batch_size: 256`"),
    ("batch_size: .nan", "E0507", "write, for example, `batch_size: 256`"),
    ("batch_size: 2024-01-01", "E0541", "write, for example, `batch_size: 256`"),
    ("batch_size: null", "E0507", "write, for example, `batch_size: 256`"),
    ("batch_size: ~", "E0507", "write, for example, `batch_size: 256`"),
    ("batch_size:", "E0507", "write, for example, `batch_size: 256`"),
    ("epochs: 90 epochs", "E0507", "write `epochs: 90`"),
    ("epochs: 5ep", "E0507", "write `epochs: 5`"),
    ("epochs: -5", "E0507", "write, for example, `epochs: 90`"),
    ("epochs:", "E0506", "add `epochs: 90`"),
    ("iterations: 500 steps", "E0507", "write `iterations: 500`"),
    ("iterations: 64000.5", "E0507", "write, for example, `iterations: 64000`"),
    ("iterations: 0", "E0507", "write, for example, `iterations: 64000`"),
    ("checkpoint: 90", "E0507", "write `checkpoint: 90 epochs` or `checkpoint: 90 iterations`"),
    ("checkpoint: 5epochs", "E0507", "write `checkpoint: 5 epochs`"),
    ("checkpoint: 5 Epochs", "E0507", "write `checkpoint: 5 epochs`"),
    ("checkpoint: 5 ep", "E0507", "write `checkpoint: 5 epochs`"),
    ("checkpoint: 500 steps", "E0507", "write `checkpoint: 500 iterations`"),
    ("checkpoint: 64k iterations", "E0507", "leave the key out for its default"),
    ("checkpoint: -5 epochs", "E0507", "leave the key out for its default"),
    ("epochs: 0", "E0507", "write, for example, `epochs: 90`"),
    ("checkpoint: 5 fortnights", "E0507", "leave the key out for its default"),
    ("keep: all", "E0507", "leave the key out for its default"),
    ("evaluate: 1", "E0507", "write `evaluate: 1 epochs` or `evaluate: 1 iterations`"),
    ("data: {normalize: imagenet}", "E0507", "write `normalize: channel`"),
    ("label_smoothing: 10%", "E0507", "write `label_smoothing: 0.1`"),
    ("label_smoothing: 0,1", "E0507", "write `label_smoothing: 0.1`"),
    ("label_smoothing: 1/8", "E0507", "write `label_smoothing: 0.125`"),
    ("label_smoothing: true", "E0507", None),
    ("clip_grad_norm: none", "E0507", "write `clip_grad_norm: null`"),
    ("clip_grad_norm: off", "E0541", "write `clip_grad_norm: null`"),
    ("clip_grad_norm: 'null'", "E0507", "write `clip_grad_norm: null`"),
    ("compile: yes", "E0541", "write `compile: true`"),
    ("compile: Off", "E0541", "write `compile: false`"),
    ("compile: y", "E0541", "write `compile: true`"),
    ("compile: 1", "E0507", "write `compile: true`"),
    ("compile: 0", "E0507", "write `compile: false`"),
    ("compile: 'true'", "E0507", "write `compile: true`"),
    ("source: 2015", "E0507", "write `source: '2015'`"),
    ("source: 1.5", "E0507", "write `source: '1.5'`"),
    ("source: yes", "E0541", "write `source: 'yes'`"),
    ("source: 2024-01-01", "E0541", "write `source: '2024-01-01'`"),
    ("source: 12:30", "E0541", "write `source: '12:30'`"),
    ("source: =", "E0541", "write `source: '='`"),
    ("source: true", "E0507", "write `source: 'true'`"),
    ("precision: 16-mixed", "E0507", "write `precision: fp16`"),
    ("precision: 32", "E0507", "write `precision: fp32`"),
    ("precision: BF16", "E0507", "write `precision: bf16`"),
    ("precision: fp61", "E0507", "write `precision: fp16`"),
    ("loss: cross_entropy", "E0507", "write `loss: cross-entropy`"),
    ("micro_batch_size: Auto", "E0507", "write `micro_batch_size: auto`"),
    ("warmup: none", "E0507", "write `warmup: null`"),
    ("warmup: 5", "E0507", "write `warmup: 5 epochs` or `warmup: 5 iterations`"),
    ("warmup: true", "E0507", "write, for example, `warmup: 5 epochs`, or leave the key out"),
    ("warmup: false", "E0507", "write `warmup: null`"),
    ("ema: true", "E0507", "write, for example, `ema: 0.9999`, or leave the key out"),
    ("ema: 1", "E0507", None),
    ("optimizer: none", "E0508", "there are `sgd`, `adamw` and `lamb`"),
    ("optimizer: rmsprop", "E0508", "write `sgd` or `adamw`; there are `sgd`, `adamw` and `lamb`"),
    (
        "optimizer: null",
        "E0507",
        "write, for example, `optimizer: {name: sgd, lr: 0.1}`, or leave the key out",
    ),
    ("schedule: none", "E0508", "write `constant`"),
    ("schedule: step", "E0506", "write `schedule: {name: step, step_size: 30 epochs}`"),
    (
        "schedule: {milestones: [3 epochs]}",
        "E0506",
        "write `schedule: {name: multistep, milestones: [3 epochs]}`",
    ),
    (
        "optimizer: {betas: [0.8, 0.9]}",
        "E0506",
        "write `optimizer: {name: adamw, betas: [0.8, 0.9]}`",
    ),
    (
        "data: cifar-10",
        "E0507",
        "leave it out: `data` says how images are preprocessed, and the data set belongs to the command that trains",
    ),
    (
        "data: {test: 224}",
        "E0507",
        "write, for example, `test: {resize: 256, crop: 224}`, or leave the key out",
    ),
    (
        "data: {randaugment: 9}",
        "E0507",
        "write, for example, `randaugment: {magnitude: 7}`, or leave the key out",
    ),
    ("data: {hflip: true}", "E0507", None),
]


@pytest.mark.parametrize(("line", "code", "help"), TRAPS, ids=[line for line, _, _ in TRAPS])
def test_a_trap_is_told_with_what_to_write(line: str, code: str, help: str | None) -> None:
    key = line.partition(":")[0]
    base = {"batch_size": "8"} if key in DURATION else {"epochs": "99", "batch_size": "8"}
    others = "".join(f"{other}: {value}\n" for other, value in base.items() if other != key)
    (mistake,) = mistakes(f"{others}{line}\n")
    assert (mistake.code, mistake.help) == (code, help)
    line_number, _ = mistake.labels[0].span.source.place(mistake.labels[0].span.start)
    assert line_number == others.count("\n") + 1
    if (
        help
        and help.startswith("write ")
        and " or " not in help
        and line.startswith(key)
        and code != "E0508"
    ):
        written = re.findall(r"`([^`]*)`", help)[-1]
        if written.partition(":")[0] == key:
            recipe_file.parse(Source("recipe.yaml", f"{others}{written}\n"))


def test_all_that_is_wrong_is_told_at_once() -> None:
    text = "epochs: 010\nbatch_size: 8\nbatch_size: 4\nbn_batch_size: 3\nfoo: 1\n"
    text += "optimizer: {name: adam, rate: yes, momentum: true}\nkeep: '2'\n"
    spans = [(mistake.code, mistake.labels[0].span) for mistake in mistakes(text)]
    assert [(code, span.source.place(span.start)[0]) for code, span in spans] == [
        ("E0541", 1),
        ("E0507", 2),
        ("E0504", 3),
        ("E0505", 5),
        ("E0508", 6),
        ("E0540", 6),
        ("E0540", 6),
        ("E0507", 7),
    ]


SHORT = [
    ("optimizer: sgd", "optimizer: {name: sgd}"),
    ("optimizer: AdamW", "optimizer: {name: adamw}"),
    ("optimizer: {name: LAMB, lr: 0.01}", "optimizer: {name: lamb, lr: 0.01}"),
    ("schedule: cosine", "schedule: {name: cosine}"),
    ("schedule: Linear", "schedule: {name: linear, min_lr: 0}"),
    ("warmup: 5 epochs", "warmup: {length: 5 epochs}"),
    ("warmup: 500 iterations", "warmup: {length: 500 iterations, start_factor: 0}"),
    ("ema: 0.999", "ema: {decay: 0.999, every: 1}"),
    ("data: {random_resized_crop: 96}", "data: {random_resized_crop: {size: 96}}"),
    ("warmup: ~", "warmup: null"),
    ("clip_grad_norm:", "clip_grad_norm: null"),
    ("epochs: 9.", "epochs: 9"),
    ("data: {mixup: .5}", "data: {mixup: 0.5}"),
]


@pytest.mark.parametrize(("short", "full"), SHORT)
def test_a_value_stands_for_its_section(short: str, full: str) -> None:
    base = BASE if not short.startswith("epochs") else "batch_size: 8\n"
    one, other = (
        recipe_file.parse(Source("recipe.yaml", f"{base}{line}\n")) for line in (short, full)
    )
    assert one == other
    assert recipe_file.dump(one) == recipe_file.dump(other)
    assert recipe_file.parse(Source("recipe.yaml", recipe_file.dump(one))) == one


@pytest.mark.parametrize("line", ["optimizer: adamw\n", "", "optimizer: {name: sgd, lr: 3}\n"])
def test_settings_go_into_a_section_that_is_short_or_absent(line: str) -> None:
    source = Source("recipe.yaml", f"{BASE}{line}")
    recipe = recipe_file.parse(
        source, [("lr", "0.2"), ("ema", "0.9"), ("ema.every", "4"), ("warmup", "3 epochs")]
    )
    assert recipe.optimizer.lr == 0.2
    assert recipe.optimizer.name == ("adamw" if "adamw" in line else "sgd")
    assert value_of(recipe, "ema") == {"decay": 0.9, "every": 4}
    assert recipe.warmup and recipe.warmup.length == Length(3, "epochs")


@given(
    st.text(max_size=12)
    | st.from_regex(r"[-+]?[0-9_:.xeo]{1,5}", fullmatch=True)
    | st.sampled_from(["yes", "N", "~", ""]),
    st.floats(1e-12, 1e11),
    st.sampled_from(["epochs", "iterations"]),
    st.floats(1e-300, 1e300),
)
@settings(max_examples=40, deadline=None)
def test_what_is_dumped_is_read_as_the_same(
    source: str, number: float, unit: str, lr: float
) -> None:
    length = Length(float(f"{number:.12f}"), "epochs" if unit == "epochs" else "iterations")
    asked = {
        "source": source,
        "epochs": 9,
        "batch_size": 8,
        "checkpoint": str(length),
        "optimizer": {"name": "sgd", "lr": lr},
    }
    recipe = Recipe.model_validate(asked)
    assert recipe.checkpoint == length
    assert recipe_file.parse(Source("recipe.yaml", recipe_file.dump(recipe))) == recipe
