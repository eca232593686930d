"""Flags that help against an error. The core, which knows no flags, says only what is wrong."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence

from resspec.diagnostics import Diagnostic, ResspecError

_OTHER_FOLDER = {
    "train": "--run DIR chooses another folder",
    "study": "--out DIR chooses another folder",
}
_DOWNLOAD = "--download fetches the data set"
_BY_NAME = {
    "download": {"train": _DOWNLOAD, "eval": _DOWNLOAD, "study": _DOWNLOAD},
    "weights": {
        "eval": "`resspec eval RUN` evaluates a run, `resspec eval SPEC --weights FILE` a file",
        "train": "`resspec train SPEC --weights FILE` starts from weights",
        "compile": "`resspec compile SPEC --target onnx --weights FILE` stores weights",
    },
    "data path": dict.fromkeys(("eval", "probe"), "--data DIR says where they are now"),
    "data folder": {"probe": "pass the path of that folder with --data"},
    "seed": {"train": "--seed 0 sets the seed", "study": "--seeds 3 sets their number"},
    "workers": {"train": "--workers 2 sets the number of processes that read images"},
    "device": {"train": "--device cpu or --device cuda sets the device"},
    "starting weights": {"train": "--weights FILE sets the weights to start from"},
    "data set": {
        "train": "--data NAME sets the data set",
        "study": "--data NAME sets the data set",
    },
    "run folder": _OTHER_FOLDER,
    "cpu": dict.fromkeys(("train", "eval", "study", "bench"), "--device cpu always works"),
}
_PARTIAL = "--partial writes a placeholder"
_BY_CODE = dict.fromkeys(
    ("E0535", "E0601", "E0602", "E0603", "E0604", "E0605", "E0616"), _OTHER_FOLDER
) | {
    "E0702": {
        "import": "--carry imports such a network if the values' sizes are equal or divide "
        "each other; "
        f"{_PARTIAL} for it"
    }
}
_BY_CODE |= {code: {"import": f"{_PARTIAL} for each such part"} for code in ("E0701", "E0704")}


def of_error(error: ResspecError | Diagnostic, command: str) -> str | None:
    """Return the sentence that names a flag of this command, for an error that it helps against."""
    sentences = _BY_NAME.get(error.remedy or "") or _BY_CODE.get(error.code or "") or {}
    return sentences.get(command)


def of_diagnostics(found: Sequence[Diagnostic], arguments: Namespace) -> list[Diagnostic]:
    """Return the diagnostics, each with a note about the flag of this command that helps."""
    return [_with_flag(each, arguments) for each in found]


def _with_flag(diagnostic: Diagnostic, arguments: Namespace) -> Diagnostic:
    flag = of_error(diagnostic, arguments.command)
    has_default_data = diagnostic.code in ("E0501", "E0502") and arguments.command == "train"
    if has_default_data and arguments.data is None:
        flag = "no --data was given, so the digits that come with resspec are used"
    if diagnostic.needs and hasattr(arguments, "set"):
        flag = f"`{' '.join(f'--set {name}=…' for name in diagnostic.needs)}` gives a value here"
    return diagnostic._replace(notes=(*diagnostic.notes, flag)) if flag else diagnostic
