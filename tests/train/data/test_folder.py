"""Folders of image files: batches against torchvision on one image at a time, and errors."""

import resource
import sys
from collections.abc import Callable
from itertools import islice
from multiprocessing import active_children
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from torchvision.datasets import ImageFolder
from torchvision.transforms import v2

from resspec.diagnostics import UsageError
from resspec.training.data import Dataset, IndexBatch, load, read_image
from resspec.training.data.crop import crop_boxes
from resspec.training.recipes.images import DataConfig, RandomResizedCropConfig, TestTransform
from tests.train.crash import ExitOnUnpickle

CPU = torch.device("cpu")
SIZES = ((50, 40), (40, 50), (64, 64), (200, 120))  # width, height


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    draw = np.random.default_rng(0)
    for part, count in (("train", 6), ("val", 4)):
        for label, name in enumerate(("cat", "dog")):
            (folder / part / name).mkdir(parents=True)
            for i in range(count):
                width, height = SIZES[i % len(SIZES)]
                coarse = draw.integers(0, 256, (5, 6, 3), dtype=np.uint8)
                image = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
                image.convert("L" if i == 1 else "RGB").save(
                    folder / part / name / f"{label}{i}.jpg", quality=95
                )
    (folder / "train" / "cat" / "notes.txt").write_text("no image")
    return folder


@pytest.fixture(scope="module")
def data(root: Path) -> Dataset:
    return load(str(root))


def raw(
    data: Dataset, view: DataConfig | TestTransform, draw: IndexBatch, workers: int = 0
) -> Tensor:
    """Back in 0 .. 255."""
    (batch,) = data.train.batches([draw], transform=view, device=CPU, workers=workers)
    return batch.images * data.stats.std.view(-1, 1, 1) + data.stats.mean.view(-1, 1, 1)


def test_files_classes_and_labels_are_torchvisions(data: Dataset, root: Path) -> None:
    theirs = ImageFolder(str(root / "train"))
    assert data.classes == tuple(theirs.classes)
    assert data.train.labels.tolist() == theirs.targets
    assert (len(data.train), len(data.test), data.shape) == (12, 8, (3, 0, 0))


def test_test_images_are_torchvisions(data: Dataset, root: Path) -> None:
    theirs = ImageFolder(
        str(root / "train"), v2.Compose([v2.Resize(36), v2.CenterCrop(32), v2.PILToTensor()])
    )
    found = raw(
        data, TestTransform(resize=36, crop=32), IndexBatch(torch.arange(12), torch.arange(12))
    )
    assert (found - torch.stack([image for image, _ in theirs])).abs().max() < 1e-2


def test_a_random_part_is_torchvisions_of_the_same_box(data: Dataset, root: Path) -> None:
    view, keys = RandomResizedCropConfig(size=24), torch.arange(12) * 13
    found = raw(data, DataConfig(random_resized_crop=view), IndexBatch(torch.arange(12), keys))
    for i, (image, _) in enumerate(ImageFolder(str(root / "train"))):
        height, width = torch.tensor([image.height]), torch.tensor([image.width])
        top, left, box_height, box_width = (
            int(side) for side in crop_boxes(keys[i : i + 1], height, width, view)
        )
        wanted = v2.functional.resized_crop(image, top, left, box_height, box_width, [24, 24])
        assert (found[i] - v2.functional.pil_to_tensor(wanted)).abs().max() < 1e-2


def test_batches_are_the_same_with_any_number_of_workers(data: Dataset) -> None:
    view = DataConfig(
        resize=(32, 48), crop=28, hflip=0.5, trivialaugment=True, mixup=0.2, random_erase=0.5
    )
    draws = [IndexBatch(torch.arange(i, i + 4), torch.arange(i, i + 4) * 5) for i in (0, 4, 8, 2)]
    runs = [
        list(data.train.batches(draws, transform=view, device=CPU, workers=workers))
        for workers in (0, 2)
    ]
    for alone, shared in zip(*runs, strict=True):
        assert torch.equal(alone.images, shared.images)
        assert torch.equal(alone.targets, shared.targets)


def test_drafted_images_are_nearly_the_same(data: Dataset) -> None:
    draw = IndexBatch(torch.tensor([3, 9]), torch.tensor([1, 2]))  # the large ones
    for view in (
        DataConfig(resize=30, crop=24),
        DataConfig(random_resized_crop=RandomResizedCropConfig(size=24, scale=(0.8, 1.0))),
    ):
        drafted = raw(data, view.model_copy(update={"draft": True}), draw)
        assert 0 < (drafted - raw(data, view, draw)).abs().mean() < 6


def test_images_that_are_shown_in_one_size_stand_together(data: Dataset) -> None:
    groups = data.test.group_by_size(torch.arange(8), TestTransform(resize=20))
    assert sorted(torch.cat(groups).tolist()) == list(range(8))
    for group in groups:
        (batch,) = data.test.batches(
            [IndexBatch(group, group)], transform=TestTransform(resize=20), device=CPU
        )
        assert min(batch.images.shape[2:]) == 20
    assert len(groups) == 4
    assert [
        group.tolist()
        for group in data.test.group_by_size(torch.arange(8), TestTransform(resize=24, crop=20))
    ] == [list(range(8))]


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:300])


def enlarge(path: Path) -> None:
    with Image.open(path) as image:
        larger = image.resize((90, 70))
    larger.save(path)


MISHAPS: dict[str, tuple[Callable[[Path], object], TestTransform, str, str]] = {
    "cut": (
        cut,
        TestTransform(resize=20, crop=16),
        "E0514",
        "{} cannot be read: Truncated File Read",
    ),
    "gone": (
        Path.unlink,
        TestTransform(resize=20, crop=16),
        "E0514",
        "{} cannot be read: No such file or directory",
    ),
    "small": (
        lambda _: None,
        TestTransform(crop=60),
        "E0515",
        (
            "{}: a crop of 60x60 pixels does not fit into images of 40x50; "
            "`resize` or `padding` makes them larger"
        ),
    ),
    "enlarged": (
        enlarge,
        TestTransform(),
        "E0514",
        (
            "{} cannot be read: it is transformed to 70x90, but others in its batch to 40x50; "
            "`crop` or `random_resized_crop` gives all of them one size"
        ),
    ),
}


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("mishap", MISHAPS)
def test_a_file_that_cannot_be_shown_is_named(
    mishap: str, root: Path, tmp_path: Path, workers: int
) -> None:
    """Whatever happened to it after the set was loaded, and nothing else is said."""
    for part in ("train", "val"):
        (tmp_path / part / "cat").mkdir(parents=True)
        for name in ("a.jpg", "b.jpg"):
            (tmp_path / part / "cat" / name).write_bytes(
                (root / "train" / "cat" / "00.jpg").read_bytes()
            )
    split = load(str(tmp_path)).train
    happen, view, code, said = MISHAPS[mishap]
    path = tmp_path / "train" / "cat" / ("a.jpg" if mishap == "small" else "b.jpg")
    happen(path)
    draw = IndexBatch(torch.tensor([0, 1]), torch.tensor([0, 0]))
    with pytest.raises(UsageError) as caught:
        list(split.batches([draw], transform=view, device=CPU, workers=workers))
    assert str(caught.value) == said.format(path)
    assert caught.value.code == code


@pytest.mark.parametrize("workers", [0, 1])
def test_an_error_that_nobody_foresaw_names_the_file(
    data: Dataset, root: Path, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unforeseen(*_: object) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(read_image, "_box_and_size", unforeseen)
    draw = IndexBatch(torch.tensor([4]), torch.tensor([0]))
    with pytest.raises(UsageError) as caught:
        list(
            data.train.batches(
                [draw], transform=TestTransform(resize=20, crop=16), device=CPU, workers=workers
            )
        )
    assert (
        str(caught.value)
        == f"{root}/train/cat/04.jpg cannot be transformed: ZeroDivisionError: division by zero"
    )


def test_workers_that_cannot_be_started(data: Dataset) -> None:
    """Each needs connections, and the system may not give that many."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    batches = data.train.batches(
        [], transform=TestTransform(resize=20, crop=16), device=CPU, workers=2
    )
    used = {int(path.name) for path in Path("/proc/self/fd").iterdir()}
    free = (number for number in range(sys.maxsize) if number not in used)
    limit = next(islice(free, 15, None))  # of the numbers below it, 15 are free
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limits[1]))
    try:
        with pytest.raises(
            UsageError, match=r"cannot start 2 DataLoader workers: .*\(ulimit -n\)"
        ) as caught:
            list(batches)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert caught.value.code == "E0612"
    assert not active_children()


def test_a_file_that_is_gone_before_its_digest(root: Path, tmp_path: Path) -> None:
    for part in ("train", "val"):
        (tmp_path / part / "cat").mkdir(parents=True)
        (tmp_path / part / "cat" / "a.jpg").write_bytes(
            (root / "train" / "cat" / "00.jpg").read_bytes()
        )
    data = load(str(tmp_path))
    (tmp_path / "val" / "cat" / "a.jpg").unlink()
    with pytest.raises(
        UsageError, match=r"val/cat/a\.jpg cannot be read: No such file or directory"
    ):
        _ = data.test.digest


def test_a_worker_that_dies_is_told(data: Dataset) -> None:
    killer = IndexBatch(ExitOnUnpickle(), torch.tensor([0]))  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"a DataLoader worker failed: .*(killed|exited)"):
        list(
            data.train.batches(
                [killer], transform=TestTransform(resize=20, crop=16), device=CPU, workers=1
            )
        )


def test_folders_that_do_not_fit_together(tmp_path: Path) -> None:
    (tmp_path / "val" / "cow").mkdir(parents=True)
    (tmp_path / "train").mkdir()
    with pytest.raises(UsageError, match=r"train has no folders"):
        load(str(tmp_path))
    (tmp_path / "train" / "cat").mkdir()
    with pytest.raises(UsageError, match=r"val has a folder `cow`"):
        load(str(tmp_path))
    (tmp_path / "train" / "cow").mkdir()
    with pytest.raises(UsageError, match=r"there is no image in .*train"):
        load(str(tmp_path))
