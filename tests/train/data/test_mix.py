import pytest
import torch
from torchvision.transforms import RandomErasing
from torchvision.transforms.v2 import CutMix

from resspec.diagnostics import UsageError
from resspec.training import recipe_file
from resspec.training.data import mix
from resspec.training.data.chance import beta
from resspec.training.data.color import color_jitter, lighting
from resspec.training.distributed.share import share
from resspec.training.recipes.images import DataConfig

KEYS = torch.arange(4000) * 31 + 5


def test_partners_are_pairs() -> None:
    assert mix.partners(8).tolist() == [1, 0, 3, 2, 5, 4, 7, 6]
    assert mix.partners(8, 4).tolist() == [4, 5, 6, 7, 0, 1, 2, 3]
    assert mix.partners(5).tolist() == [1, 0, 3, 2, 3]
    assert mix.partners(1).tolist() == [0]


@pytest.mark.parametrize(
    "name", ["imagenet-rsb-a1", "imagenet-rsb-a2", "imagenet-rsb-a3", "imagenet-torchvision-v2"]
)
def test_images_are_mixed_with_others_and_the_same_wherever_a_batch_is_cut(name: str) -> None:
    recipe = recipe_file.load(name)
    view = recipe.data
    shown = torch.arange(recipe.batch_size) // view.aug_repeats
    images, keys = (
        torch.arange(recipe.batch_size).float().view(-1, 1, 1, 1).expand(-1, 1, 2, 2),
        KEYS[: recipe.batch_size],
    )
    whole, targets = mix.mix(images, shown, keys, view, recipe.batch_size)
    assert bool(((targets > 0).sum(1) > 1).any())
    assert bool(
        (
            shown[mix.partners(recipe.batch_size, mix.partner_distance(view.aug_repeats))] != shown
        ).all()
    )
    for world in (2, 4, 8):
        size = share(recipe, world)
        parts = zip(images.split(size), shown.split(size), keys.split(size), strict=True)
        cut = [mix.mix(*part, view, recipe.batch_size) for part in parts]
        assert torch.equal(torch.cat([part for part, _ in cut]), whole)
        assert torch.equal(torch.cat([part for _, part in cut]), targets)


@pytest.mark.parametrize("repeated", range(1, 10))
def test_groups_hold_pairs_of_different_images(repeated: int) -> None:
    view = DataConfig(mixup=0.2, aug_repeats=repeated)
    size = mix.group_size(view)
    other = mix.partners(4 * size, mix.partner_distance(repeated))
    place = torch.arange(4 * size)
    assert torch.equal(other[other], place)
    assert torch.equal(other // size, place // size)
    assert int((other - place).abs().min()) >= repeated


def test_a_batch_is_not_cut_between_images_that_are_mixed() -> None:
    recipe = recipe_file.load(
        "digits", [("batch_size", "24"), ("data.mixup", "0.2"), ("data.aug_repeats", "3")]
    )
    assert [share(recipe, world) for world in (1, 3)] == [24, 8]
    with pytest.raises(
        UsageError,
        match="does not divide into parts of 8, which are mixed with one another, over 2 proc",
    ):
        share(recipe, 2)
    with pytest.raises(
        UsageError, match="batch of 64 does not divide over 3 processes; use a multiple of 3"
    ):
        share(recipe_file.load("digits"), 3)


def test_mixup_is_a_mean_of_two_with_its_shares_as_targets() -> None:
    images, labels, keys = torch.randn(6, 3, 4, 4), torch.tensor([0, 1, 2, 0, 1, 1]), KEYS[:6]
    mixed, targets = mix.mix(images, labels, keys, DataConfig(mixup=0.4), 3)
    shares = beta(keys, "mixup share", 0.4)
    for i in range(6):
        share, other = float(shares[i]), i ^ 1
        torch.testing.assert_close(mixed[i], share * images[i] + (1 - share) * images[other])
        wanted = torch.zeros(3)
        wanted[labels[i]] += share
        wanted[labels[other]] += 1 - share
        torch.testing.assert_close(targets[i], wanted)


def test_cutmix_counts_the_pixels_that_came_from_each() -> None:
    images = torch.arange(400.0).view(400, 1, 1, 1).expand(400, 1, 12, 16)
    labels = torch.arange(400)
    mixed, targets = mix.mix(images, labels, KEYS[:400], DataConfig(cutmix=1.0), 400)
    own = (mixed == images).flatten(1).float().mean(1)
    assert ((mixed == images) | (mixed == images[mix.partners(400)])).all()
    torch.testing.assert_close(targets[labels, labels], own)
    torch.testing.assert_close(targets.sum(1), torch.ones(400))
    assert 0.3 < own.mean() < 0.8


def test_patches_are_distributed_as_torchvisions() -> None:
    torch.manual_seed(0)
    cut = CutMix(alpha=1.0, num_classes=2)
    batch = [torch.zeros(2, 1, 12, 16)]
    theirs = torch.tensor([cut.make_params(batch)["box"] for _ in range(4000)]).double()
    top, left, height, width = mix.cutmix_boxes(KEYS, beta(KEYS, "cutmix share", 1.0), (12, 16))
    ours = torch.stack([left, top, left + width, top + height], 1).double()
    assert (ours.mean(0) - theirs.mean(0)).abs().max() < 0.25
    assert (ours.std(0) - theirs.std(0)).abs().max() < 0.25


def test_both_are_chosen_equally_often_and_one_alone_always() -> None:
    images, labels = torch.rand(4000, 1, 6, 6), torch.zeros(4000, dtype=torch.int64)
    images[::2] += 2  # so a pixel that was mixed is neither image's
    other = images[mix.partners(4000)]

    def cut(view: DataConfig) -> float:
        mixed, _ = mix.mix(images, labels, KEYS, view, 2)
        return float(((mixed == images) | (mixed == other)).flatten(1).all(1).float().mean())

    assert 0.45 < cut(DataConfig(mixup=1.0, cutmix=1.0)) < 0.55
    assert cut(DataConfig(cutmix=1.0)) == 1
    assert cut(DataConfig(mixup=1.0)) < 0.01


def test_erased_rectangles_are_distributed_as_torchvisions() -> None:
    torch.manual_seed(0)
    image = torch.zeros(1, 24, 32)
    theirs = torch.tensor(
        [
            RandomErasing.get_params(image, scale=(0.02, 0.33), ratio=(0.3, 3.3), value=[0.0])[:4]
            for _ in range(4000)
        ]
    ).double()
    images = mix.random_erase(torch.ones(4000, 1, 24, 32), KEYS, 1.0)
    rows, columns = (images == 0).any(3)[:, 0], (images == 0).any(2)[:, 0]
    ours = torch.stack(
        [rows.int().argmax(1), columns.int().argmax(1), rows.sum(1), columns.sum(1)], 1
    ).double()
    assert ((images == 0).sum((1, 2, 3)) == ours[:, 2] * ours[:, 3]).all()
    assert (ours.mean(0) - theirs.mean(0)).abs().max() < 0.4
    assert (ours.std(0) - theirs.std(0)).abs().max() < 0.4
    some = mix.random_erase(torch.ones(4000, 1, 24, 32), KEYS, 0.1)
    assert 0.08 < float((some == 0).flatten(1).any(1).float().mean()) < 0.12


def test_the_papers_colours_move_each_image_along_the_axes() -> None:
    axes = torch.tensor([[3.0, 0.0, 1.0], [0.0, 2.0, 0.0], [3.0, 0.0, -1.0]])
    shift = lighting(torch.zeros(4000, 3, 2, 2), KEYS, axes)
    assert (shift == shift[:, :, :1, :1]).all()
    covariance = torch.cov(shift[:, :, 0, 0].T)
    assert (covariance - 0.01 * axes @ axes.T).abs().max() < 0.012


def test_jitter_is_a_function_of_key_and_image_and_keeps_within_its_amount() -> None:
    images = torch.randint(0, 256, (32, 3, 8, 8), dtype=torch.uint8)
    found = color_jitter(images, KEYS[:32])
    assert torch.equal(color_jitter(images[9:10], KEYS[9:10]), found[9:10])
    flat = color_jitter(torch.full((200, 3, 4, 4), 100, dtype=torch.uint8), KEYS[:200])
    assert flat.min() >= 59 and flat.max() <= 140 and len(flat.unique()) > 40
