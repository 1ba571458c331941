"""Documents of `calibrate evaluators`: the drivers that there are, and whether one can be trusted."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar

from costmodel.records.documents import Document, Record, Version1, about


class KnownDriver(Record, frozen=True, kw_only=True):
    """A driver that comes with calibrate."""

    name: Annotated[str, about("What --evaluator calls it")]
    evaluator: Annotated[str, about("The package that it drives")]
    version: Annotated[str, about("The pinned version of that")]
    tool: Annotated[str, about("What it is built with")]
    folder: Annotated[str | None, about("The folder of its build; null where it is not built")]
    missing: Annotated[bool, about("Whether the tool is not installed")]
    note: Annotated[str, about("Whose evaluator it is, and how its times differ from others'")]


class Evaluators(Document, frozen=True, kw_only=True, tag="evaluators"):
    """Drivers of evaluators, of all or of those that were just built."""

    written_by: ClassVar[str] = "calibrate evaluators list"

    schema_version: Version1 = 1
    evaluators: tuple[KnownDriver, ...]


class TrustVerdict(StrEnum):
    """Of a check."""

    OK = "ok"
    WARN = "warn"
    BAD = "bad"


class DriverCheck(Record, frozen=True):
    """Something that a driver was tried for."""

    name: Annotated[str, about("What was tried")]
    verdict: TrustVerdict
    found: Annotated[str, about("What was found")]


class Trust(Document, frozen=True, kw_only=True, tag="evaluator-check"):
    """Whether the times of a driver can be trusted: they can where nothing is bad."""

    written_by: ClassVar[str] = "calibrate evaluators check"

    schema_version: Version1 = 1
    evaluator: Annotated[str, about("Its name and version")]
    facts: Annotated[dict[str, str], about("What it says of itself, as in a run's manifest")]
    checks: tuple[DriverCheck, ...]
    trusted: Annotated[bool, about("Whether no check is bad")]

    @property
    def reason(self) -> str:
        """What is bad."""
        return "; ".join(f"{check.name}: {check.found}" for check in self.checks if check.verdict is TrustVerdict.BAD)
