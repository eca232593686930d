"""A cell of a notebook that holds a spec.

%load_ext resspec

%%res
use he2015
network small { input 3x32x32; shortcut B; stage layer1: 3 x basic 16; head avgpool -> fc 10 }
"""

from __future__ import annotations

import sys
from keyword import iskeyword
from typing import Any

from resspec.compiler import Examined, examine_opened
from resspec.diagnostics import SpecError, UsageError
from resspec.ir.network import Network
from resspec.opening import open_buffer


def register(shell: Any) -> None:
    """Add `%%res` to a shell of IPython."""

    def res(line: str, cell: str) -> Network | None:
        """Check a spec, and make a variable of each of its networks.

        %%res
            Each network is a variable of its own name; the last one is displayed.
        %%res NAME
            The only network, or the last one, is called NAME.
        """
        name = line.strip()
        if name and (not name.isidentifier() or iskeyword(name)):
            raise UsageError(f"%%res takes a name for the network, not {name!r}")
        examined = _examined(f"In [{shell.execution_count}]", cell)
        networks = {network.name: network for network in examined.networks}
        if not networks:
            return None
        last = examined.networks[-1]
        shell.push({name: last} if name else networks)
        return last

    shell.register_magic_function(res, "cell")


def _examined(name: str, text: str) -> Examined:
    """Return the networks of a text, and print its warnings. Raises SpecError.

    What it uses is read from the folder of the notebook, as from a file there.
    """
    opened = open_buffer(name, text)
    examined = examine_opened(opened)
    if examined.diagnostics:
        raise SpecError(examined.diagnostics)
    for warning in examined.warnings():
        print(warning, file=sys.stderr)
    return examined
