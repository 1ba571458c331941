"""What an evaluator takes and gives. Programs, arguments and results are bytes, so it may live in another process.

The native machine is one implementation, a driver (`driver.py`) is the other. A session loads its cells as works and
has them timed; it does not know what lies behind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from costmodel.errors import CheckFailed
from costmodel.model import ExUnits


class EvaluationStatus(Enum):
    """How an evaluation ended; the value is for people and for `--json`."""

    SUCCESS = "success"
    FAILURE = "evaluation failure"
    OVER_BUDGET = "out of budget"
    OUT_OF_MEMORY = "out of memory"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One evaluation. `steps` has the charged steps by kind ("const", "var" …), `builtins` the calls by name.

    `result` is the resulting term as a flat program, closed, with de Bruijn indices; None unless it succeeded and was
    asked for; `unwritten` says why it is missing all the same, for lack of a form or of room. `error` says why the
    evaluation did not succeed. `spent` and the counts stand for what was done, whatever the status.
    """

    status: EvaluationStatus
    spent: ExUnits
    steps: dict[str, int]
    builtins: dict[str, int]
    result: bytes | None = None
    unwritten: str | None = None
    error: str | None = None
    logs: tuple[str, ...] = ()


class Subject(Protocol):
    """What is to be timed: a cell of a design, or anything with the same parts."""

    @property
    def id(self) -> str: ...
    @property
    def work(self) -> str: ...
    @property
    def flat(self) -> bytes: ...
    @property
    def arguments(self) -> tuple[bytes, ...]: ...
    @property
    def steps(self) -> dict[str, int]: ...
    @property
    def builtins(self) -> dict[str, int]: ...
    @property
    def vary(self) -> tuple[int, ...]: ...
    @property
    def language(self) -> str: ...
    @property
    def protocol_version(self) -> int: ...
    @property
    def nops(self) -> bool: ...


class LoadedSubject(Protocol):
    """A subject that its evaluator is ready to time."""

    @property
    def name(self) -> str: ...
    @property
    def evaluator(self) -> Evaluator: ...
    @property
    def spent(self) -> ExUnits | None:
        """What one run spends, where that is known."""


@dataclass(frozen=True, slots=True)
class Order:
    """A batch to be timed: `warm_up` runs first, then `iterations` inside the clock."""

    work: LoadedSubject
    iterations: int
    warm_up: int


@dataclass(frozen=True, slots=True)
class Reading:
    """A batch as it came from the clock. `disturbance` names what disturbed it. With a `fault`, which says why, there
    is no time, and will be none of this work."""

    ticks: int
    disturbance: str
    cpu: int
    fault: str = ""


class CellLost(CheckFailed):
    """An evaluator cannot do what one cell asks. The others are not concerned."""


class Evaluator(Protocol):
    """Something that runs programs and times them, on one core."""

    @property
    def facts(self) -> Mapping[str, str]:
        """What it is, as a manifest names it: runs of evaluators with unlike facts are never taken together."""

    @property
    def collects(self) -> bool:
        """Whether memory is collected while programs run, which has to be part of their time."""

    @property
    def warm_up_ns(self) -> float:
        """For how long a program has to run before it is timed, beside the usual share of its batch."""

    @property
    def differences(self) -> Mapping[str, str]:
        """By name of a work that was prepared, how its ExUnits differ from the exact ones."""

    def prepare(
        self, subject: Subject, *, checked: bool = False, parameters: Sequence[int] | None = None
    ) -> LoadedSubject:
        """A subject as work. CellLost where this evaluator cannot do it; CheckFailed where the subject itself is wrong,
        unless it was `checked` before. `parameters` is the cost model as the ledger's array, by default today's."""

    def time(self, orders: Sequence[Order]) -> list[Reading]:
        """One batch of each, in this order."""

    def close(self) -> None:
        """End what it holds."""


def evaluator_label(facts: Mapping[str, str]) -> str:
    """An evaluator's name and version, for people."""
    return f"{facts.get('name', 'unknown')} {facts.get('version') or facts.get('sha256', '')[:8]}".strip()
