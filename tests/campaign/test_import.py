"""Every convolutional network of torchvision and timm, imported and verified.

The campaign can be stopped at any time, and the same command resumes it: `build/campaign` has a row
for each network in `import*.jsonl`, and a table of all in `import.txt`. `CAMPAIGN_IMPORT=2/4` does
the second of four parts, which may run at once; `CAMPAIGN_IMPORT=FILE` does those of the sources in
a file, one in a line, again.
"""

from __future__ import annotations

import json
import logging
import os
import time
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

from torch import nn

from resspec.diagnostics import ResspecError
from resspec.importing.errors import Unimportable
from resspec.importing.imported import Imported, ImportOptions, import_source
from resspec.importing.proof import Agreement, Proof
from resspec.importing.record.modules import module_of
from resspec.importing.record.run import record
from resspec.importing.sources import source_of
from resspec.importing.verify.compare import verify
from tests.campaign.networks import Case, cases, is_convolutional
from tests.campaign.progress import FOLDER

TABLE = FOLDER / "import.txt"
KINDS = ("torchvision", "bodies", "timm")
VERIFIED = ("bitwise", "outputs")
OUTCOMES = {
    "bitwise": "names strict, outputs and gradients bitwise",
    "outputs": "names strict, outputs bitwise, gradients not compared",
    "close": "names strict, a difference within rounding",
    "different": "imported, but something differs",
    "refused": "not imported",
}


def test_every_convolutional_network_is_verified() -> None:
    """Import and verify the networks of this part, and write a table of all so far."""
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    FOLDER.mkdir(parents=True, exist_ok=True)
    known = _known()
    listed = list(cases())
    part, todo = _todo(listed, known)
    with (FOLDER / f"import{part}.jsonl").open("a", encoding="utf-8") as file:
        for case in todo:
            known[case.word] = _row(case)
            file.write(f"{json.dumps(known[case.word])}\n")
            file.flush()
    rows = [row for row in known.values() if row["outcome"] != "other"]
    TABLE.write_text("\n".join(_table(rows)) + "\n", encoding="utf-8")
    if all(case.word in known for case in listed):
        verified = Counter(row["kind"] for row in rows if row["outcome"] in VERIFIED)
        assert verified["torchvision"] == 68
        assert verified["timm"] >= 560


def _known() -> dict[str, dict[str, Any]]:
    """Return the last row of each network."""
    files = sorted(FOLDER.glob("import*.jsonl"), key=lambda file: file.stat().st_mtime)
    lines = (line for file in files for line in file.read_text(encoding="utf-8").splitlines())
    return {row["network"]: row for row in map(json.loads, lines)}


def _todo(listed: list[Case], known: dict[str, Any]) -> tuple[str, list[Case]]:
    """Return the name of this part, and its networks that have no row yet."""
    given = os.environ.get("CAMPAIGN_IMPORT", "1/1")
    if Path(given).is_file():
        chosen = set(Path(given).read_text(encoding="utf-8").splitlines())
        return "-again", [case for case in listed if case.word in chosen]
    part, parts = map(int, given.split("/"))
    mine = [case for case in listed[part - 1 :: parts] if case.word not in known]
    return f"-{part}-of-{parts}", mine


# --- one network ---


def _row(case: Case) -> dict[str, Any]:
    """Return what became of a network, as JSON."""
    row: dict[str, Any] = {"network": case.word, "kind": case.kind, "why": []}
    try:
        if case.kind == "timm" and not _is_convolutional(case):
            return row | {"outcome": "other"}
        return row | _imported(case, carries=False)
    except Unimportable as error:
        obstacles = error.obstacles
    except ResspecError as error:
        return row | {"outcome": "refused", "why": ["", "", "", str(error)]}
    first = obstacles[0]
    why = [first.code, first.module, first.place, first.message]
    if any(each.code != "E0702" for each in obstacles):
        return row | {"outcome": "refused", "why": why}
    try:
        return row | _imported(case, carries=True)
    except Unimportable:
        return row | {"outcome": "refused", "why": why}


def _is_convolutional(case: Case) -> bool:
    loaded = module_of(case.source, {})
    return is_convolutional(record(loaded.module, loaded.shape))


def _imported(case: Case, *, carries: bool) -> dict[str, Any]:
    seconds: list[float] = []

    def make() -> nn.Module:
        began = time.process_time()
        module = module_of(case.source, {}, on_meta=False).module
        seconds.append(time.process_time() - began)
        return module.get_submodule(case.part)

    source = source_of(case.source)
    assert source is not None
    options = ImportOptions(part=case.part, carries=carries, verifies=False)
    began = time.process_time()
    found = import_source(source, options)
    importing = time.process_time() - began
    proof = verify(found.text, make, found.proof)
    outcome = _outcome(proof)
    return {
        "outcome": outcome,
        "carried": carries,
        "lines": _lines(found),
        "flat": "resolved by" in found.text,
        "times": round(importing / min(seconds), 2) if seconds else None,
        "why": [] if outcome == "bitwise" else ["", "", "", str(proof)],
    }


def _lines(found: Imported) -> int:
    return sum(bool(line.strip()) for line in found.text.splitlines())


def _outcome(proof: Proof) -> str:
    """Return the first key of OUTCOMES that is true."""
    if proof.unused or not proof.is_sound or proof.failure:
        return "different"
    if proof.is_bitwise:
        return "bitwise"
    return "outputs" if proof.outputs == Agreement(0) and not proof.gradients else "close"


# --- the table ---


def _table(rows: list[dict[str, Any]]) -> Iterator[str]:
    for kind in KINDS:
        own = [row for row in rows if row["kind"] == kind]
        yield f"{kind}: {len(own)} networks"
        for outcome, words in OUTCOMES.items():
            yield from _counts(words, (row for row in own if row["outcome"] == outcome))
        yield ""
    imported = [row for row in rows if row["outcome"] != "refused"]
    if imported:
        times = [row["times"] for row in imported if row["times"]]
        yield f"lines of text: median {median(row['lines'] for row in imported):.0f}"
        yield f"CPU time without verification, building = 1: median {median(times):.1f}"
        flat = [row["network"] for row in imported if row["flat"]]
        yield f"not folded: {' '.join(flat) or 'none'}"
        yield ""
    yield from _reasons(row for row in rows if row["why"])


def _counts(words: str, rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Yield a line with a number of rows; those that need `--carry` count apart."""
    counts = Counter(row.get("carried", False) for row in rows)
    for carried, count in sorted(counts.items()):
        yield f"{count:5} {words}{', with --carry' if carried else ''}"


def _reasons(rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    reasons: dict[str, list[str]] = {}
    for row in rows:
        code, module, place, message = row["why"]
        words = " ".join(word for word in (code, module, place) if word)
        reason = f"{row['outcome']}: {words}: {message}" if words else message
        reasons.setdefault(reason, []).append(row["network"])
    for reason, networks in sorted(reasons.items(), key=lambda each: -len(each[1])):
        yield f"{len(networks):4} {reason}: {' '.join(networks)}"
