"""Version 1 of the driver protocol: what calibrate and a driver say to each other, one JSON object a line.

A driver is a process that runs and times one evaluator. It writes `Hello` first, then answers each request on its
standard input with one line on its standard output, in order, until its input ends. `docs/reference/driver-protocol.md`
explains the messages with a worked exchange; their JSON Schemas are made from these types.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, TypeAlias

import msgspec
from msgspec import Meta

from costmodel.errors import CheckFailed
from costmodel.plutus import LedgerLanguage

PROTOCOL: Final = 1
LONGEST_LINE: Final = 1 << 20
"""Bytes of an answer; a driver that writes more without a line's end writes noise."""

_TEXT: Final = 4096  # characters of a text in an answer

Natural: TypeAlias = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Positive: TypeAlias = Annotated[int, Meta(ge=1, le=2**63 - 1)]
Text: TypeAlias = Annotated[str, Meta(max_length=_TEXT)]
Name: TypeAlias = Annotated[str, Meta(min_length=1, max_length=200)]
TimedWork: TypeAlias = Literal["evaluate", "decode"]


class DriverUnits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """ExUnits: CPU in picoseconds of the chain, memory in words."""

    cpu: Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
    mem: Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]


class Capabilities(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the evaluator can do, and how its times are to be read."""

    languages: Annotated[tuple[LedgerLanguage, ...], Meta(min_length=1, max_length=3)]
    protocol_versions: Annotated[
        tuple[Positive, ...], Meta(min_length=1, max_length=50, description="Major versions whose rules it knows.")
    ]
    cost_model: Annotated[
        Literal["given", "built in"],
        Meta(description="given: ExUnits follow the array that a load has; built in: they follow its own prices."),
    ]
    ex_units: Annotated[bool, Meta(description="Whether answers have ExUnits.")]
    decode: Annotated[bool, Meta(description="Whether decoding can be timed apart from evaluating.")]
    arguments: Annotated[
        bool, Meta(description="Whether it applies arguments; if not, calibrate sends programs already applied.")
    ]
    results: Annotated[
        Literal["flat", "own", "none"],
        Meta(description="flat: digests are SHA-256 of the result in flat; own: of something else; none: no digests."),
    ]
    collector: Annotated[bool, Meta(description="Whether memory is collected while programs run.")]
    compiler: Annotated[bool, Meta(description="Whether the run time compiles or optimises code while it runs.")]
    evaluate_decodes: Annotated[
        bool, Meta(description="Whether a timed evaluation holds the decoding of the program as well.")
    ] = False


class Hello(msgspec.Struct, frozen=True, kw_only=True, tag="hello", forbid_unknown_fields=True):
    """The first line of a driver: what it drives, and what that can do."""

    protocol: Positive
    evaluator: Name
    version: Name
    build: Annotated[Text, Meta(description="What else decides its speed: compiler, flags, features.")]
    runtime: Annotated[
        Text, Meta(description="What it runs on, such as go1.26.8 or CPython 3.11.2; native if nothing.")
    ]
    clock: Name
    resolution_ns: Annotated[float, Meta(gt=0, le=1e9, description="Smallest step of that clock, in nanoseconds.")]
    capabilities: Capabilities


class Load(msgspec.Struct, frozen=True, kw_only=True, tag="load"):
    """Decode a program, apply its arguments, and keep it under a number; a program that had the number is forgotten."""

    request: Natural
    program: Natural
    flat: Annotated[str, Meta(description="The program in flat, without CBOR around it, in hex.")]
    arguments: Annotated[tuple[str, ...], Meta(description="Data as CBOR in hex, in the order of application.")] = ()
    language: LedgerLanguage
    protocol_version: Positive
    cost_model: Annotated[
        tuple[int, ...] | None, Meta(description="The ledger's array; null asks for the evaluator's own prices.")
    ] = None
    budget: DriverUnits


class Time(msgspec.Struct, frozen=True, kw_only=True, tag="time"):
    """Run loaded programs in turn: first `warm_up` times, then `iterations` times between two readings of the clock.

    Iteration i, from 0, is of program i modulo their number, in either series.
    """

    request: Natural
    work: TimedWork
    programs: Annotated[tuple[Natural, ...], Meta(min_length=1)]
    warm_up: Natural
    iterations: Positive


class Loaded(msgspec.Struct, frozen=True, tag="loaded", forbid_unknown_fields=True):
    """The program is ready."""

    request: Natural


class Result(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a program came to in its last timed run."""

    cpu: Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)] | None = None
    mem: Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)] | None = None
    digest: Annotated[str, Meta(max_length=64)] | None = None


class Timed(msgspec.Struct, frozen=True, tag="timed", forbid_unknown_fields=True):
    """`ns` of all iterations together, by the driver's clock; `results` are by program, none for decodings."""

    request: Natural
    ns: int
    results: tuple[Result, ...] = ()


class Refused(msgspec.Struct, frozen=True, tag="refused", forbid_unknown_fields=True):
    """The evaluator does not take this program or cannot do this work: it does not decode, or a builtin is missing."""

    request: Natural
    reason: str


class Failed(msgspec.Struct, frozen=True, tag="failed", forbid_unknown_fields=True):
    """A program ended in an evaluation failure."""

    request: Natural
    reason: str


class OutOfBudget(msgspec.Struct, frozen=True, tag="out_of_budget", forbid_unknown_fields=True):
    """A program used up its budget."""

    request: Natural
    reason: str = ""


Request: TypeAlias = Load | Time
Answer: TypeAlias = Loaded | Timed | Refused | Failed | OutOfBudget
MESSAGES: Final = (Hello, Load, Time, Loaded, Timed, Refused, Failed, OutOfBudget)

_answers: Final[msgspec.json.Decoder[Answer]] = msgspec.json.Decoder(Answer)
_hello: Final = msgspec.json.Decoder(Hello)


class ProtocolError(CheckFailed):
    """A line that is no message of the protocol, or not one that may come here."""


def read_hello(line: bytes) -> Hello:
    """ProtocolError where the line is no hello of this version."""
    try:
        hello = _hello.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ProtocolError(f"its first line is {quoted(line)}, which is no hello: {error}") from None
    if hello.protocol != PROTOCOL:
        raise ProtocolError(f"it speaks version {hello.protocol} of the protocol, calibrate speaks {PROTOCOL}")
    return hello


def read_answer(line: bytes, request: int) -> Answer:
    """ProtocolError where the line is no answer to this request."""
    try:
        answer: Answer = _answers.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ProtocolError(f"it answered {quoted(line)}, which is no message of the protocol: {error}") from None
    if answer.request != request:
        raise ProtocolError(f"it answered request {answer.request} where {request} was asked")
    return answer


def quoted(line: bytes) -> str:
    """The beginning of a line, printable, for a message."""
    text = line[:60].decode("utf-8", "replace")
    return repr(text + "…" if len(line) > 60 else text)


def schemas() -> dict[str, Any]:
    """The JSON Schema of every message, in one document."""
    made, components = msgspec.json.schema_components(MESSAGES, ref_template="#/$defs/{name}")
    for request in (Load, Time):  # drivers ignore keys that they do not know
        components[request.__name__]["additionalProperties"] = True
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Messages of the driver protocol, version 1",
        "description": "What calibrate and the driver of an evaluator write to each other, one JSON object a line.",
        "oneOf": list(made),
        "$defs": components,
    }
