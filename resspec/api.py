"""The public functions of `import resspec`, each with what it takes, returns and raises."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from resspec.diagnostics import UsageError
from resspec.ir.network import Network
from resspec.ir.quantities import Conditions

if TYPE_CHECKING:
    from torch import nn

    from resspec.backends.diff import Diff
    from resspec.backends.draw.picture import Picture
    from resspec.backends.report import Report
    from resspec.importing.imported import Imported
    from resspec.training.evaluate import Evaluation
    from resspec.training.predict import TrainedModel
    from resspec.training.trainer import Result


def report(
    network: Network,
    *,
    at: Conditions | None = None,
    by: Literal["stage", "block", "op"] = "stage",
    memory: int | None = None,
    like: str | None = None,
) -> Report:
    """Return the exact cost of a network and of each of its parts.

    Args:
        network: A network from `load`.
        at: Batch, dtype, optimizer and frozen sections that memory is counted for; by default a
            batch of 1 in float32, trained with momentum.
        by: What a row is: a `stage`, a `block` or an `op`.
        memory: A number of bytes; the largest batch whose training fits in it is found.
        like: A tool whose own total is explained, such as `fvcore`; or several, as `fvcore,thop`
            or `all`.

    Returns:
        The report, with `totals` and `rows`. Printed, it is a table.

    Raises:
        UsageError: An argument has a value that it cannot have.

    Examples:
        >>> report = resspec.report(resspec.load("torchvision/resnet50"))
        >>> report.totals["params"], report.totals["macs"]
        (25557032, 4089184256)
        >>> [row.label for row in report.rows]
        ['stem', 'layer1', 'layer2', 'layer3', 'layer4', 'head']
        >>> large = resspec.Conditions(batch=256, dtype="bfloat16")
        >>> resspec.report(resspec.load("resnet18"), at=large).totals["saved_bytes"]
        2954656256
    """
    from resspec.backends.report import report as report_of

    return report_of(network, at=at or Conditions(), by=by, memory=memory, like=like)


def diff(a: Network, b: Network) -> Diff:
    """Return the difference of two networks: structure, cost, and which weights fit.

    Args:
        a: A network from `load`.
        b: Another one.

    Returns:
        The difference; `same` is true for networks of the same meaning. Printed, it is a table.

    Raises:
        UsageError: An argument is not a network.

    Examples:
        >>> theirs = resspec.load("torchvision/resnet50")
        >>> difference = resspec.diff(resspec.load("resnet50"), theirs)
        >>> difference.same
        False
        >>> difference.b.totals["macs"] - difference.a.totals["macs"]
        231211008
    """
    from resspec.backends.diff import DiffSide
    from resspec.backends.diff import diff as diff_of
    from resspec.backends.report import report as report_of

    _require_network(a)
    _require_network(b)
    return diff_of(DiffSide(report_of(a), a), DiffSide(report_of(b), b))


def draw(
    *networks: Network,
    unfold: bool = False,
    layers: bool = False,
    color_by: Literal["macs", "params", "acts", "saved"] | None = None,
) -> Picture:
    """Draw networks side by side.

    Args:
        *networks: Networks from `load`.
        unfold: Whether repeats are written out.
        layers: Whether norms and activations are drawn too.
        color_by: A quantity that gives layers their colors; by default their output size does.

    Returns:
        The drawing; `save` writes it as SVG or PNG. A notebook shows it.

    Raises:
        UsageError: There is no network, or one has too many layers to be drawn.

    Examples:
        >>> picture = resspec.draw(resspec.load("plain34"), resspec.load("resnet34"))
        >>> picture.svg.startswith("<svg")
        True
    """
    from resspec.backends.draw.picture import picture

    for network in networks:
        _require_network(network)
    return picture(networks, unfold=unfold, layers=layers, color_by=color_by)


def build(network: Network) -> nn.Module:
    """Return a network as a module of PyTorch.

    Parameters have the names of the spec, and initial values by its `init` clauses, on torch's
    default device and in its default dtype. Needs torch.

    Args:
        network: A network from `load`.

    Returns:
        A module from images of shape NxCxHxW to the network's output.

    Raises:
        UsageError: The argument is not a network.

    Examples:
        >>> module = resspec.build(resspec.load("resnet18"))
        >>> module(torch.rand(2, 3, 224, 224)).shape
        torch.Size([2, 1000])
    """
    from resspec.backends.module import build as build_of

    return build_of(network)


def compile(network: Network) -> str:
    """Return a network as Python source that needs torch and nothing else.

    Its module has the same parameter names, the same initial values under the same seed, and
    bitwise the same outputs as that of `build`.

    Args:
        network: A network from `load`.

    Returns:
        The text of a Python file.

    Raises:
        UsageError: The argument is not a network.

    Examples:
        >>> source = resspec.compile(resspec.load("resnet18"))
        >>> "net = resnet18()" in source
        True
    """
    from resspec.backends.source import emit
    from resspec.ir.fingerprint import fingerprint

    _require_network(network)
    return emit(network, fingerprint(network))


def expand(network: Network) -> str:
    """Return a network as a spec with every name, default and block written out.

    Args:
        network: A network from `load`.

    Returns:
        A spec that uses no library, and means the same network.

    Raises:
        UsageError: The argument is not a network.

    Examples:
        >>> text = resspec.expand(resspec.load("resnet18"))
        >>> "maxpool 3x3, /2, padding=1" in text
        True
    """
    from resspec.backends.expand import expand as expand_of

    _require_network(network)
    return expand_of(network)


def import_module(
    module: nn.Module,
    input: int | str | tuple[int, ...],
    *,
    flat: bool = False,
    init: str = "",
    verify: bool = True,
) -> Imported:
    """Return the spec of a PyTorch module, and a proof that both are the same network.

    The module runs once on the meta device, and is left unchanged. Needs torch.

    Args:
        module: A module that takes one tensor of images. Its control flow must not depend on the
            values of tensors.
        input: The size of one image: `224` or `(160, 192)`, with the channels that the first
            convolution takes, or `(3, 224, 224)`; or one of these as a string, `"160x192"`.
        flat: Whether to write out every block, as `expand` does.
        init: The initialization to add, such as `"kaiming_normal"`; a module does not contain it.
        verify: Whether to compare outputs and gradients, with the same random parameters.

    Returns:
        The import, with `text`, `network` and `proof`. It prints as the text.

    Raises:
        SpecError: The initialization has mistakes.
        UsageError: The module cannot be written as a spec; the message gives every reason.

    Examples:
        >>> net = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.ReLU())
        >>> found = resspec.import_module(net, 32)
        >>> found.proof.is_bitwise
        True
        >>> resspec.report(found.network).totals["macs"]
        194400
    """
    from resspec.importing.imported import ImportOptions, import_object
    from resspec.importing.values import sizes

    options = ImportOptions(sizes(input), flat=flat, init=init, verifies=verify)
    return import_object(module, options)


def train(
    network: Network,
    *,
    run: str | Path,
    data: str = "digits",
    recipe: str | None = None,
    settings: Mapping[str, object] | None = None,
    seed: int = 0,
    workers: int = 0,
    device: str | None = None,
    download: bool = False,
) -> Result:
    """Train a network in a run folder, or resume its training there.

    The same call resumes after any interruption, and ends with the same weights, bit for bit. It
    prints nothing; the command `resspec train` shows progress and trains in several processes too.
    Needs `resspec[torch]`.

    Args:
        network: A network from `load`.
        run: The folder of the run. It keeps checkpoints, metrics, curves and weights.
        data: The name of a data set, or a folder of images.
        recipe: The name of a recipe, or a YAML file; by default the recipe with the name of the
            data set.
        settings: Values for keys of the recipe, by their names.
        seed: The seed of initial weights and of the order of images.
        workers: DataLoader workers for a folder of images.
        device: `cpu` or `cuda`; by default a GPU if there is one.
        download: Whether to download a missing data set.

    Returns:
        The result: `accuracy` on the test images, all `facts` of `result.json`, and the `run`
        folder.

    Raises:
        SpecError: The recipe has mistakes, or does not fit the network or the images.
        UsageError: The data set, the folder or the device cannot be used.

    Examples:
        >>> network = resspec.load("digits")
        >>> result = resspec.train(network, run="runs/short", settings={"epochs": "2"})
        >>> result.accuracy > 0.5
        True
    """
    from resspec.training.python import job_of, train_job

    _require_network(network)
    job = job_of(
        network,
        dataset=data,
        recipe=recipe or data,
        settings=settings or {},
        seed=seed,
        workers=workers,
        download=download,
    )
    return train_job(job, Path(run), device)


def evaluate(
    run: str | Path,
    *,
    data: str | None = None,
    protocol: Literal["1-crop", "10-crop", "multi-scale"] = "1-crop",
    batch_size: int = 64,
    workers: int = 0,
    device: str | None = None,
) -> Evaluation:
    """Evaluate the trained network of a run folder on test images.

    Args:
        run: The folder of a finished run.
        data: The name of a data set, or a folder of images; by default the run's own.
        protocol: One look at each image, ten crops, or five sizes.
        batch_size: Images at a time.
        workers: DataLoader workers for a folder of images.
        device: `cpu` or `cuda`; by default a GPU if there is one.

    Returns:
        The evaluation: `top1_error`, `top5_error`, `loss`, and the `confusion` matrix.

    Raises:
        UsageError: The run is not finished or is damaged, or the data set cannot be used.

    Examples:
        >>> network = resspec.load("digits")
        >>> result = resspec.train(network, run="runs/short", settings={"epochs": "1"})
        >>> evaluation = resspec.evaluate("runs/short")
        >>> evaluation.correct == result.facts["correct"]
        True
    """
    from resspec.training.python import evaluate_run

    return evaluate_run(
        Path(run),
        dataset=data,
        protocol=protocol,
        batch_size=batch_size,
        workers=workers,
        device=device,
    )


def open_run(path: str | Path, *, device: str | None = None) -> TrainedModel:
    """Return the trained network of a run, with its transform and its classes.

    Args:
        path: The folder of a run, or a `weights.safetensors` that a run wrote.
        device: Where the model predicts, such as `cuda`; by default the CPU.

    Returns:
        The network: `model` is its torch module in eval mode, `transform` turns an image file into
        its input, `classes` are the names of its scores, and `predict` does all of it.

    Raises:
        UsageError: There is no run, it is damaged, or it has no weights yet.

    Examples:
        >>> network = resspec.load("digits")
        >>> result = resspec.train(network, run="runs/short", settings={"epochs": "1"})
        >>> trained = resspec.open_run("runs/short")
        >>> trained.classes[:3], trained.model.training
        (('0', '1', '2'), False)
    """
    from resspec.training.predict import opened

    found = opened(Path(path))
    found.model.to(device or "cpu")
    return found


def _require_network(given: object) -> None:
    """Check that an argument is a network. Raises UsageError."""
    if not isinstance(given, Network):
        raise UsageError(f"this is not a network from resspec.load: {given!r:.80}")
