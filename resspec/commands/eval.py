"""`resspec eval`: the errors of a network on test images, next to published ones."""

from __future__ import annotations

import gc
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from resspec.commands import given, numbers
from resspec.commands.installed import torch_installed
from resspec.commands.terminal import note, wrote
from resspec.diagnostics import UsageError
from resspec.training.names import CIFAR_10, CIFAR_100, IMAGENET

if TYPE_CHECKING:
    from torch import Tensor

    from resspec.ir.network import Network
    from resspec.ir.shape import Shape
    from resspec.training.distributed.processes import Processes
    from resspec.training.evaluate import Evaluation, Protocol
    from resspec.training.recipe import Recipe
    from resspec.training.weights import LoadedWeights

SUMMARY = "evaluate a network on test images, next to published results"
EXAMPLES = """\
  resspec eval runs/digits             a run, finished or not
  resspec eval torchvision/resnet50 --weights resnet50.pth --data imagenet
  resspec eval resnet50 --weights he.pth --data /data/imagenet
      --recipe imagenet-he2015 --protocol 10-crop --workers 4
  resspec eval runs/a --confusion figures    confusion.csv, .png and .svg

Protocols: 1-crop, the test transform of the recipe, such as a center crop;
10-crop, four corners and the center with their mirror images; multi-scale,
the whole image at five sizes with the head made convolutional. Scores are
averaged; each image counts once.
"""


def arguments(parser: ArgumentParser) -> None:
    given.takes_spec(parser)
    parser.add_argument(
        "--weights", type=Path, metavar="FILE", help="the weights of SPEC: .safetensors, or .pth"
    )
    given.takes_data(parser, None, "the run's own")
    parser.add_argument(
        "--recipe",
        metavar="NAME",
        help="how to preprocess images (the run's own, or the data set's)",
    )
    parser.add_argument(
        "--protocol",
        choices=("1-crop", "10-crop", "multi-scale"),
        default="1-crop",
        help="(1-crop)",
    )
    parser.add_argument(
        "--batch-size", type=numbers.batch, default=64, metavar="N", help="images at a time (64)"
    )
    given.takes_workers(parser)
    given.takes_download(parser)
    given.takes_device(parser)
    parser.add_argument(
        "--bf16", action="store_true", help="compute in bfloat16 where that is safe (float32)"
    )
    parser.add_argument(
        "--confusion", type=Path, metavar="DIR", help="write the confusion matrix into this folder"
    )


class EvalTarget(NamedTuple):
    """A network to evaluate, with its weights, data and preprocessing.

    Attributes:
        recipe_name: None for a recipe that does not ship with resspec.
        digest: Of the test images that a run was tested with; None for a spec.
        classes: The classes that the network was trained on, where they are known.
        preprocessing: The preprocessing of its training images, where that is known.
        unfinished: Which weights these are, where the run has not finished.
    """

    network: Network
    weights: dict[str, Tensor]
    recipe: Recipe
    recipe_name: str | None
    data: str
    digest: str | None
    classes: list[str] | None
    preprocessing: Mapping[str, Any] | None
    unfinished: str | None = None


def run(arguments: Namespace) -> int:
    gc.enable()
    with torch_installed("eval"):
        from resspec.training.distributed import processes

        with processes.joined(arguments.device) as together:
            _evaluate(arguments, together)
    return 0


def _evaluate(arguments: Namespace, together: Processes) -> None:
    """Raises SpecError, UsageError."""
    from resspec.ir.fingerprint import fingerprint
    from resspec.training import classes, data, preflight
    from resspec.training.evaluate import EvalConfig, evaluate
    from resspec.training.output.curves import draw_confusion
    from resspec.training.output.progress import counting
    from resspec.training.weights.preprocessing import normalized_as

    target = _target(arguments)
    if target.unfinished and together.is_main:
        note(target.unfinished)
    images = target.recipe.data
    found = data.load(
        target.data,
        normalize=images.normalize,
        exif=images.exif,
        channels=target.network.input.channels,
        download=arguments.download,
    )
    if target.classes is not None:
        classes.check_same(
            target.classes,
            found.classes,
            whose=str(arguments.weights or arguments.spec),
            data=found.name,
        )
    if target.digest is not None and target.digest != found.test.digest and not arguments.data:
        changed = (
            f"the test images of `{found.name}` have changed since {arguments.spec} was tested"
        )
        raise UsageError(f"{changed}; pass --data to evaluate it on the current ones", "E0621")
    if target.preprocessing is not None:
        found = normalized_as(target.preprocessing, found)

    request = preflight.Request(
        network=target.network,
        processes=together,
        data=found,
        recipe=target.recipe,
        tests=arguments.protocol,
        batch=arguments.batch_size,
        facts={
            "hash": fingerprint(target.network),
            "data": found.test.digest,
            "protocol": arguments.protocol,
            "recipe": target.recipe.model_dump(mode="json"),
        },
        folder=arguments.confusion,
    )
    bar = counting if together.is_main else preflight.silent
    inspections = preflight.require([request], tell=note, bar=bar)
    shapes = preflight.test_shapes(request, inspections)
    other = _other_size(target.network, shapes, arguments.protocol)
    if other and target.preprocessing is None and not arguments.recipe:
        raise UsageError(f"{other}: pass --recipe to say how to preprocess them")

    config = EvalConfig(
        found.test,
        images.test,
        arguments.protocol,
        arguments.batch_size,
        arguments.workers,
        "bf16" if arguments.bf16 else "fp32",
    )
    measured = evaluate(target.network, target.weights, config, together)
    if together.is_main:
        how = f"{arguments.protocol}: {_described(arguments.protocol, target.recipe)}"
        print(f"{target.network.name} on {found.name}, {how}")
        print(
            figures(target.network, found.name, arguments.protocol, measured, target.recipe_name),
            end="",
        )
        if arguments.confusion:
            paths = draw_confusion(measured.confusion, found.classes, arguments.confusion)
            wrote(paths)


def _other_size(network: Network, shapes: set[Shape], protocol: Protocol) -> str | None:
    """Return a message where all images have another size than the network's input."""
    if protocol == "multi-scale" or len(shapes) != 1 or network.input in shapes:
        return None
    (shape,) = shapes
    return f"the recipe makes images of {shape}, but the input of {network.name} is {network.input}"


def figures(
    network: Network, data: str, protocol: Protocol, measured: Evaluation, recipe: str | None
) -> str:
    """Return the errors in percent, above the published ones of the same network and protocol."""
    from resspec.training.published import published

    has_top5 = network.output.elements > 5

    def row(name: str, top1: str, top5: str, more: str) -> str:
        columns = [f"{name:<9}", f"{top1:>11}", *([f"{top5:>11}"] * has_top5), more]
        return "  ".join(columns).rstrip()

    wrong = measured.total - measured.correct
    counted = f"{wrong:,} of {measured.total:,} wrong, loss {measured.loss:.4f}"
    rows = [
        row("", "top-1 error", "top-5 error", ""),
        row("measured", f"{measured.top1_error:.2%}", f"{measured.top5_error:.2%}", counted),
    ]
    for figure in published(network, protocol, data, recipe):
        top5 = "" if figure.top5 is None else f"{figure.top5:.2f}%"
        source = f"{figure.source}; recipe {figure.recipe}"
        rows.append(row("published", f"{figure.top1:.2f}%", top5, source))
    return "".join(line + "\n" for line in rows)


def _described(protocol: Protocol, recipe: Recipe) -> str:
    """Return how a protocol shows test images to the network."""
    from resspec.training.evaluate import PROTOCOLS

    if protocol != "1-crop":
        return PROTOCOLS[protocol]
    transform = recipe.data.test
    steps = []
    if transform.resize:
        steps.append(f"shorter side resized to {transform.resize}")
    if transform.crop:
        steps.append(f"center crop of {transform.crop}")
    return ", ".join(steps) or "each image as it is stored"


def _target(arguments: Namespace) -> EvalTarget:
    """Raises SpecError, UsageError."""
    from resspec import opening
    from resspec.training.run import record

    folder = Path(arguments.spec)
    if record.is_run(folder):
        return _from_run(arguments)
    try:
        if not opening.is_imported(arguments.spec):
            opening.locate(arguments.spec)
    except UsageError as nowhere:
        message = f"{arguments.spec or folder} is not a run folder{record.runs_near(folder)}"
        raise UsageError(f"{message}; and {nowhere}") from None
    return _from_spec(arguments)


def _from_run(arguments: Namespace) -> EvalTarget:
    """Raises UsageError for a damaged run, or an unfinished one without a checkpoint."""
    from resspec.training import recipe_file
    from resspec.training.run import ended

    folder = Path(arguments.spec)
    if arguments.set or arguments.input:
        flag = "--set" if arguments.set else "--input"
        raise UsageError(f"{flag} applies to specs; the network in {folder} is fixed")
    run = ended.load(folder, arguments.weights, unfinished=True)
    facts = run.facts
    data = arguments.data or ended.data_of(folder, facts)
    recipe = recipe_file.load(arguments.recipe) if arguments.recipe else run.tested.recipe
    name = next((name for name in recipe_file.names() if recipe_file.load(name) == recipe), "")
    weights, classes = _fitting(run.weights, run.network), facts["data"]["classes"]
    target = EvalTarget(
        run.network, weights, recipe, name, data, run.tested.images, classes, facts["preprocessing"]
    )
    if run.step is None:
        return target
    of_step = f"these are the weights of step {run.step:,} of {facts['steps']:,}"
    return target._replace(unfinished=f"{folder} is unfinished: {of_step}")


def _from_spec(arguments: Namespace) -> EvalTarget:
    """Raises SpecError, UsageError."""
    from resspec.training import recipe_file, weights
    from resspec.training.weights import metadata
    from resspec.training.weights.preprocessing import shown_as

    network = given.load(arguments)
    if not arguments.weights or not arguments.data:
        needs = "to evaluate a spec, pass --weights FILE and --data NAME"
        raise UsageError(f"{needs}; the folder of a finished run needs neither")
    read = weights.read(arguments.weights)
    classes, preprocessing = metadata.classes(read), metadata.preprocessing_of(read)
    known = {
        IMAGENET: "imagenet-torchvision-v1",
        CIFAR_10: "cifar-he2015",
        CIFAR_100: "cifar-he2015",
    }
    name = arguments.recipe or known.get(arguments.data, arguments.data)
    if not arguments.recipe and name not in recipe_file.names():
        name = known[IMAGENET]
    recipe = recipe_file.load(name)
    if preprocessing and not arguments.recipe:
        recipe = shown_as(preprocessing, recipe)
    return EvalTarget(
        network,
        _fitting(read, network),
        recipe,
        arguments.recipe if arguments.recipe in recipe_file.names() else None,
        arguments.data,
        None,
        classes,
        preprocessing,
    )


def _fitting(weights: LoadedWeights, network: Network) -> dict[str, Tensor]:
    """Return weights for a network. Raises UsageError with all that does not fit."""
    from resspec.backends.module import build

    module = build(network)
    for sentence in weights.into(module):
        note(sentence)
    return module.state_dict()
