"""Families of builtins: those whose times a change of machine is likely to change alike, as they spend them alike."""

from __future__ import annotations

from typing import Final

from costmodel.plutus import BUILTINS

FAMILY_OF: Final[dict[str, str]] = {builtin.name: builtin.family for builtin in BUILTINS}

FAMILIES: Final[dict[str, frozenset[str]]] = {
    family: frozenset(name for name, own in FAMILY_OF.items() if own == family)
    for family in dict.fromkeys(FAMILY_OF.values())
}
"""Every builtin is in one of them."""
