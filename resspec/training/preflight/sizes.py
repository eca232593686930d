"""Check that the network can read every size that the transforms give, in training and in tests."""

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
from resspec.training.data.dataset import Transform
from resspec.training.data.output_sizes import Size, UnsuitableSize, output_sizes
from resspec.training.evaluate import scales
from resspec.training.preflight.errors import mixed_sizes, unreadable_size, unsuitable_size
from resspec.training.preflight.images import Inspections, Part
from resspec.training.preflight.request import Note, Request
from resspec.training.recipes.images import DataConfig

MAX_EXAMPLES = 3  # sizes that are named

Sizes = Mapping[Size, Path]  # each with the first image that has it


@dataclass(frozen=True)
class ImageUse:
    """One way in which the network reads images: in training, or at one scale of a test.

    Attributes:
        images: The images in messages: `training images`.
        key: The section of the recipe with their transforms.
        transform: Their transforms.
        parts: The parts of the data set that are read.
        network: The network, with a convolutional head in a test at several scales.
        crops: The side of the crops of a protocol, if it takes any.
    """

    images: str
    key: str
    transform: Transform
    parts: tuple[Part, ...]
    network: Network
    crops: int | None = None


@dataclass(frozen=True)
class InputSizes:
    """The sizes in which images reach the network, and the transforms that do not fit.

    Attributes:
        sizes: All sizes.
        problems: For each key of the recipe what is wrong with it, the first image, and how many
            other sizes have the problem too.
    """

    sizes: Sizes
    problems: Mapping[str, tuple[UnsuitableSize, Path, int]]


def sizes(request: Request, inspections: Inspections) -> Iterator[Diagnostic | Note]:
    """Run every size that can occur through the shapes of the network."""
    data, network, recipe = request.data, request.network, request.recipe
    if not data or not recipe:
        return
    place, reads = errors.place(network.span), str(network.input)
    if not network.input.is_image or network.input.channels != data.shape[0]:
        stored = "x".join(str(side) if side else "?" for side in data.shape)
        yield errors.wrong_images(place, reads, data.name, stored)
        return

    found_errors = False
    known = set[Size]()
    notes: list[Note] = []
    for use in _uses(request):
        reached = input_sizes(request, use, inspections)
        known |= reached.sizes.keys()
        for error in _errors(request, use, reached):
            found_errors = True
            yield error
        notes += _other_size(use, reached.sizes, network, recipe.data)
    if found_errors:
        return

    own = network.input.spatial
    if request.trains and known and own not in known:
        side = min(own)
        transforms = f"random_resized_crop: {{size: {side}}}{_and_test(recipe.data, side)}"
        instead = f", or transforms that give {reads}: `data: {{{transforms}}}`"
        yield errors.wrong_images(place, reads, data.name, _text(network, min(known)), instead)
    else:
        yield from notes


def training_shapes(request: Request, inspections: Inspections) -> set[Shape]:
    """Return the shapes that the network reads in training."""
    if not request.trains:
        return {request.network.input}
    return _shapes(request, inspections, training=True)


def test_shapes(request: Request, inspections: Inspections) -> set[Shape]:
    """Return the shapes that the network reads in a test."""
    return _shapes(request, inspections, training=False)


def input_sizes(request: Request, use: ImageUse, inspections: Inspections) -> InputSizes:
    """Return the sizes in which one use of images reaches the network."""
    assert request.data
    keeps_size = 0 not in request.data.shape
    found: dict[Size, Path] = {}
    problems: dict[str, tuple[UnsuitableSize, Path, int]] = {}
    for part in use.parts:
        for stored, path in inspections.of(request, part).sizes.items():
            try:
                for size in output_sizes(use.transform, stored, keeps_size=keeps_size):
                    found.setdefault(_crop_size(use, size), path)
            except UnsuitableSize as problem:
                first, its_path, others = problems.get(problem.key, (problem, path, -1))
                problems[problem.key] = (first, its_path, others + 1)
    return InputSizes(found, problems)


def _shapes(request: Request, inspections: Inspections, *, training: bool) -> set[Shape]:
    if not request.data or not request.recipe:
        return {request.network.input}
    channels = request.network.input.channels
    uses = [use for use in _uses(request) if (use.key == "data") == training]
    return {
        Shape((channels, *size))
        for use in uses
        for size in input_sizes(request, use, inspections).sizes
    }


def _uses(request: Request) -> Iterator[ImageUse]:
    recipe, network = request.recipe, request.network
    assert recipe
    if request.trains:
        yield ImageUse("training images", "data", recipe.data, ("training",), network)

    test = recipe.data.test
    parts: tuple[Part, ...] = ("test", "held-out") if request.trains else ("test",)
    match request.tests:
        case "1-crop":
            yield ImageUse("test images", "data.test", test, parts, network)
        case "10-crop":
            whole = test.model_copy(update={"crop": None})
            side = min(network.input.spatial)
            yield ImageUse("test images", "data.test", whole, parts, network, crops=side)
        case "multi-scale":
            try:
                any_size = convolutional(network)
            except UsageError:  # which the evaluation itself reports
                return
            for scale in scales(network):
                scaled = test.model_copy(update={"resize": scale, "crop": None})
                yield ImageUse("test images", "data.test", scaled, parts, any_size)


def _errors(request: Request, use: ImageUse, reached: InputSizes) -> Iterator[Diagnostic]:
    assert request.recipe
    for key, (problem, path, others) in reached.problems.items():
        yield unsuitable_size(request.key(key), problem.why, path, others, problem.help)

    if use.key == "data" and len(reached.sizes) > 1:
        first = sorted(reached.sizes.items())[:MAX_EXAMPLES]
        examples = [(_text(use.network, size), path) for size, path in first]
        side = min(use.network.input.spatial)
        test = _and_test(request.recipe.data, side)
        yield mixed_sizes(request.key("data"), examples, len(reached.sizes), side, test)
        return

    reported = set[str]()
    for size in sorted(reached.sizes):
        shape = Shape((use.network.input.channels, *size))
        try:
            propagate(use.network, shape)
        except DoesNotFit as misfit:
            if misfit.node.span in reported:
                continue
            reported.add(misfit.node.span)
            layer, transforms = errors.place(misfit.node.span), request.key(use.key)
            reads = str(request.network.input)
            yield unreadable_size(layer, transforms, use.images, str(shape), misfit.problem, reads)


def _other_size(use: ImageUse, sizes: Sizes, network: Network, data: DataConfig) -> Iterator[Note]:
    """Note that images reach the network in another size than its input, unless that is meant."""
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
    """Return what to add to the transforms where test images are not cropped yet."""
    return "" if data.test.crop else f", {_test(data, side)}"


def _test(data: DataConfig, side: int) -> str:
    """Return transforms that crop test images: as in training, or from 8/7 of the size."""
    is_same = data.crop == side and isinstance(data.resize, int)
    resize = data.resize if is_same else round(side * 8 / 7)
    return f"test: {{resize: {resize}, crop: {side}}}"


def _crop_size(use: ImageUse, size: Size) -> Size:
    """Return the size of a protocol's crops, or of the whole image."""
    if not use.crops:
        return size
    crop = f"{use.crops}x{use.crops}"
    if use.crops > min(size):
        why = f"ten crops of {crop} pixels do not fit into images of {size[0]}x{size[1]}"
        raise UnsuitableSize("data.test.resize", why, f"`resize: {use.crops}` or more")
    return use.crops, use.crops


def _text(network: Network, size: Size) -> str:
    return str(Shape((network.input.channels, *size)))
