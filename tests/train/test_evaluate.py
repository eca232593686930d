"""The protocols of evaluation, against one image at a time, and how images are counted."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import log
from pathlib import Path
from threading import Barrier

import pytest
import torch
from PIL import Image
from torch import Tensor, nn
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional

from resspec.backends.module import build
from resspec.compiler import load
from resspec.ir.network import Network
from resspec.training.data import load as load_data
from resspec.training.data.memory import ImageArrays, in_memory
from resspec.training.distributed.processes import Processes
from resspec.training.evaluate import EvalConfig, Evaluation, Protocol, evaluate, scales
from resspec.training.published import published
from resspec.training.recipes.images import TestTransform

SPEC = """network small {
    input 3x16x16
    stem conv 3x3, 6, /2 -> bn -> relu
    head avgpool -> fc 7
}"""


class Team:
    """Processes as threads: what they add up is added up."""

    def __init__(self, world: int) -> None:
        self.barrier, self.parts = Barrier(world), [torch.zeros(0)] * world

    def run(self, work: Callable[[Member], Evaluation]) -> list[Evaluation]:
        with ThreadPoolExecutor(len(self.parts)) as pool:
            return list(pool.map(work, [member(self, rank) for rank in range(len(self.parts))]))


@dataclass(frozen=True)
class Member(Processes):
    """A thread in place of a process."""

    team: Team

    def all_reduce_sum(self, values: Tensor) -> Tensor:
        self.team.parts[self.rank] = values
        self.team.barrier.wait()
        total = torch.stack(self.team.parts).sum(0)
        self.team.barrier.wait()
        return total


def member(team: Team, rank: int) -> Member:
    return Member(rank, len(team.parts), torch.device("cpu"), team)


@pytest.fixture
def network(tmp_path: Path) -> Network:
    path = tmp_path / "small.res"
    path.write_text(SPEC)
    return load(path)


def trained(network: Network) -> nn.Module:
    torch.manual_seed(3)
    module = build(network).eval()
    for parameter in module.parameters():
        nn.init.normal_(parameter, std=1.5)
    return module


def noise(count: int = 23) -> ImageArrays:
    draw = torch.Generator().manual_seed(1)
    images = torch.randint(0, 256, (count, 3, 20, 24), generator=draw, dtype=torch.uint8)
    return ImageArrays(images, torch.arange(count) % 7)


def measured(
    network: Network, protocol: Protocol, view: TestTransform, batch: int = 64
) -> tuple[Evaluation, nn.Module, ImageArrays]:
    stored, module = noise(), trained(network)
    data = in_memory("noise", tuple("abcdefg"), stored, stored, "channel")
    config = EvalConfig(data.test, view, protocol, batch)
    return evaluate(network, module.state_dict(), config, member(Team(1), 0)), module, stored


def normalized(stored: ImageArrays, image: Tensor) -> Tensor:
    mean = stored.images.double().mean((0, 2, 3)).view(-1, 1, 1)
    deviation = stored.images.double().std((0, 2, 3), correction=0).view(-1, 1, 1)
    return ((image - mean) / deviation).float()


def agrees(found: Evaluation, scores: Tensor, labels: Tensor) -> None:
    """With the averaged softmax of each image."""
    confusion = torch.zeros(7, 7, dtype=torch.int64)
    for label, predicted in zip(labels, scores.argmax(1), strict=True):
        confusion[label, predicted] += 1
    assert torch.equal(found.confusion, confusion)
    assert found.top5_correct == int((scores.topk(5).indices == labels[:, None]).sum())
    losses = [-log(row[label]) for row, label in zip(scores, labels, strict=True)]
    assert found.loss == pytest.approx(sum(losses) / len(labels), 1e-4)
    assert found.top1_error == pytest.approx(1 - float((scores.argmax(1) == labels).float().mean()))
    assert found.top5_error == 1 - found.top5_correct / found.total


@torch.no_grad()
@pytest.mark.parametrize("batch", [1, 8, 64])
def test_one_crop_is_the_centre(network: Network, batch: int) -> None:
    found, module, stored = measured(network, "1-crop", TestTransform(crop=16), batch=batch)
    scores = [
        module(normalized(stored, functional.center_crop(image, [16, 16]))[None]).softmax(1)
        for image in stored.images
    ]
    agrees(found, torch.cat(scores), stored.labels)


@torch.no_grad()
def test_ten_crops_are_torchvisions(network: Network) -> None:
    found, module, stored = measured(network, "10-crop", TestTransform(crop=16))
    crop = v2.TenCrop(16)
    crops = [
        torch.stack([normalized(stored, part) for part in crop(image)]) for image in stored.images
    ]
    agrees(found, torch.stack([module(ten).softmax(1).mean(0) for ten in crops]), stored.labels)


@torch.no_grad()
def test_multi_scale_is_the_mean_over_places_sizes_and_mirrors(network: Network) -> None:
    found, module, stored = measured(network, "multi-scale", TestTransform(crop=16))
    assert scales(network) == (16, 18, 27, 34, 46)
    *layers, _, fc = module.children()
    stem = nn.Sequential(*layers)
    looks = []
    for size in scales(network):
        whole = (
            functional.resize(stored.images.float(), [size], antialias=True).round().clamp(0, 255)
        )
        for image in (whole, whole.flip(3)):
            places = (
                nn.functional.avg_pool2d(stem(normalized(stored, image)), 8, 1)
                .flatten(2)
                .transpose(1, 2)
            )
            looks.append(fc(places).mean(1).softmax(1))
    agrees(found, torch.stack(looks).mean(0), stored.labels)


def test_the_scales_of_a_network_that_reads_224_pixels_are_the_papers() -> None:
    assert scales(load("resnet18")) == (224, 256, 384, 480, 640)


@pytest.mark.parametrize("world", [2, 3, 4])
def test_each_image_counts_once_however_many_processes_there_are(
    network: Network, world: int
) -> None:
    stored, module = noise(), trained(network)
    data = in_memory("noise", tuple("abcdefg"), stored, stored, "channel")
    config = EvalConfig(data.test, TestTransform(crop=16), batch_size=4)
    alone = evaluate(network, module.state_dict(), config, member(Team(1), 0))
    assert alone.confusion.sum(1).tolist() == stored.labels.bincount().tolist()
    for found in Team(world).run(
        lambda member: evaluate(network, module.state_dict(), config, member)
    ):
        assert torch.equal(found.confusion, alone.confusion)
        assert [found.top5_correct, found.loss] == pytest.approx([alone.top5_correct, alone.loss])


def test_images_of_several_sizes_count_once_each(network: Network, tmp_path: Path) -> None:
    for part in ("train", "val"):
        for label in range(7):
            (tmp_path / part / f"{label}").mkdir(parents=True)
            for i, size in enumerate(((20, 24), (30, 20), (24, 24))):
                Image.new("RGB", size, (label * 30, i * 60, 99)).save(
                    tmp_path / part / f"{label}" / f"{i}.png"
                )
    data = load_data(str(tmp_path))
    config = EvalConfig(data.test, TestTransform(resize=20, crop=16), "multi-scale", batch_size=4)
    found = evaluate(network, trained(network).state_dict(), config, member(Team(1), 0))
    assert found.confusion.sum(1).tolist() == [3] * 7


def test_published_figures_are_of_the_very_same_network() -> None:
    (figure,) = published(load("resnet34", option="B"), "10-crop", "imagenet")
    assert (figure.recipe, figure.top1, figure.top5) == ("imagenet-he2015", 24.52, 7.46)
    assert published(load("resnet34"), "10-crop", "imagenet") == []
    assert published(load("resnet34", option="B"), "1-crop", "imagenet") == []
    assert [figure.top1 for figure in published(load("resnet56"), "1-crop", "cifar-10")] == [6.97]
    assert [
        figure.top1 for figure in published(load("lib/he2015:cifar", n=9), "1-crop", "cifar-10")
    ] == [6.97]
    assert published(load("resnet56"), "1-crop", "pets") == []
    first, second = published(load("torchvision/resnet50"), "1-crop", "imagenet")
    assert [first.top1, second.top1] == pytest.approx([100 - 76.130, 100 - 80.858])
    assert published(
        load("torchvision/resnet50"), "1-crop", "imagenet", "imagenet-torchvision-v2"
    ) == [second]
