"""One run of a module on the meta device, where tensors have sizes but no numbers."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from resspec.collector import paused
from resspec.importing.errors import Unimportable, depends_on_values, fails, unregistered
from resspec.importing.graph import ModulePath
from resspec.importing.trace import BATCH, Called, Trace, Value, Weight
from resspec.ir.shape import Shape

# Modules that are recorded as a whole: in evaluation they call nothing, or the language has a layer
# for the several calls that they make
LEAVES = frozenset(
    """
    BlurPool2d ContextPool DropPath EvoNorm2dS0 EvoNorm2dS0a GlobalResponseNorm RmsNorm RmsNorm2d
    SimpleNorm SimpleNorm2d StochasticDepth
    """.split()
)

# Functions whose result has the shape of their first argument
KEEP_SHAPE = frozenset(
    "batch_norm gelu hardsigmoid hardswish leaky_relu relu relu6 sigmoid silu tanh".split()
)

BATCH_NORMS = nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d

_TORCH = f"{Path(torch.__file__).parent}{os.sep}"
_OURS = f"{Path(__file__).parent}{os.sep}"
_PLAIN = (bool, int, float, str, tuple, type(None))


def record(module: nn.Module, shape: Shape) -> Trace:
    """Return every call of a module's forward pass in evaluation.

    Args:
        module: The module. It comes back in evaluation mode and on the meta device.
        shape: The shape of one sample.

    Raises:
        Unimportable: The module cannot be run on the meta device: its control flow depends on the
            values of tensors, or it fails for this input.
    """
    module = module.eval().to("meta")
    recorder = _Recorder(module)
    try:
        x = torch.empty((BATCH, *shape.dims), device="meta")
    except RuntimeError as error:  # more numbers than can be counted
        raise recorder.refusal(module, error) from error
    entered = recorder.new_value(x)
    with paused(), torch.no_grad(), _patched(recorder), recorder:
        try:
            result = module(x)
        except (Exception, SystemExit) as error:
            raise recorder.refusal(module, error) from error
    return Trace(
        entered,
        tuple(recorder.calls),
        recorder.data(result),
        recorder.weights,
        recorder.classes,
    )


@contextmanager
def _patched(recorder: _Recorder) -> Iterator[None]:
    """Route every call of a module through the recorder."""
    original = nn.Module.__call__

    def call(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
        return recorder.run(module, original, args, kwargs)

    nn.Module.__call__ = call  # type: ignore[method-assign]
    try:
        yield
    finally:
        nn.Module.__call__ = original  # type: ignore[method-assign]


class _Recorder(TorchFunctionMode):
    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.calls: list[Called] = []
        self.paths = {id(child): _path(name) for name, child in module.named_modules()}
        self.classes = {_path(name): type(child).__name__ for name, child in module.named_modules()}
        self.weights: dict[ModulePath, Weight] = {}
        self._known: dict[int, Value | Weight] = {}
        self._alive: list[Tensor] = []  # a number is taken again once its object is gone
        self._values = 0
        self._visits = 0
        self._stack: list[tuple[ModulePath, int]] = [((), 0)]
        self._place = ""
        self._records = True  # not inside of a module that is recorded as a whole
        self._averaging = {
            _path(name)
            for name, child in module.named_modules()
            if isinstance(child, BATCH_NORMS) and child.momentum is None
        }
        self._add_weights(module)

    def _add_weights(self, module: nn.Module) -> None:
        for name, tensor in module.named_parameters():
            self._add_weight(name, tensor, is_parameter=True)
        for name, buffer in module.named_buffers():
            self._add_weight(name, buffer, is_parameter=False)

    def _add_weight(self, name: str, tensor: Tensor, *, is_parameter: bool) -> None:
        weight = Weight(_path(name), tuple(tensor.shape), is_parameter)
        self.weights[weight.path] = weight
        self._known[id(tensor)] = weight
        self._alive.append(tensor)

    # --- modules ---

    def run(
        self,
        module: nn.Module,
        original: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        """Return the result of a module, with its calls recorded under its path."""
        self._visits += 1
        path = self.paths.get(id(module), self._stack[-1][0])
        self._stack.append((path, self._visits))
        if type(module).__name__ in LEAVES:
            place, given = _place(sys._getframe(2)), self.data(args)
            with self._unrecorded():
                result = original(module, *args, **kwargs)
            self._note(type(module).__name__, given, self._attributes(module), result, place)
        else:
            result = original(module, *args, **kwargs)
        self._stack.pop()  # stays where the module fails, for the message
        return result

    @contextmanager
    def _unrecorded(self) -> Iterator[None]:
        self._records = False
        try:
            yield
        finally:
            self._records = True

    def _attributes(self, module: nn.Module) -> dict[str, Any]:
        """Return the plain attributes of a module, and its own parameters and buffers."""
        found = {
            name: value
            for name, value in vars(module).items()
            if isinstance(value, _PLAIN) and not name.startswith("_")
        }
        tensors = (*module.named_parameters(recurse=False), *module.named_buffers(recurse=False))
        return found | {name: self.data(tensor) for name, tensor in tensors}

    # --- functions ---

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        if not self._records:
            return func(*args, **kwargs)
        name = func.__name__
        if name == "__get__":
            result = func(*args, **kwargs)
            if isinstance(result, Tensor):
                self._note(func.__self__.__name__, self.data(args), {}, result, "")  # type: ignore[attr-defined]
            return result
        self._place = place = _place(sys._getframe(1))
        given, named = self.data(args), self.data(kwargs)
        if name == "batch_norm" and self._stack[-1][0] in self._averaging:
            given, named = given[:5], named | {"momentum": None}  # torch passes on 0 for it
        result = self._result(name, func, args, kwargs)
        if name == "__setitem__":
            self._note(name, given, named, args[0], place)
        elif _has_tensor(result):
            self._note(name, given, named, result, place)
        return result

    def _result(
        self, name: str, func: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> Any:
        """Return what a function returns; torch takes long to compute a shape that is known."""
        if name not in KEEP_SHAPE or not args:
            return func(*args, **kwargs)
        return args[0] if kwargs.get("inplace") else torch.empty_like(args[0])

    def _note(self, name: str, args: Any, kwargs: Any, result: Any, place: str) -> None:
        path, visit = self._stack[-1]
        values = self._new(result)
        self.calls.append(Called(name, args, kwargs, values, path, visit, place))

    def _new(self, result: Any) -> Any:
        if isinstance(result, Tensor):
            return self.new_value(result)
        if isinstance(result, list | tuple):
            return [self._new(each) for each in result]
        return self.data(result)

    def new_value(self, tensor: Tensor) -> Value:
        """Return a new value for what a tensor now is."""
        value = Value(self._values, tuple(tensor.shape))
        self._values += 1
        self._known[id(tensor)] = value
        self._alive.append(tensor)
        return value

    # --- data ---

    def data(self, given: Any) -> Any:
        """Return arguments or results with the data of each tensor in its place."""
        match given:
            case Tensor():
                known = self._known.get(id(given))
                return known if known is not None else self.new_value(given)
            case tuple():
                return tuple(map(self.data, given))
            case list():
                return [self.data(each) for each in given]
            case Mapping():
                return {str(key): self.data(each) for key, each in given.items()}
            case slice() | bool() | int() | float() | str() | None:
                return given
            case _:
                return given if given is Ellipsis else repr(given)

    def refusal(self, module: nn.Module, error: BaseException) -> Unimportable:
        """Return the message for an error in a module, with the place in the module tree."""
        path, _ = self._stack[-1]
        said = str(error).partition("\n")[0]
        why = depends_on_values if "meta tensor" in said else fails
        if "device meta" in said or "meta device" in said:
            why = unregistered
        detail = f"{type(error).__name__}: {said}" if said else type(error).__name__
        obstacle = why(path, self.classes.get(path, ""), self._place, detail)
        return Unimportable(type(module).__name__, [obstacle])


def _path(name: str) -> ModulePath:
    return tuple(name.split(".")) if name else ()


def _has_tensor(result: Any) -> bool:
    if isinstance(result, list | tuple):
        return any(map(_has_tensor, result))
    return isinstance(result, Tensor)


def _place(frame: FrameType | None) -> str:
    """Return the line of the nearest caller that is not torch's own: `net.py:90`."""
    while frame is not None and frame.f_code.co_filename.startswith((_TORCH, _OURS)):
        frame = frame.f_back
    if frame is None:
        return ""
    file = frame.f_code.co_filename.rpartition(os.sep)[2]
    return f"{file}:{frame.f_lineno}"
