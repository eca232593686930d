"""Words of other tools in place of a command."""

from __future__ import annotations

from pathlib import Path

from resspec.suggest import nearest

_COMMANDS = {
    "check": "validate lint verify test",
    "compile": "export build convert emit generate codegen onnx torch",
    "report": "summary summarize info stats profile flops macs params count show",
    "draw": "plot visualize render graph picture svg",
    "fmt": "format",
    "diff": "difference",
    "train": "fit finetune resume",
    "predict": "infer inference classify",
    "eval": "evaluate",
    "bench": "benchmark speed time",
    "explain": "error code",
    "expand": "resolve",
    "list": "ls models networks layers zoo available list_models list-models",
}
_CALLED = {other: name for name, others in _COMMANDS.items() for other in others.split()}


def instead(word: str, commands: list[str]) -> str:
    """Return the end of a message about a word that is not a command."""
    if _is_spec(word):
        return f": a command comes first, such as `resspec report {word}`"
    near = _CALLED.get(word.lower()) or nearest(word, commands)
    return f"; did you mean {near}?" if near else f"; there are {', '.join(commands)}"


def _is_spec(word: str) -> bool:
    from resspec.opening import shipped_names

    return word.endswith(".res") or word in shipped_names() or Path(f"{word}.res").is_file()
