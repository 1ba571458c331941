"""Witnesses of searches for worst inputs, as times that prices are held to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import msgspec

from costmodel.errors import InputError
from costmodel.fit.builtins import BuiltinFit
from costmodel.fit.regression import rounded
from costmodel.plutus.builtins import BUILTIN_BY_NAME
from costmodel.records import read
from costmodel.records.fit import Witness
from costmodel.records.run import NATIVE, Manifest
from costmodel.records.worst import WORST, Worst


def read_search(path: Path) -> Worst:
    """What a search proved: of its folder, or of its document. InputError where it is neither, or not complete."""
    target = path / WORST if path.is_dir() else path
    if not target.exists():
        raise InputError(f"{path} is no complete search of `calibrate worst`: it has no {WORST}")
    return read(target, Worst)


def witnesses_of(found: Worst, measured: Manifest | None, where: str) -> tuple[Witness, ...]:
    """The witnesses of builtins. InputError, naming `where`, unless their times are of the evaluator and machine that
    the runs `measured`, as far as those are known, and of builtins alone."""
    name = found.evaluator.get("name", "unknown")
    if name != NATIVE:
        raise InputError(
            f"{where} searched {name}, and times steps with builtins; only those of {NATIVE} can be charged"
        )
    if measured is not None:
        whose = measured.evaluator.get("name", "unknown")
        if whose != name or measured.evaluator.get("sha256") != found.evaluator.get("sha256"):
            raise InputError(f"{where} timed another build or evaluator than the runs ({whose}); search again with it")
        if measured.machine.id != found.machine:
            raise InputError(
                f"{where} was made on another machine than the runs; time its witnesses there: `calibrate measure "
                "--inputs`"
            )
    return tuple(
        # Rounded as the model's file has it, so that a fit of the same witnesses gives the same prices.
        Witness(price=find.price, sizes=find.sizes, ps=rounded(max(find.time_ps, 0.0)), search=Path(found.run).name)
        for find in found.finds
        if find.price in BUILTIN_BY_NAME and find.reach.reachable
    )


def with_witnesses(builtins: Sequence[BuiltinFit], witnesses: Sequence[Witness]) -> tuple[BuiltinFit, ...]:
    """The fits with witnesses that their prices may be held to. InputError for sizes that a builtin does not have."""
    for each in witnesses:
        if len(each.sizes) != BUILTIN_BY_NAME[each.price].arity:
            raise InputError(f"{each.search}: {each.price} has no input of the sizes {each.sizes}")
    fits = []
    for fit in builtins:
        given = tuple(each for each in witnesses if each.price == fit.name)
        record = msgspec.structs.replace(fit.record, witnesses=(*fit.record.witnesses, *given))
        fits.append(replace(fit, record=record))
    return tuple(fits)
