"""Sets in memory: what a batch holds, and on what it depends."""

from dataclasses import replace
from hashlib import sha256

import pytest
import torch
from torch import Tensor
from torch.nn.functional import pad

from resspec.training.data import IndexBatch, held_out, load
from resspec.training.data.chance import choice
from resspec.training.data.memory import ImageArrays, InMemory, in_memory
from resspec.training.data.pixel_stats import measure
from resspec.training.recipes.images import (
    DataConfig,
    RandAugmentConfig,
    RandomResizedCropConfig,
    TestTransform,
)

CPU = torch.device("cpu")
EVERYTHING = DataConfig(
    padding=2, hflip=0.5, trivialaugment=True, lighting=0.1, random_erase=0.5, mixup=0.2, cutmix=1.0
)


def colorful(count: int = 60, normalize: str = "channel") -> InMemory:
    draw = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (count, 3, 8, 10), generator=draw, dtype=torch.uint8)
    stored = ImageArrays(images, torch.arange(count) % 4)
    data = in_memory("noise", tuple("abcd"), stored, stored, normalize)
    assert isinstance(data.train, InMemory)
    return data.train


def shown(
    split: InMemory, view: DataConfig | TestTransform, indices: Tensor, keys: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    keys = indices * 77 if keys is None else keys
    return next(iter(split.batches([IndexBatch(indices, keys)], transform=view, device=CPU)))


def test_images_as_stored_have_mean_0_and_deviation_1_in_each_channel() -> None:
    images, labels = shown(colorful(), TestTransform(), torch.arange(60))
    assert images.mean((0, 2, 3)).abs().max() < 1e-5
    assert (images.std((0, 2, 3), correction=0) - 1).abs().max() < 1e-5
    assert torch.equal(labels, torch.arange(60) % 4)


def test_the_axes_are_those_of_the_colors() -> None:
    split = colorful()
    colors = split.images.transpose(0, 1).flatten(1).double()
    axes = split.stats.axes.double()
    torch.testing.assert_close(axes @ axes.T, torch.cov(colors, correction=0), rtol=1e-4, atol=1e-2)
    assert ((axes.T @ axes) - (axes.T @ axes).diagonal().diag()).abs().max() < 1e-2
    assert (axes.norm(dim=0).diff() <= 0).all()


def test_a_border_is_added_after_each_pixels_mean_was_taken_away() -> None:
    split, keys = colorful(normalize="pixel-mean"), torch.arange(60)
    found, _ = shown(split, DataConfig(padding=3), torch.arange(60), keys)
    centered = split.images.float() - split.images.float().mean(0)
    tops, lefts = choice(keys, "top", 7), choice(keys, "left", 7)
    for i in range(60):
        wanted = pad(centered[i], (3, 3, 3, 3))[:, tops[i] : tops[i] + 8, lefts[i] : lefts[i] + 10]
        torch.testing.assert_close(found[i], wanted / split.stats.std.mean(), rtol=1e-4, atol=1e-4)
    still, _ = shown(split, TestTransform(), torch.arange(60))
    assert still.mean(0).abs().max() < 1e-5


def test_an_image_is_shown_the_same_way_in_any_batch() -> None:
    split, indices = colorful(), torch.arange(24)
    images, targets = shown(split, EVERYTHING, indices)
    assert targets.shape == (24, 4)
    for part in (slice(0, 8), slice(8, 24)):
        some, shares = shown(split, EVERYTHING, indices[part])
        torch.testing.assert_close(some, images[part])
        assert torch.equal(shares, targets[part])
    torch.manual_seed(5)
    assert torch.equal(shown(split, EVERYTHING, indices)[0], images)
    assert not torch.equal(shown(split, EVERYTHING, indices, indices)[0], images)


@pytest.mark.parametrize("normalize", ["channel", "pixel-mean"])
@pytest.mark.parametrize(
    "view",
    [
        EVERYTHING,
        DataConfig(shift=1),
        DataConfig(resize=(9, 12), crop=8, hflip=0.5),
        TestTransform(),
    ],
)
def test_a_batch_is_the_same_wherever_one_begins(
    view: DataConfig | TestTransform, normalize: str
) -> None:
    """Bit by bit: a run that goes on shows what it would have shown."""
    split, sizes = colorful(normalize=normalize), [3, 5, 4, 2] * 3
    draws = [
        IndexBatch(i + torch.arange(size), torch.arange(size) * 77 + i)
        for i, size in enumerate(sizes)
    ]
    whole = list(split.batches(draws, transform=view, device=CPU))
    assert [len(images) for images, _ in whole] == sizes
    for start in (1, 7, 11):
        for one, other in zip(
            split.batches(draws[start:], transform=view, device=CPU), whole[start:], strict=True
        ):
            assert torch.equal(one.images, other.images) and torch.equal(one.targets, other.targets)


def test_taking_one_change_out_leaves_the_others_as_they_were() -> None:
    split, indices = colorful(), torch.arange(24)
    images, _ = shown(split, DataConfig(padding=2, hflip=0.5), indices)
    erased, _ = shown(split, DataConfig(padding=2, hflip=0.5, random_erase=1.0), indices)
    assert ((erased == images) | (erased == 0)).all()


def test_a_digest_tells_sets_apart() -> None:
    split = colorful()
    images = split.images.clone()
    images[3, 0, 0, 0] ^= 1
    assert split.digest == colorful().digest != replace(split, images=images, _on_device={}).digest


def test_digits_are_the_real_images_in_a_fixed_stratified_split() -> None:
    data = load("digits")
    assert isinstance(data.train, InMemory) and isinstance(data.test, InMemory)
    images, labels = (
        torch.cat([getattr(part, name) for part in (data.train, data.test)])
        for name in ("images", "labels")
    )
    assert data.shape == (1, 8, 8) and images.dtype == torch.uint8 and int(images.max()) == 16
    assert labels.bincount().tolist() == [
        178,
        182,
        177,
        183,
        181,
        182,
        181,
        179,
        174,
        180,
    ]  # as UCI's description says
    assert torch.equal(
        torch.cat([data.train.original, data.test.original]).sort().values, torch.arange(1797)
    )
    assert float((data.test.labels.bincount() / labels.bincount() - 0.2).abs().max()) < 0.006
    chosen = ",".join(map(str, data.test.original.tolist()))
    assert sha256(chosen.encode()).hexdigest().startswith("153a491d62bfa9ab")


@pytest.mark.parametrize("share", [0.0, 0.1, 0.35, 0.9])
def test_what_is_held_out_is_the_same_share_of_each_class(share: float) -> None:
    labels = torch.randint(0, 7, (3000,), generator=torch.Generator().manual_seed(0))
    kept, apart = held_out(labels, share)
    assert torch.equal(torch.cat([kept, apart]).sort().values, torch.arange(3000))
    counts = labels[apart].bincount(minlength=7) - share * labels.bincount()
    assert counts.abs().max() < 1


def test_small_classes_share_what_is_left_over() -> None:
    labels = torch.arange(500) % 10  # 0.5 of each class
    _, apart = held_out(labels, 0.01)
    assert labels[apart].bincount(minlength=10).tolist() == [0, 1] * 5


VIEWS = [
    DataConfig(),
    DataConfig(lighting=0.1),
    DataConfig(color_jitter=0.4),
    DataConfig(trivialaugment=True),
    DataConfig(randaugment=RandAugmentConfig()),
    DataConfig(padding=2, padding_mode="reflect", hflip=0.5, random_erase=1.0, mixup=0.2),
    DataConfig(random_resized_crop=RandomResizedCropConfig(size=6)),
    TestTransform(),
]


@pytest.mark.parametrize("normalize", ["channel", "pixel-mean"])
@pytest.mark.parametrize("view", VIEWS, ids=str)
@pytest.mark.parametrize("values", [(7, 7, 7), (0, 0, 0), (255, 255, 255), (0, 128, 255), None])
def test_images_without_contrast_are_finite(
    values: tuple[int, ...] | None, view: DataConfig | TestTransform, normalize: str
) -> None:
    """Of one color, or constant in one channel; normalized, a constant channel is 0."""
    images = colorful(40).images.clone()
    if values is None:
        images[:, 1] = 9
    else:
        images[:] = torch.tensor(values, dtype=torch.uint8).view(3, 1, 1)
    stored = ImageArrays(images, torch.arange(40) % 4)
    data = in_memory("flat", tuple("abcd"), stored, stored, normalize)
    (batch,) = data.train.batches(
        [IndexBatch(torch.arange(40), torch.arange(40))], transform=view, device=CPU
    )
    assert batch.images.isfinite().all()
    if view in (DataConfig(), TestTransform()):
        assert not batch.images[:, 1].any()
    assert data.stats.std.min() > 0
    assert data.stats.axes.isfinite().all()
    which = "1 of 3 channels" if values is None else "all channels"
    assert data.notes == (
        f"{which} of the training images are constant: there is nothing to learn from them",
    )


def test_a_channel_without_contrast_leaves_the_others_as_they_are() -> None:
    images = colorful(40).images.clone()
    images[:, 2] = 9
    flat = measure(images)
    wanted = images[:, :2].double().std((0, 2, 3), correction=0)
    torch.testing.assert_close(flat.std[:2].double(), wanted, rtol=1e-6, atol=0)
    torch.testing.assert_close(flat.std[2].double(), wanted.mean(), rtol=1e-6, atol=0)


def test_a_single_image() -> None:
    stored = ImageArrays(torch.arange(12, dtype=torch.uint8).view(1, 3, 2, 2), torch.tensor([0]))
    data = in_memory("one", ("a",), stored, stored, "channel")
    (batch,) = data.train.batches(
        [IndexBatch(torch.zeros(1, dtype=torch.int64), torch.tensor([5]))],
        transform=DataConfig(padding=1),
        device=CPU,
    )
    assert batch.images.isfinite().all()
