"""What an evaluator takes and gives. Programs, arguments and results are bytes, so it may live in another process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from costmodel.model import ExUnits
from costmodel.plutus import LedgerLanguage


class Status(Enum):
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

    status: Status
    spent: ExUnits
    steps: dict[str, int]
    builtins: dict[str, int]
    result: bytes | None = None
    unwritten: str | None = None
    error: str | None = None
    logs: tuple[str, ...] = ()


class Machine(Protocol):
    """An evaluator for one cost model."""

    def run(
        self,
        program: bytes,
        arguments: Sequence[bytes],
        *,
        language: LedgerLanguage,
        protocol_version: int,
        budget: ExUnits,
    ) -> Outcome:
        """Evaluates a flat program applied to Data arguments in CBOR.

        Raises DecodeError where the program or an argument is malformed or not available in that language and
        protocol version.
        """
