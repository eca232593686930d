"""What torch itself counts of a built module: the references of every quantity, on `meta`."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from math import prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from resspec.backends.module import build
from resspec.ir.network import Network, Section
from resspec.ir.nodes import Located, Op, Repeat, Scope


def built(network: Network, dtype: torch.dtype = torch.float32) -> nn.Module:
    with torch.device("meta"):
        return build(network).to(dtype)


def example(network: Network, batch: int = 2, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.empty(batch, *network.input.dims, dtype=dtype, device="meta")


def layers(of: Network | Section) -> Iterator[tuple[str, Op]]:
    """Every layer with the path of its module; repeats written out."""
    sections = of.sections if isinstance(of, Network) else (of,)
    for section in sections:
        yield from _layers(section.located, "", ())


def _layers(located: Located, prefix: str, turns: tuple[int, ...]) -> Iterator[tuple[str, Op]]:
    name = located.name
    match located.node:
        case Op() as op:
            if name is not None:
                yield prefix + name.at(*turns), op
        case Scope():
            assert name is not None
            yield from _layers(located.body, f"{prefix}{name.at(*turns)}.", ())
        case Repeat(count=count):
            for turn in range(count):
                yield from _layers(located.body, prefix, (*turns, turn))
        case _:
            for part in located.parts:
                yield from _layers(part, prefix, turns)


def freeze(module: nn.Module, network: Network, sections: Container[str]) -> None:
    """The parameters of the sections with these labels learn nothing."""
    for section in network.sections:
        for path, _ in layers(section) if section.label in sections else ():
            own(module, path).requires_grad_(False)


def own(module: nn.Module, path: str) -> nn.Module | nn.Parameter:
    """Return the module of a layer, or the parameter that it only is."""
    around, _, name = path.rpartition(".")
    found: nn.Module | nn.Parameter = getattr(module.get_submodule(around), name)
    return found


def sizes(of: nn.Module | nn.Parameter) -> tuple[int, int]:
    """Return how many parameters and elements of stored buffers a layer has."""
    if isinstance(of, nn.Parameter):
        return of.numel(), 0
    params = sum(tensor.numel() for tensor in of.parameters())
    stored = sum(tensor.numel() for tensor in of.state_dict().values())
    return params, stored - params


def flops(module: nn.Module, x: Tensor) -> dict[str, int]:
    """FlopCounterMode's count for each module path, of one forward pass."""
    with FlopCounterMode(display=False) as counter:
        module(x)
    return {
        path.partition(".")[2]: sum(counts.values())
        for path, counts in counter.get_flop_counts().items()
    }


def training_flops(module: nn.Module, x: Tensor, as_torch_counts: bool = False) -> int:
    """FlopCounterMode's total of a forward and a backward pass.

    Torch 2.13 to 2.15 multiply the weight gradient of a grouped convolution by its groups once
    more, or not at all, so the formula for it is our own: each gradient costs what the forward pass
    does, which is what torch has without groups.
    """
    mapping = (
        {} if as_torch_counts else {torch.ops.aten.convolution_backward: _convolution_backward}
    )
    with FlopCounterMode(display=False, custom_mapping=mapping) as counter:
        y = module(x).sum()
        if y.requires_grad:
            y.backward()
    return int(counter.get_total_flops())


def _convolution_backward(
    grad_shape: Any,
    x_shape: Any,
    w_shape: Any,
    _bias: Any,
    _stride: Any,
    _padding: Any,
    _dilation: Any,
    transposed: bool,
    _output_padding: Any,
    _groups: int,
    output_mask: list[bool],
    out_shape: Any = None,
) -> int:
    del out_shape
    positions = x_shape[2:] if transposed else grad_shape[2:]
    return int(2 * x_shape[0] * prod(positions) * prod(w_shape) * sum(output_mask[:2]))


def saved_bytes(module: nn.Module, x: Tensor) -> int:
    """Bytes of the distinct storages that autograd keeps, and those of named outputs, parameters
    and buffers left out.
    """
    kept: dict[int, Tensor] = {}

    def keep(tensor: Tensor) -> Tensor:
        kept[_storage(tensor)] = tensor  # alive, so that no other storage takes its place
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        y = module(x)
    assert y is not None
    for output in y.values() if isinstance(y, dict) else ():
        keep(output)
    for tensor in (*module.parameters(), *module.buffers()):
        kept.pop(_storage(tensor), None)
    return sum(int(tensor.untyped_storage().nbytes()) for tensor in kept.values())


def _storage(tensor: Tensor) -> int:
    return int(tensor.untyped_storage()._cdata)


ADD = (torch.ops.aten.add.Tensor, torch.ops.aten.add_.Tensor)
PRODUCT = (torch.ops.aten.mm.default, torch.ops.aten.bmm.default)
ARRANGE = (torch.ops.aten.clone.default, torch.ops.aten.as_strided_.default)


class Traffic(TorchDispatchMode):
    """Elements that operations write, and that they read: of their inputs with a batch, and of
    parameters and buffers. Copies that torch makes to have a tensor contiguous are left out.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.written = self.read = self.weights = 0
        self.owned: set[int] = set()
        self.derived: list[Tensor] = []  # from what is owned alone, kept so that no other is there
        self.product = 0  # the storage of the last matrix product

    @classmethod
    def of(cls, module: nn.Module, x: Tensor) -> Traffic:
        traffic = cls()
        traffic.owned = {_storage(tensor) for tensor in (*module.parameters(), *module.buffers())}
        with torch.no_grad(), traffic:
            module(x)
        return traffic

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        y = result[0] if isinstance(result, tuple | list) else result
        given = [
            entry
            for value in args
            for entry in (value if isinstance(value, list | tuple) else [value])
        ]
        tensors = [value for value in given if isinstance(value, Tensor)]
        anew = func._schema.is_mutable or _storage(y) not in map(_storage, tensors)
        if func in PRODUCT:
            self.product = _storage(y)
        of_product = func in ADD and _storage(tensors[0]) == self.product
        if of_product and _storage(tensors[1]) in self.owned:
            self.weights += tensors[1].numel()  # the bias of a linear layer that torch takes apart
        elif anew and tensors and {_storage(tensor) for tensor in tensors} <= self.owned:
            self.weights += y.numel() + sum(tensor.numel() for tensor in tensors)
            self.owned.add(_storage(y))  # a standardized weight
            self.derived.append(y)
        elif anew and func not in ARRANGE:
            self.product = 0 if func not in PRODUCT else self.product  # a storage may come again
            self.written += y.numel()
            for tensor in tensors:
                if _storage(tensor) in self.owned:
                    self.weights += tensor.numel()
                else:
                    self.read += tensor.numel()
        return result


def acts(module: nn.Module, x: Tensor) -> dict[str, int]:
    """Elements that convolutions and linear layers leave, by their paths: fvcore's activation
    count, which itself takes a second for each network and none on `meta`; a test holds this to it.
    """
    counts: dict[str, int] = {}

    def count(path: str) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]:
        return lambda _module, _given, y: counts.update({path: y.numel()})

    weighted = (nn.Conv1d, nn.Conv2d, nn.ConvTranspose2d, nn.Linear)
    modules = [(path, each) for path, each in module.named_modules() if isinstance(each, weighted)]
    hooks = [each.register_forward_hook(count(path)) for path, each in modules]
    with torch.no_grad():
        module(x)
    for hook in hooks:
        hook.remove()
    return counts


class Lifetimes(TorchDispatchMode):
    """The most bytes of values at once: `held`, in storages that Python keeps alive after each
    operation, and `needed`, if each were freed after the last operation that reads it. Of an
    operation's results the first alone, since the others, such as a maximum's positions, never
    leave it; neither parameters nor the network's input. `held_at` and `needed_at`: the module that
    first comes to it.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.held, self.held_at = 0, ""
        self.running: list[str] = []  # modules, the outermost first
        self.places: list[str] = []  # of each operation
        self.left_out: set[int] = set()
        self.derived: list[Tensor] = []  # from parameters alone, kept so that no other is there
        self.inputs: set[int] = set()
        self.alive: dict[int, tuple[StorageWeakRef, int]] = {}  # with the number of the storage
        self.sizes: list[int] = []
        self.uses: list[set[int]] = []

    @classmethod
    def of(cls, module: nn.Module, x: Tensor) -> Lifetimes:
        lifetimes = cls()
        for name, part in module.named_modules():
            part.register_forward_pre_hook(lambda *_, name=name: lifetimes.running.append(name))
            part.register_forward_hook(lambda *_: lifetimes.running.__delitem__(-1))
        lifetimes.left_out = {
            _storage(tensor) for tensor in (x, *module.parameters(), *module.buffers())
        }
        lifetimes.inputs = {_storage(x)}
        with torch.no_grad(), lifetimes:
            y = module.eval()(x)
        lifetimes.uses.append(lifetimes._numbers([y]))
        lifetimes.places.append("")
        return lifetimes

    @property
    def needed(self) -> int:
        return max(self._needs)

    @property
    def needed_at(self) -> str:
        return self.places[self._needs.index(self.needed)]

    @property
    def _needs(self) -> list[int]:
        """Of each operation."""
        steps = range(len(self.uses))
        first, last = (
            {n: k for k in order for n in self.uses[k]} for order in (reversed(steps), steps)
        )
        return [
            sum(size for n, size in enumerate(self.sizes) if first[n] <= k <= last[n])
            for k in steps
        ]

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        given = [
            entry
            for value in args
            for entry in (value if isinstance(value, list | tuple) else [value])
        ]
        y = result[0] if isinstance(result, tuple | list) else result
        tensors = {_storage(value) for value in given if isinstance(value, Tensor)}
        if tensors and tensors <= self.left_out - self.inputs:
            self.left_out.add(_storage(y))
            self.derived.append(y)
        self.alive = {key: entry for key, entry in self.alive.items() if not entry[0].expired()}
        self.uses.append(
            self._numbers([value for value in (*given, y) if isinstance(value, Tensor)])
        )
        self.places.append(self.running[-1])
        if (held := sum(self.sizes[n] for _, n in self.alive.values())) > self.held:
            self.held, self.held_at = held, self.running[-1]
        return result

    def _numbers(self, tensors: list[Tensor]) -> set[int]:
        """Of the storages of tensors, numbered as they appear."""
        found = set()
        for tensor in tensors:
            key, storage = _storage(tensor), tensor.untyped_storage()
            if key not in self.left_out:
                if key not in self.alive:
                    self.alive[key] = StorageWeakRef(storage), len(self.sizes)
                    self.sizes.append(int(storage.nbytes()))
                found.add(self.alive[key][1])
        return found
