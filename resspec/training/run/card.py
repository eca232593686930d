"""`card.md` of a finished run: what it is, how it was trained and measured, how to load it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from resspec.files import write
from resspec.ir.fingerprint import fingerprint
from resspec.passes.measure import measure
from resspec.training.plan import Job, Plan
from resspec.training.published import published

NAME = "card.md"


def save(run: Path, plan: Plan, result: Mapping[str, Any]) -> None:
    """Write the card of a run with this result. Raises UsageError without room on the disk."""
    write(run / NAME, "".join(f"{line}\n" for line in _lines(plan, result)).encode())


def _lines(plan: Plan, result: Mapping[str, Any]) -> Iterator[str]:
    job = plan.job
    network, data = job.network, job.data
    yield f"# {network.name} on {data.name}"
    yield ""
    yield f"A convolutional network trained with resspec for {plan.steps:,} steps."
    yield ""
    yield "| | |"
    yield "|---|---|"
    yield f"| network | `{network.name}`, hash `{fingerprint(network)}` |"
    yield f"| parameters, macs | {measure(network).params:,}, {measure(network).macs:,} |"
    yield f"| input | {network.input} |"
    yield f"| classes | {len(data.classes):,}: {_shortened(data.classes)} |"
    yield f"| training images | {len(plan.images[0]):,}, digest `{data.train.digest}` |"
    yield f"| test images | {len(data.test):,}, digest `{data.test.digest}` |"
    yield f"| started from | {_start(job)} |"
    yield f"| seed | {job.seed} |"
    yield ""
    yield "| | top-1 error | loss |"
    yield "|---|---|---|"
    yield f"| measured, 1-crop | {1 - result['top1']:.2%} | {result['loss']:.4f} |"
    for figure in published(network, "1-crop", data.name):
        yield f"| published ({figure.source}; recipe {figure.recipe}) | {figure.top1:.2f}% | |"
    yield ""
    yield "## Recipe"
    yield ""
    yield "```yaml"
    yield plan.recipe_text.rstrip()
    yield "```"
    yield ""
    yield "## Use"
    yield ""
    yield "```python"
    yield "import resspec"
    yield ""
    yield 'run = resspec.open_run("RUN")  # this folder, or its weights.safetensors'
    yield 'run.predict(["image.jpg"], top_k=3)'
    yield "```"


def _start(job: Job) -> str:
    return f"weights with SHA-256 `{job.weights.digest}`" if job.weights else "random weights"


def _shortened(classes: tuple[str, ...]) -> str:
    """Return the names of up to ten classes."""
    names = [name.replace("|", "\\|") for name in classes[:10]]
    return ", ".join(names) + (", …" if len(classes) > len(names) else "")
