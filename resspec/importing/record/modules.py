"""Python networks by their source: `torchvision:resnet50`, `timm:convnext_tiny`,
`py:package.module:callable`, `net.py:Net`.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import nn
from torch.nn.parameter import UninitializedParameter
from torch.overrides import TorchFunctionMode

from resspec.diagnostics import UsageError
from resspec.ir.shape import Shape
from resspec.suggest import did_you_mean

# Functions that create parameters and buffers. Constructors read the values of other tensors.
_FACTORIES = frozenset({"empty", "zeros", "ones", "full", "rand", "randn"})
# Functions that fill them. On meta there is nothing to fill, which takes torch long to find out.
_FILLS = frozenset(
    """
    clamp_ constant_ erfinv_ fill_ kaiming_normal_ kaiming_uniform_ normal_ ones_ trunc_normal_
    uniform_ xavier_normal_ xavier_uniform_ zero_ zeros_
    """.split()
)
_SIDE = 224

# Classifiers of torchvision with further heads that run in training only; they are left out
WITH_HEADS_FOR_TRAINING = frozenset({"googlenet", "inception_v3"})


@dataclass(frozen=True, slots=True)
class Loaded:
    """A module, made from its source.

    Attributes:
        module: The module.
        name: The network's name, `resnet50` or `Net`.
        shape: The shape of a sample that it is made for.
    """

    module: nn.Module
    name: str
    shape: Shape


def module_of(source: str, arguments: Mapping[str, Any], *, on_meta: bool = True) -> Loaded:
    """Return a Python network. This runs its code.

    Args:
        source: Its source: `torchvision:NAME`, `timm:NAME`, `py:package.module:callable`, or
            `path/net.py:Net`.
        arguments: The arguments of its constructor, by name.
        on_meta: Whether its tensors have sizes only, which takes less time and no memory.

    Raises:
        UsageError: There is no such network, or its constructor fails.
    """
    kind, _, rest = source.partition(":")
    match kind:
        case "torchvision":
            make: Callable[..., Any] = _torchvision(rest)
        case "timm":
            make = _timm(rest)
        case "py":
            make = _importable(source, rest)
        case _:
            make = _in_file(source)
    module = _made(source, make, arguments, on_meta)
    name = source.rpartition(":")[2]
    return Loaded(module, name, _shape(kind, name, module, arguments))


def _made(
    source: str, make: Callable[..., Any], arguments: Mapping[str, Any], on_meta: bool
) -> nn.Module:
    try:
        with _OnMeta() if on_meta else nullcontext():
            module = make(**arguments)
    except (Exception, SystemExit) as error:
        if on_meta:
            return _made(source, make, arguments, on_meta=False)  # it computes with its tensors
        raise UsageError(f"`{source}` cannot be made: {type(error).__name__}: {error}") from error
    if not isinstance(module, nn.Module):
        raise UsageError(f"`{source}` makes a {type(module).__name__}, which is not a torch module")
    if any(isinstance(each, UninitializedParameter) for each in module.parameters()):
        raise UsageError(f"`{source}` has lazy layers: give them the number of their inputs")
    return module


class _OnMeta(TorchFunctionMode):
    """A mode that creates parameters and buffers on the meta device if no device is given."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        given = kwargs or {}
        if func.__name__ in _FACTORIES and given.get("device") is None:
            return func(*args, **given | {"device": "meta"})
        if func.__name__ in _FILLS and args and args[0].is_meta:
            return args[0]
        return func(*args, **given)


# --- where they are ---


def _torchvision(name: str) -> Callable[..., nn.Module]:
    models = _package("torchvision").models
    names = models.list_models()
    if name not in names:
        raise UsageError(f"torchvision has no model `{name}`{did_you_mean(name, names)}")
    builder = models.get_model_builder(name)
    without_weights: dict[str, Any] = {
        word: None
        for word in ("weights", "weights_backbone")
        if word in inspect.signature(builder).parameters
    }
    if name in WITH_HEADS_FOR_TRAINING:
        without_weights["aux_logits"] = False
    return lambda **arguments: builder(**without_weights | arguments)


def _timm(name: str) -> Callable[..., nn.Module]:
    timm = _package("timm")
    if not timm.is_model(name):
        raise UsageError(f"timm has no model `{name}`{did_you_mean(name, timm.list_models())}")
    return lambda **arguments: timm.create_model(name, **{"pretrained": False} | arguments)


def _package(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise UsageError(f"{name} is not installed: `pip install {name}`") from error


def _importable(source: str, rest: str) -> Callable[..., Any]:
    package, _, name = rest.partition(":")
    if not package or not name:
        raise UsageError(f"`{source}` does not name a callable: write `py:package.module:Net`")
    with _found_in(Path.cwd()):
        try:
            module = importlib.import_module(package)
        except Exception as error:
            raise UsageError(f"`{package}` cannot be imported: {error}") from error
    return _callable(module, source, name)


def _file_and_name(source: str) -> tuple[str, str] | None:
    path, _, name = source.rpartition(":")
    return (path, name) if path.endswith(".py") and name.isidentifier() else None


def _in_file(source: str) -> Callable[..., Any]:
    found = _file_and_name(source)
    if found is None:
        raise UsageError(f"`{source}` does not name a network: write `net.py:Net`")
    path, name = found
    if not Path(path).is_file():
        raise UsageError(f"there is no file `{path}`")
    word = Path(path).stem
    spec = importlib.util.spec_from_file_location(word, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[word] = module  # dataclasses look there for annotations
    with _found_in(Path(path).resolve().parent):
        try:
            spec.loader.exec_module(module)
        except (Exception, SystemExit) as error:
            reason = f"{type(error).__name__}: {error}"
            raise UsageError(f"`{path}` cannot be imported: {reason}") from error
    return _callable(module, source, name)


@contextmanager
def _found_in(folder: Path) -> Iterator[None]:
    """Make the modules of a folder importable."""
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))


def _callable(module: ModuleType, source: str, name: str) -> Callable[..., Any]:
    made = getattr(module, name, None)
    if isinstance(made, nn.Module):
        return lambda: deepcopy(made)  # recording moves it to the meta device
    if not callable(made):
        raise UsageError(f"`{source}` does not name a callable{did_you_mean(name, vars(module))}")
    return made  # type: ignore[no-any-return]


# --- the input that they are made for ---


def _shape(kind: str, name: str, module: nn.Module, arguments: Mapping[str, Any]) -> Shape:
    if kind == "timm":
        channels, height, width = module.pretrained_cfg["input_size"]  # type: ignore[index]
        return Shape((arguments.get("in_chans", channels), height, width))
    side = _torchvision_side(name) if kind == "torchvision" else _SIDE
    return Shape((channels_of(module), side, side))


def channels_of(module: nn.Module) -> int:
    """Return the channels that the first convolution of a module reads."""
    convolutions = (each for each in module.modules() if isinstance(each, nn.Conv2d))
    first = next(convolutions, None)
    return 3 if first is None else first.in_channels


def _torchvision_side(name: str) -> int:
    weights = _package("torchvision").models.get_model_weights(name)
    transforms = next(iter(weights)).transforms
    side = getattr(transforms, "keywords", {}).get("crop_size", _SIDE)
    return int(side)
