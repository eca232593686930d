"""Folders of images as people have them: what is used, skipped with a note, or rejected."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torchvision.datasets import ImageFolder

from resspec.diagnostics import UsageError
from resspec.training.data import Dataset, IndexBatch, load
from resspec.training.data.folder import InFolders
from resspec.training.recipes.images import TestTransform
from tests.train.data.pictures import good_files

JPEG = good_files()["plain.jpg"]
FEW = 3


def fill(folder: Path, count: int = FEW) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(count):
        (folder / f"{i}.jpg").write_bytes(JPEG)
    return folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for part in ("train", "val"):
        for name in ("cat", "dog"):
            fill(tmp_path / "d" / part / name)
    return tmp_path / "d"


def train(root: Path) -> tuple[Dataset, list[str]]:
    """The data set, and the files to train on."""
    found = load(str(root))
    assert isinstance(found.train, InFolders)
    return found, list(found.train.files)


def refused(root: Path, code: str) -> str:
    with pytest.raises(UsageError) as caught:
        load(str(root))
    assert caught.value.code == code
    return str(caught.value).replace(str(root), "d")


def test_nothing_is_said_of_an_ordinary_folder(root: Path) -> None:
    assert load(str(root)).notes == ()


def test_links_to_folders_and_files_are_followed(root: Path, tmp_path: Path) -> None:
    """As in torchvision: classes that are links, folders of links, links to links and to files."""
    fill(tmp_path / "elsewhere" / "emus" / "young")
    (root / "train" / "emu").symlink_to(tmp_path / "elsewhere" / "emus")
    (root / "train" / "cat" / "more").symlink_to("again")
    (root / "train" / "cat" / "again").symlink_to(fill(tmp_path / "cats"))
    (root / "train" / "dog" / "linked.jpg").symlink_to(fill(tmp_path / "dogs") / "1.jpg")
    (root / "train" / "dog" / "dogs").symlink_to("/".join([".."] * 3 + ["dogs"]))
    found, files = train(root)
    assert found.classes == ("cat", "dog", "emu")
    assert files == [
        "cat/0.jpg",
        "cat/1.jpg",
        "cat/2.jpg",
        "cat/again/0.jpg",
        "cat/again/1.jpg",
        "cat/again/2.jpg",
        "cat/more/0.jpg",
        "cat/more/1.jpg",
        "cat/more/2.jpg",
        "dog/0.jpg",
        "dog/1.jpg",
        "dog/2.jpg",
        "dog/dogs/0.jpg",
        "dog/dogs/1.jpg",
        "dog/dogs/2.jpg",
        "dog/linked.jpg",
        "emu/young/0.jpg",
        "emu/young/1.jpg",
        "emu/young/2.jpg",
    ]
    theirs = ImageFolder(str(root / "train"))
    assert sorted(path for path, _ in theirs.samples) == sorted(
        f"{root}/train/{name}" for name in files
    )
    assert found.train.labels.tolist() == sorted(theirs.targets)
    assert found.notes == (f"{root}/val: no images of 1 class (emu)",)
    images = next(
        iter(
            found.train.batches(
                [IndexBatch(torch.arange(19), torch.arange(19))],
                transform=TestTransform(resize=20, crop=16),
                device=torch.device("cpu"),
            )
        )
    )
    assert len(images.images) == 19


def test_order_is_that_of_the_names(root: Path) -> None:
    for name in ("10.jpg", "a/x.PNG", "a.jpg", "B.JPEG", "a-b.jpg", "a/b/y.tiff", "Z.webp"):
        path = root / "train" / "cat" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(JPEG)
    wanted = sorted(
        path.relative_to(root / "train").as_posix()
        for path in (root / "train").rglob("*")
        if path.is_file()
    )
    assert train(root)[1] == wanted


def link_up(folder: Path) -> None:
    (folder / "train" / "cat" / "deep").mkdir()
    (folder / "train" / "cat" / "deep" / "up").symlink_to("..")


def branch(folder: Path) -> None:
    """Thirty folders, each with two links to the next: a thousand million ways."""
    for i in range(30):
        fill(folder.parent / "branches" / f"{i}", 1)
        for name in ("left", "right"):
            (folder.parent / "branches" / f"{i}" / name).symlink_to(f"../{i + 1}")
    fill(folder.parent / "branches" / "30", 1)
    (folder / "train" / "cat" / "branches").symlink_to(folder.parent / "branches" / "0")


CYCLE = "is a link to a folder that contains it, which would never end; remove the link"
GONE = "which cannot be followed: No such file or directory"
UNFOLLOWED: dict[str, tuple[Callable[[Path], object], str]] = {
    "a folder in itself": (link_up, f"d/train/cat/deep/up {CYCLE}"),
    "the whole set": (
        lambda d: (d / "train" / "cat" / "all").symlink_to(d),
        f"d/train/cat/all/train {CYCLE}",
    ),
    "a link to itself": (
        lambda d: (d / "train" / "emu").symlink_to("emu"),
        "d/train/emu is a link to emu, which cannot be followed: Too many levels of symbolic links",
    ),
    "a class that is gone": (
        lambda d: (d / "train" / "emu").symlink_to("/mnt/disk/emu"),
        f"d/train/emu is a link to /mnt/disk/emu, {GONE}",
    ),
    "an image that is gone": (
        lambda d: (d / "val" / "cat" / "x.jpg").symlink_to("y.jpg"),
        "d/val/cat/x.jpg is a link to y.jpg, which cannot be followed: No such file or directory",
    ),
    "images that are gone": (
        lambda d: (d / "val" / "cat" / "more").symlink_to("\x1b[2J"),
        f"d/val/cat/more is a link to <U+001B>[2J, {GONE}",
    ),
    "a class in another": (
        lambda d: (d / "train" / "emu").symlink_to("cat"),
        "the same folder: its images would have two labels",
    ),
    "a pipe": (
        lambda d: os.mkfifo(d / "train" / "cat" / "x.jpg"),
        "d/train/cat/x.jpg is a named pipe, not a file",
    ),
    "a link to a device": (
        lambda d: (d / "train" / "cat" / "x.png").symlink_to("/dev/zero"),
        "d/train/cat/x.png is a device, not a file",
    ),
    "links without end": (branch, "is one of more than 100 links to the same folder"),
}


@pytest.mark.parametrize("kind", UNFOLLOWED)
def test_what_cannot_be_followed_is_named(kind: str, root: Path) -> None:
    make, said = UNFOLLOWED[kind]
    make(root)
    assert said in refused(root, "E0519")


def test_a_socket_is_not_read(root: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(root / "train" / "cat" / "x.jpg"))
        assert refused(root, "E0519") == "d/train/cat/x.jpg is a socket, not a file"


def test_all_that_is_wrong_is_told_at_once(root: Path) -> None:
    for i in range(30):
        (root / "train" / "cat" / f"gone{i}.jpg").symlink_to("nowhere")
    message = refused(root, "E0519").splitlines()
    assert message[0] == "30 problems:"
    assert all("which cannot be followed" in line for line in message[1:21])
    assert message[21:] == ["  … and 10 more"]


def as_nobody(folder: Path) -> str:
    """Return the error of a user without rights for the data set `d` in this folder."""
    reads, writes = os.pipe()
    child = os.fork()
    if child == 0:
        message = "nothing"
        try:
            os.chdir(folder)  # from here on, the rights of the folders above do not matter
            os.setgid(65534)
            os.setuid(65534)
            load("d")
        except UsageError as error:
            message = f"{error.code} {error}"
        finally:
            os.write(writes, message.encode())
            os._exit(0)
    os.waitpid(child, 0)
    os.close(writes)
    with os.fdopen(reads) as answer:
        return answer.read()


@pytest.mark.parametrize(
    ("hidden", "said"),
    [
        ("train/cat", "E0519 d/train/cat cannot be read: Permission denied"),
        ("train", "E0519 d/train cannot be read: Permission denied"),
        ("val/dog", "E0519 d/val/dog cannot be read: Permission denied"),
        (".", "E0519 d cannot be read: Permission denied"),
    ],
)
def test_a_folder_that_may_not_be_read_is_named(hidden: str, said: str, root: Path) -> None:
    root.parent.chmod(0o755)
    (root / hidden).chmod(0)
    assert as_nobody(root.parent) == said
    (root / hidden).chmod(0o755)


def test_hidden_files_and_folders_are_passed_over_and_told(root: Path) -> None:
    fill(root / "train" / ".ipynb_checkpoints")
    fill(root / "train" / "__MACOSX" / "cat")
    fill(root / "train" / "dog" / "@eaDir")
    for name in (".DS_Store", "._0.jpg", "Thumbs.db", "desktop.ini"):
        (root / "train" / "cat" / name).write_bytes(b"\0")
    found, files = train(root)
    assert found.classes == ("cat", "dog")
    assert len(files) == 2 * FEW
    assert [note.replace(str(root), "d") for note in found.notes] == [
        (
            "d/train: 7 hidden and system files and folders skipped "
            "(.ipynb_checkpoints, __MACOSX, cat/.DS_Store, cat/._0.jpg, "
            "cat/Thumbs.db, and 2 more)"
        ),
    ]


def test_each_file_with_another_extension_is_counted_in_the_note(root: Path) -> None:
    for name in ("a.heic", "b.HEIC", "c.jfif", "d", "e.jpg_large", "notes.txt"):
        (root / "train" / "cat" / name).write_bytes(JPEG)
    (root / "train" / "labels.csv").write_text("0.jpg,cat")
    (root / "val" / "loose.png").write_bytes(JPEG)
    skipped, outside = (note.replace(str(root), "d") for note in load(str(root)).notes)
    counts = "2 .heic, 1 .csv, 1 .jfif, 1 .jpg_large, 1 .txt, and 1 more"
    assert skipped.startswith(f"d/train: 7 files skipped, by extension: {counts}; images have .jpg")
    assert outside == "d/val: 1 image outside of any class folder, not used"


def renamed(folder: Path, **names: str) -> Path:
    """The folder, its splits renamed, or moved out of it with `..`."""
    for split, name in names.items():
        (folder / split).rename(folder / name)
    return folder


def archive_of_a_mac(folder: Path) -> Path:
    """Unpacked: the data set lies one folder deeper, beside `__MACOSX`."""
    outer = folder.parent / "outer"
    fill(outer / "__MACOSX" / "train")
    fill(outer / "__MACOSX" / "val")
    folder.rename(outer / "d")
    return outer


NOT_DATA_SETS: dict[str, tuple[Callable[[Path], Path], str]] = {
    "no train": (
        lambda d: renamed(d, train="../train"),
        "d contains val/ but no train/; put the training images into train/CLASS/",
    ),
    "one split": (
        lambda d: d / "train",
        "d/train is one split of a data set; pass the folder that contains it, d",
    ),
    "one deeper": (archive_of_a_mac, "outer contains a data set; pass outer/d"),
    "one class": (
        lambda d: renamed(d, **{"train/dog": "../dog"}, train="../flat").parent / "flat",
        "flat contains one class folder (cat); add one for each class",
    ),
    "images alone": (
        lambda d: d / "train" / "cat",
        (
            "d/train/cat contains images but no class folders; "
            "move them into train/CLASS/ and val/CLASS/"
        ),
    ),
}


@pytest.mark.parametrize("kind", NOT_DATA_SETS)
def test_a_folder_that_is_not_a_data_set_is_described(kind: str, root: Path) -> None:
    arrange, message = NOT_DATA_SETS[kind]
    folder = arrange(root)
    with pytest.raises(UsageError) as caught:
        load(str(folder))
    assert caught.value.code == "E0513"
    assert str(caught.value).replace(f"{root.parent}/", "") == message


def test_a_split_is_recognized_from_inside(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root / "train")
    with pytest.raises(UsageError, match=f"pass the folder that contains it, {root}$"):
        load(".")
