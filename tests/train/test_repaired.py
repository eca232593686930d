"""A training image that cannot be decoded stops a run, which resumes once it is mended or removed:
exactly, and recorded.
"""

import json
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from PIL import Image

from resspec.diagnostics import UsageError
from resspec.training.run import repaired
from resspec.training.run.repaired import TrainingFile
from resspec.training.run.sealed import DamagedFile
from tests.train.launch import Server
from tests.train.pets import RECIPE, At, command, lay_out, mend, plan, train

SETTINGS = ("iterations=9", "checkpoint=100 iterations", "data.test.crop=32")
WHEN = 5


def image_of_step(folder: Path, step: int) -> tuple[int, Path]:
    """The place of a training image that a step shows, and its file."""
    made: Any = plan(folder, *SETTINGS, run="none")
    place = int(made.order.draw(step).indices[3])
    return place, folder / "d" / "train" / made.job.data.train.files[place]


def spoil(path: Path) -> None:
    """A file of the same length that begins as an image does and is none."""
    content = path.read_bytes()
    path.write_bytes(content[:4] + bytes(len(content) - 4))


def stopped_by(folder: Path, path: Path, *settings: str) -> None:
    """A run that has come to that image."""
    with pytest.raises(UsageError) as caught:
        train(folder, *SETTINGS, *settings, show=At(WHEN - 1, lambda: spoil(path)))
    assert caught.value.code == "E0514"
    assert str(path) in str(caught.value)
    assert [each.name for each in (folder / "r" / "checkpoints").iterdir()] == [f"step-{WHEN:08}"]
    assert (folder / "r" / "unreadable.json").exists()


def changes(run: Path) -> Any:
    return json.loads((run / "run.json").read_text())["changes"]


def weights(run: Path) -> bytes:
    return (run / "weights.safetensors").read_bytes()


def test_an_image_that_was_mended_is_read_as_it_is_now(tmp_path: Path) -> None:
    folder = lay_out(tmp_path)
    _, path = image_of_step(folder, WHEN)
    good, said = path.read_bytes(), list[str]()
    reference = train(folder, *SETTINGS, run="reference", show=At(WHEN - 1, lambda: mend(path))).run
    path.write_bytes(good)

    stopped_by(folder, path)
    mend(path)
    ended = train(folder, *SETTINGS, say=said.append)
    assert weights(ended.run) == weights(reference)
    name = path.relative_to(folder / "d" / "train").as_posix()
    (entry,) = changes(ended.run)
    assert (entry["step"], entry["what"]) == (WHEN, "data.train")
    assert entry["files"] == [{"file": name, "was": len(good), "now": path.stat().st_size}]
    assert f"1 changed: {name}" in said[1]
    assert not (ended.run / "unreadable.json").exists()


@pytest.mark.parametrize("holdout", ["holdout=0", "holdout=0.2"])
def test_in_the_place_of_an_image_that_was_removed_the_next_of_its_class_is_shown(
    holdout: str, tmp_path: Path
) -> None:
    folder = lay_out(tmp_path)
    made: Any = plan(folder, *SETTINGS, holdout, run="none")
    place = int(made.order.draw(WHEN).indices[3])
    files, apart = made.job.data.train.files, set(made.images[1].tolist())
    of_class = [
        other
        for other in range(len(files))
        if files[other][:3] == files[place][:3] and other not in apart
    ]
    path, next_one = (
        folder / "d" / "train" / files[each]
        for each in (place, (of_class * 2)[of_class.index(place) + 1])
    )
    good = path.read_bytes()
    as_if = At(WHEN - 1, lambda: path.write_bytes(next_one.read_bytes()))
    reference = train(folder, *SETTINGS, holdout, run="reference", show=as_if).run
    path.write_bytes(good)

    stopped_by(folder, path, holdout)
    path.unlink()
    ended = train(folder, *SETTINGS, holdout)
    assert weights(ended.run) == weights(reference)
    assert [each["now"] for each in changes(ended.run)[0]["files"]] == [None]
    assert train(folder, *SETTINGS, holdout).again


def test_what_was_recorded_once_is_known_from_then_on(tmp_path: Path) -> None:
    folder = lay_out(tmp_path)
    _, path = image_of_step(folder, WHEN)
    stopped_by(folder, path)
    path.unlink()
    with pytest.raises(UsageError, match="stopped here"):
        train(folder, *SETTINGS, show=At(WHEN + 1, stopped))
    ended = train(folder, *SETTINGS)
    assert len(changes(ended.run)) == 1


def stopped() -> None:
    raise UsageError("stopped here")


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("another", "(1 changed: cat/0.jpg ("),
        ("removed", "(1 removed: cat/0.jpg"),
        ("added", "(1 added: cat/new.jpg)"),
        ("renamed", "(1 removed: cat/0.jpg; 1 added: cat/new.jpg"),
        ("many", "(7 removed: cat/0.jpg, cat/1.jpg, cat/2.jpg, …"),
    ],
)
@pytest.mark.parametrize("waits", [False, True])
def test_other_changes_are_refused_by_name(
    what: str, said: str, waits: bool, tmp_path: Path
) -> None:
    folder = lay_out(tmp_path)
    if waits:
        path = image_of_step(folder, WHEN)[1]
        good = path.read_bytes()
        stopped_by(folder, path)
        path.write_bytes(good)
    else:
        with pytest.raises(UsageError, match="stopped here"):
            train(folder, *SETTINGS, show=At(WHEN, stopped))
    cat, new = folder / "d/train/cat/0.jpg", folder / "d/train/cat/new.jpg"
    match what:
        case "another":
            mend(cat)
        case "removed":
            cat.unlink()
        case "added":
            new.write_bytes(cat.read_bytes())
        case "renamed":
            cat.rename(new)
        case _:
            for number in range(7):
                (cat.parent / f"{number}.jpg").unlink()
    if waits and what not in ("added", "renamed"):  # who mends one image may have mended others too
        ended = train(folder, *SETTINGS)
        assert said == f"({repaired.in_words(_differences(ended.run))}"[: len(said)]
        return
    with pytest.raises(UsageError) as caught:
        train(folder, *SETTINGS)
    assert caught.value.code == "E0605"
    assert said in str(caught.value)


def _differences(run: Path) -> list[repaired.Difference]:
    return [repaired.Difference(**each) for each in changes(run)[0]["files"]]


def test_a_list_of_files_that_is_damaged_is_named(tmp_path: Path) -> None:
    folder = lay_out(tmp_path)
    stopped_by(folder, path := image_of_step(folder, WHEN)[1])
    path.unlink()
    listing = folder / "r" / "training_files.jsonl"
    good = listing.read_bytes()
    for damage in (
        b"",
        good[:50],
        good.replace(b"cat", b"cow"),
        b"[1, 2, 3]\n",
        b"[[[\n",
        b"{}\n",
        good + good,
    ):
        listing.write_bytes(damage)
        with pytest.raises(UsageError, match=r"training_files.jsonl is damaged"):
            train(folder, *SETTINGS)
    listing.unlink()
    with pytest.raises(UsageError, match=r"training_files.jsonl is missing"):
        train(folder, *SETTINGS)


def test_the_last_image_of_a_class_has_no_other_in_its_place() -> None:
    begun = [TrainingFile("a/0", 1, 0), TrainingFile("b/0", 1, 1), TrainingFile("b/1", 1, 1)]

    class Split:
        files = ("b/0", "b/1")

    with pytest.raises(DamagedFile, match="no image of the class of a/0 is left"):
        repaired.replacements(begun, Split(), 0.0)  # type: ignore[arg-type]


def test_stand_ins_are_of_the_same_class_and_part() -> None:
    rng = Random(0)
    for _ in range(50):
        begun = [TrainingFile(f"{label}/{i}", 1, label) for label in range(3) for i in range(20)]
        kept = {file.name for file in begun if rng.random() < 0.6} | {
            f"{label}/{i}" for label in range(3) for i in (0, 19)
        }
        apart = repaired._held_out(begun, 0.5)

        class Split:
            files = tuple(kept)

        try:
            found = repaired.replacements(begun, Split(), 0.5)  # type: ignore[arg-type]
        except DamagedFile:
            continue
        number = {file.name: place for place, file in enumerate(begun)}
        assert found.keys() == {place for place, file in enumerate(begun) if file.name not in kept}
        for place, name in found.items():
            assert name in kept
            other = number[name]
            assert (begun[other].label, other in apart) == (begun[place].label, place in apart)
            between = [
                each
                for each in range(place, other if other > place else len(begun))
                if (begun[each].label, each in apart) == (begun[place].label, place in apart)
            ]
            assert not [each for each in between if begun[each].name in kept and each != other]


def test_of_two_processes_either_may_meet_the_image(server: Server, tmp_path: Path) -> None:
    folder = lay_out(tmp_path)
    (folder / "tiny.yaml").write_text(
        RECIPE.replace("1 epochs", "6 iterations") + "checkpoint: 1 iterations\n"
    )
    for path in (folder / "d" / "train").rglob("*.jpg"):
        with Image.open(path) as image:
            image.save(path.with_suffix(".png"))
        path.unlink()
    made: Any = plan(folder, run="none")
    for rank in (0, 1):
        name = made.job.data.train.files[int(made.order.draw(1).indices[4 * rank])]
        path = folder / "d" / "train" / name
        good = path.read_bytes()
        middle = len(good) // 2
        path.write_bytes(
            good[:middle] + bytes(np.random.default_rng(0).bytes(40)) + good[middle + 40 :]
        )
        run = f"r{rank}"
        ended = [trainer.wait() for trainer in server.together(2, folder, *command(run=run))]
        assert {code for code, _ in ended} == {2}, ended
        assert str(path.name) in ended[rank][1]
        path.unlink()
        ended = [trainer.wait() for trainer in server.together(2, folder, *command(run=run))]
        assert {code for code, _ in ended} == {0}, ended
        assert [each["now"] for each in changes(folder / run)[0]["files"]] == [None]
        path.write_bytes(good)
