"""Documents of a run: `manifest.json`, what is known about it, and `design.json`, what was to be measured."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Final, Literal, TypeAlias

import msgspec

from costmodel.errors import InputError
from costmodel.records.documents import Count, Document, Former, Record, Sha256, Values, Version1, Version3, about
from costmodel.records.message import LogSummary

NATIVE: Final = "native"
"""The evaluator that is measured unless another is named."""


class RunStatus(StrEnum):
    """What became of a run. `running` in a run that nobody writes to means that its writer was killed."""

    RUNNING = "running"
    COMPLETE = "complete"
    INTERRUPTED = "interrupted"


class FileFact(Record, frozen=True, kw_only=True):
    """Size and hash of a file."""

    bytes: Annotated[Count, about("Size in bytes")]
    sha256: Annotated[Sha256, about("SHA-256 of the content, in hex")]


class Machine(Record, frozen=True, kw_only=True):
    """Fingerprint of a computer: what stays the same from run to run and may change how long things take.

    What the system does not tell is null. Which core measured is not part of it: cores of one computer are replicates.
    """

    id: Annotated[str, about("Hash of the rest; runs of different ids are never pooled")]
    name: Annotated[str | None, about("What the user calls it; null unless the run was imported")] = None
    architecture: Annotated[str | None, about("Such as x86_64")] = None
    cpu: Annotated[
        dict[str, str],
        about("What /proc/cpuinfo says of model and microcode; of an imported run, what its files say of the machine"),
    ] = msgspec.field(default_factory=dict)
    flags: Annotated[tuple[str, ...], about("Features of the processor by which libraries choose their code")] = ()
    cores: Annotated[Count | None, about("Cores that are online")] = None
    smt: Annotated[str | None, about("Whether simultaneous multithreading is on")] = None
    threads_per_core: Annotated[Count | None, about("Hardware threads that share the measured core")] = None
    governor: Annotated[str | None, about("Frequency governor")] = None
    boost: Annotated[str | None, about("Whether the processor may exceed its nominal frequency")] = None
    isolated: Annotated[str | None, about("Cores that the scheduler leaves alone")] = None
    clocksource: Annotated[str | None, about("The kernel's clock source")] = None
    aslr: Annotated[str | None, about("Kernel's randomize_va_space")] = None
    kernel: Annotated[str | None, about("Kernel release")] = None
    virtualisation: Annotated[str | None, about("The hypervisor, as far as the guest sees it")] = None
    memory_mib: Annotated[Count | None, about("Memory")] = None


def identified(machine: Machine) -> Machine:
    """The same with the `id` of the rest of it."""
    facts = {name: value for name, value in msgspec.structs.asdict(machine).items() if name != "id"}
    digest = hashlib.sha256(msgspec.json.encode(facts, order="sorted")).hexdigest()
    return msgspec.structs.replace(machine, id=digest[:16])


def upgraded_machine(values: Values) -> Values:
    """A fingerprint of version 0, which listed the hardware threads of the measured core, and so told cores apart."""
    facts = {key: value for key, value in values.items() if key != "siblings"}
    if "architecture" not in values:  # only a name
        return facts
    if siblings := values.get("siblings"):
        facts["threads_per_core"] = len(core_list(siblings))
    built: Values = msgspec.to_builtins(identified(msgspec.convert({"id": "", **facts}, Machine)))
    return built


def core_list(text: str | None) -> frozenset[int]:
    """The cores of a list in the kernel's form, such as "0-3,8"; none where the text has none."""
    found: set[int] = set()
    for first, last in re.findall(r"(\d{1,6})(?:-(\d{1,6}))?", text or ""):
        found.update(range(int(first), int(last or first) + 1))
    return frozenset(found)


class Calibration(Record, frozen=True, kw_only=True):
    """Nanoseconds per tick, as a process found them, and where it ran."""

    first: Annotated[float, about("When it began")]
    last: Annotated[float | None, about("When it ended; null of a process that did not end by itself")] = None
    worker: Annotated[str, about("The worker of a fleet that ran it; empty for this machine")] = ""


class ClockRecord(Record, frozen=True, kw_only=True):
    """The clock of a run."""

    name: Annotated[str, about("Its name, such as tsc, raw, perf or icount")]
    unit: Annotated[str, about("What all times of the run are in: ns, cycles or instructions")]
    tool: Annotated[str | None, about("What counted, with its version")] = None
    ns_per_tick: Annotated[dict[str, Calibration], about("By the number of the process")] = msgspec.field(
        default_factory=dict
    )


class Settings(Record, frozen=True, kw_only=True):
    """How a session times cells.

    Each process times every cell once in each of its blocks, and takes blocks that were disturbed as a whole again.
    From the process number `min_processes` on the session stops as soon as every cell's interval is narrow enough; at
    `max_processes` it stops anyway.
    """

    core: Annotated[int, about("The core that measures")]
    seed: Annotated[int, about("Seed of operands, orders and resamples")] = 0
    target_batch_us: Annotated[
        float, about("Shortest batch, in microseconds; an evaluation that takes longer is a batch by itself")
    ] = 200.0
    blocks_per_process: Annotated[int, about("Blocks of a process")] = 20
    min_processes: Annotated[int, about("Fewest processes")] = 5
    max_processes: Annotated[int, about("Most processes")] = 40
    evaluator: Annotated[str, about("What runs the cells: the native machine, or a driver as users name it")] = NATIVE
    target_half_width: Annotated[float, about("Half-width of 95 % intervals to stop at, as a share")] = 0.02


Work: TypeAlias = Annotated[
    Literal["evaluate", "start", "decode", "apply", "call", "setup"],
    about(
        "What one iteration does. evaluate: runs the script, decoded and applied before; the machine keeps its memory "
        "from run to run. start: the same, but the machine gives its memory back after each run, as between unrelated "
        "scripts. decode: decodes the flat bytes and frees the script. apply: decodes the flat bytes, then decodes the "
        "arguments, applies the script to them, and frees it; a decode cell of the same bytes is its point of no "
        "arguments. call: all of it: decode, apply, run, give back and free. setup: makes a machine from the packed "
        "cost model of the cell's language and protocol version, and frees it"
    ),
]

Experiment: TypeAlias = Annotated[
    Literal["builtins", "steps", "calls", "replay"], about("The experiment that it belongs to")
]


class CellFacts(Record, frozen=True, kw_only=True):
    """One thing to be timed, without its program."""

    id: Annotated[str, about("Its name in the run")]
    experiment: Experiment
    operation: Annotated[str, about("The builtin, kind of program or kind of call")]
    sizes: Annotated[tuple[int, ...], about("Sizes of the operation's arguments in its own measures")] = ()
    sizes_by_measure: Annotated[
        dict[str, tuple[int, ...]],
        about(
            "The same sizes by other measures, by the measure's name, where they differ; an argument whose type does "
            "not have the measure keeps its own size"
        ),
    ] = msgspec.field(default_factory=dict)
    work: Work = "evaluate"
    repeats: Annotated[
        int,
        about(
            "How often one evaluation applies the operation; 0 in a program with a no-op in the place of the builtin"
        ),
    ] = 1
    steps: Annotated[dict[str, int], about("Machine steps of one evaluation by kind")] = msgspec.field(
        default_factory=dict
    )
    builtins: Annotated[dict[str, int], about("Builtin applications of one evaluation by name")] = msgspec.field(
        default_factory=dict
    )
    footprint: Annotated[
        int, about("Different nodes of the decoded program that an evaluation computes; 0 where not counted")
    ] = 0
    features: Annotated[
        dict[str, float], about("Other counts that its time is predicted from, by name; nothing is charged for them")
    ] = msgspec.field(default_factory=dict)
    language: Annotated[str, about("Ledger language, such as PlutusV2")]
    protocol_version: Annotated[int, about("Major protocol version")]
    vary: Annotated[
        tuple[int, ...],
        about(
            "Places in the flat program where four bytes may be anything: drivers get other bytes there for every run, "
            "so that a result that was kept helps nobody"
        ),
    ] = ()
    nops: Annotated[bool, about("Whether the program uses the machine's no-op builtins")] = False
    witness: Annotated[bool, about("Whether a search for worst inputs found its operands")] = False


class DesignCell(CellFacts, frozen=True, kw_only=True):
    """One thing to be timed. Program and arguments are in `programs.parquet`, by their hashes."""

    program: Annotated[Sha256, about("Hash of the flat program")]
    arguments: Annotated[tuple[Sha256, ...], about("Hash of each argument's CBOR")]


def _upgraded_design(values: Values) -> Values:
    """Version 0, in which every cell had its program and arguments in hex."""
    cells = [
        {
            **cell,
            "program": _hash_of_hex(cell["flat"]),
            "arguments": [_hash_of_hex(argument) for argument in cell["arguments"]],
        }
        for cell in values["cells"]
    ]
    for cell in cells:
        del cell["flat"]
    return {"settings": {key: value for key, value in values.items() if key != "cells"}, "cells": cells}


def _hash_of_hex(text: str) -> str:
    return hashlib.sha256(bytes.fromhex(text)).hexdigest()


class Design(Document, frozen=True, kw_only=True, tag="design"):
    """What a run is to measure: `design.json`.

    It has no programs: only resuming and verifying need them, and no later version of a generator has to make the same.
    """

    written_by: ClassVar[str] = "calibrate measure"
    former: ClassVar[Mapping[int, Former]] = {0: Former(_upgraded_design)}

    schema_version: Version1 = 1
    settings: Settings
    cells: tuple[DesignCell, ...]


class SessionParameters(Record, frozen=True, kw_only=True, tag_field="of", tag="session"):
    """What a session of timing ran under."""

    settings: Settings
    cells: Annotated[Count, about("Number of cells")]
    programs: Annotated[tuple[str, ...], about("Ledger languages and protocol versions of the programs")]


class UnitLimits(Record, frozen=True, kw_only=True):
    """ExUnits as protocol parameters limit them."""

    cpu: int
    mem: int


class Profile(Record, frozen=True, kw_only=True):
    """A cluster and its load."""

    name: Annotated[str, about("Its name")]
    nodes: Annotated[Count, about("Nodes")]
    epochs: Annotated[Count, about("Epochs that are simulated")]
    slots: Annotated[Count, about("Slots of an epoch; a slot is a second")]
    tps: Annotated[float, about("Transactions a second")]
    epoch: Annotated[Count, about("The epoch of mainnet whose parameters hold")]
    tx_bytes: Annotated[Count, about("Size of a transaction without its script and redeemer, in bytes")]
    loop: Annotated[str | None, about("Its loop; null for value transfers, which have no script")] = None
    strategy: Annotated[str, about("How the loop's count is chosen")] = "txbudget"
    doubled: Annotated[str | None, about("Which of a block's limits is doubled: cpu, mem or neither")] = None


class ClusterParameters(Record, frozen=True, kw_only=True, tag_field="of", tag="cluster"):
    """What a cluster ran under: its profile, and the chain's parameters that bound and price its transactions."""

    profile: Profile
    seed: Annotated[int, about("Seed of the leader schedule")]
    repeats: Annotated[Count, about("Processes of each node")]
    protocol_version: Annotated[tuple[int, int], about("Major and minor")]
    most_ex_units: Annotated[dict[str, UnitLimits | None], about("Limits of a transaction (tx) and of a block (block)")]
    max_tx_size: Annotated[int | None, about("Bytes")]
    max_block_body_size: Annotated[int | None, about("Bytes")]
    cost_model: Annotated[tuple[int, ...], about("Cost-model parameters in the ledger's order")]


class ImportParameters(Record, frozen=True, kw_only=True, tag_field="of", tag="import"):
    """What imported measurements are."""

    formats: Annotated[tuple[str, ...], about("Formats of the files")]
    cells: Annotated[Count, about("Number of cells, which are benchmarks")]
    programs: Annotated[tuple[str, ...], about("Ledger language and protocol version in whose measures sizes are")]


class SessionOutcome(Record, frozen=True, kw_only=True, tag_field="of", tag="session"):
    """What came of a session of timing."""

    processes: Annotated[Count, about("Processes that ended by themselves")]
    batches: Annotated[Count, about("Timed batches")]
    disturbed: Annotated[Count, about("Batches that were disturbed, and discarded")]
    discard_rate: Annotated[float, about("Their share")]
    cells: Annotated[Count, about("Cells of the plan")]
    cells_done: Annotated[Count, about("Cells that reached the precision asked for")]
    median_half_width: Annotated[float | None, about("Of the cells' 95 % intervals, as a share; null if none is known")]
    worst_half_width: Annotated[float | None, about("The widest")]
    seconds: Annotated[float, about("How long the session took")]
    timed_share: Annotated[float, about("Share of that inside the clock")]
    yardstick_share: Annotated[float, about("Share of that for yardsticks")]
    warnings: Annotated[tuple[str, ...], about("What disturbed the session as a whole")] = ()


def session_outcome(manifest: Manifest) -> SessionOutcome:
    """What came of a session of timing. InputError where the run has not ended, or is a cluster's."""
    if not isinstance(manifest.outcome, SessionOutcome):
        raise InputError(f"the run {manifest.run} says nothing of what came of a session; resume it or name another")
    return manifest.outcome


class ClusterOutcome(Record, frozen=True, kw_only=True, tag_field="of", tag="cluster"):
    """What a cluster's run is of."""

    profile: Annotated[str, about("Its profile")]
    nodes: Annotated[Count, about("Nodes of it")]
    predicted_tx_ns: Annotated[float, about("Predicted time of a transaction")]


class ImportOutcome(Record, frozen=True, kw_only=True, tag_field="of", tag="import"):
    """What came of an import."""

    files: Annotated[Count, about("Files that were read")]
    measurements: Annotated[Count, about("Measurements of builtins and no-ops")]
    without_interval: Annotated[Count, about("Of these, those without an interval")]
    left_out: Annotated[dict[str, int], about("Measurements of no builtin, by the first part of their names")]


class Origin(Record, frozen=True, kw_only=True):
    """A run as an input of a result."""

    run: Annotated[str, about("Its name")]
    created: Annotated[str, about("UTC time of its start")]
    command_line: Annotated[tuple[str, ...], about("What it was called with")]
    versions: Annotated[dict[str, str], about("The tool, its native build and every C library")]
    machine: Annotated[str, about("The id of its machine")]
    clock: Annotated[str, about("The name of its clock")]
    parameters: Annotated[
        SessionParameters | ClusterParameters | ImportParameters | None, about("What it was made under")
    ]
    files: Annotated[dict[str, FileFact], about("Its files, the manifest among them")]
    inputs: Annotated[dict[str, FileFact], about("The files that it was made from")]
    messages: Annotated[LogSummary, about("What its log holds")]


def upgraded_origin(values: Values) -> Values:
    """An origin of version 0, whose parameters were open."""
    return {**values, "parameters": _upgraded_parameters(values["parameters"])}


def _upgraded_manifest(values: Values) -> Values:
    """Version 1, whose machine, clock, parameters and outcome were open."""
    parameters, outcome = dict(values["parameters"]), dict(values["outcome"])
    return {
        **values,
        "machine": upgraded_machine(values["machine"]),
        "clock": {**values["clock"]} or {"name": "unknown", "unit": "ns"},
        "parameters": _upgraded_parameters(parameters),
        "outcome": {"of": "cluster" if "profile" in outcome else "session", **outcome} if outcome else None,
    }


def _upgraded_parameters(values: Values) -> Values | None:
    if not values:
        return None
    if "most_ex_units" in values:
        own = ("seed", "repeats", "protocol_version", "most_ex_units", "max_tx_size", "max_block_body_size")
        known = (*own, "cost_model")
        profile = {key: value for key, value in values.items() if key not in known}
        return {"of": "cluster", "profile": profile, **{key: values[key] for key in known}}
    settings = {key: value for key, value in values.items() if key not in ("cells", "programs")}
    return {"of": "session", "settings": settings, "cells": values["cells"], "programs": values["programs"]}


def _without_gates(values: Values) -> Values:
    """Version 2, which called disturbed batches gated."""
    outcome = values["outcome"]
    if not isinstance(outcome, dict) or "gated" not in outcome:
        return values
    return {**values, "outcome": {"disturbed" if key == "gated" else key: value for key, value in outcome.items()}}


class Manifest(Document, frozen=True, kw_only=True, tag="manifest"):
    """What is known about a run beside its samples: `manifest.json`."""

    written_by: ClassVar[str] = "calibrate measure"
    former: ClassVar[Mapping[int, Former]] = {
        1: Former(_upgraded_manifest, frozenset({"run", "design_sha256"})),
        2: Former(_without_gates, frozenset({"run", "design_sha256"})),
    }

    schema_version: Version3 = 3
    run: Annotated[str, about("The run's name, that of its folder")]
    experiment: Annotated[str, about("Its experiments, with dashes between")]
    status: RunStatus = RunStatus.RUNNING
    status_reason: Annotated[str, about("Why it ended as it did")] = ""
    created: Annotated[str, about("UTC time of its start, ISO 8601")]
    command_line: Annotated[tuple[str, ...], about("What it was called with")]
    versions: Annotated[dict[str, str], about("The tool, its native build and every C library")]
    evaluator: Annotated[dict[str, str], about("The evaluator that was measured, and its checksum")]
    design_sha256: Annotated[Sha256, about("Hash of design.json")]
    seed: Annotated[int, about("Seed of operands, orders and resamples")]
    machine: Machine
    clock: ClockRecord
    parameters: Annotated[
        SessionParameters | ClusterParameters | ImportParameters | None, about("What it was made under")
    ] = None
    files: Annotated[dict[str, FileFact], about("Files of the run, once it has ended")] = msgspec.field(
        default_factory=dict
    )
    inputs: Annotated[dict[str, FileFact], about("Files that it was made from")] = msgspec.field(default_factory=dict)
    messages: Annotated[LogSummary, about("What messages.jsonl holds, once the run has ended")] = msgspec.field(
        default_factory=LogSummary
    )
    outcome: Annotated[
        SessionOutcome | ClusterOutcome | ImportOutcome | None, about("What came of it, once it has ended")
    ] = None
    uncertain: Annotated[dict[str, str], about("The reason for every cell that missed its precision")] = msgspec.field(
        default_factory=dict
    )
    ex_units: Annotated[
        dict[str, str], about("How the evaluator's ExUnits of a cell differ from the exact ones, by cell")
    ] = msgspec.field(default_factory=dict)
    checksum: Annotated[str, about("SHA-256 of the rest of the manifest, as encoded with sorted keys")] = ""


def manifest_checksum(document: Mapping[str, Any]) -> str:
    """SHA-256 of a manifest, as it is once read from JSON, without its checksum: it tells when somebody edits one."""
    rest = {key: value for key, value in document.items() if key != "checksum"}
    return hashlib.sha256(msgspec.json.encode(rest, order="sorted")).hexdigest()
