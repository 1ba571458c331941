"""What is replayed: programs with their arguments, and what they should cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from costmodel.errors import InputError
from costmodel.machine import Script
from costmodel.model import ExUnits
from costmodel.plutus import Data, DataConstr, LedgerLanguage, data_parts, decode_data, encode_data


def nodes(data: Data) -> Iterator[Data]:
    """Every node of a Data, itself included, each before the ones below it."""
    stack = [data]
    while stack:
        node = stack.pop()
        yield node
        stack += reversed(data_parts(node))


DEFAULT_LOOP_COUNTS: Final = (1, 10, 25, 50)
DEFAULT_PROTOCOL_VERSION: Final = 11
DEFAULT_LANGUAGE: Final = LedgerLanguage.PLUTUS_V3
"""Of programs in files that do not say theirs."""

# Stands where a script takes something that it has no use for, e.g. a datum.
_NOTHING: Final = DataConstr(0, ())
_MAX_LOOP_COUNT: Final = 2**32


@dataclass(frozen=True, slots=True)
class WorkloadProgram:
    """One program and the arguments that it is called with.

    `name` says which program of the workload it is; `loop_count` how often its loop runs, or the operation that it is
    about is applied, None for a program without such a count. `arguments` are Data as CBOR, in the order of
    application. `expected` are the ExUnits under the ledger's model for `language` and `protocol_version`, where they
    are known from elsewhere; `ledger_parameters` is that model as the ledger's array where it is another than today's.
    `source` tells the user where the program came from.
    """

    name: str
    flat: bytes
    language: LedgerLanguage
    protocol_version: int
    arguments: tuple[bytes, ...]
    source: str
    loop_count: int | None = None
    expected: ExUnits | None = None
    ledger_parameters: tuple[int, ...] | None = None

    @property
    def label(self) -> str:
        """The name, and the count where there is one; unlike for unlike programs of a workload."""
        return self.name if self.loop_count is None else f"{self.name} × {self.loop_count}"

    @property
    def argument_nodes(self) -> int:
        """Number of Data nodes in all arguments together."""
        return sum(1 for argument in self.arguments for _ in nodes(decode_data(argument)))

    def script(self, *, own_frames: bool = False) -> Script:
        """The program decoded and applied to its arguments. InputError, naming the source, where that fails."""
        try:
            script = Script.decode(self.flat, self.language, self.protocol_version, own_frames=own_frames)
            for argument in self.arguments:
                script.apply_data(argument)
        except InputError as error:
            raise type(error)(f"{self.source}: {error}") from None
        return script


@dataclass(frozen=True, slots=True)
class Workload:
    """Programs that are replayed together, and the files that they were read from (none for the package's own).

    `notes` are lines for the user: what of the source is not in the workload, and why. `loops` says that every program
    is a loop: the same work over and over, which a model must predict each by itself.
    """

    name: str
    programs: tuple[WorkloadProgram, ...]
    files: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()
    loops: bool = False


def named_apart(programs: Iterable[WorkloadProgram]) -> tuple[WorkloadProgram, ...]:
    """The same programs; of several with one label, such as x.flat and x.uplc, all but the first get a number."""
    taken: Counter[str] = Counter()
    apart: list[WorkloadProgram] = []
    for program in programs:
        named = program
        while named.label in taken:
            taken[program.label] += 1
            named = replace(program, name=f"{program.name} ({taken[program.label]})")
        taken[named.label] += 1
        apart.append(named)
    return tuple(apart)


def script_arguments(language: LedgerLanguage, redeemer: Data) -> tuple[bytes, ...]:
    """The arguments of a script that looks at its redeemer only, as CBOR.

    PlutusV1 and V2 spending scripts take datum, redeemer and context; from V3 on a script takes one context, which is
    Constr 0 [transaction, redeemer, script information] (CIP-0069). What the script ignores is Constr 0 [].
    """
    if language in (LedgerLanguage.PLUTUS_V1, LedgerLanguage.PLUTUS_V2):
        return tuple(encode_data(argument) for argument in (_NOTHING, redeemer, _NOTHING))
    return (encode_data(DataConstr(0, (_NOTHING, redeemer, _NOTHING))),)


def script_redeemer(language: LedgerLanguage, arguments: Sequence[bytes]) -> Data:
    """The redeemer among what `script_arguments` made. InputError for arguments of another form."""
    before_v3 = language in (LedgerLanguage.PLUTUS_V1, LedgerLanguage.PLUTUS_V2)
    match [decode_data(argument) for argument in arguments]:
        case [_, redeemer, _] if before_v3:
            return redeemer
        case [DataConstr(fields=(_, redeemer, _))] if not before_v3:
            return redeemer
    raise InputError(f"the arguments are not those of a {language.value} script with a redeemer")


def checked_loop_counts(loop_counts: Iterable[int]) -> tuple[int, ...]:
    """The distinct loop counts, ascending. InputError where there is none, or one that no loop can have."""
    counts = tuple(sorted(set(loop_counts)))
    if not counts:
        raise InputError("no loop count is given; give one or more, such as 1 and 50")
    for count in counts:
        if not 1 <= count <= _MAX_LOOP_COUNT:
            raise InputError(f"loop count {count} is not between 1 and {_MAX_LOOP_COUNT}")
    return counts
