"""What is said before the first step, all at once; each advice works."""

from __future__ import annotations

import resource
from collections.abc import Callable
from pathlib import Path

import pytest

from resspec import cli
from resspec.diagnostics import Diagnostic
from resspec.render import render
from resspec.training import preflight
from tests.train.preflight.folders import RECIPE, SPEC, image, job, mistakes, pictures, plain
from tests.train.small import ALONE

TEXTS = Path(__file__).parents[2] / "diagnostics" / "preflight"
GATED = SPEC.replace(
    "relu\n    head",
    "relu -> mul { identity | avgpool -> conv 1x1, 16 -> bn -> sigmoid }\n    head",
)
FLAT = SPEC.replace("head avgpool", "head flatten")


def mixed(folder: Path) -> list[Diagnostic]:
    images = pictures(
        folder / "d", {"train": [(40, 48), (48, 40), (30, 30), (31, 31)], "val": [(40, 48)]}
    )
    return mistakes(
        job(folder, images, RECIPE.replace("random_resized_crop: {size: 32}", "hflip: 0.5")),
        folder / "r",
    )[0]


def too_large_to_read(folder: Path) -> list[Diagnostic]:
    images = plain(folder / "d")
    return mistakes(
        job(folder, images, RECIPE.replace("crop: 32", "crop: 36"), FLAT), folder / "r"
    )[0]


def one_value(folder: Path) -> list[Diagnostic]:
    return mistakes(
        job(folder, plain(folder / "d"), RECIPE + "bn_batch_size: 1\n", GATED), folder / "r"
    )[0]


def full(folder: Path) -> list[Diagnostic]:
    wanted = job(folder, plain(folder / "d"), spec=SPEC.replace("fc 2", "fc 100000 -> fc 2"))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, limits[1]))
    try:
        return mistakes(wanted, folder / "r")[0]
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def below_a_file(folder: Path) -> list[Diagnostic]:
    wanted = job(folder, plain(folder / "d"))
    return mistakes(wanted, folder / "tiny.res" / "r")[0]


def crop_too_large(folder: Path) -> list[Diagnostic]:
    wanted = job(folder, plain(folder / "d"), RECIPE.replace("resize: 36", "resize: 20"))
    return mistakes(wanted, folder / "r")[0]


def another_section(folder: Path) -> list[Diagnostic]:
    recipe = RECIPE + "freeze: [stem, layer1]\nlr_scale: {haed: 2}\n"
    return mistakes(job(folder, plain(folder / "d"), recipe), folder / "r")[0]


def all_frozen(folder: Path) -> list[Diagnostic]:
    recipe = RECIPE + "freeze: {sections: [stem, head], batch_norm: train}\n"
    return mistakes(job(folder, plain(folder / "d"), recipe), folder / "r")[0]


CASES: dict[str, Callable[[Path], list[Diagnostic]]] = {
    "E0515": crop_too_large,
    "E0530": mixed,
    "E0531": too_large_to_read,
    "E0532": one_value,
    "E0533": full,
    "E0535": below_a_file,
    "E0536": another_section,
    "E0537": all_frozen,
}


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("code", CASES)
def test_a_mistake_is_shown_at_its_place(code: str, request: pytest.FixtureRequest) -> None:
    found = CASES[code](Path())
    text = "\n".join(map(render, found))
    expected = TEXTS / f"{code}.txt"
    if request.config.getoption("--update"):
        expected.write_text(text, encoding="utf-8", newline="")
    assert text == expected.read_text(encoding="utf-8")
    assert {mistake.code for mistake in found} == {code}


def test_every_text_is_of_a_case() -> None:
    assert {path.stem for path in TEXTS.iterdir()} == {
        *CASES,
        "E0534",
    }  # whose is in test_agreement.py


@pytest.mark.usefixtures("here")
def test_everything_is_reported_at_once() -> None:
    images = plain(Path("d"))
    damaged = [images / "val" / "dog" / "1.png", images / "train" / "cat" / "3.png"]
    for path in damaged:
        path.write_bytes(path.read_bytes()[:500])
    recipe = RECIPE.replace("resize: 36", "resize: 20") + "bn_batch_size: 1\n"
    spec = GATED.replace("fc 2", "fc 3")
    found, _ = mistakes(job(Path(), images, recipe, spec), Path("tiny.res", "r"))
    reported = [(mistake.code, mistake.labels[0].span.source.name) for mistake in found]
    assert sorted(reported) == sorted(
        [
            ("E0502", "tiny.res"),
            ("E0514", str(damaged[1])),
            ("E0514", str(damaged[0])),
            ("E0515", "tiny.yaml"),
            ("E0532", "tiny.res"),
            ("E0535", "tiny.res/r"),
        ]
    )


def test_a_damaged_image_is_found_by_train_plan_and_training_writes_nothing(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = plain(here / "d")
    damaged = images / "val" / "dog" / "1.png"
    damaged.write_bytes(damaged.read_bytes()[:500])
    job(here, images)
    for more in ([], ["--plan"]):
        assert (
            cli.run(["train", "tiny.res", "--recipe", "tiny.yaml", "--data", "d", "-r", "r", *more])
            == 1
        )
        assert "d/val/dog/1.png" in capsys.readouterr().err
    assert not (here / "r").exists()


@pytest.mark.parametrize(
    "advice",
    [
        "{random_resized_crop: {size: 32}, test: {resize: 36, crop: 32}}",
        "{resize: 32, crop: 32, test: {resize: 36, crop: 32}}",
    ],
)
def test_the_advice_on_mixed_sizes_works(advice: str, here: Path) -> None:
    (mistake,) = mixed(here)
    assert advice.partition(", test")[0].strip("{") in (mistake.help or "")
    recipe = RECIPE.replace(
        "{random_resized_crop: {size: 32}, test: {resize: 36, crop: 32}}", advice
    )
    assert mistakes(job(here, here / "d", recipe), here / "r") == ([], [])


def test_another_size_than_the_input_is_noted(here: Path) -> None:
    images = plain(here / "d")
    recipe = RECIPE.replace("resize: 36, crop: 32", "resize: 36")
    found, notes = mistakes(job(here, images, recipe), here / "r")
    assert not found
    (note,) = notes
    assert "test images are transformed to 3x36x43; the network's `input` is 3x32x32" in note
    assert note.endswith("write `data: {test: {resize: 37, crop: 32}}`")


def test_the_advice_on_test_images_repeats_the_training_transforms(here: Path) -> None:
    images = plain(here / "d")
    written = "data: {random_resized_crop: {size: 32}, test: {resize: 36, crop: 32}}"
    _, notes = mistakes(
        job(here, images, RECIPE.replace(written, "data: {resize: 34, crop: 32}")), here / "r"
    )
    (note,) = notes
    advice = "data: {test: {resize: 34, crop: 32}}"
    assert f"write `{advice}`" in note
    followed = advice.replace("{test", "{resize: 34, crop: 32, test")
    assert mistakes(job(here, images, RECIPE.replace(written, followed)), here / "r") == ([], [])


def test_the_advice_on_mixed_sizes_names_test_images_that_are_not_cropped(here: Path) -> None:
    images = pictures(here / "d", {"train": [(40, 48), (48, 40)] * 2, "val": [(40, 48)]})
    written = "data: {random_resized_crop: {size: 32}, test: {resize: 36, crop: 32}}"
    wanted = job(here, images, RECIPE.replace(written, "data: {hflip: 0.5}"))
    (mistake,), _ = mistakes(wanted, here / "r")
    first, second = (part.strip("`, ") for part in (mistake.help or "").split(" or "))
    for advice in (first, second):
        assert "test: {resize: 37, crop: 32}" in advice
        assert mistakes(job(here, images, RECIPE.replace(written, advice)), here / "r") == ([], [])


def test_images_that_never_have_the_size_of_the_input_are_refused(here: Path) -> None:
    (mistake,), _ = mistakes(job(here, plain(here / "d"), "epochs: 1\nbatch_size: 8\n"), here / "r")
    assert mistake.code == "E0501"
    assert "`input 3x40x48`" in (mistake.help or "")


def test_a_batch_that_is_larger_than_the_data_is_noted(here: Path) -> None:
    _, notes = mistakes(
        job(here, plain(here / "d"), RECIPE.replace("batch_size: 8", "batch_size: 20")), here / "r"
    )
    assert notes == [
        "a batch of 20 is larger than the 12 training images: some appear several times"
    ]


@pytest.mark.parametrize("sizes", ["batch_size: 1", "micro_batch_size: 1", "bn_batch_size: 1"])
def test_one_value_is_found_for_each_way_of_showing_one_image(sizes: str, here: Path) -> None:
    recipe = (
        RECIPE.replace("batch_size: 8", sizes) if sizes == "batch_size: 1" else f"{RECIPE}{sizes}\n"
    )
    (mistake,), _ = mistakes(job(here, plain(here / "d"), recipe, GATED), here / "r")
    assert mistake.code == "E0532"
    assert mistake.labels[0].span.text == "bn"
    assert mistake.labels[1].span.text == sizes


def test_one_image_at_a_time_is_fine_where_norms_see_more(here: Path) -> None:
    assert mistakes(
        job(here, plain(here / "d"), RECIPE.replace("batch_size: 8", "batch_size: 1")), here / "r"
    ) == ([], [])


def test_the_automatic_micro_batch_is_never_one_image_where_a_norm_needs_two(here: Path) -> None:
    from resspec.training.machine import bound, decide

    wanted = job(here, plain(here / "d"), RECIPE, GATED)
    request = preflight.of_job(wanted, here / "r", ALONE)
    least = preflight.least_images(request, preflight.require([request]))
    assert least == 2
    room = bound(wanted.network, wanted.recipe, 1) * 2 + 1  # for one image, not for two
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decide, "memory", lambda _: room)
        assert decide.micro_batch_size(wanted.network, wanted.recipe, ALONE) == 1
        with pytest.raises(Exception, match="with 2 images at a time"):
            decide.micro_batch_size(wanted.network, wanted.recipe, ALONE, least)


@pytest.mark.parametrize("run", ["r" * 300, "/proc/r", "/dev/null/r", "/sys/r"])
def test_a_folder_that_cannot_be_written_to(run: str, here: Path) -> None:
    (mistake,), _ = mistakes(job(here, plain(here / "d")), Path(run))
    assert mistake.code == "E0535"
    assert mistake.labels[0].span.source.name == run


def test_a_run_folder_that_is_a_link_to_nothing(here: Path) -> None:
    (here / "r").symlink_to("nowhere")
    (mistake,), _ = mistakes(job(here, plain(here / "d")), here / "r")
    assert mistake.code == "E0535"
    assert "r is a link that leads nowhere" in mistake.message


def test_nothing_is_left_by_looking_at_a_folder(here: Path) -> None:
    (here / "r" / "checkpoints").mkdir(parents=True)
    wanted = job(here, plain(here / "d"))
    before = sorted(here.rglob("*"))
    assert mistakes(wanted, here / "r") == ([], [])
    assert sorted(here.rglob("*")) == before


def test_a_full_check_decodes_training_images(here: Path) -> None:
    """Of a PNG the data before its end may be damaged, which its header and its end don't tell."""
    images = plain(here / "d")
    path = images / "train" / "cat" / "2.png"
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 40] = bytes(40)
    path.write_bytes(content)
    wanted = job(here, images)
    for full_check in (False, True):
        found = preflight.Request(
            **{**vars(preflight.of_job(wanted, here / "r", ALONE)), "full_check": full_check}
        )
        try:
            preflight.require([found])
            reported = []
        except Exception as error:  # noqa: BLE001
            reported = [error.diagnostics[0].labels[0].span.source.name]  # type: ignore[attr-defined]
        assert reported == ([str(path)] if full_check else [])


BENCHED = ["bench", "gated.res", "--seconds", "0.1"]


def test_bench_says_that_one_image_is_too_few(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "gated.res").write_text(GATED, encoding="utf-8")
    assert cli.run([*BENCHED, "--batch-size", "1"]) == 1
    assert "error[E0532]" in capsys.readouterr().err
    assert cli.run([*BENCHED, "--batch-size", "2"]) == 0


def test_bench_of_a_network_on_features(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "gated.res").write_text(
        "network mlp { input 64; head fc 32 -> relu -> fc 10 }", encoding="utf-8"
    )
    assert cli.run([*BENCHED, "--batch-size", "4"]) == 0
    assert "mlp   input 64   batch 4" in capsys.readouterr().out


def test_a_study_checks_all_of_its_networks_at_once(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain(here / "d")
    job(here, here / "d")
    for name, classes in (("one", 3), ("two", 4)):
        (here / f"{name}.res").write_text(
            SPEC.replace("tiny", name).replace("fc 2", f"relu -> fc {classes}")
        )
    command = [
        "study",
        "degradation",
        "--plain",
        "one.res",
        "--residual",
        "two.res",
        "--recipe",
        "tiny.yaml",
    ]
    assert cli.run([*command, "--data", "d"]) == 1
    err = capsys.readouterr().err
    assert "one.res:4" in err and "two.res:4" in err
    assert not (here / "studies").exists()


def test_a_probe_looks_at_what_it_will_write(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "tiny.res").write_text(SPEC, encoding="utf-8")
    assert cli.run(["probe", "tiny.res", "--out", "tiny.res/out"]) == 1
    assert "error[E0535]" in capsys.readouterr().err


def test_a_probe_of_a_run_that_read_a_folder_needs_its_path(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain(here / "d")
    job(here, here / "d")
    assert cli.run(["train", "tiny.res", "--recipe", "tiny.yaml", "--data", "d", "-r", "r"]) == 0
    assert cli.run(["probe", "r", "--out", "out"]) == 2
    assert "--data" in capsys.readouterr().err
    assert cli.run(["probe", "r", "--data", "d", "--out", "out"]) == 0
    assert (here / "out" / "README.md").is_file()


def test_an_image_that_is_too_long_when_it_is_resized(here: Path) -> None:
    images = plain(here / "d")
    image(images / "val" / "dog" / "long.png", (1, 30_000))
    wanted = job(here, images, RECIPE.replace("resize: 36", "resize: 256"))
    (mistake,), _ = mistakes(wanted, here / "r")
    assert mistake.code == "E0515"
    assert "256x7680000" in mistake.message


@pytest.mark.usefixtures("here")
def test_a_run_that_goes_on_needs_room_for_what_is_not_there_yet() -> None:
    wanted, run = job(Path(), plain(Path("d"))), Path("r")
    fresh = preflight.of_job(wanted, run, ALONE)
    assert fresh.writes == 3 * wanted.state_bytes + wanted.weight_bytes

    saved = run / "checkpoints" / "step-00000001"
    saved.mkdir(parents=True)
    (saved / "tensors.safetensors").write_bytes(bytes(wanted.state_bytes))
    assert 0 < preflight.of_job(wanted, run, ALONE).writes <= fresh.writes - wanted.state_bytes

    (run / "result.json").touch()
    ended = preflight.of_job(wanted, run, ALONE)
    assert ended.writes == ended.largest == 0
