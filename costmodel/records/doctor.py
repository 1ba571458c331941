"""Documents of `calibrate doctor`: the diagnosis of a machine, and the settings that it changed."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar, Literal, TypeAlias

import msgspec

from costmodel.records.documents import Count, Document, Record, Version1, about
from costmodel.records.run import Machine


class CheckVerdict(StrEnum):
    """Of a check. `unseen` means that this system, a guest mostly, does not show what was looked for."""

    OK = "ok"
    WARN = "warn"
    BAD = "bad"
    UNSEEN = "unseen"


Fitness: TypeAlias = Annotated[Literal["fit", "unfit", "inconclusive"], about("Whether the core can be measured on")]


class MachineCheck(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something that was looked at."""

    name: Annotated[str, about("What was looked at")]
    verdict: CheckVerdict
    found: Annotated[str, about("What was found")]
    advice: Annotated[str, about("What to do, commands included; empty where all is well")] = ""


class Trial(Record, frozen=True, kw_only=True):
    """An A/A trial: a short session that measures the same programs twice. All shares are of one."""

    seconds: Annotated[float, about("How long it took")]
    processes: Annotated[Count, about("Processes that measured")]
    noise: Annotated[
        float | None, about("Root mean square of log(A ÷ B), A and B being the same; null if too much was disturbed")
    ]
    precision: Annotated[float | None, about("Median half-width of the 95 % intervals")]
    worst_precision: Annotated[float | None, about("The widest")]
    gap: Annotated[float, about("Median share of the spin probes that was lost in gaps")]
    discards: Annotated[float, about("Share of batches that were disturbed")]
    steal: Annotated[float | None, about("What the hypervisor says that it took of the core; null if it says nothing")]


class SettingChange(Record, frozen=True):
    """A setting that was changed."""

    name: Annotated[str, about("The setting")]
    path: Annotated[str, about("Its file below /sys")]
    before: Annotated[str, about("What it was")]
    after: Annotated[str, about("What it was set to")]


class Diagnosis(Document, frozen=True, kw_only=True, tag="diagnosis"):
    """What `calibrate doctor --json` prints: whether a machine is fit to measure on."""

    written_by: ClassVar[str] = "calibrate doctor --json"

    schema_version: Version1 = 1
    core: Annotated[int, about("The core that was tried")]
    machine: Machine
    checks: Annotated[tuple[MachineCheck, ...], about("All checks")]
    trial: Trial
    fitness: Fitness
    tuned: Annotated[tuple[SettingChange, ...], about("Settings that were changed while it was made")] = ()
    put_back: Annotated[
        tuple[SettingChange, ...], about("Settings that an earlier run had left changed, now put back")
    ] = ()


class SavedSettings(Document, frozen=True, kw_only=True, tag="saved settings"):
    """Settings as they were before `calibrate doctor --tune` changed them, for putting them back after a kill."""

    written_by: ClassVar[str] = "calibrate doctor --tune"

    schema_version: Version1 = 1
    changes: Annotated[tuple[SettingChange, ...], about("In the order in which they were made")]
