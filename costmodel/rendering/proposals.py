"""The table of a proposal's arrays."""

from __future__ import annotations

from costmodel.records.proposal import Proposal
from costmodel.rendering.tables import Table, count_cell, number


def arrays_table(proposal: Proposal, title: str) -> Table:
    """How many parameters of each language change."""
    columns = ("language", *map(number, ("parameters", "changed", "rise", "fall", "new", "missing", "moved", "kept")))
    rows = []
    for each in proposal.arrays:
        changes = (each.changed, each.raised, each.lowered, each.added, each.missing, each.moved, each.kept)
        rows.append((each.language, *map(count_cell, (each.parameters, *changes))))
    return Table.of(title, columns, rows)
