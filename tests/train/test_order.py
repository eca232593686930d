import re
from pathlib import Path

import pytest
import torch

from resspec.training import keys
from resspec.training.keys import Stream, key, scramble, stream_key
from resspec.training.steps.order import Order

IMAGES = torch.arange(100, 140)  # 40 of a larger split


def shown(order: Order, start: int, stop: int) -> list[tuple[int, int]]:
    """Every image and its key, in their order."""
    return [
        pair
        for draw in order.draws(start, stop)
        for pair in zip(draw.indices.tolist(), draw.keys.tolist(), strict=True)
    ]


@pytest.mark.parametrize("batch", [1, 8, 12, 64])
def test_every_image_is_shown_once_an_epoch_and_every_batch_is_full(batch: int) -> None:
    order = Order(IMAGES, batch, seed=3)
    assert all(len(draw.indices) == batch for draw in order.draws(0, 12))
    stream = [image for image, _ in shown(order, 0, -(-120 // batch))]
    for epoch in range(3):
        assert sorted(stream[40 * epoch : 40 * (epoch + 1)]) == IMAGES.tolist()


def test_the_order_depends_on_seed_and_epoch_alone() -> None:
    torch.rand(1)
    assert shown(Order(IMAGES, 8, seed=0), 0, 15) == shown(Order(IMAGES, 12, seed=0), 0, 10)
    epochs = {
        tuple(shown(Order(IMAGES, 40, seed), number, number + 1))
        for seed in (0, 1)
        for number in range(3)
    }
    assert len(epochs) == 6


def test_a_run_can_begin_anywhere() -> None:
    order = Order(IMAGES, 12, seed=5)
    assert shown(order, 0, 4) + shown(order, 4, 9) == shown(order, 0, 9)


@pytest.mark.parametrize("world", [2, 3, 4])
def test_processes_cut_the_same_global_batch(world: int) -> None:
    alone, parts = (
        Order(IMAGES, 12, 7),
        [Order(IMAGES, 12, 7, rank=rank, world=world) for rank in range(world)],
    )
    for step in range(7):
        cut = [part.draw(step) for part in parts]
        assert torch.equal(torch.cat([draw.indices for draw in cut]), alone.draw(step).indices)
        assert torch.equal(torch.cat([draw.keys for draw in cut]), alone.draw(step).keys)


def test_repeats_stand_in_a_row_with_keys_of_their_own_and_an_epoch_keeps_its_length() -> None:
    order = Order(IMAGES, 8, seed=1, repeats=4)
    assert order.epoch == 5
    pairs = shown(order, 0, 5)
    images = [image for image, _ in pairs]
    assert all(images[i] == images[i - i % 4] for i in range(40))
    assert len(set(images)) == 10
    assert len({key for _, key in pairs}) == 40


def test_keys_of_images_differ_from_epoch_to_epoch() -> None:
    assert len({key for _, key in shown(Order(IMAGES, 8, seed=1), 0, 50)}) == 400


def test_streams_do_not_meet() -> None:
    """At no epoch and no position, of any of these seeds."""
    found = [stream_key(seed, each, n) for seed in range(4) for each in Stream for n in range(999)]
    assert len(set(found)) == len(found)


def test_a_run_draws_from_streams_alone() -> None:
    """`key` itself knows no streams: only the numbers of one image are drawn by it."""
    folder = Path(keys.__file__).parent
    users = {
        path.name
        for path in folder.rglob("*.py")
        if re.search(r"keys import .*\bkey\b", path.read_text(encoding="utf-8"))
    }
    assert users == {"chance.py"}


def test_scrambled_numbers_are_those_of_splitmix64() -> None:
    # The first outputs of SplitMix64 from the state 1234567, as published with its reference code.
    published = [6457827717110365317, 3203168211198807973, 9817491932198370423]
    states = torch.tensor(
        [
            1234567
            + (i * 0x9E3779B97F4A7C15 % 2**64)
            - 2**64 * (i * 0x9E3779B97F4A7C15 % 2**64 >> 63)
            for i in (1, 2, 3)
        ]
    )
    assert [number % 2**64 for number in scramble(states).tolist()] == published


def test_keys_and_scrambled_tensors_agree() -> None:
    assert scramble(torch.tensor([5 + 0x9E3779B97F4A7C15 - 2**64])).item() == key(5)
