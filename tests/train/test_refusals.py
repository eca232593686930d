"""What the trainer refuses: networks that do not fit the data, folders in use, another job in a
run's folder.
"""

import json
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import pytest

from resspec import cli
from resspec.compiler import load
from resspec.diagnostics import ResspecError, SpecError, UsageError
from resspec.files import write
from resspec.training import data, recipe_file, trainer
from resspec.training.distributed.processes import joined
from resspec.training.output import plan_text
from resspec.training.output.progress import shown
from resspec.training.plan import Job, Plan
from resspec.training.recipe import Recipe
from resspec.training.steps.state import FORMAT
from resspec.training.trainer import Result
from tests.train.small import ALONE, SPEC, begun, job, plan, tiny, train

OTHER = """
network small {{
    input {input}
    stem conv 3x3, 4 -> bn -> relu
    head avgpool -> fc {classes}
}}
"""


def refused(folder: Path, **given: str) -> SpecError:
    """What is said of a small network."""
    path = folder / "small.res"
    path.write_text(OTHER.format(**{"input": "1x8x8", "classes": "10"} | given))
    with pytest.raises(SpecError) as caught:
        plan(job(load(path)), folder / "run")
    return caught.value


@pytest.mark.parametrize("shape", ["3x8x8", "1x28x28"])
def test_images_of_another_shape(shape: str, tmp_path: Path) -> None:
    (mistake,) = refused(tmp_path, input=shape).diagnostics
    assert mistake.code == "E0501"
    assert mistake.message == f"the images of `digits` are 1x8x8, the network reads {shape}"
    assert mistake.labels[0].span.text == "small"
    assert (mistake.help or "").startswith("`input 1x8x8`")


def test_another_number_of_classes(tmp_path: Path) -> None:
    (mistake,) = refused(tmp_path, classes="100").diagnostics
    assert mistake.code == "E0502"
    assert mistake.message == "`digits` has 10 classes, but the network outputs 100"
    assert mistake.labels[0].span.text == "fc 100"
    assert mistake.help == "`fc 10`"


def test_both_are_told_at_their_places(tmp_path: Path) -> None:
    output = [each.brief for each in refused(tmp_path, input="3x32x32", classes="7").diagnostics]
    path = (tmp_path / "small.res").as_posix()
    assert [line.partition(": error")[0] for line in output] == [f"{path}:2:9", f"{path}:5:21"]


def test_a_folder_in_use_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "result.json").write_text("mine")
    with pytest.raises(UsageError, match="not empty"):
        train(tiny(tmp_path), tmp_path / "run")
    assert [path.read_text() for path in (tmp_path / "run").iterdir()] == ["mine"]


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SpecError, match=r"E0535.*file is a file, not a folder"):
        train(tiny(tmp_path), tmp_path / "file" / "run")


@pytest.mark.parametrize(
    ("setting", "output"),
    [
        ("lr=0.2", "optimizer.lr: 0.1 there, 0.2 now"),
        ("holdout=0.1", "holdout: 0.0 there, 0.1 now"),
        ("ema.decay=0.9", "ema: null there, {decay: 0.9, every: 1} now"),
    ],
)
def test_another_recipe_in_the_folder_of_a_run(setting: str, output: str, tmp_path: Path) -> None:
    train(tiny(tmp_path), tmp_path / "run", "iterations=3")
    with pytest.raises(UsageError, match="contains another run") as caught:
        train(tiny(tmp_path), tmp_path / "run", "iterations=3", setting)
    assert output in str(caught.value)


def test_another_network_in_the_folder_of_a_run_is_told_as_its_diff(tmp_path: Path) -> None:
    train(tiny(tmp_path), tmp_path / "run", "iterations=3")
    path = tmp_path / "tiny.res"
    path.write_text(SPEC.replace("dropout 0.1", "dropout 0.3"))
    with pytest.raises(UsageError, match="contains another run") as caught:
        train(load(path), tmp_path / "run", "iterations=3")
    assert "0.1" in str(caught.value)
    assert "0.3" in str(caught.value)


def test_other_data_in_the_folder_of_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train(tiny(tmp_path), tmp_path / "run", "iterations=3")
    other = data.load("digits")
    other.train.labels[0] += 1  # one label set right since
    monkeypatch.setattr(data, "load", lambda *_, **__: other)
    with pytest.raises(UsageError, match=r"data\.train"):
        train(tiny(tmp_path), tmp_path / "run", "iterations=3")


def test_a_spec_that_is_only_written_otherwise_goes_on(tmp_path: Path) -> None:
    ended = train(tiny(tmp_path), tmp_path / "run", "iterations=3")
    path = tmp_path / "tiny.res"
    path.write_text("# the same\n" + SPEC.replace("network tiny", "\n\nnetwork   tiny"))
    assert train(load(path), tmp_path / "run", "iterations=3").again
    (tmp_path / "run" / "result.json").unlink()
    again = train(load(path), tmp_path / "run", "iterations=3")  # from its checkpoint
    assert again.facts["weights"] == ended.facts["weights"]


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (
            {"schema": "resspec.run/1"},
            f"has format 1, which an older version of resspec wrote, but this one reads format {FORMAT}",
        ),
        ({"schema": "resspec.run/3", "sha256": "0"}, "has format 3, which an older"),
        (
            {"format": FORMAT + 1, "more": None},
            f"has format {FORMAT + 1}, which a newer version of resspec wrote, but this one reads",
        ),
    ],
)
def test_a_run_of_another_format(facts: dict[str, object], said: str, tmp_path: Path) -> None:
    write(tmp_path / "run" / "run.json", json.dumps(facts).encode())
    with pytest.raises(UsageError, match=said) as caught:
        plan(job(tiny(tmp_path)), tmp_path / "run")
    assert caught.value.code == "E0604"
    assert str(caught.value).count("\n") == 0


class LaterRecipe(Recipe):
    """The recipe of a later version, which has a key more."""

    grad_noise: float = 0.0


def later(wanted: Job, **more: float) -> Job:
    recipe = LaterRecipe.model_validate({**wanted.recipe.model_dump(), **more})
    return replace(wanted, recipe=recipe)


def resumed(wanted: Job, run: Path) -> tuple[Result, list[str]]:
    said = list[str]()
    decided = trainer.planned(wanted, run, ALONE)
    return trainer.train(decided, run, show=shown(visible=False), say=said.append), said


def test_a_run_resumes_in_a_version_with_another_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, wanted = tmp_path / "run", job(tiny(tmp_path), "iterations=3", "ema.decay=0.9")
    ended, _ = resumed(wanted, run)
    (run / "result.json").unlink()
    monkeypatch.setattr("resspec.training.recipe.Recipe", LaterRecipe)

    with pytest.raises(UsageError, match=r"grad_noise: 0\.0 there, 0\.5 now"):
        resumed(later(wanted, grad_noise=0.5), run)
    again, said = resumed(later(wanted), run)
    assert any("from step 3" in line for line in said)
    assert again.facts["weights"] == ended.facts["weights"]


def test_a_negative_seed(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="seed"):
        job(tiny(tmp_path), seed=-1)


def test_a_batch_that_cannot_be_cut(tmp_path: Path) -> None:
    decided = plan(job(tiny(tmp_path), "bn_batch_size=32"), tmp_path / "run")
    with pytest.raises(
        UsageError,
        match="does not divide into parts of 32, which batch norm reads at a time, over 4",
    ):
        Plan(decided.job, decided.machine, replace(ALONE, world=4))


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    write(path, b"old")
    with pytest.raises(TypeError):
        write(path, "text where bytes belong")  # type: ignore[arg-type]
    assert [file.read_text() for file in tmp_path.iterdir()] == ["old"]


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        (["data.resize=9", "data.test.resize=9"], "E0501"),
        (["data.test.crop=20"], "E0515"),
        (["shift=0", "padding=1", "data.crop=11"], "E0515"),
    ],
)
def test_images_as_the_recipe_shows_them_are_looked_at_before_training(
    settings: list[str], code: str, tmp_path: Path
) -> None:
    with pytest.raises(ResspecError) as caught:
        plan(job(tiny(tmp_path), *settings), tmp_path / "run")
    assert code in (caught.value.code or str(caught.value))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (["foo=1"], "a recipe has no key `foo`"),
        (["momentun=1"], "a recipe has no key `momentun`; did you mean `momentum`?"),
        (["momentum=0", "nesterov=true"], "`nesterov: true` needs a momentum"),
        (
            ["optimizer.name=adamw", "betas=[1,1]"],
            "`betas` must be a number of at least 0 and below 1, not `1`",
        ),
        (
            ["micro_batch_size=128"],
            "`micro_batch_size: 128` is more than the whole batch, `batch_size: 64`",
        ),
        (["data=3"], "`data` must be a section with keys of its own, not `3`"),
        (["optimizer=3"], "there is no optimizer `3`"),
        (
            ["shift=0", "random_resized_crop.scale=[2, 3]"],
            "`scale` must be a number above 0 and at most 1, not `2`",
        ),
        (
            ["shift=0", "random_resized_crop.scale=[0.5, 0.2]"],
            "the range [0.5, 0.2] ends below its start",
        ),
        (["shift=0", "random_resized_crop.ratio=[2, 1]"], "the range [2, 1] ends below its start"),
        (["data.resize=[12, 9]"], "`resize: [12, 9]` ends below its start"),
        (
            ["shift=0", "data.resize=[9, 12]", "data.crop=10"],
            "`crop: 10` does not fit into images of 9 pixels",
        ),
        (["holdout=0.0001"], "`holdout: 0.0001` of 1,442 images is less than one image"),
    ],
)
def test_settings_that_mean_nothing(settings: list[str], said: str, tmp_path: Path) -> None:
    with pytest.raises(ResspecError) as caught:
        plan(job(tiny(tmp_path), *settings), tmp_path / "run")
    assert said in str(caught.value)


def test_the_order_of_settings_is_of_no_account() -> None:
    settings = [
        ("lr", "0.01"),
        ("optimizer.name", "adamw"),
        ("betas", "[0.8, 0.9]"),
        ("data.test", "{crop: 4}"),
        ("data.test.resize", "9"),
    ]
    for given in permutations(settings):
        recipe = recipe_file.load("digits", given)
        assert (recipe.optimizer.name, recipe.optimizer.lr) == ("adamw", 0.01)
        assert (recipe.data.test.crop, recipe.data.test.resize) == (4, 9)


def test_a_micro_batch_that_does_not_divide_the_batch(tmp_path: Path) -> None:
    with pytest.raises(
        SpecError, match=r"64 images of a batch do not divide into micro-batches of 60"
    ) as caught:
        plan(job(tiny(tmp_path), "micro_batch_size=60"), tmp_path / "run")
    assert caught.value.diagnostics[0].help == "use `micro_batch_size: 32`"


def test_where_a_recipe_comes_from_makes_no_other_run(tmp_path: Path) -> None:
    train(tiny(tmp_path), tmp_path / "run", "iterations=2")
    (tmp_path / "run" / "result.json").unlink()
    again = train(tiny(tmp_path), tmp_path / "run", "iterations=2", "source=another page")
    assert again.facts["total"] == 355


def test_a_warm_up_that_outlasts_the_run_is_told(tmp_path: Path) -> None:
    for length, warns in (("9 iterations", False), ("10 iterations", True)):
        decided = plan(
            job(tiny(tmp_path), "iterations=10", f"warmup.length={length}"),
            tmp_path / "run",
        )
        assert ("not over when the run ends" in plan_text.text(decided, tmp_path / "run")) == warns


@pytest.mark.parametrize(
    ("device", "said"),
    [
        ("foo", "no device is called `foo`"),
        ("meta", "no device is called `meta`"),
        ("cudda", "did you mean `cuda`?"),
        ("cuda:99", "there is no device `cuda:99` here"),
    ],
)
def test_devices_that_are_not_there(device: str, said: str) -> None:
    with pytest.raises(UsageError) as caught, joined(device):
        pass
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["bench", "digits", "--device", "foo"], "no device is called `foo`"),
    ],
)
def test_options_that_mean_nothing(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(arguments) == 2
    assert said in capsys.readouterr().err


def test_a_run_is_measured_with_its_own_parameters(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    begun(tmp_path)
    assert cli.run(["eval", str(tmp_path), "--set", "n=3"]) == 2
    assert "--set applies to specs" in capsys.readouterr().err


def test_what_holds_no_run_is_named_and_the_others_are_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train(tiny(tmp_path), tmp_path / "a", "iterations=2")
    assert (
        cli.run(["compare", str(tmp_path / "a"), str(tmp_path / "none"), "--out", str(tmp_path)])
        == 0
    )
    output = capsys.readouterr()
    assert (
        "tiny" in output.out
        and "error[E0603]" in output.err
        and "none does not contain a run" in output.err
    )
    assert cli.run(["compare", str(tmp_path / "none")]) == 2
    told_of_others = f"there is no run.json in it; runs nearby: {tmp_path / 'a'}\n"
    assert f"does not contain a run: {told_of_others}" in capsys.readouterr().err


def test_all_runs_of_a_folder_are_compared_and_one_has_to_be_named_to_be_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a", "b"):
        train(tiny(tmp_path), tmp_path / "runs" / name, "iterations=2")
    (tmp_path / "runs" / "notes").mkdir()
    assert cli.run(["compare", str(tmp_path / "runs"), "--out", str(tmp_path)]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()[2:]] == ["a", "b"]
    for given in (tmp_path / "runs", tmp_path / "runs" / "c"):
        assert cli.run(["eval", str(given)]) == 2
        there = f"{tmp_path / 'runs' / 'a'}, {tmp_path / 'runs' / 'b'}"
        output = f"error: {given} is not a run folder; runs nearby: {there}; and there is no spec '{given}'"
        assert capsys.readouterr().err.startswith(output)
