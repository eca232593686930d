"""What is trained says what it is: it predicts from the file alone, and is not measured on other
classes.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from safetensors import safe_open
from torchvision.transforms import v2

from resspec.cli import run as cli
from resspec.diagnostics import UsageError
from resspec.training import classes, data, recipe_file
from resspec.training.data import IndexBatch
from resspec.training.run import ended
from tests.train.pets import draw_pets, lay_out, train
from tests.train.small import tiny
from tests.train.small import train as train_digits

ODD = ('cat "one"\n😀', os.fsdecode(b"dog \xff"))  # as folders
NAMES = ['cat "one"\n😀', r"dog \xff"]  # as classes


def predicted(*arguments: str | Path, folder: Path) -> Any:
    """What a process says that has never heard of resspec."""
    script = Path(__file__).with_name("alone.py")
    command = [sys.executable, "-I", str(script), *map(str, arguments)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run `r` of photographs, of which some lie on their side, in classes with odd
    names.
    """
    folder = lay_out(tmp_path_factory.mktemp("trained"))
    for part in ("train", "val"):
        for old, new in zip(("cat", "dog"), ODD, strict=True):
            (folder / "d" / part / old).rename(folder / "d" / part / new)
    for path in (folder / "d" / "val").rglob("[01].jpg"):
        with Image.open(path) as image:
            exif = image.getexif()
            exif[0x0112] = 6
            image.save(path, exif=exif)
    train(folder, "epochs=6")
    return folder


@pytest.mark.parametrize("kind", ["safetensors", "onnx"])
def test_a_file_of_weights_predicts_alone(kind: str, trained: Path, tmp_path: Path) -> None:
    weights = trained / "r" / "weights.safetensors"
    if kind == "onnx":
        asked = ["--target", "onnx", "--weights", str(weights)]
        given = [tmp_path / "tiny.onnx"]
    else:
        asked = []
        given = [weights, tmp_path / "tiny.py", Path("tiny")]
    assert cli(["compile", str(trained / "tiny.res"), "--out", str(tmp_path), *asked]) == 0

    test = data.load(str(trained / "d")).test
    images = sorted(
        (trained / "d" / "val").rglob("*.jpg"), key=lambda path: (path.parent.name, path.name)
    )
    found = predicted(*given, *images, folder=tmp_path)
    assert found["predicted"] == [NAMES[ODD.index(path.parent.name)] for path in images]
    assert json.loads(found["metadata"]["classes"]) == NAMES
    assert json.loads(found["metadata"]["input"]) == [3, 32, 32]

    view = recipe_file.load(str(trained / "tiny.yaml")).data.test
    draw = IndexBatch(torch.arange(len(test)), torch.arange(len(test)))
    (batch,) = test.batches([draw], transform=view, device=torch.device("cpu"))
    with torch.no_grad():
        scores = ended.module_of(trained / "r")(batch.images)
    assert torch.allclose(torch.tensor(found["scores"]), scores, atol=1e-4)


PREDICT = """
import os, runpy, sys
for folder in sys.argv[1:]:
    os.chdir(folder)
    sys.path[0] = folder
    sys.modules.pop("tiny", None)
    try:
        runpy.run_path("predict.py")
    except (Exception, SystemExit) as error:
        print(error)
    print(end="\\0")
"""


def lay_out_snippet(folder: Path, run: Path, picture: Path) -> None:
    """Write what the guide's snippet reads, and the snippet as `predict.py`."""
    folder.mkdir()
    (folder / "cat.jpg").write_bytes(picture.read_bytes())
    guide = Path(__file__).parents[2] / "docs" / "training.md"
    snippets = re.findall(r"```python\n(.*?)```", guide.read_text(encoding="utf-8"), re.DOTALL)
    (snippet,) = (each for each in snippets if "safe_open" in each)
    snippet = snippet.replace("runs/a/weights.safetensors", str(run / "weights.safetensors"))
    (folder / "predict.py").write_text(snippet.replace("resnet50", "tiny"), encoding="utf-8")
    assert cli(["compile", str(run / "spec.res"), "--out", str(folder)]) == 0


def test_the_snippet_of_the_guide_predicts_and_refuses_weights_of_another_network(
    trained: Path, tmp_path: Path
) -> None:
    """Of photographs, of digits, which are not resized, and of another network, in one process."""
    photograph, gray = next((trained / "d" / "val").rglob("0.jpg")), tmp_path / "gray.jpg"
    Image.new("RGB", (8, 8), "gray").save(gray)
    of_digits = train_digits(tiny(tmp_path), tmp_path / "r", "iterations=2").run
    photographs, digits, another = (tmp_path / name for name in ("photographs", "digits", "other"))
    lay_out_snippet(photographs, trained / "r", photograph)
    lay_out_snippet(digits, of_digits, gray)
    lay_out_snippet(another, of_digits, gray)
    emitted = another / "tiny.py"
    text = emitted.read_text(encoding="utf-8")
    emitted.write_text(re.sub(r'HASH = "\w+"', 'HASH = "of another spec"', text), encoding="utf-8")

    command = [sys.executable, "-c", PREDICT, str(photographs), str(digits), str(another)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    of_photograph, of_digit, of_another, _ = done.stdout.split("\n\0")
    assert of_photograph in NAMES
    assert of_digit in "0123456789"
    assert "these are weights of another network" in of_another


def test_an_onnx_file_without_weights_says_what_it_is(trained: Path, tmp_path: Path) -> None:
    import onnx

    assert (
        cli(["compile", str(trained / "tiny.res"), "--out", str(tmp_path), "--target", "onnx"]) == 0
    )
    properties = {prop.key: prop.value for prop in onnx.load(tmp_path / "tiny.onnx").metadata_props}
    assert (properties["network"], properties["input"]) == ("tiny", "[3, 32, 32]")
    assert "classes" not in properties


def test_run_json_says_how_images_are_shown(trained: Path) -> None:
    found = json.loads((trained / "r" / "run.json").read_text(encoding="utf-8"))
    assert found["data"]["classes"] == NAMES
    preprocessing = found["preprocessing"]
    assert (preprocessing["mean"], preprocessing["std"]) == (
        [0.485, 0.456, 0.406],
        [0.229, 0.224, 0.225],
    )
    assert (
        preprocessing["resize"],
        preprocessing["crop"],
        preprocessing["interpolation"],
        preprocessing["exif"],
    ) == (
        36,
        32,
        "bilinear",
        "upright",
    )
    with safe_open(trained / "r" / "weights.safetensors", "pt") as file:
        metadata = file.metadata()
    assert json.loads(metadata["preprocessing"]) == preprocessing
    assert metadata["format"] == "pt"
    assert metadata["spec"] == (trained / "r" / "spec.res").read_text(encoding="utf-8")


@pytest.mark.parametrize("normalize", ["channel", "pixel-mean"])
def test_what_is_said_of_images_in_memory_is_what_is_done_to_them(
    normalize: str, tmp_path: Path
) -> None:
    settings = (
        "iterations=2",
        f"data.normalize={normalize}",
        "data.test.resize=10",
        "data.test.crop=8",
    )
    run = train_digits(tiny(tmp_path), tmp_path / "run", *settings).run
    preprocessing = json.loads((run / "run.json").read_text())["preprocessing"]
    test = data.load("digits", normalize=normalize).test
    view = recipe_file.load(
        "digits", [("data.test.resize", "10"), ("data.test.crop", "8")]
    ).data.test
    indices = torch.arange(5)
    (batch,) = test.batches(
        [IndexBatch(indices, indices)], transform=view, device=torch.device("cpu")
    )

    stored: Any = test
    framed = v2.Compose(
        [v2.Resize(preprocessing["resize"], antialias=True), v2.CenterCrop(preprocessing["crop"])]
    )
    pixels = framed(stored.images[indices].float()).round() / 255
    mean = (
        torch.tensor(preprocessing["mean"]).view(-1, 1, 1)
        if preprocessing["mean"]
        else framed(torch.tensor(preprocessing["mean_image"]))
    )
    shown = (pixels - mean) / torch.tensor(preprocessing["std"]).view(-1, 1, 1)
    apart = (shown - batch.images).abs() * torch.tensor(preprocessing["std"]).view(-1, 1, 1) * 255
    assert apart.max() < 1.01  # a gray, where two ways of rounding differ
    assert apart.mean() < 0.02


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert cli(["eval", *arguments]) == 2
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("renamed", "said"),
    [
        ({"cat": "kitty"}, "different classes than `d` has"),
        ({"cat": "dog", "dog": "cat"}, ""),
        ({"cat": "zebra"}, "different classes than `d` has"),
    ],
)
def test_other_classes_are_not_measured(
    renamed: dict[str, str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = lay_out(tmp_path)
    train(folder)
    for part in ("train", "val"):
        for old, new in renamed.items():
            (folder / "d" / part / old).rename(folder / "d" / part / f"{new}.new")
        for path in (folder / "d" / part).glob("*.new"):
            path.rename(path.with_suffix(""))
    of_run = [str(folder / "r"), "--data", str(folder / "d")]
    of_file = [
        str(folder / "tiny.res"),
        "--weights",
        str(folder / "r" / "weights.safetensors"),
        "--data",
        str(folder / "d"),
    ]
    for asked in (of_run, of_file):
        if not said:  # the names are the same: which pictures lie there is not for us to know
            assert cli(["eval", *asked]) == 0
            assert " 8 of 8 wrong" in capsys.readouterr().out
            continue
        message = refused(capsys, *asked)
        assert message.startswith("error[E0620]: ")
        assert said in message
        names = ", ".join(sorted({"cat", "dog"} - set(renamed) | set(renamed.values())))
        assert message.splitlines()[1:] == ["  in training: cat, dog", f"  in the data: {names}"]


def test_more_classes_are_refused_by_name_and_of_many_those_that_differ(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = lay_out(tmp_path)
    train(folder)
    draw_pets(folder / "more", ("cat", "dog", "emu"), train=1, test=1)
    message = refused(capsys, str(folder / "r"), "--data", str(folder / "more"))
    assert message.splitlines()[1:] == ["  in training: cat, dog", "  in the data: cat, dog, emu"]

    many = [f"class {i:04}" for i in range(1000)]
    with pytest.raises(UsageError) as caught:
        classes.check_same(many, [*many[:500], "other", *many[501:]], whose="r", data="d")
    assert str(caught.value).splitlines()[1:] == [
        "  in training: class 0500 of 1,000",
        "  in the data: other of 1,000",
    ]
    with pytest.raises(UsageError, match="the same classes in a different order"):
        classes.check_same(many, many[::-1], whose="r", data="d")


def test_weights_are_shown_images_as_in_training_without_being_told(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = trained / "r" / "weights.safetensors"
    assert cli(["eval", str(trained / "r"), "--data", str(trained / "d")]) == 0
    measured = capsys.readouterr().out
    assert (
        cli(
            [
                "eval",
                str(trained / "tiny.res"),
                "--weights",
                str(weights),
                "--data",
                str(trained / "d"),
            ]
        )
        == 0
    )
    assert capsys.readouterr().out == measured
