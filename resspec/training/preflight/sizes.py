"""Whether the network can read every size that the transforms give, in training and in each protocol of a test."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from resspec.diagnostics import Diagnostic, UsageError
from resspec.ir.network import Network
from resspec.ir.shape import Shape
from resspec.passes.convolutional import convolutional
from resspec.passes.propagate import DoesNotFit, propagate
from resspec.training import errors
from resspec.training.data.dataset import View
from resspec.training.data.sizes import DoesNotSuit, Size, sizes_after
from resspec.training.evaluate import scales
from resspec.training.preflight.errors import does_not_suit, mixed_sizes, unreadable_size
from resspec.training.preflight.images import Inspections, Part
from resspec.training.preflight.request import Note, Request
from resspec.training.recipe import DataConfig

MOST_EXAMPLES = 3  # sizes that are named

Sizes = Mapping[Size, Path]  # each with the first image that has it


@dataclass(frozen=True)
class Use:
    """One way in which images are shown: in training, or at one scale of a test.

    Attributes:
        images: What they are called in messages.
        key: The section of the recipe with their transforms.
        view: Their transforms.
        parts: The parts of the data set that are shown so.
        network: What reads them; of a test at several sizes, the network with a convolutional head.
        crops: The side of the crops that a protocol takes of them, if it does.
    """

    images: str
    key: str
    view: View
    parts: tuple[Part, ...]
    network: Network
    crops: int | None = None


@dataclass(frozen=True)
class Shown:
    """The sizes in which images reach the network, and for each transform that does not fit what is wrong with it."""

    sizes: Sizes
    problems: Mapping[
        str, tuple[DoesNotSuit, Path, int]
    ]  # by key: with the first image, and how many more sizes


def sizes(request: Request, inspections: Inspections) -> Iterator[Diagnostic | Note]:
    """Run every size that can occur through the shapes of the network."""
    data, network = request.data, request.network
    if not data or not request.recipe:
        return
    if not network.input.is_image or network.input.channels != data.shape[0]:
        stored = "x".join(str(side) if side else "?" for side in data.shape)
        yield errors.wrong_images(errors.place(network.span), str(network.input), data.name, stored)
        return

    found = False
    known = set[Size]()
    notes = list[Note]()
    for use in _uses(request):
        shown = shown_sizes(request, use, inspections)
        known |= shown.sizes.keys()
        for mistake in _mistakes(request, use, shown):
            found = True
            yield mistake
        notes += _other_size(use, shown.sizes, network, request.recipe.data)
    if found:
        return

    own = network.input.spatial
    if request.trains and known and own not in known:
        size = _text(network, min(known))
        side = min(own)
        transforms = f"random_resized_crop: {{size: {side}}}{_and_test(request.recipe.data, side)}"
        instead = f", or transforms that give {network.input}: `data: {{{transforms}}}`"
        yield errors.wrong_images(
            errors.place(network.span), str(network.input), data.name, size, instead
        )
    else:
        yield from notes


def training_shapes(request: Request, inspections: Inspections) -> set[Shape]:
    """Return the shapes that the network reads while it learns."""
    if not request.data or not request.recipe or not request.trains:
        return {request.network.input}
    return _shapes(request, inspections, training=True)


def test_shapes(request: Request, inspections: Inspections) -> set[Shape]:
    """Return the shapes that the network reads in a test."""
    if not request.data or not request.recipe:
        return {request.network.input}
    return _shapes(request, inspections, training=False)


def shown_sizes(request: Request, use: Use, inspections: Inspections) -> Shown:
    """Return the sizes that one use of images gives."""
    assert request.data
    keeps_size = 0 not in request.data.shape
    sizes: dict[Size, Path] = {}
    problems: dict[str, tuple[DoesNotSuit, Path, int]] = {}
    for part in use.parts:
        for stored, path in inspections.of(request, part).sizes.items():
            try:
                for size in sizes_after(use.view, stored, keeps_size=keeps_size):
                    _check_crops(use, size)
                    shown = (use.crops, use.crops) if use.crops else size
                    sizes.setdefault(shown, path)
            except DoesNotSuit as problem:
                first, its_path, others = problems.get(problem.key, (problem, path, -1))
                problems[problem.key] = (first, its_path, others + 1)
    return Shown(sizes, problems)


def _shapes(request: Request, inspections: Inspections, *, training: bool) -> set[Shape]:
    channels = request.network.input.channels
    uses = [use for use in _uses(request) if (use.key == "data") == training]
    return {
        Shape((channels, *size))
        for use in uses
        for size in shown_sizes(request, use, inspections).sizes
    }


def _uses(request: Request) -> Iterator[Use]:
    recipe, network = request.recipe, request.network
    assert recipe
    if request.trains:
        yield Use("training images", "data", recipe.data, ("training",), network)

    test = recipe.data.test
    parts: tuple[Part, ...] = ("test", "held-out") if request.trains else ("test",)
    match request.tests:
        case "1-crop":
            yield Use("test images", "data.test", test, parts, network)
        case "10-crop":
            whole = test.model_copy(update={"crop": None})
            yield Use(
                "test images", "data.test", whole, parts, network, crops=min(network.input.spatial)
            )
        case "multi-scale":
            try:
                larger = convolutional(network)
            except UsageError:  # raised again, and told, by the evaluation itself
                return
            for scale in scales(network):
                view = test.model_copy(update={"resize": scale, "crop": None})
                yield Use("test images", "data.test", view, parts, larger)


def _mistakes(request: Request, use: Use, shown: Shown) -> Iterator[Diagnostic]:
    for key, (problem, path, others) in shown.problems.items():
        yield does_not_suit(request.key(key), problem.why, path, others, problem.help)

    if use.key == "data" and len(shown.sizes) > 1:
        examples = [
            (_text(use.network, size), path)
            for size, path in sorted(shown.sizes.items())[:MOST_EXAMPLES]
        ]
        side = min(use.network.input.spatial)
        test = _and_test(request.recipe.data, side) if request.recipe else ""
        yield mixed_sizes(request.key("data"), examples, len(shown.sizes), side, test)
        return

    told = set[str]()
    for size in sorted(shown.sizes):
        try:
            propagate(use.network, Shape((use.network.input.channels, *size)))
        except DoesNotFit as misfit:
            if misfit.node.span not in told:
                told.add(misfit.node.span)
                layer, transforms = errors.place(misfit.node.span), request.key(use.key)
                images, reads = _text(use.network, size), str(request.network.input)
                yield unreadable_size(layer, transforms, use.images, images, misfit.problem, reads)


def _other_size(use: Use, sizes: Sizes, network: Network, data: DataConfig) -> Iterator[Note]:
    """Say that images are shown in another size than the network's input, where a protocol does not mean to."""
    own = network.input.spatial
    others = [size for size in sorted(sizes) if size != own]
    if not others or use.network is not network:
        return
    many = f" and {len(others) - 1:,} more sizes" if len(others) > 1 else ""
    sizes_are = f"{use.images} are transformed to {_text(network, others[0])}{many}"
    advice = ""
    if use.key == "data.test" and min(own) == max(own) and not data.test.crop:
        advice = f"; to crop them, write `data: {{{_test(data, min(own))}}}`"
    yield Note(f"{sizes_are}; the network's `input` is {network.input}{advice}")


def _and_test(data: DataConfig, side: int) -> str:
    """Return what to write after the transforms of training where test images are not cropped yet."""
    return "" if data.test.crop else f", {_test(data, side)}"


def _test(data: DataConfig, side: int) -> str:
    """Return transforms that give test images one size: the training's own, or a crop of 7/8 as usual."""
    is_same = data.crop == side and isinstance(data.resize, int)
    resize = data.resize if is_same else round(side * 8 / 7)
    return f"test: {{resize: {resize}, crop: {side}}}"


def _check_crops(use: Use, size: Size) -> None:
    if use.crops and use.crops > min(size):
        why = f"ten crops of {use.crops}x{use.crops} pixels do not fit into images of {size[0]}x{size[1]}"
        raise DoesNotSuit("data.test.resize", why, f"`resize: {use.crops}` or more")


def _text(network: Network, size: Size) -> str:
    return str(Shape((network.input.channels, *size)))
