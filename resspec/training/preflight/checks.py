"""The checks of a request's own values."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from resspec.backends.module import build
from resspec.diagnostics import Diagnostic, UsageError
from resspec.ir.quantities import Conditions
from resspec.passes.quantities import Facts
from resspec.source import Label, Span
from resspec.training import errors
from resspec.training.distributed.share import share
from resspec.training.machine import decide, memory
from resspec.training.preflight.errors import damaged_image, nothing_trained, unknown_section
from resspec.training.preflight.images import Inspections, Part
from resspec.training.preflight.norms import least_images
from resspec.training.preflight.request import Note, Request

MAX_FILES = 20  # damaged files that are named one by one


def classes(request: Request, _: Inspections) -> Iterator[Diagnostic]:
    """Compare the network's output with the classes of the data."""
    if request.data:
        yield from errors.other_classes(request.network, request.data)


def weights(request: Request, _: Inspections) -> Iterator[Diagnostic | Note]:
    """Compare the tensors of a file of weights with those of the network."""
    if not request.weights:
        return
    try:
        with torch.random.fork_rng(devices=[]):
            sentences = request.weights.fitting(build(request.network), new_head=True)[1]
    except UsageError as error:
        yield _located(error, Span.of_file(request.weights.path))
    else:
        yield from map(Note, sentences)


def sections(request: Request, _: Inspections) -> Iterator[Diagnostic]:
    """Check that the network has the sections that the recipe names, and that some are trained."""
    recipe, network = request.recipe, request.network
    if not request.trains or not recipe:
        return
    labels = [section.label for section in network.sections]
    frozen = recipe.freeze.sections if recipe.freeze else ()
    named = [(request.value("freeze", "sections", i), label) for i, label in enumerate(frozen)]
    named += [(request.name("lr_scale", label), label) for label in recipe.lr_scale or ()]
    for place, label in named:
        if label not in labels:
            yield unknown_section(place, label, network.name, labels)

    if frozen and not Facts(network, Conditions(frozen=frozenset(frozen))).total("trainable"):
        yield nothing_trained(request.value("freeze"), network.name)


def held_out(request: Request, _: Inspections) -> Iterator[Diagnostic]:
    """Check that the held-out share is at least one image."""
    recipe, data = request.recipe, request.data
    if (
        not request.trains
        or not recipe
        or not data
        or not recipe.holdout
        or len(request.kept_apart)
    ):
        return
    why = f"`holdout: {recipe.holdout:g}` of {len(data.train):,} images is less than one image"
    least = f"{1 / len(data.train):.2g}"
    yield errors.wrong_value(
        request.key("holdout"), why, f"use a larger share, such as `holdout: {least}`"
    )


def batch(request: Request, inspections: Inspections) -> Iterator[Diagnostic | Note]:
    """Check that the batch divides over the processes, and a part of it fits into memory."""
    recipe = request.recipe
    if not request.trains or not recipe:
        return
    try:
        share(recipe, request.processes.world)
        if recipe.micro_batch_size == "auto":
            least = least_images(request, inspections)
            decide.micro_batch_size(request.network, recipe, request.processes, least)
    except UsageError as error:
        yield _located(error, request.key("batch_size"))

    if recipe.micro_batch_size == "auto" and memory(request.processes.device) is None:
        yield Note(
            "this system does not report free memory, so the whole batch is computed at once; "
            "set `micro_batch_size` in the recipe to use less memory"
        )

    images = len(request.trained_on)
    if recipe.batch_size > images:
        larger = f"a batch of {recipe.batch_size:,} is larger than the {images:,} training images"
        yield Note(f"{larger}: some appear several times")


def images(request: Request, inspections: Inspections) -> Iterator[Diagnostic | Note]:
    """Name every file that is damaged."""
    if not request.data:
        return
    yield from (Note(text) for text in request.data.notes)
    for part in _parts(request):
        damaged = inspections.of(request, part).damaged
        for path, why in damaged[:MAX_FILES]:
            yield damaged_image(path, part, why)
        if len(damaged) > MAX_FILES:
            yield Note(f"{len(damaged) - MAX_FILES:,} more {part} images are damaged")


def _parts(request: Request) -> Iterator[Part]:
    if request.trains:
        yield "training"
        yield "held-out"
    if request.tests:
        yield "test"


def _located(error: UsageError, place: Span) -> Diagnostic:
    """Return an error without a place as a diagnostic at one."""
    assert error.code
    message, *more = str(error).split("\n")
    problem, _, help = message.partition("; ")
    notes = ("\n".join(more),) if more else ()
    return Diagnostic(
        error.code, problem, (Label(place),), help or None, notes, remedy=error.remedy
    )
