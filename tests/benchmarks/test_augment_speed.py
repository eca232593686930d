"""Batched augmentation in memory against Pillow image by image, as a ratio: `make bench`."""

from __future__ import annotations

from time import perf_counter

import torch
from PIL import Image
from torch import Tensor
from torchvision import transforms

from resspec.training.data import IndexBatch
from resspec.training.data.memory import ImageArrays, in_memory
from resspec.training.recipes.images import DataConfig

BATCH, BATCHES = 128, 40


def test_pad_crop_flip_and_normalising_are_seven_times_faster_than_pillow() -> None:
    draw = torch.Generator().manual_seed(0)
    stored = ImageArrays(
        torch.randint(0, 256, (10_000, 3, 32, 32), generator=draw, dtype=torch.uint8),
        torch.arange(10_000) % 10,
    )
    data = in_memory("noise", tuple("0123456789"), stored, stored, "channel")
    theirs = transforms.Compose(
        [
            transforms.RandomCrop(32, padding=4),
            transforms.RandomHorizontalFlip(),
            transforms.ToTensor(),
            transforms.Normalize((data.stats.mean / 255).tolist(), (data.stats.std / 255).tolist()),
        ]
    )
    arrays = stored.images.permute(0, 2, 3, 1).numpy()

    def one_by_one(draws: list[IndexBatch]) -> list[Tensor]:
        return [
            torch.stack([theirs(Image.fromarray(arrays[i])) for i in draw.indices.tolist()])
            for draw in draws
        ]

    def in_batches(draws: list[IndexBatch]) -> list[Tensor]:
        view = DataConfig(padding=4, hflip=0.5)
        return [
            batch.images
            for batch in data.train.batches(draws, transform=view, device=torch.device("cpu"))
        ]

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        times: dict[str, list[float]] = {"one by one": [], "in batches": []}
        for turn in range(BATCHES // 8):
            draws = [
                IndexBatch(
                    torch.randint(0, 10_000, (BATCH,), generator=draw), torch.arange(BATCH) + turn
                )
                for _ in range(8)
            ]
            for name, way in (("one by one", one_by_one), ("in batches", in_batches)):
                start = perf_counter()
                assert len(way(draws)) == 8
                times[name].append(perf_counter() - start)
    finally:
        torch.set_num_threads(threads)
    best = {name: min(found) / 8 / BATCH for name, found in times.items()}
    ratio = best["one by one"] / best["in batches"]
    pillow, batch = (best[name] * 1e6 for name in ("one by one", "in batches"))
    print(
        f"\nan image of 32x32 pixels: {pillow:.1f} µs by Pillow, {batch:.1f} µs in a batch; {ratio:.1f} times faster"
    )
    assert ratio >= 7
