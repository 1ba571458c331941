"""The documents of `calibrate propose`."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from costmodel.records.documents import Count, Document, Record, Sha256, Version1, about
from costmodel.records.figures import Doubt, ExitCode, Objection, PriceBasis
from costmodel.records.run import Machine


class ProposedValue(Record, frozen=True, kw_only=True):
    """One parameter of a language's array, live and proposed."""

    index: Annotated[Count, about("Position in the ledger's list, from 0")]
    name: Annotated[str, about("Its name in that list")]
    old: Annotated[int | None, about("The live value; null where the live array has none")]
    new: Annotated[int | None, about("The proposed value; null where neither the model nor the live array has one")]
    change: Annotated[float | None, about("As a share of the live value; null from nothing")]
    origin: Annotated[
        Literal["model", "live"], about("model: from the proposed model; live: kept because the model does not set it")
    ]


class MovedValue(Record, frozen=True, kw_only=True):
    """A parameter that stands elsewhere than before."""

    name: str
    old_index: Annotated[Count, about("Its position in the live document")]
    new_index: Annotated[Count, about("Its position in the proposed array")]


class ProposedArray(Document, frozen=True, kw_only=True, tag="proposed array"):
    """One language's parameters by position and by name: a file in the folder of `calibrate propose`."""

    written_by: ClassVar[str] = "calibrate propose"

    schema_version: Version1 = 1
    language: Annotated[str, about("Ledger language")]
    protocol_version: Annotated[int, about("Major protocol version")]
    live: Annotated[str, about("What it is compared with")]
    values: Annotated[tuple[ProposedValue, ...], about("Every parameter, in the ledger's order")]
    added: Annotated[tuple[str, ...], about("Parameters that the live array does not have")]
    missing: Annotated[tuple[str, ...], about("Parameters of this protocol version that have no value")]
    moved: Annotated[tuple[MovedValue, ...], about("Parameters that stand elsewhere than in the live document")]
    kept: Annotated[
        dict[str, str],
        about("Builtins and steps whose live values are kept, with the reason"),
    ]


class ArraySummary(Record, frozen=True, kw_only=True):
    """What becomes of one language's array."""

    language: str
    parameters: Count
    changed: Annotated[Count, about("Values that differ from the live ones")]
    raised: Annotated[Count, about("Of these, how many rise")]
    lowered: Annotated[Count, about("And how many fall")]
    added: Count
    missing: Count
    moved: Count
    kept: Annotated[Count, about("Builtins and steps that the model does not set")]


class Guardrail(Record, frozen=True, kw_only=True):
    """A guardrail of the constitution on cost models. No script checks these: evidence has to come with a proposal."""

    id: Annotated[str, about("PCM-01 to PCM-04")]
    rule: Annotated[str, about("What it asks for, in our words")]
    status: Annotated[
        Literal["evidence", "against", "open"],
        about("evidence: what can be computed speaks for it; against: it does not; open: nothing can be computed"),
    ]
    evidence: Annotated[tuple[str, ...], about("What was computed")]
    questions: Annotated[tuple[str, ...], about("What a person must answer")]


class ContractAccuracy(Record, frozen=True, kw_only=True):
    """How well the model predicts real scripts: from a document of `calibrate validate`."""

    file: Annotated[str, about("The document, in the folder")]
    workload: str
    work: Annotated[str, about("What was timed")]
    status: Annotated[str, about("Whether its acceptance limits were kept")]
    programs: Count
    median: Annotated[float | None, about("Median of |observed/predicted − 1|")]
    p95: Annotated[float | None, about("95th percentile of the same")]
    r2: float | None
    undercharged: Annotated[str, about("The program that is undercharged most")]
    undercharged_ratio: Annotated[float, about("Its observed over predicted")]


class ImpactSummary(Record, frozen=True, kw_only=True):
    """What the change does to real scripts: impact.json has all of it."""

    corpus: str
    evaluations: Annotated[Count, about("Evaluations that were priced")]
    fee_change: Annotated[float | None, about("Of all fees together, as a share")]
    cpu_change: Annotated[float | None, about("Of all CPU units together, as a share")]
    newly_over_limit: Count
    newly_over_declared: Count
    newly_failing: Count


class Undercharging(Record, frozen=True, kw_only=True):
    """How far prices are below what was measured."""

    points: Annotated[Count, about("Measured points of 5 ns and more")]
    undercharged: Annotated[Count, about("Those that take longer than they are charged")]
    worst: Annotated[str, about("The builtin and sizes that are undercharged most; empty where none is measured")]
    worst_factor: Annotated[float | None, about("Measured over charged there")]


class PolicyCost(Record, frozen=True, kw_only=True):
    """A safety margin, what it costs, and what it leaves."""

    policy: Annotated[str, about("In words")]
    cpu_change: Annotated[float | None, about("Of the corpus's CPU units against the fit without a margin")]
    fee_change: Annotated[float | None, about("Of its fees")]
    remaining: Annotated[Undercharging | None, about("null where the model has no measured points")]


class SearchFact(Record, frozen=True, kw_only=True):
    """A search for worst inputs, and what the proposed prices leave of it."""

    file: Annotated[str, about("The document, in the folder; its witnesses are in the folder of the same name")]
    search: Annotated[str, about("The search's name")]
    evaluator: Annotated[str, about("What was timed")]
    machine: Annotated[str, about("The id of its machine")]
    model: Annotated[str, about("The model whose prices were searched")]
    prices: Annotated[Count, about("Prices that have a proven witness")]
    trials: Annotated[Count, about("Inputs that were tried")]
    above: Annotated[Count, about("Prices whose whole interval lies above the charge")]
    worst: Annotated[str, about("The price with the highest ratio; empty without any")]
    worst_ratio: Annotated[float | None, about("Time over charge there, over the search's scale")]
    left_worst: Annotated[
        str, about("The builtin that the proposed prices leave with the highest ratio; empty where that is not known")
    ]
    left_ratio: Annotated[float | None, about("Time of its witness over what the proposal charges at its sizes")]


class RunFact(Record, frozen=True, kw_only=True):
    """A run that the model was fitted to."""

    run: Annotated[str, about("Its name")]
    contained: Annotated[bool, about("Whether the folder contains it")]
    evaluator: str
    created: Annotated[str, about("UTC time of its start")]
    manifest_sha256: Annotated[str, about("SHA-256 of its manifest; empty where the model does not say")]
    command: Annotated[str, about("What made it")]


class Proposal(Document, frozen=True, kw_only=True, tag="proposal"):
    """What `calibrate propose` decides, and what it decides from: proposal.json in its folder."""

    written_by: ClassVar[str] = "calibrate propose"

    schema_version: Version1 = 1
    tool_version: Annotated[str, about("Version of calibrate")]
    status: Annotated[Literal["usable", "not usable"], about("Whether the prices may go to the chain as they are")]
    reasons: Annotated[tuple[str, ...], about("Why not, or what was overruled")]
    model_sha256: Annotated[Sha256, about("Of model.json")]
    variant: Annotated[str | None, about("The ledger's variant whose shapes were fitted")]
    basis: PriceBasis
    doubts: Annotated[tuple[Doubt, ...], about("What speaks against the prices")]
    allowed: Annotated[tuple[Objection, ...], about("Objections that the proposer overruled")]
    live: Annotated[str, about("The arrays that are in force")]
    live_protocol_version: Annotated[int, about("Major protocol version that those are of")]
    protocol_version: Annotated[int, about("Major protocol version that the proposal is for")]
    arrays: tuple[ArraySummary, ...]
    guardrails: tuple[Guardrail, ...]
    flags: Annotated[dict[str, tuple[str, ...]], about("Material flags, by builtin or step")]
    accuracy: tuple[ContractAccuracy, ...]
    impact: Annotated[ImpactSummary | None, about("null where no corpus was given")]
    policies: Annotated[tuple[PolicyCost, ...], about("The safety margin that is charged, and others beside it")]
    searches: Annotated[tuple[SearchFact, ...], about("Searches for worst inputs")] = ()
    edits: Annotated[tuple[str, ...], about("Builtins that were changed by hand: edits.json has their prices")]
    runs: tuple[RunFact, ...]
    machine: Annotated[Machine | None, about("That measured; null where the model does not say")]
    versions: Annotated[dict[str, str], about("Of what measured")]
    command_line: Annotated[tuple[str, ...], about("What the proposal was made with")]
    commands: Annotated[tuple[str, ...], about("How to make and to check it again")]


class EditedPrice(Record, frozen=True, kw_only=True):
    """A builtin's costing function as somebody changed it."""

    cpu: Annotated[dict[str, Any], about("In upstream's layout: `arguments` and `type`")]


class PriceEdits(Document, frozen=True, kw_only=True, tag="price edits"):
    """Prices that were changed in a page, as it shows them; `calibrate propose --edits` applies them."""

    written_by: ClassVar[str] = "calibrate report and calibrate propose: their pages"

    schema_version: Version1 = 1
    model: Annotated[str, about("The model that was changed")]
    model_sha256: Annotated[str, about("SHA-256 of its file; empty where the page does not know it")]
    picoseconds_of: Annotated[str, about("Whose picoseconds its other prices are in")]
    builtins: dict[str, EditedPrice]


class Discrepancy(Record, frozen=True, kw_only=True):
    """Something that is not as it was computed again."""

    where: Annotated[str, about("The file, and the place in it")]
    text: Annotated[str, about("What is wrong")]


class ProposalCheck(Document, frozen=True, kw_only=True, tag="proposal check"):
    """What `calibrate propose --verify FOLDER --json` prints."""

    written_by: ClassVar[str] = "calibrate propose --verify --json"

    schema_version: Version1 = 1
    folder: str
    exit_code: ExitCode
    found: Annotated[tuple[Discrepancy, ...], about("What is wrong")]
    unchecked: Annotated[tuple[str, ...], about("What could not be computed again, and why")]
    recomputed: Annotated[tuple[str, ...], about("What was computed again and is the same")]
