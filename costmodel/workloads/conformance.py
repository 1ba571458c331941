"""Trees of conformance cases in the upstream layout: a program, the result it must have, and what it must cost.

A case is a folder with NAME.uplc and NAME.uplc.expected, NAME.flat and NAME.flat.expected, and NAME.budget.expected,
which in the older layout of the trees that other evaluators keep is NAME.uplc.budget.expected. An expected file holds a
program, or a word for how the case must fail. Upstream runs its cases with every
builtin available, whatever the ledger says of them, and with the newest semantics and costs; so does this.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Final, Literal

from costmodel.errors import DecodeError, InputError
from costmodel.files import read_bytes
from costmodel.machine import EvaluationStatus, NativeMachine, Script, exact_machine
from costmodel.model import MAX_COST, ExUnits, Variant
from costmodel.plutus import Program, decode_flat, encode_flat, parse_program, print_program, terms_equal
from costmodel.workloads import workers

Format = Literal["text", "flat"]

FORMATS: Final[tuple[Format, ...]] = ("text", "flat")

_SUFFIXES: Final[dict[Format, str]] = {"text": ".uplc", "flat": ".flat"}
_REFUSED: Final = "parse/decode error"
_FAILED: Final = "evaluation failure"
_WORDS: Final = {_REFUSED: _REFUSED, "parse error": _REFUSED, "decode error": _REFUSED, _FAILED: _FAILED}
_UNWRITTEN: Final = "success, but no result"  # which no expected file can say
_BUDGET: Final = re.compile(rb"\s*\(?\{\s*cpu:\s*(\d{1,19})\s*\|\s*mem:\s*(\d{1,19})\s*\}\)?\s*")
_VARIANT: Final = Variant.E
_UNLIMITED: Final = ExUnits(MAX_COST, MAX_COST)
_SHOWN: Final = 300  # characters of a program in a miss


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A case that came out other than it should. `what` is "result" or "budget"; `expected` and `actual` are texts."""

    case: str
    what: Literal["result", "budget"]
    expected: str
    actual: str


@dataclass(frozen=True, slots=True)
class Unread:
    """A case that could not be checked, as one of its files is unreadable or not in the layout."""

    case: str
    reason: str


@dataclass(frozen=True, slots=True)
class Checked:
    """Cases of a tree, or some of them, in their order. `without_budget` are those that succeeded as they should and
    have no budget to compare with."""

    cases: int
    misses: tuple[Mismatch, ...] = ()
    unread: tuple[Unread, ...] = ()
    without_budget: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ConformanceOutcome(Checked):
    """All cases of a tree in one format."""

    format: Format = "text"

    @property
    def agreeing(self) -> int:
        """How many cases came out as they should, in their result and, where they succeed, in their budget."""
        return self.cases - len({miss.case for miss in self.misses}) - len(self.unread) - len(self.without_budget)


def report(form: Format, parts: Sequence[Checked]) -> ConformanceOutcome:
    """What was checked, put together."""
    return ConformanceOutcome(
        sum(part.cases for part in parts),
        tuple(miss for part in parts for miss in part.misses),
        tuple(unread for part in parts for unread in part.unread),
        tuple(case for part in parts for case in part.without_budget),
        form,
    )


@dataclass(frozen=True, slots=True)
class _CaseOutcome:
    """What a case came to: `failure` says why there is no result, or else there is one and what it cost."""

    failure: str | None
    result: Program | None = None
    spent: ExUnits | None = None
    reason: str = ""


def find_cases(root: Path, form: Format) -> list[Path]:
    """The programs of all cases below a folder that have one in that format. InputError where there is none."""
    if not root.is_dir():
        raise InputError(f"{root}: no such folder of conformance cases")
    suffix = _SUFFIXES[form]
    found = [path for path in sorted(root.rglob(f"*{suffix}")) if path.with_name(path.name + ".expected").is_file()]
    if not found:
        raise InputError(f"{root}: has no cases, that is no *{suffix} with a *{suffix}.expected beside it")
    return found


def check_tree(root: Path, form: Format, jobs: int = 1) -> Iterator[Checked]:
    """Checks all cases of a tree, some at a time. InputError where there is none."""
    cases = find_cases(root, form)
    lots = [cases[at : at + _LOT] for at in range(0, len(cases), _LOT)]
    check = partial(_check_lot, root, form)
    if jobs == 1:
        yield from map(check, lots)
        return
    with workers.process_pool(jobs) as pool:
        yield from workers.in_order(pool, jobs, check, lots)


_LOT: Final = 16


def _check_lot(root: Path, form: Format, lot: Sequence[Path]) -> Checked:
    return report(form, [_check(root, form, path) for path in lot])


def _check(root: Path, form: Format, path: Path) -> Checked:
    name = path.relative_to(root).with_suffix("").as_posix()
    try:
        answer = _run(form, read_bytes(path))
        expected = _expected(form, path.with_name(path.name + ".expected"))
        if not _same(expected, answer):
            return Checked(1, (Mismatch(name, "result", _shown(expected), _shown(answer)),))
        if answer.spent is None:
            return Checked(1)
        budgets = [_budget(each) for each in _budget_paths(path) if each.is_file()]
    except InputError as error:
        return Checked(1, unread=(Unread(name, str(error)),))
    spent = _amount(answer.spent)
    wrong = dict.fromkeys(_amount(budget) for budget in budgets if budget != answer.spent)
    misses = tuple(Mismatch(name, "budget", budget, spent) for budget in wrong)
    return Checked(1, misses, without_budget=() if budgets else (name,))


def _budget_paths(path: Path) -> Iterator[Path]:
    """Where the budget of a program may be; a case's text and flat cost the same."""
    for name in (path.stem, path.name, path.with_suffix(_SUFFIXES["text"]).name):
        yield path.with_name(f"{name}.budget.expected")


def _amount(units: ExUnits | None) -> str:
    return "a failure" if units is None else f"cpu {units.cpu}, mem {units.mem}"


def _run(form: Format, content: bytes) -> _CaseOutcome:
    try:
        flat = content
        if form == "text":
            flat = encode_flat(parse_program(_text(content)), allow_group_elements=True)
        script = Script.decode(flat, None, group_elements=form == "text")
    except DecodeError as error:
        return _CaseOutcome(_REFUSED, reason=str(error))
    outcome = _machine().evaluate(script, _UNLIMITED, result=True)
    if outcome.status is not EvaluationStatus.SUCCESS:
        return _CaseOutcome(_FAILED, reason=outcome.error or "")
    if outcome.result is None:
        return _CaseOutcome(_UNWRITTEN, reason=outcome.unwritten or "")
    return _CaseOutcome(None, decode_flat(outcome.result, allow_group_elements=True), outcome.spent)


def _text(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise DecodeError(f"textual UPLC is not UTF-8: {error.reason} at byte {error.start}") from None


def _expected(form: Format, path: Path) -> _CaseOutcome:
    content = read_bytes(path)
    if word := _word(content):
        return _CaseOutcome(word)
    try:
        if form == "flat":
            return _CaseOutcome(None, decode_flat(content, allow_group_elements=True))
        return _CaseOutcome(None, parse_program(_text(content)))
    except DecodeError as error:
        raise InputError(f"{path}: holds neither a program nor {_REFUSED!r} nor {_FAILED!r}: {error}") from None


def _word(content: bytes) -> str | None:
    """How a case must fail, where a file says that in any of the spellings."""
    return _WORDS.get(content.strip().decode("ascii", "replace"))


def _budget(path: Path) -> ExUnits | None:
    """The budget in a file; None where it says that the case fails."""
    content = read_bytes(path)
    if _word(content):
        return None
    match = _BUDGET.fullmatch(content)
    if match is None:
        raise InputError(f"{path}: holds no budget of the form ({{cpu: N | mem: N}})")
    return ExUnits(int(match[1]), int(match[2]))


def _same(expected: _CaseOutcome, actual: _CaseOutcome) -> bool:
    if expected.result is None or actual.result is None:
        return expected.failure == actual.failure
    return expected.result.version == actual.result.version and terms_equal(expected.result.term, actual.result.term)


def _shown(answer: _CaseOutcome) -> str:
    if answer.result is None:
        return f"{answer.failure}: {answer.reason}" if answer.reason else str(answer.failure)
    text = print_program(answer.result)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


@cache
def _machine() -> NativeMachine:
    return exact_machine(_VARIANT)
