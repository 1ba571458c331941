"""`make differential`: random well-typed programs on the native machine and on other evaluators, result and ExUnits.

    python -m fuzz.differential [PROGRAMS [SEED [EVALUATOR…]]]

The programs are those of the fuzz target `typed`, in each language and at protocol versions 10 and 11, with the
ledger's cost models. Every difference is put down to a kind. Kinds that are explained are listed with their
explanation; for others an example is printed, and the exit code is 1.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, NamedTuple

from costmodel.errors import CalibrateError, CheckFailed, DecodeError
from costmodel.evaluators import driver_named
from costmodel.evaluators.registry import build, driver
from costmodel.machine import EvaluationStatus, Outcome, Script, exact_machine
from costmodel.machine.driver_process import DriverProcess
from costmodel.machine.driver_protocol import DriverUnits, Failed, Load, Loaded, OutOfBudget, Refused, Time, Timed
from costmodel.model import ExUnits, ledger_model, to_array, variant_for
from costmodel.plutus import BUILTINS, UPLC_1_1_0, LedgerLanguage, available, decode_flat, uplc_version_available
from fuzz import build as targets

_PROGRAMS: Final = 100_000
_EVALUATORS: Final = ("amaru", "plutigo")
_SHOWN: Final = 20  # unexplained kinds of an evaluator
_BUDGET: Final = ExUnits(10**10, 14 * 10**6)
_V1, _V2, _V3 = LedgerLanguage.PLUTUS_V1, LedgerLanguage.PLUTUS_V2, LedgerLanguage.PLUTUS_V3
_RULES: Final = ((_V3, 11, 6), (_V3, 10, 1), (_V2, 11, 1), (_V2, 10, 1), (_V1, 10, 1))
"""Language, protocol version, and how many of ten programs are run by them."""


class Came(NamedTuple):
    """What came of a program: `status` is success, failed, out of budget, refused or died."""

    status: str
    spent: tuple[int, int] | None = None
    digest: str | None = None
    reason: str = ""


@dataclass(frozen=True)
class KnownDifference:
    """Differences that have one reason: `pattern` finds them in their description, and, if `builtins` are named, the
    program has applied one of these."""

    evaluator: str
    pattern: str
    explanation: str
    builtins: frozenset[str] = frozenset()


_OF_VALUES: Final = frozenset({"insertCoin", "lookupCoin", "unionValue", "valueContains", "valueData", "scaleValue"})
_INT64: Final = "plutus reads such arguments as Int64 and fails beyond (Note [Integral types as Integer])"
KNOWN: Final = (
    KnownDifference(
        "amaru",
        r"\| refused \(Unknown type tags",
        "amaru does not decode constants of types that plutus has: values, and lists, arrays and pairs that hold group "
        "elements, values or some nestings of arrays",
    ),
    KnownDifference(
        "amaru",
        r"PlutusV[12] at 11: .* \| (failed \(No cost found|out of budget)|PlutusV2 at 10: .* \| failed \(No cost found",
        "amaru has no prices for builtins that PlutusV1 and V2 have later than PlutusV3",
    ),
    KnownDifference("amaru", r"\| died \(", "amaru panics where an integer does not fit into a machine word"),
    KnownDifference(
        "amaru",
        "ExUnits",
        "amaru takes the sizes of a list's elements for its length in listToArray; plutus counts them",
        frozenset({"listToArray"}),
    ),
    KnownDifference(
        "amaru",
        "(at 10: |PlutusV[12] at 11: )ExUnits",
        "amaru measures texts in bytes in every variant; plutus counts characters in variants A to C",
        frozenset({"appendString", "equalsString", "encodeUtf8"}),
    ),
    *(
        KnownDifference(
            name,
            r"refused \(a constant of a larger type",
            f"{name} has no bound on the size of a constant's type, which is 32 from protocol version 11 on",
        )
        for name in _EVALUATORS
    ),
    *(
        KnownDifference(name, r"failed \(builtin sliceByteString: an index beyond", f"{name} takes any index; {_INT64}")
        for name in _EVALUATORS
    ),
    KnownDifference(
        "amaru", r"failed \(builtin indexArray: index out of", "amaru cuts an index to 64 bits, and finds an element"
    ),
    *(
        KnownDifference(
            name,
            r"out of budget \(.*\| failed \((replicateByte|integerToByteString|bytes size beyond)",
            f"{name} looks at a length before it charges for it; plutus charges first",
        )
        for name in _EVALUATORS
    ),
    KnownDifference(
        "amaru",
        r"at 11: out of budget \(the budget ran out: CPU\) \| (success|failed)",
        "amaru's cost of dropList overflows, below zero, and it goes on; plutus's saturates",
    ),
    KnownDifference(
        "amaru",
        "PlutusV[123] at 11: ExUnits",
        "amaru has another cost of dividing a smaller number by a larger one in variants D and E",
        frozenset({"divideInteger", "quotientInteger", "remainderInteger", "modInteger"}),
    ),
    KnownDifference(
        "amaru",
        r"success \(\) \| failed \(.* is not within the bounds of usize",
        "amaru shifts and rotates by no more than a machine word; plutus does by any number before variant D",
        frozenset({"shiftByteString", "rotateByteString"}),
    ),
    KnownDifference(
        "plutigo",
        r"at 10: success \(\) \| failed \(serialiseData: constructor tag",
        "plutigo does not write constructors beyond 64 bits; plutus does, and has them before variant D",
        frozenset({"serialiseData"}),
    ),
    KnownDifference(
        "plutigo",
        "ExUnits",
        "plutigo takes the number of currencies for the size of a value; plutus takes the number of entries",
        _OF_VALUES,
    ),
)


@dataclass(frozen=True)
class Trial:
    """A program with the rules that it is run by."""

    flat: bytes
    language: LedgerLanguage
    protocol_version: int


def trials(programs: int, seed: int) -> Iterator[Trial]:
    """Equal arguments give equal programs."""
    parts = sum(part for *_, part in _RULES)
    tool = targets.program("programs", targets.mutator(), strict=False)
    for number, (language, version, part) in enumerate(_RULES):
        tags = [str(builtin.tag) for builtin in BUILTINS if available(builtin, language, version)]
        sums = uplc_version_available(UPLC_1_1_0, language, version)
        how = (str(programs * part // parts), str(seed * len(_RULES) + number), str(int(sums)), str(int(version >= 11)))
        made = subprocess.run((str(tool), *how, *tags), capture_output=True, check=True).stdout
        at = 0
        while at < len(made):
            end = at + 4 + int.from_bytes(made[at : at + 4], "little")
            yield Trial(made[at + 4 : end], language, version)
            at = end


_NAMES: Final = {
    EvaluationStatus.SUCCESS: "success",
    EvaluationStatus.FAILURE: "failed",
    EvaluationStatus.OVER_BUDGET: "out of budget",
    EvaluationStatus.OUT_OF_MEMORY: "died",
}


def ours(trial: Trial) -> tuple[Came, Outcome | None]:
    try:
        script = Script.decode(trial.flat, trial.language, trial.protocol_version)
    except DecodeError as error:
        return Came("refused", reason=str(error)), None
    machine = exact_machine(variant_for(trial.language, trial.protocol_version))
    found = machine.evaluate(script, _BUDGET, result=True)
    digest = hashlib.sha256(found.result).hexdigest() if found.result and _has_flat_form(found.result) else None
    succeeded = found.status is EvaluationStatus.SUCCESS
    spent = (found.spent.cpu, found.spent.mem) if succeeded else None
    return Came(_NAMES[found.status], spent, digest, (found.error or found.unwritten) or ""), found


def _has_flat_form(result: bytes) -> bool:
    """Group elements have none on the chain, and each evaluator one of its own."""
    try:
        decode_flat(result)
    except DecodeError:
        return False
    return True


class OtherEvaluator:
    """Another evaluator by its driver, started again where it dies."""

    def __init__(self, name: str) -> None:
        build(driver(name))
        self.name = name
        self._command = driver_named(name)
        self._process: DriverProcess | None = None

    def run(self, trial: Trial) -> Came:
        try:
            return self._run(trial)
        except CheckFailed as error:
            self.close()
            return Came("died", reason=str(error))

    def _run(self, trial: Trial) -> Came:
        if self._process is None:
            self._process = DriverProcess(self._command)
        variant = variant_for(trial.language, trial.protocol_version)
        load = Load(
            request=0,
            program=0,
            flat=trial.flat.hex(),
            language=trial.language,
            protocol_version=trial.protocol_version,
            cost_model=tuple(to_array(ledger_model(variant), trial.language, trial.protocol_version)),
            budget=DriverUnits(_BUDGET.cpu, _BUDGET.mem),
        )
        answer = self._process.ask(load)
        if isinstance(answer, Loaded):
            answer = self._process.ask(Time(request=0, work="evaluate", programs=(0,), warm_up=0, iterations=1))
        match answer:
            case Timed(results=(result,)):
                spent = None if result.cpu is None or result.mem is None else (result.cpu, result.mem)
                return Came("success", spent, result.digest)
            case Refused(reason=reason):
                return Came("refused", reason=reason)
            case Failed(reason=reason):
                return Came("failed", reason=reason)
            case OutOfBudget():
                return Came("out of budget")
        raise CheckFailed(f"it answers {type(answer).__name__}")

    def close(self) -> None:
        if self._process is not None:
            self._process.close()
            self._process = None


def difference(own: Came, other: Came, again: Callable[[], Came]) -> str:
    """What differs, in words without the program's own numbers; empty where nothing does.

    Evaluators write Data in other ways than the ledger. So a result whose digest is another is compared with what the
    other evaluator makes of the native machine's result as a program, which is that result: `again`.
    """
    if own.status != other.status:
        return f"{own.status} ({_unnumbered(own.reason)}) | {other.status} ({_unnumbered(other.reason)})"
    if own.spent != other.spent and other.spent is not None:
        return "ExUnits | ExUnits"
    if own.digest is not None and other.digest is not None and own.digest != other.digest:
        as_other = again()
        if as_other.digest != other.digest:
            return f"result | result ({as_other.status} {_unnumbered(as_other.reason)})"
    return ""


def _unnumbered(reason: str) -> str:
    return " ".join(re.sub(r"[0-9a-f]{8,}|\d+", "…", reason).split())[:80]


def explained(evaluator: str, found: str, applied: Set[str]) -> KnownDifference | None:
    for known in KNOWN:
        has_builtin = not known.builtins or not known.builtins.isdisjoint(applied)
        if known.evaluator == evaluator and has_builtin and re.search(known.pattern, found):
            return known
    return None


class Differences:
    """The differences of one evaluator."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.counts: Counter[str] = Counter()
        self.examples: dict[str, Trial] = {}
        self.common: dict[str, set[str]] = {}
        self.known: Counter[KnownDifference] = Counter()

    def add(self, found: str, trial: Trial, outcome: Outcome | None) -> None:
        if not found:
            return
        key = f"{trial.language.value} at {trial.protocol_version}: {found}"
        names = set(outcome.builtins) if outcome else set()
        if (known := explained(self.name, key, names)) is not None:
            self.known[known] += 1
            return
        self.counts[key] += 1
        example = self.examples.setdefault(key, trial)
        if len(trial.flat) < len(example.flat):
            self.examples[key] = trial
        self.common[key] = self.common.get(key, names) & names

    def show(self, programs: int) -> None:
        differing = self.counts.total() + self.known.total()
        print(f"{self.name}: {programs} programs, {differing} differ, {self.counts.total()} of them unexplained")
        for known, count in self.known.most_common():
            print(f"  {count}: {known.explanation}")
        for key, count in self.counts.most_common(_SHOWN):
            common = ", ".join(sorted(self.common[key])) or "none in common"
            example = self.examples[key].flat.hex()
            print(f"  {count} unexplained, {key}; builtins: {common}\n    {example if len(example) < 400 else 'long'}")


def compare(programs: int, seed: int, names: Sequence[str]) -> bool:
    """Whether every difference is explained."""
    others = [OtherEvaluator(name) for name in names]
    tallies = [Differences(name) for name in names]
    statuses: Counter[str] = Counter()
    try:
        for trial in trials(programs, seed):
            own, outcome = ours(trial)
            statuses[own.status] += 1
            for other, tally in zip(others, tallies, strict=True):
                result = replace(trial, flat=(outcome.result if outcome else None) or b"")
                tally.add(difference(own, other.run(trial), partial(other.run, result)), trial, outcome)
    finally:
        for other in others:
            other.close()
    done = statuses.total()
    print(f"native machine: {done} programs: {', '.join(f'{count} {name}' for name, count in statuses.most_common())}")
    for tally in tallies:
        tally.show(done)
    return not any(tally.counts for tally in tallies)


def main() -> int:
    programs, seed, *names = [*sys.argv[1:], *(str(_PROGRAMS), "1")[len(sys.argv[1:3]) :]]
    try:
        return 0 if compare(int(programs), int(seed), names or _EVALUATORS) else 1
    except CalibrateError as error:
        print(f"differential: {error}", file=sys.stderr)
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
