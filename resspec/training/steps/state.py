"""The state of a training: exactly the content of a checkpoint."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from safetensors.torch import load, save
from torch import Tensor, nn
from torch.optim import Optimizer

from resspec.training.run.checkpoint import DamagedCheckpoint, Files
from resspec.training.steps.guard import Guard
from resspec.training.steps.schedules import PlateauState

# Of run.json, result.json and a checkpoint's state.json; raised with every change of their content
# and of what a run draws from its seed. A new key of the recipe whose default changes nothing is
# no such change.
FORMAT = 7
Row = dict[str, Any]  # of the metrics, as measurements.COLUMNS; None where one does not apply


@dataclass
class State:
    """The state after `step` steps, the same in every process.

    Random numbers are not part of it: each step draws its own from its number.

    Attributes:
        module: The network.
        optimizer: Its optimizer.
        guard: What was found of values that are not finite.
        average: The moving average of the network, if the recipe has one.
        sums: Loss, correct predictions, and number of the images shown since the last row of
            training; float64, on the device.
        step: The number of steps.
        tested: The step of the last test.
        plateau: What the learning rate depends on besides the step.
        rows: The rows of the metrics.
    """

    module: nn.Module
    optimizer: Optimizer
    guard: Guard
    average: nn.Module | None
    sums: Tensor
    step: int = 0
    tested: int = 0
    plateau: PlateauState = field(default_factory=PlateauState)
    rows: list[Row] = field(default_factory=list)

    @property
    def best(self) -> nn.Module:
        """The module to test: the average, if there is one."""
        return self.average or self.module

    def tensors(self) -> Iterator[tuple[str, Tensor]]:
        """Yield all tensors with names; those of the module are named as in the spec."""
        for name, tensor in self.module.state_dict().items():
            yield f"module/{name}", tensor
        for name, tensor in self.average.state_dict().items() if self.average else ():
            yield f"average/{name}", tensor
        for name, parameter in self.module.named_parameters():
            for word, value in self.optimizer.state[parameter].items():
                yield f"optimizer/{word}/{name}", value
        for name, tensor in self.guard.tensors().items():
            yield f"guard/{name}", tensor
        yield "sums", self.sums

    def files(self) -> Files:
        """Return the files of a checkpoint."""
        facts = {
            "format": FORMAT,
            "step": self.step,
            "tested": self.tested,
            "plateau": asdict(self.plateau),
        }
        tensors = {name: tensor.detach().contiguous() for name, tensor in self.tensors()}
        return {
            "tensors.safetensors": save(tensors),
            "state.json": (json.dumps(facts) + "\n").encode(),
            "metrics.jsonl": lines(self.rows),
        }

    @torch.no_grad()
    def restore(self, files: Files) -> None:
        """Restore the state from the files of a checkpoint.

        Raises DamagedCheckpoint for another format.
        """
        facts = json.loads(files["state.json"])
        if facts.get("format") != FORMAT:
            has = f"it has format {facts.get('format')}"
            raise DamagedCheckpoint(f"{has}, and this version of resspec reads format {FORMAT}")
        self.step, self.tested = facts["step"], facts["tested"]
        self.plateau = PlateauState(**facts["plateau"])
        self.rows = [json.loads(line) for line in files["metrics.jsonl"].splitlines()]
        saved = load(files["tensors.safetensors"])
        parameters = dict(self.module.named_parameters())
        for name in saved:
            kind, _, rest = name.partition("/")
            if kind == "optimizer":  # some optimizers make these tensors only in their first step
                word, _, owner = rest.partition("/")
                parameter = parameters[owner]
                like = parameter if saved[name].shape == parameter.shape else saved[name]
                empty = torch.empty_like(like, device=parameter.device)
                self.optimizer.state[parameter].setdefault(word, empty)
        for name, tensor in self.tensors():
            tensor.copy_(saved.pop(name))
        assert not saved, sorted(saved)


def lines(rows: list[Row]) -> bytes:
    """Return rows as JSON lines."""
    return "".join(json.dumps(row) + "\n" for row in rows).encode()
