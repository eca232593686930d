"""All that training changes, in one place: what a checkpoint holds, no less and no more."""

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

FORMAT = 5  # of run.json, result.json and a checkpoint's state.json; raised with every change of what they say
Row = dict[
    str, Any
]  # of the metrics: the columns of measurements.COLUMNS, None where one does not apply


@dataclass
class State:
    """After `step` steps, the same in every process. `sums` (float64, on the device): the loss and the hits of the images that
    all of them showed since the last row of training, and how many they were. `tested`: the step of the last test. Random
    numbers are no state: a step draws its own from its number."""

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
        """What is tested: the average, where there is one."""
        return self.average or self.module

    def tensors(self) -> Iterator[tuple[str, Tensor]]:
        """By name: those of the module under the names that the spec gives them."""
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
        facts = {
            "format": FORMAT,
            "step": self.step,
            "tested": self.tested,
            "plateau": asdict(self.plateau),
        }
        return {
            "tensors.safetensors": save(
                {name: tensor.detach().contiguous() for name, tensor in self.tensors()}
            ),
            "state.json": (json.dumps(facts) + "\n").encode(),
            "metrics.jsonl": lines(self.rows),
        }

    @torch.no_grad()
    def restore(self, files: Files) -> None:
        """Become what `files` gave. Raises DamagedCheckpoint where that has another format."""
        facts = json.loads(files["state.json"])
        if facts.get("format") != FORMAT:
            raise DamagedCheckpoint(
                f"it has format {facts.get('format')}, and this version of resspec reads format {FORMAT}"
            )
        self.step, self.tested, self.plateau = (
            facts["step"],
            facts["tested"],
            PlateauState(**facts["plateau"]),
        )
        self.rows = [json.loads(line) for line in files["metrics.jsonl"].splitlines()]
        saved = load(files["tensors.safetensors"])
        parameters = dict(self.module.named_parameters())
        for name in saved:
            kind, _, rest = name.partition("/")
            if (
                kind == "optimizer"
            ):  # those that an optimizer makes with its first step are not there yet
                word, _, owner = rest.partition("/")
                parameter = parameters[owner]
                like = parameter if saved[name].shape == parameter.shape else saved[name]
                self.optimizer.state[parameter].setdefault(
                    word, torch.empty_like(like, device=parameter.device)
                )
        for name, tensor in self.tensors():
            tensor.copy_(saved.pop(name))
        assert not saved, sorted(saved)


def lines(rows: list[Row]) -> bytes:
    """JSON, a row a line."""
    return "".join(json.dumps(row) + "\n" for row in rows).encode()
