"""docs/recipes.md names every key of a recipe with its default, and none that there is not."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest
import yaml

from resspec.training import recipe
from resspec.training.recipes import finetuning, images
from resspec.training.recipes.kinds import RecipeSection

TEXT = (Path(__file__).parents[2] / "docs" / "recipes.md").read_text(encoding="utf-8")
PARTS: dict[str, type[RecipeSection]] = {
    "warmup": recipe.Warmup,
    "ema": recipe.EMAConfig,
    "freeze": finetuning.FreezeConfig,
    "random_resized_crop": images.RandomResizedCropConfig,
    "randaugment": images.RandAugmentConfig,
    "test": images.TestTransform,
}
OPTIMIZERS: list[type[RecipeSection]] = [recipe.SGDConfig, recipe.AdamWConfig, recipe.LambConfig]
SCHEDULES: list[type[RecipeSection]] = [
    recipe.ConstantSchedule,
    recipe.StepSchedule,
    recipe.MultiStepSchedule,
    recipe.CosineSchedule,
    recipe.LinearSchedule,
    recipe.PolynomialSchedule,
    recipe.CosineRestartsSchedule,
    recipe.OneCycleSchedule,
    recipe.PlateauSchedule,
]


def rows(heading: str) -> list[list[str]]:
    table = TEXT[TEXT.index(f"| {heading}") :].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table]


def defaults(part: type[RecipeSection]) -> dict[str, object]:
    return {
        name: field.get_default() for name, field in part.model_fields.items() if name != "name"
    }


@pytest.mark.parametrize(
    "part, heading", [(recipe.Recipe, "key | default"), (images.DataConfig, "key of `data`")]
)
def test_all_keys_with_their_defaults(part: type[RecipeSection], heading: str) -> None:
    found = {
        name: value
        for keys, values, _ in rows(heading)
        for name, value in zip(re.findall(r"`(\w+)`", keys), values.split(", "), strict=False)
    }
    one_for_all = {
        name: values for keys, values, _ in rows(heading) for name in re.findall(r"`(\w+)`", keys)
    } | found
    assert one_for_all.keys() == part.model_fields.keys()
    for name, field in part.model_fields.items():
        documented = one_for_all[name]
        if documented.startswith("("):
            assert field.is_required()
        elif name not in ("source", "data", "test", "optimizer", "schedule"):
            plain = yaml.safe_load(documented)
            assert str(field.get_default()) == str(plain) or field.get_default() == plain, name


@pytest.mark.parametrize("name", PARTS)
def test_parts_in_braces(name: str) -> None:
    (line,) = (
        line for line in TEXT.splitlines() if re.match(rf"\| .*`{name}`", line) and "{" in line
    )
    written = re.search(r"\{(.*?)\}", line)
    assert written
    documented = yaml.safe_load(
        "{" + re.sub(r"\b(length|sections)\b", r"\1: null", written[1]) + "}"
    )
    for key in defaults(PARTS[name]):
        assert key in documented, key
        if key not in ("length", "sections"):
            default = getattr(PARTS[name].model_fields[key], "default", None)
            assert documented[key] == (
                pytest.approx(list(default), abs=1e-3) if isinstance(default, tuple) else default
            ), key
    assert documented.keys() == defaults(PARTS[name]).keys()


@pytest.mark.parametrize("part", [*OPTIMIZERS, *SCHEDULES])
def test_optimizers_and_schedules(part: type[RecipeSection]) -> None:
    heading = "`optimizer.name`" if part in OPTIMIZERS else "`schedule.name`"
    (name,) = get_args(part.model_fields["name"].annotation)
    (keys,) = (keys for names, keys in rows(heading) if f"`{name}`" in names)
    documented = dict(
        pair.split(": ") if ": " in pair else (pair, "")
        for pair in re.findall(r"`(\w+(?:: [^`]+)?)`", keys)
        if pair != "holdout"
    )
    assert documented.keys() == defaults(part).keys()
    for key, value in documented.items():
        if value:
            default = part.model_fields[key].default
            assert yaml.safe_load(value.replace("1e-", "1.0e-")) == (
                list(default) if isinstance(default, tuple) else default
            )
