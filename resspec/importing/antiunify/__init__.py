"""Blocks with parameters, found in a network that has none: what modules share, what is optional,
and what varies.

An importer of foreign modules starts from layers with plain numbers. Bodies of one kind become one
family where one declaration can serve all of them.

    terms.py        what modules consist of, as data that can be compared collect.py      IR to
    terms: rows of modules, and distinct bodies align.py        one body as another with statements
    left out patterns.py     several terms as one, with a hole where they differ parameters.py
    holes to constants, parameters, and formulas of parameters families.py     bodies to families
"""

from __future__ import annotations

from resspec.importing.antiunify.collect import collect
from resspec.importing.antiunify.families import families

__all__ = ["collect", "families"]
