"""Folders of images in the layouts that people have: names of splits, lists, no split at all."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from resspec.diagnostics import UsageError
from resspec.training.data import Dataset, load
from resspec.training.data.folder import InFolders
from tests.train.pets import draw_pets


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return draw_pets(tmp_path / "d", ("cat", "dog", "eel"), train=10, test=4)


def files(data: Dataset, part: str) -> set[Path]:
    split = getattr(data, part)
    assert isinstance(split, InFolders)
    return {(split.root / name).resolve() for name in split.files}


@pytest.mark.parametrize("train", ["train", "Train", "training"])
@pytest.mark.parametrize("test", ["val", "Valid", "validation", "test", "testing"])
def test_splits_have_the_names_that_people_give_them(root: Path, train: str, test: str) -> None:
    whole = load(str(root))
    wanted = whole.train.digest, whole.test.digest
    (root / "val").rename(root / test)
    (root / "train").rename(root / train)
    found = load(str(root))
    assert (found.train.digest, found.test.digest) == wanted
    assert found.folder == root


@pytest.mark.parametrize("layout", ["classes alone", "train alone"])
def test_without_test_images_a_fifth_of_each_class_is_kept_for_testing(
    root: Path, layout: str
) -> None:
    folder = root if layout == "train alone" else (root / "train").rename(root.parent / "whole")
    for path in (root / "val").rglob("*.jpg"):
        path.unlink()
    for path in [*(root / "val").iterdir(), root / "val"]:
        path.rmdir()
    data = load(str(folder))
    every = {path.resolve() for path in folder.rglob("*.jpg")}
    train, test = files(data, "train"), files(data, "test")
    assert train | test == every and not train & test
    assert Counter(path.parent.name for path in test) == {"cat": 2, "dog": 2, "eel": 2}
    assert any("6 of 30 images" in note for note in data.notes)
    assert files(load(str(folder)), "test") == test
    assert data.folder == folder


def test_the_test_part_does_not_depend_on_where_the_folder_is(root: Path) -> None:
    whole = (root / "train").rename(root.parent / "whole")
    before = load(str(whole)).test.digest
    assert load(str(whole.rename(root.parent / "moved"))).test.digest == before


LISTS = {
    "val/labels.csv": "filename,label\n{}",
    "val.txt": "{}",
    "val_annotations.tsv": "{}",
}
BETWEEN = {".csv": ",", ".txt": " ", ".tsv": "\t"}


@pytest.mark.parametrize("file", LISTS)
@pytest.mark.parametrize("numbers", [False, True])
@pytest.mark.parametrize("inside", ["", "images/"])
def test_a_flat_folder_of_test_images_has_a_list(
    root: Path, file: str, numbers: bool, inside: str
) -> None:
    wanted = Counter(load(str(root)).test.labels.tolist())
    lines = []
    (root / "val" / inside).mkdir(exist_ok=True)
    for label, name in enumerate(("cat", "dog", "eel")):
        for path in sorted((root / "val" / name).iterdir()):
            path.rename(root / "val" / inside / f"{name} {path.name}")
            class_name = label if numbers else name
            lines.append(f"{name} {path.name}{BETWEEN[Path(file).suffix]}{class_name}\n")
        (root / "val" / name).rmdir()
    (root / file).write_text(LISTS[file].format("".join(lines)))
    test = load(str(root)).test
    assert isinstance(test, InFolders)
    assert Counter(test.labels.tolist()) == wanted
    for name, label in zip(test.files, test.labels.tolist(), strict=True):
        assert Path(name).name.startswith(("cat", "dog", "eel")[label])


def flatten(folder: Path) -> list[str]:
    """Move the images of class folders into the folder, and return their names."""
    names = []
    for path in sorted(folder.glob("*/*.jpg")):
        names.append(f"{path.parent.name}{path.name}")
        path.rename(folder / names[-1])
    for path in list(folder.iterdir()):
        if path.is_dir():
            path.rmdir()
    return names


def test_a_text_that_names_no_image_is_not_the_list(root: Path) -> None:
    wanted = load(str(root)).test.labels.tolist()
    names = flatten(root / "val")
    (root / "val" / "README.txt").write_text("These images are for testing.\nSee val_labels.\n")
    (root / "val" / "val_labels.txt").write_text("".join(f"{name} {name[:3]}\n" for name in names))
    assert sorted(load(str(root)).test.labels.tolist()) == sorted(wanted)


def test_an_image_with_two_lines_is_an_error(root: Path) -> None:
    names = flatten(root / "val")
    lines = [*(f"{name},{name[:3]}\n" for name in names), f"{names[0]},eel\n"]
    (root / "val.csv").write_text("".join(lines))
    with pytest.raises(UsageError, match=f"line 13: line 1 has a class for '{names[0]}' already"):
        load(str(root))


def test_what_a_list_lacks_or_names_wrongly_is_said(root: Path) -> None:
    flatten(root / "val")
    (root / "val.txt").write_text("cat0.jpg cat\ncat1.jpg bat\nnone.jpg dog\n")
    with pytest.raises(UsageError) as caught:
        load(str(root))
    message = str(caught.value)
    assert "line 2: 'bat' is not a class" in message
    assert "line 3: there is no image 'none.jpg'" in message
    assert "11 images without a line" in message
