"""Searches for worst inputs in a proposal: their documents and witnesses, and what the proposed prices leave."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from costmodel.errors import InputError
from costmodel.files import make_folder, read_bytes, write_atomically
from costmodel.fit.witnesses import read_search
from costmodel.model import CostModel
from costmodel.records import encode, read
from costmodel.records.model import FittedModel, Section
from costmodel.records.proposal import SearchFact
from costmodel.records.run import NATIVE
from costmodel.records.worst import Find, Worst
from costmodel.rendering import numbers

_MOST_BYTES: Final = 1 << 20  # of a witness, which fits into a transaction
_WITNESSES: Final = "worst-{}"


def put_searches(searches: Sequence[Path], folder: Path) -> None:
    """Copy what searches proved into a proposal, with the witnesses. InputError where one lacks a witness."""
    for number, path in enumerate(searches, 1):
        found = read_search(path)
        write_atomically(folder / f"{_WITNESSES.format(number)}.json", encode(found))
        make_folder(folder / _WITNESSES.format(number))
        for name in _files(found):
            source = (path if path.is_dir() else path.parent) / name
            write_atomically(folder / _WITNESSES.format(number) / Path(name).name, read_bytes(source, _MOST_BYTES))


def search_files(folder: Path) -> list[Path]:
    """Documents of searches in a proposal's folder."""
    return sorted(folder.glob("worst-*.json"))


def search_facts(folder: Path, model: CostModel, section: Section | None) -> tuple[SearchFact, ...]:
    """What each search says of the proposed prices."""
    return tuple(_fact(path, model, section) for path in search_files(folder))


def said(fact: SearchFact) -> str:
    """A search in a line."""
    text = (
        f"worst inputs on {fact.evaluator}, {fact.file}: {numbers.plural(fact.prices, 'price')} of {fact.model} "
        f"searched, {fact.above} above the charge beyond noise"
    )
    if fact.worst and fact.worst_ratio is not None:
        text += f", {fact.worst} most ({numbers.ratio(fact.worst_ratio)})"
    if fact.left_worst and fact.left_ratio is not None:
        text += f"; under the proposed prices {fact.left_worst} most ({numbers.ratio(fact.left_ratio)})"
    return text


def witness_problems(folder: Path, section: Section | None) -> Iterator[tuple[str, str]]:
    """Where witnesses are not those of their search, and where a model charges witnesses that its search has not."""
    searches: dict[str, tuple[str, Worst]] = {}
    for path in search_files(folder):
        found = read(path, Worst)
        searches[Path(found.run).name] = path.name, found
        for name in _files(found):
            where = f"{path.stem}/{Path(name).name}"
            if not (folder / where).is_file():
                yield where, f"is missing: {path.name} names it as a witness"
            elif hashlib.sha256(read_bytes(folder / where, _MOST_BYTES)).hexdigest()[:8] not in Path(name).stem:
                yield where, f"is not the witness that {path.name} names: its content is another"
    for each in _given(section):
        file, search = searches.get(each[0], ("", None))
        if search is not None and not any(_is(find, each[1:]) for find in search.finds):
            yield file, f"has no witness of {each[1]} at {numbers.sizes(each[2])} that takes what the model charges for"


def absent_searches(folder: Path, section: Section | None) -> list[str]:
    """Searches whose witnesses a model charges, and that the folder does not have."""
    held = {Path(read(path, Worst).run).name for path in search_files(folder)}
    return sorted({each[0] for each in _given(section)} - held)


def _given(section: Section | None) -> Iterator[tuple[str, str, tuple[int, ...], float]]:
    """Search, price, sizes and time of the witnesses that a fit was given."""
    fits = section.builtins.values() if isinstance(section, FittedModel) else ()
    for fit in fits:
        for each in fit.witnesses:
            if each.search is not None:
                yield each.search, each.price, each.sizes, each.ps


def _is(find: Find, witness: tuple[str, tuple[int, ...], float]) -> bool:
    price, sizes, ps = witness
    return (find.price, find.sizes) == (price, sizes) and abs(find.time_ps - ps) <= 1e-5 * max(ps, 1.0)


def _files(found: Worst) -> Iterator[str]:
    for find in found.finds:
        for name in filter(None, (find.witness, find.argument)):
            path = Path(name)
            if path.is_absolute() or ".." in path.parts:
                raise InputError(f"a witness is named {name[:80]!r}, which is no file of the search's own folder")
            yield name


def _fact(path: Path, model: CostModel, section: Section | None) -> SearchFact:
    found = read(path, Worst)
    worst = max(found.finds, key=lambda find: find.ratio.value or 0.0, default=None)
    left = {find.price: ratio for find in found.finds if (ratio := _left(find, found, model, section)) is not None}
    left_worst = max(left, key=left.__getitem__, default="")
    return SearchFact(
        file=path.name,
        search=Path(found.run).name,
        evaluator=found.evaluator.get("name", "unknown"),
        machine=found.machine,
        model=Path(found.model).name,
        prices=len(found.finds),
        trials=found.trials,
        above=sum((find.ratio.interval[0] or 0.0) > 1 for find in found.finds),
        worst=worst.price if worst is not None else "",
        worst_ratio=worst.ratio.value if worst is not None else None,
        left_worst=left_worst,
        left_ratio=left.get(left_worst),
    )


def _left(find: Find, found: Worst, model: CostModel, section: Section | None) -> float | None:
    """A builtin's witness over what the proposed price charges at its sizes; None where that is not known."""
    if find.price not in model.builtins or found.evaluator.get("name") != NATIVE:
        return None
    own = isinstance(section, FittedModel) and section.machine.id == found.machine
    own = own and isinstance(section, FittedModel) and section.picoseconds_of.evaluator == NATIVE
    scale = 1.0 if own else found.scale
    return find.time_ps / scale / max(model.builtins[find.price].cpu.evaluate(find.sizes), 1)
