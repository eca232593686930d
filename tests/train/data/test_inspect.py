"""Inspections of image files: what they find, and that the cache saves work and never matters."""

from __future__ import annotations

import multiprocessing
import os
import resource
import sqlite3
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
from resspec.training.data import IndexBatch, cache, load
from resspec.training.data.cache import ImageCache, ImageSize
from resspec.training.data.folder import InFolders
from resspec.training.data.inspection import DamagedImage, inspect_files
from resspec.training.recipe import TestTransform
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


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    (tmp_path / "home" / "resspec").mkdir(parents=True)
    return tmp_path / "home" / "resspec"


def pipe(home: Path) -> None:
    os.mkfifo(home / cache.NAME)


def below_a_file(home: Path) -> None:
    home.rmdir()
    home.write_text("")


UNUSABLE: dict[str, Callable[[Path], object]] = {
    "no database": lambda home: written(
        home, cache.NAME, b"no database, but long enough to be looked at" * 30
    ),
    "an empty file": lambda home: written(home, cache.NAME, b""),
    "a folder": lambda home: (home / cache.NAME).mkdir(),
    "a pipe": pipe,
    "a full device": lambda home: (home / cache.NAME).symlink_to("/dev/full"),
    "a link to nowhere": lambda home: (home / cache.NAME).symlink_to("/proc/nowhere/at/all"),
    "below a file": below_a_file,
    "other tables": lambda home: with_tables(home, "CREATE TABLE files (x)"),
    "tables of nonsense": lambda home: with_tables(
        home,
        "CREATE TABLE folders (id, path, used); CREATE TABLE files (folder, key, found);"
        "INSERT INTO folders SELECT 'x', 'y', 'z'; INSERT INTO files SELECT 'x', 'y', 'z'",
    ),
}


def with_tables(home: Path, script: str) -> None:
    database = sqlite3.connect(home / cache.NAME)
    database.executescript(script)
    database.close()


@pytest.mark.parametrize("kind", UNUSABLE)
def test_a_cache_that_cannot_be_used_is_no_matter(kind: str, home: Path, tmp_path: Path) -> None:
    written(tmp_path, "a.jpg", GOOD["plain.jpg"])
    written(tmp_path, "b.jpg", GOOD["plain.jpg"][:-300])
    UNUSABLE[kind](home)
    for _ in range(2):
        good, bad = look(tmp_path, "a.jpg", "b.jpg", decode=True)
        assert good == SIZE
        assert isinstance(bad, DamagedImage)


def test_a_user_without_a_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "")
    monkeypatch.setattr(
        "os.path.expanduser", lambda path: path
    )  # of a user without an entry either
    monkeypatch.chdir(tmp_path)
    written(tmp_path, "a.jpg", GOOD["plain.jpg"])
    assert look(tmp_path, "a.jpg") == [SIZE]
    assert [path.name for path in tmp_path.iterdir()] == ["a.jpg"]


def test_what_is_no_database_is_replaced_by_one(home: Path, tmp_path: Path) -> None:
    UNUSABLE["no database"](home)
    path = written(tmp_path, "a.jpg", GOOD["plain.jpg"])
    look(tmp_path, "a.jpg")
    assert ImageCache(tmp_path).read() == {
        cache.file_key("a.jpg", path.stat()): ImageSize(*SIZE, sideways=False, decoded=False)
    }


def test_a_locked_cache_is_not_waited_for(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "TIMEOUT", 0.05)
    written(tmp_path, "a.jpg", GOOD["plain.jpg"])
    look(tmp_path, "a.jpg")
    other = sqlite3.connect(home / cache.NAME)
    other.execute("BEGIN EXCLUSIVE")
    assert look(tmp_path, "a.jpg", decode=True) == [SIZE]
    other.close()


def test_bits_that_flip_in_the_cache_change_no_answer(home: Path, tmp_path: Path) -> None:
    names = [f"{i}.png" for i in range(40)]
    for i, name in enumerate(names):
        written(tmp_path, name, encoded(Image.fromarray(smooth(width=20 + i)), "PNG"))
    wanted = look(tmp_path, *names)
    whole = (home / cache.NAME).read_bytes()
    rng = Random(0)
    for _ in range(20):
        content = bytearray(whole)
        for _ in range(20):
            content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        (home / cache.NAME).write_bytes(content)
        assert look(tmp_path, *names) == wanted


def test_a_flipped_bit_in_what_is_remembered(home: Path, tmp_path: Path) -> None:
    """SQLite keeps no checksums of its own."""
    written(tmp_path, "a.jpg", GOOD["plain.jpg"])
    look(tmp_path, "a.jpg")
    database = sqlite3.connect(home / cache.NAME)
    (found,) = database.execute("SELECT found FROM files").fetchone()
    for place in range(8 * len(found)):
        changed = bytearray(found)
        changed[place // 8] ^= 1 << place % 8
        with database:
            database.execute("UPDATE files SET found = ?", (bytes(changed),))
        assert ImageCache(tmp_path).read() == {}
    database.close()
    assert look(tmp_path, "a.jpg") == [SIZE]


def small_files() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))


def test_a_disk_on_which_nothing_can_be_written(home: Path, tmp_path: Path) -> None:
    written(tmp_path, "a.jpg", GOOD["plain.jpg"])
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    small_files()
    try:
        found = [look(tmp_path, "a.jpg", decode=decode) for decode in (False, True)]
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert found == [[SIZE], [SIZE]]
    assert not home.joinpath(cache.NAME).exists() or not home.joinpath(cache.NAME).stat().st_size


def test_what_is_remembered_is_bounded(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "MAX_FILES", 25)
    folders = [tmp_path / f"{i}" for i in range(5)]
    for folder in folders:
        for i in range(10):
            written(folder, f"{i}.gif", GOOD["plain.gif"])
        look(folder, *(f"{i}.gif" for i in range(10)))
        database = sqlite3.connect(home / cache.NAME)
        assert database.execute("SELECT count(*) FROM files").fetchone()[0] <= 25
        database.close()
    assert [len(ImageCache(folder).read()) for folder in folders] == [0, 0, 0, 10, 10]
    for i in range(40):
        written(folders[0], f"{i}.gif", GOOD["plain.gif"])
    look(folders[0], *(f"{i}.gif" for i in range(40)))
    assert sum(len(ImageCache(folder).read()) for folder in folders) <= 25


def together(folder: str, go: int) -> None:
    os.read(go, 1)
    found = look(Path(folder), *(f"{i}.jpg" for i in range(300)))
    os._exit(0 if found == [SIZE] * 300 else 1)


def test_several_processes_at_once(home: Path, tmp_path: Path) -> None:
    for i in range(300):
        written(tmp_path, f"{i}.jpg", GOOD["plain.jpg"])
    fork = multiprocessing.get_context("fork")
    waits, starts = os.pipe()
    workers = [fork.Process(target=together, args=(str(tmp_path), waits)) for _ in range(4)]
    for worker in workers:
        worker.start()
    os.write(starts, bytes(4))
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * 4
    database = sqlite3.connect(home / cache.NAME)
    assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()
    assert len(ImageCache(tmp_path).read()) == 300


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
