"""Every convolutional network of torchvision and timm, and how far it is imported.

The campaign can be stopped at any time, and the same command resumes it: `build/campaign/import.jsonl`
has a row for each network. `CAMPAIGN_IMPORT` may give a file with other names, one in a line.
"""

from __future__ import annotations

import json
import logging
import os
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

from resspec.diagnostics import ResspecError
from resspec.importing.errors import Unimportable
from resspec.importing.lift.lift import lift
from resspec.importing.nest import network
from resspec.importing.record.modules import module_of
from resspec.importing.record.run import record
from resspec.importing.trace import Trace
from resspec.importing.verify.compare import names
from tests.campaign.progress import FOLDER

ROWS = FOLDER / "import.jsonl"
TABLE = FOLDER / "import.txt"

# Files of timm without a convolutional network
TRANSFORMERS = frozenset(
    """
    beit cait coat convit crossvit davit deepseek_vit deit eva gemma4_vit hiera hieradet_sam2
    mlp_mixer mvitv2 naflexvit nest pit pvt_v2 qwen3_vit swin_transformer swin_transformer_v2
    swin_transformer_v2_cr tiny_vit tnt twins vision_transformer vision_transformer_hybrid
    vision_transformer_relpos vision_transformer_sam vitamin volo xcit
    """.split()
)
# Functions of attention; a network that calls one is not convolutional
ATTENTION = frozenset(
    """
    __matmul__ baddbmm bmm einsum lstm matmul mm multi_head_attention_forward
    scaled_dot_product_attention
    """.split()
)


def test_every_convolutional_network_is_imported() -> None:
    """Import all networks, and write a table of what became of each."""
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    FOLDER.mkdir(parents=True, exist_ok=True)
    known = {row["source"]: row for row in _rows()}
    with ROWS.open("a", encoding="utf-8") as file:
        for source in _sources():
            if source not in known:
                known[source] = _outcome(source)
                file.write(f"{json.dumps(known[source])}\n")
                file.flush()
    rows = [row for row in known.values() if row["convolutional"]]
    TABLE.write_text("\n".join(_table(rows)) + "\n", encoding="utf-8")
    imported = Counter(row["source"].partition(":")[0] for row in rows if not row["why"])
    assert imported["torchvision"] == 68
    assert imported["timm"] >= 560


def _rows() -> list[dict[str, Any]]:
    if not ROWS.exists():
        return []
    return [json.loads(line) for line in ROWS.read_text(encoding="utf-8").splitlines()]


def _sources() -> list[str]:
    if given := os.environ.get("CAMPAIGN_IMPORT"):
        return Path(given).read_text(encoding="utf-8").split()
    import timm
    import torchvision

    classifiers = torchvision.models.list_models(module=torchvision.models)
    others = {n for part in TRANSFORMERS for n in timm.list_models(module=part)}
    found = [f"torchvision:{name}" for name in classifiers]
    return found + [f"timm:{name}" for name in timm.list_models() if name not in others]


def _outcome(source: str) -> dict[str, Any]:
    """Return what became of a network, and how long each step took."""
    row: dict[str, Any] = {"source": source, "convolutional": True, "seconds": {}, "why": []}
    try:
        row |= _imported(source, row)
    except Unimportable as error:
        row["why"] = [[o.code, o.module, o.place, o.message] for o in error.obstacles]
    except ResspecError as error:
        row["why"] = [["", "", "", str(error)]]
    return row


def _imported(source: str, row: dict[str, Any]) -> dict[str, Any]:
    clock = _Clock(row["seconds"])
    loaded = module_of(source, {})
    clock.note("build")
    trace = record(loaded.module, loaded.shape)
    clock.note("record")
    row["convolutional"] = _is_convolutional(trace)
    if not row["convolutional"]:
        return {}
    graph = lift(trace, loaded.name)
    clock.note("lift")
    found = network(graph)
    clock.note("nest")
    proof = names(found, loaded.module)
    wrong = [*proof.unused, *proof.missing, *proof.reshaped]
    why = [["names", "", "", ", ".join(wrong[:3])]] if wrong else []
    return {"steps": len(graph.steps), "tensors": proof.tensors, "why": why}


class _Clock:
    def __init__(self, seconds: dict[str, float]) -> None:
        self.seconds = seconds
        self.last = time.perf_counter()

    def note(self, word: str) -> None:
        now = time.perf_counter()
        self.seconds[word] = round(now - self.last, 4)
        self.last = now


def _is_convolutional(trace: Trace) -> bool:
    called = {call.name for call in trace.calls}
    return "conv2d" in called and not called & ATTENTION


def _table(rows: list[dict[str, Any]]) -> Iterator[str]:
    for kind in ("torchvision", "timm"):
        own = [row for row in rows if row["source"].startswith(kind)]
        yield f"{kind}: {sum(not row['why'] for row in own)} of {len(own)} imported"
    imported = [row["seconds"] for row in rows if not row["why"]]
    ratios = [(sum(each.values()) - each["build"]) / each["build"] for each in imported]
    yield f"time, in times of building the module: median {median(ratios):.1f}"
    reasons: dict[str, list[str]] = {}
    for row in rows:
        if row["why"]:
            code, module, place, message = row["why"][0]
            reason = f"{code} {module} {place}: {message}"
            reasons.setdefault(reason, []).append(row["source"])
    for reason, sources in sorted(reasons.items(), key=lambda each: -len(each[1])):
        yield f"{len(sources):4} {reason}: {' '.join(sources)}"
