"""Check that no norm sees a single value, which torch refuses to normalize."""

from __future__ import annotations

from collections.abc import Iterator

from resspec.diagnostics import Diagnostic, UsageError
from resspec.ir.ops.norm import BatchNorm
from resspec.ir.shape import Shape
from resspec.passes.propagate import DoesNotFit, Reached, propagate, single_values
from resspec.training import errors
from resspec.training.distributed.share import share
from resspec.training.preflight.errors import single_value
from resspec.training.preflight.images import Inspections
from resspec.training.preflight.request import Request
from resspec.training.preflight.sizes import test_shapes, training_shapes


def norms(request: Request, inspections: Inspections) -> Iterator[Diagnostic]:
    """Report norms that see one value per channel of an image, and one image at a time."""
    if request.learns:
        for norm in _single_value_norms(
            request, training_shapes(request, inspections), training=True
        ):
            images, key = _images_of(request, norm)
            if images == 1:
                yield _diagnostic(request, norm, "one image at a time in training", key)
    if request.tests:
        for norm in _single_value_norms(request, test_shapes(request, inspections), training=False):
            if _tests_one_image(request):
                yield _diagnostic(
                    request, norm, "the last batch of a test is one image", "data.test"
                )


def least_images(request: Request, inspections: Inspections) -> int:
    """Return the least images of a forward pass in training: 2 if a norm sees one value of each."""
    shapes = training_shapes(request, inspections)
    return 2 if any(True for _ in _single_value_norms(request, shapes, training=True)) else 1


def _single_value_norms(
    request: Request, shapes: set[Shape], *, training: bool
) -> Iterator[Reached]:
    seen = set[str]()
    for shape in sorted(shapes):
        try:
            reached = propagate(request.network, shape)
        except DoesNotFit:  # reported by another check
            continue
        for norm in single_values(reached, training=training):
            if norm.located.span not in seen:
                seen.add(norm.located.span)
                yield norm


def _images_of(request: Request, norm: Reached) -> tuple[int, str]:
    """Return how many images a norm sees at a time in training, and the recipe's key for that."""
    recipe = request.recipe
    if not recipe:
        return request.batch, ""
    if recipe.bn_batch_size and isinstance(norm.op.layer, BatchNorm):
        return recipe.bn_batch_size, "bn_batch_size"
    if recipe.micro_batch_size != "auto":
        return recipe.micro_batch_size, "micro_batch_size"
    try:
        return share(recipe, request.processes.world), "batch_size"
    except UsageError:  # reported by another check
        return 0, ""


def _tests_one_image(request: Request) -> bool:
    """Return whether a test can have a batch of one image.

    Images of different sizes that are not cropped are grouped by size.
    """
    assert request.data and request.recipe
    whole = request.tests != "1-crop" or not request.recipe.data.test.crop
    world = request.processes.world
    shares = {len(range(rank, len(request.data.test), world)) for rank in range(world)}
    return (whole and 0 in request.data.shape) or any(
        count % request.batch == 1 for count in shares
    )


def _diagnostic(request: Request, norm: Reached, images: str, key: str) -> Diagnostic:
    place = request.key(key) if key and request.recipe else None
    return single_value(errors.place(norm.located.span), place, str(norm.input), images)
