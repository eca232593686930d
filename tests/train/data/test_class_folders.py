"""The classes that folders define: their names, their images, and what is refused."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import pytest
import torch

from resspec.diagnostics import UsageError
from resspec.training import data
from resspec.training.data import IndexBatch, load
from resspec.training.recipes.images import TestTransform
from tests.train.data.test_tree import FEW, JPEG, fill, refused, train


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for part in ("train", "val"):
        for name in ("cat", "dog"):
            fill(tmp_path / "d" / part / name)
    return tmp_path / "d"


def test_an_empty_class_is_refused(root: Path) -> None:
    (root / "train" / "emu").mkdir()
    (root / "train" / "owl" / "young").mkdir(parents=True)
    (root / "train" / "owl" / "young" / "a.heic").write_bytes(JPEG)
    assert refused(root, "E0520").splitlines() == [
        "2 problems:",
        "  the class folder d/train/emu has no images; add some, or remove it",
        (
            "  the class folder d/train/owl has no images: 1 file with other extensions (.heic); "
            "add some, or remove it"
        ),
    ]


def test_a_class_without_test_images_is_told(root: Path) -> None:
    fill(root / "train" / "emu")
    (root / "val" / "emu").mkdir()
    assert load(str(root)).notes == (f"{root}/val: no images of 1 class (emu)",)


def test_a_class_that_is_only_tested_is_refused(root: Path) -> None:
    fill(root / "val" / "emu")
    assert (
        refused(root, "E0513")
        == "d/val has a folder `emu`, d/train has none: they do not belong to one data set"
    )
    (root / "val" / "emu").rename(root / "val" / "DOG")
    assert refused(root, "E0513") == "d/val has a folder `DOG`, d/train has none: it has `dog`"


def test_names_that_look_the_same(root: Path) -> None:
    composed, apart = (unicodedata.normalize(form, "café") for form in ("NFC", "NFD"))
    fill(root / "train" / composed)
    fill(root / "val" / apart)
    found, _ = train(root)
    assert found.classes == (composed, "cat", "dog")
    assert found.test.labels.bincount().tolist() == [FEW] * 3
    fill(root / "train" / apart)
    assert "look the same: rename or merge them" in refused(root, "E0520")
    (root / "train" / apart).rename(root / "train" / "dog ")
    assert (
        refused(root, "E0520")
        == "the class folders 'dog' and 'dog ' of d/train look the same: rename or merge them"
    )
    (root / "train" / "dog ").rename(root / "train" / "do\N{ZERO WIDTH SPACE}g")
    assert "the class folders 'dog' and 'do\\u200bg' of d/train look the same" in refused(
        root, "E0520"
    )


def test_a_name_that_is_written_as_bytes_that_are_no_text(root: Path) -> None:
    fill(root / "train" / os.fsdecode(b"caf\xe9"))
    fill(root / "train" / "caf\\xe9")
    assert "look the same" in refused(root, "E0520")


def test_names_that_differ_in_case_are_classes(root: Path) -> None:
    fill(root / "train" / "Dog")
    fill(root / "val" / "Dog")
    found, _ = train(root)
    assert found.classes == ("Dog", "cat", "dog")
    assert found.notes == ("the classes Dog and dog differ only in upper and lower case",)


NAMES = [
    b"caf\xe9",
    b"new\nline",
    b"\x1b[31mred",
    b"$x^2_$ {%}",
    b"x" * 250,
    "שלום".encode(),
    "\N{RIGHT-TO-LEFT OVERRIDE}gpj".encode(),
    b" lead",
    b"#hash",
    b"-r",
    b"a'b\"c",
    b"\xf0\x9f\x90\x88",
    b"CON",
    b"a\\b",
    b"%41",
]


def test_names_of_every_kind(root: Path) -> None:
    for i, raw in enumerate(NAMES):
        name = os.fsdecode(raw)
        for part in ("train", "val"):
            fill(root / part / name, 1)
            (root / part / name / "0.jpg").rename(
                root / part / name / os.fsdecode(b"%d" % i + raw[:200] + b".jpg")
            )
    found, files = train(root)
    assert len(found.classes) == len(set(found.classes)) == len(NAMES) + 2
    assert "caf\\xe9" in found.classes
    assert len(files) == len(NAMES) + 2 * FEW
    for name in found.classes:
        name.encode()
    assert len(found.train.digest) == len(found.test.digest) == 64
    everything = torch.arange(len(files))
    (batch,) = found.train.batches(
        [IndexBatch(everything, everything)],
        transform=TestTransform(resize=20, crop=16),
        device=torch.device("cpu"),
    )
    assert len(batch.images) == len(files)
    assert found.train.inspect(everything, decode=True).damaged == ()


def test_a_data_set_whose_own_name_is_odd(root: Path) -> None:
    odd = root.rename(root.parent / os.fsdecode(b"d\xe9\n"))
    assert load(str(odd)).name == "d\\xe9<U+000A>"


def test_a_folder_that_is_called_like_a_known_set(root: Path) -> None:
    """Or an evaluation would read that one."""
    assert load(str(root.rename(root.parent / "imagenet"))).name == f"{root.parent.name}/imagenet"


def test_folders_nested_deep(root: Path) -> None:
    folders = [root / "train" / "cat"]
    for _ in range(1200):
        folders.append(folders[-1] / "x")
        folders[-1].mkdir()
    image = folders[-1] / "0.jpg"
    image.write_bytes(JPEG)
    try:
        assert len(train(root)[1]) == 2 * FEW + 1
    finally:
        image.unlink()
        for folder in reversed(folders[1:]):
            folder.rmdir()  # of which pytest would not get to the end


def test_training_images_that_are_tested_on_are_told(root: Path) -> None:
    (root / "val" / "dog" / "more").symlink_to(root / "train" / "dog")
    (message,) = load(str(root)).notes
    shared = "1 folder used for training too (dog/more)"
    assert message == f"{root}/val: {shared}, so the result says little about new images"


def test_a_file_in_place_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "d.zip").write_bytes(b"PK")
    assert (
        refused(tmp_path / "d.zip", "E0511")
        == "d is not a folder; extract an archive first, and pass the folder"
    )


@pytest.mark.parametrize("name", ["x" * 300, "a\0b", ""])
def test_names_that_are_no_folder(name: str) -> None:
    with pytest.raises(UsageError) as caught:
        load(name)
    assert caught.value.code in ("E0511", "E0519")


def test_a_run_needs_no_other_digest(root: Path) -> None:
    """Of ordinary folders it is what it always was."""
    from hashlib import sha256

    files = sorted(path for path in (root / "train").rglob("*.jpg"))
    lines = "".join(
        f"{path.relative_to(root / 'train').as_posix()} {path.stat().st_size}\n" for path in files
    )
    assert data.load(str(root)).train.digest == sha256(lines.encode()).hexdigest()
