"""`calibrate fit --method official`: the published procedure on upstream's Criterion CSV."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from costmodel import __version__
from costmodel.cli.output import print_json, say, show, stderr
from costmodel.model import Variant
from costmodel.records.model import CriterionFile, OfficialEntry, OfficialFitDocument
from costmodel.rendering.tables import Table

if TYPE_CHECKING:
    from costmodel.fit.official import OfficialModel
    from costmodel.imports.text_formats import CriterionRows


def fit_criterion(path: Path, out: Path, *, variant: Variant, as_json: bool) -> None:
    """Fit a Criterion CSV, write upstream's builtin cost-model file, and show how it compares with the ledger's."""
    from costmodel.fit.official import compare_with_ledger, fit_official
    from costmodel.fit.pipeline import write_model
    from costmodel.imports.text_formats import read_criterion

    with stderr().status("fitting"):
        criterion = read_criterion(path)
        model = fit_official(criterion, variant)
        entries = compare_with_ledger(model)
    section = model.section(criterion)
    write_model(replace(model.cost_model, extras=msgspec.to_builtins(section)), out)
    if as_json:
        print_json(_document(criterion, model, entries, out))
    else:
        _show(model, entries, out)


def _document(
    criterion: CriterionRows, model: OfficialModel, entries: tuple[OfficialEntry, ...], out: Path
) -> OfficialFitDocument:
    return OfficialFitDocument(
        tool_version=__version__,
        model=str(out),
        variant=model.variant.value,
        criterion=CriterionFile(file=criterion.source, sha256=criterion.sha256),
        equal=sum(each.equal for each in entries),
        differ=sum(not each.equal for each in entries),
        entries=entries,
        notes=model.notes,
        unknown_rows=dict(model.unknown),
        unused_rows=dict(model.unused),
    )


def _show(model: OfficialModel, entries: tuple[OfficialEntry, ...], out: Path) -> None:
    differing = [each for each in entries if not each.equal]
    if differing:
        rows = [(each.builtin, _coefficients(each), each.reason) for each in differing]
        headings = ("builtin", "fitted → published (ps)", "reason")
        show(Table.of("Entries that differ", headings, rows))
        say("")
    for each in entries:
        for note in each.notes:
            say(f"{each.builtin}: {note}")
    for note in model.notes:
        say(note)
    for name, count in model.unknown.items():
        say(f"{name}: {count} rows of an unknown builtin, ignored")
    for name, count in model.unused.items():
        say(f"{name}: {count} rows that the procedure does not use")
    equal = len(entries) - len(differing)
    say(f"{equal} of {len(entries)} CPU entries equal the ledger's model {model.variant}; {len(differing)} differ")
    say(f"model: {out}")


def _coefficients(entry: OfficialEntry) -> str:
    """The coefficients in which the two differ, or all that are published where nothing is fitted."""
    if entry.fitted is None:
        return f"not fitted, {', '.join(f'{name} {value:,}' for name, value in entry.published.items())}"
    return ", ".join(
        f"{name} {value:,} → {entry.published[name]:,}"
        for name, value in entry.fitted.items()
        if value != entry.published[name]
    )
