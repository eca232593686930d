"""Inspections of image files: what they find, and that the cache saves work and never matters."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
import torch
from PIL import Image

from resspec.diagnostics import UsageError
from resspec.training.data import IndexBatch, load
from resspec.training.data.folder import InFolders
from resspec.training.data.inspection import DamagedImage, inspect_files
from resspec.training.recipes.images import TestTransform
from tests.train.data.pictures import HEIGHT, WIDTH, encoded, good_files, smooth, written

GOOD = good_files()
SIZE = (HEIGHT, WIDTH)


def look(
    folder: Path, *names: str, decode: bool = False, exif: str = "upright"
) -> list[tuple[int, int] | DamagedImage]:
    return inspect_files(folder, names, decode=decode, exif=exif)


def pair(folder: Path, content: bytes) -> tuple[bool, bool]:
    """Whether a file is taken for good by its header and its end, and by decoding it."""
    written(folder, "file", content)
    found = [
        not isinstance(look(folder, "file", decode=decode)[0], DamagedImage)
        for decode in (False, True)
    ]
    return found[0], found[1]


def pictures(folder: Path, count: int = 6) -> InFolders:
    """Of three sizes, one after another."""
    for part in ("train", "val"):
        for name in ("cat", "dog"):
            for i in range(count):
                image = Image.fromarray(smooth(i, width=40 + i % 3))
                written(folder / part / name, f"{i}.jpg", encoded(image, "JPEG"))
    found = load(str(folder)).train
    assert isinstance(found, InFolders)
    return found


@pytest.mark.parametrize("decode", [True, False])
def test_damaged_files_and_sizes_of_a_split(decode: bool, tmp_path: Path) -> None:
    split = pictures(tmp_path)
    cut = tmp_path / "train" / "dog" / "1.jpg"
    cut.write_bytes(cut.read_bytes()[:400])
    (tmp_path / "train" / "cat" / "5.jpg").unlink()
    counts: list[int] = []
    found = split.inspect(torch.arange(11, -1, -1), decode=decode, progress=counts.append)
    assert [path.relative_to(tmp_path).as_posix() for path, _ in found.damaged] == [
        "train/cat/5.jpg",
        "train/dog/1.jpg",
    ]
    assert found.damaged[0].why == "No such file or directory"
    assert "truncated" in found.damaged[1].why.lower()
    assert {size: path.name for size, path in found.sizes.items()} == {
        (30, 40): "0.jpg",
        (30, 41): "1.jpg",
        (30, 42): "2.jpg",
    }
    assert sum(counts) == 12


def test_only_what_was_asked_for_is_looked_at(tmp_path: Path) -> None:
    split = pictures(tmp_path)
    (tmp_path / "train" / "cat" / "0.jpg").write_bytes(b"no image")
    assert split.inspect(torch.tensor([1, 4]), decode=True).damaged == ()


def test_a_set_in_memory_has_one_size() -> None:
    digits, counts = load("digits"), [0]
    found = digits.train.inspect(torch.arange(7), decode=True, progress=counts.append)
    assert (found.sizes, found.damaged, counts) == ({(8, 8): Path()}, (), [0, 7])


ODD: dict[str, Callable[[bytes], bytes]] = {
    "as it is": lambda content: content,
    "zeros behind it": lambda content: content + bytes(100),
    "text behind it": lambda content: content + b"written by a camera, of which this is the name",
    "a large file behind it": lambda content: content + Random(0).randbytes(20_000),
    "a line end behind it": lambda content: content + b"\r\n",
    "a copy of itself behind it": lambda content: content * 2,
}


@pytest.mark.parametrize("kind", ODD)
@pytest.mark.parametrize("name", GOOD)
def test_a_good_file_is_never_called_damaged(name: str, kind: str, tmp_path: Path) -> None:
    """However it ends: where Pillow shows it, it is good."""
    glanced, decoded = pair(tmp_path, ODD[kind](GOOD[name]))
    assert glanced == decoded
    assert decoded or name == "text.pgm"  # in which whatever follows is taken for pixels


@pytest.mark.parametrize(
    "name",
    ["plain.jpg", "plain.png", "plain.gif", "plain.bmp", "plain.ppm", "plain.tif", "plain.webp"],
)
def test_a_file_that_is_cut_is_found_without_decoding_it(name: str, tmp_path: Path) -> None:
    rng, content = Random(0), GOOD[name]
    cut = 0
    for _ in range(25):
        glanced, decoded = pair(tmp_path, content[: rng.randrange(len(content))])
        assert glanced == decoded
        cut += not decoded
    assert cut > 15
    filled = content[: len(content) // 2] + bytes(
        len(content) // 2
    )  # as a download leaves it that reserved its room
    if name == "plain.jpg":
        assert pair(tmp_path, filled) == (False, False)


def test_a_photograph_with_a_thumbnail_in_it(tmp_path: Path) -> None:
    """Its end marker stands in the middle of the file."""
    exif = Image.Exif()
    exif[0x927C] = GOOD["plain.jpg"]
    content = encoded(Image.fromarray(smooth(width=600, height=400)), "JPEG", exif=exif)
    assert GOOD["plain.jpg"] in content
    assert pair(tmp_path, content) == (True, True)
    assert pair(
        tmp_path, content[: content.index(GOOD["plain.jpg"]) + len(GOOD["plain.jpg"]) + 900]
    ) == (False, False)


def test_files_are_looked_at_once(tmp_path: Path) -> None:
    """Another content of the same length and time is not noticed; of another time it is."""
    path = written(tmp_path, "a.jpg", GOOD["plain.jpg"])
    assert look(tmp_path, "a.jpg", decode=True) == [SIZE]
    status = path.stat()
    path.write_bytes(bytes(status.st_size))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert look(tmp_path, "a.jpg", decode=True) == look(tmp_path, "a.jpg") == [SIZE]
    assert look(tmp_path / ".." / tmp_path.name, "a.jpg") == [SIZE]
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    (found,) = look(tmp_path, "a.jpg")
    assert isinstance(found, DamagedImage)


def test_a_header_that_was_read_spares_no_decoding(tmp_path: Path) -> None:
    content = bytearray(GOOD["plain.png"])
    at = content.index(b"IDAT") + 12
    content[at : at + 20] = bytes(20)
    written(tmp_path, "a.png", bytes(content))
    assert look(tmp_path, "a.png") == [SIZE]
    assert isinstance(look(tmp_path, "a.png", decode=True)[0], DamagedImage)
    assert look(tmp_path, "a.png") == [SIZE]


def test_what_is_remembered_is_turned_as_it_is_asked_for(tmp_path: Path) -> None:
    written(tmp_path, "a.jpg", GOOD["progressive.jpg"])
    for _ in range(2):
        assert look(tmp_path, "a.jpg") == [(WIDTH, HEIGHT)]
        assert look(tmp_path, "a.jpg", exif="ignore") == [SIZE]


def test_sizes_that_are_known_are_not_read_again(tmp_path: Path) -> None:
    split = pictures(tmp_path)
    split.inspect(torch.arange(12), decode=False)
    for path in tmp_path.rglob("*.jpg"):
        path.unlink()
    groups = split.group_by_size(torch.arange(12), TestTransform(resize=15))
    assert [group.tolist() for group in groups] == [[0, 1, 3, 4, 6, 7, 9, 10], [2, 5, 8, 11]]


def test_groups_of_files_that_are_not_there(tmp_path: Path) -> None:
    split = pictures(tmp_path)
    (tmp_path / "train" / "dog" / "3.jpg").unlink()
    with pytest.raises(
        UsageError, match=r"dog/3\.jpg cannot be read: No such file or directory"
    ) as caught:
        split.group_by_size(torch.arange(12), TestTransform())
    assert caught.value.code == "E0514"


def test_progress_is_told_where_it_was_asked_for(tmp_path: Path) -> None:
    names = [f"{i}.gif" for i in range(200)]
    for name in names:
        written(tmp_path, name, GOOD["plain.gif"])
    calls: list[tuple[int, str]] = []
    inspect_files(tmp_path, names[:50], decode=True, exif="upright")
    inspect_files(
        tmp_path,
        names,
        decode=True,
        exif="upright",
        progress=lambda n: calls.append((n, threading.current_thread().name)),
    )
    assert [count for count, _ in calls] == [50, 64, 64, 22]
    assert {name for _, name in calls} == {"MainThread"}


FRESH = """
import sys, threading
from pathlib import Path
from resspec.training.data.decode import identify
def look():
    ready.wait()
    with Path(sys.argv[1]).open("rb") as file:
        formats.add(identify(file).format)
formats, ready = set(), threading.Barrier(8)
threads = [threading.Thread(target=look) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(len(threads), formats)
"""


def test_threads_that_are_the_first_to_open_a_file(tmp_path: Path) -> None:
    """Pillow's formats are registered one after another, and a thread might see only some."""
    path = written(tmp_path, "a.webp", GOOD["plain.webp"])
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    command = [sys.executable, "-c", FRESH, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert (done.stdout, done.stderr) == ("8 {'WEBP'}\n", "")


def test_without_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refused)
    written(tmp_path, "a.jpg", GOOD["plain.jpg"])
    assert look(tmp_path, "a.jpg", decode=True) == [SIZE]


def test_what_was_inspected_is_what_is_shown(tmp_path: Path) -> None:
    split = pictures(tmp_path)
    found = split.inspect(torch.arange(12), decode=True)
    assert found.damaged == ()
    for i in range(12):
        draw = IndexBatch(torch.tensor([i]), torch.tensor([0]))
        (batch,) = split.batches([draw], transform=TestTransform(), device=torch.device("cpu"))
        assert tuple(batch.images.shape[2:]) in found.sizes
