"""Targets of the search: a price each, its space, and how a point of the space becomes programs to time.

The ratio is time over charge of what two programs differ by. On the native machine these are a program that applies a
builtin and the same with a no-op in its place, so the difference is the builtin's alone. On other evaluators they apply
it 2k and k times, and the difference has the steps of an application, too, in the time and in the charge. Programs of
steps are taken whole, and for a call the charge is the fee for its bytes.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from costmodel.errors import CalibrateError, InputError
from costmodel.experiments.terms import LANGUAGE, PROTOCOL_VERSION, Application, Item, Operands, nop, row
from costmodel.machine import EvaluationStatus, NativeMachine, Script
from costmodel.machine.usage import UsageRecorder
from costmodel.model import CostModel, ExUnits, ProtocolParameters, StepKind, variant_for
from costmodel.plutus import BUILTIN_BY_NAME, UPLC_1_1_0, Program, Term, available, encode_flat
from costmodel.records.run import Experiment, Work
from costmodel.runs.design import Cell
from costmodel.worst.space import Parameter, Unfit, Values
from costmodel.worst.spaces import SPACES, OperandSpace

TX_OVERHEAD_BYTES: Final = 384
"""Of a transaction beside its script: inputs, outputs, collateral, a redeemer, a signature."""

_MOST_APPLICATIONS: Final = 64
_APPLICATIONS_PS: Final = 200_000_000  # charged for all applications of a program, unless one alone is dearer
_UNLIMITED: Final = ExUnits(2**63 - 1, 2**63 - 1)
_LIMIT_SHARE: Final = 0.95  # of a transaction's ExUnits


@dataclass(frozen=True, slots=True)
class Probe:
    """A point of a space as programs. The first cell is the witness; where there is another, what is timed is the
    difference of the two, which has so many `applications`. `charge_ps` is for one of these, `spent` for all that the
    witness does."""

    target: str
    values: dict[str, int | str]
    cells: tuple[Cell, ...]
    applications: int
    charge_ps: float
    sizes: tuple[int, ...]
    spent: ExUnits

    @property
    def flat(self) -> bytes:
        return self.cells[0].flat


class ChargedPrices:
    """What inputs are charged: by a cost model, within what the chain allows a transaction."""

    def __init__(
        self,
        model: CostModel,
        chain: ProtocolParameters,
        *,
        protocol_version: int = PROTOCOL_VERSION,
        portable: bool = False,
    ) -> None:
        """With `portable`, programs are such that every evaluator can run them."""
        if chain.max_tx_execution_units is None or chain.price_steps is None:
            raise InputError("worst inputs are searched for under parameters that price ExUnits, so from Alonzo on")
        self.chain, self.protocol_version, self.portable = chain, protocol_version, portable
        limit = chain.max_tx_execution_units
        self.limit = ExUnits(int(_LIMIT_SHARE * limit.cpu), int(_LIMIT_SHARE * limit.mem))
        self.most_bytes = chain.max_tx_size - TX_OVERHEAD_BYTES
        self._model = model
        self._machine = NativeMachine(model, variant_for(LANGUAGE, protocol_version))
        self._usage = UsageRecorder(self._machine)

    def application_price(self, builtin: str, sizes: Sequence[int]) -> int:
        """What a builtin alone is charged at some sizes, in picoseconds."""
        return self._model.builtins[builtin].cpu.evaluate(sizes)

    def spent(self, cell: Cell) -> ExUnits:
        """What a cell's program spends, whatever a transaction may."""
        script = Script.decode(cell.flat, LANGUAGE, self.protocol_version, measuring=cell.nops)
        return self._machine.evaluate(script, _UNLIMITED).spent

    def application(self, builtin: str, sizes: Sequence[int]) -> ExUnits:
        """What one application is charged, with the steps around it, or a little more."""
        cost = self._model.builtins[builtin]
        steps = 3 + 2 * BUILTIN_BY_NAME[builtin].arity + BUILTIN_BY_NAME[builtin].forces
        step = self._model.steps[StepKind.VAR]
        return ExUnits(
            cost.cpu.evaluate(sizes) + steps * step.cpu + 1, cost.memory.evaluate(sizes) + steps * step.mem + 1
        )

    def cell(
        self,
        name: str,
        experiment: Experiment,
        operation: str,
        term: Term,
        *,
        repeats: int = 1,
        work: Work = "evaluate",
    ) -> tuple[Cell, ExUnits, tuple[int, ...]]:
        """A cell of a program, what it spends, and the sizes of the operation's arguments where it applies a builtin.
        Unfit where it does not fit into a transaction or does not run to success."""
        flat = encode_flat(Program(UPLC_1_1_0, term))
        return self.cell_of(flat, name, experiment, operation, repeats=repeats, work=work)

    def cell_of(
        self,
        flat: bytes,
        name: str,
        experiment: Experiment,
        operation: str,
        *,
        repeats: int = 1,
        work: Work = "evaluate",
    ) -> tuple[Cell, ExUnits, tuple[int, ...]]:
        """As `cell`, of a program that is flat already."""
        nops = repeats == 0
        if len(flat) > self.most_bytes:
            raise Unfit(f"{len(flat)} bytes are more than a transaction has room for")
        try:
            script = Script.decode(flat, LANGUAGE, self.protocol_version, measuring=nops)
            sizes: tuple[int, ...] = ()
            if nops:
                outcome = self._machine.evaluate(script, self.limit)
                status, spent, steps, builtins = outcome.status, outcome.spent, outcome.steps, outcome.builtins
            else:
                usage = self._usage.record(script, self.limit)
                status, spent = usage.status, usage.spent
                steps = {kind.name.lower(): count for kind, count in usage.steps.items() if count}
                builtins = {}
                for (called, at), count in usage.calls.items():
                    builtins[called] = builtins.get(called, 0) + count
                    sizes = at if called == operation else sizes
        except CalibrateError as error:
            raise Unfit(str(error)) from None
        if status is not EvaluationStatus.SUCCESS:
            raise Unfit(status.value)
        cell = Cell(
            id=name,
            experiment=experiment,
            operation=operation,
            sizes=sizes,
            work=work,
            flat=flat,
            repeats=repeats,
            steps=steps,
            builtins=builtins,
            language=LANGUAGE.value,
            protocol_version=self.protocol_version,
            nops=nops,
        )
        return cell, spent, sizes


Maker = Callable[[Values, random.Random, ChargedPrices], Probe]


@dataclass(frozen=True, slots=True)
class Target:
    """A price to search at: its name, its space, and how a point becomes programs."""

    name: str
    parameters: tuple[Parameter, ...]
    make: Maker

    def probe(self, values: Values, seed: str, pricing: ChargedPrices) -> Probe:
        """A point as programs; `seed` decides what its parameters leave open. Unfit where it makes none."""
        # Points are read from files, too, and generators take numbers to be within their bounds.
        known = {parameter.name: parameter for parameter in self.parameters}
        if values.keys() != known.keys() or not all(known[name].holds(value) for name, value in values.items()):
            raise Unfit("it is not a point of the inputs that are searched")
        rng = random.Random(f"{seed} {self.name} {sorted(values.items())}")  # noqa: S311 - inputs to be made again
        return self.make(values, rng, pricing)

    @property
    def plain(self) -> dict[str, int | str]:
        """The simplest point."""
        return {parameter.name: parameter.plain for parameter in self.parameters}


def builtin_target(name: str) -> Target:
    """A builtin's price."""
    space = SPACES[name]

    def make(values: Values, rng: random.Random, pricing: ChargedPrices) -> Probe:
        return _applied(name, space, values, rng, pricing)

    return Target(name, space.parameters, make)


def _applied(name: str, space: OperandSpace, values: Values, rng: random.Random, pricing: ChargedPrices) -> Probe:
    builtin = BUILTIN_BY_NAME[name]
    sets = int(values[space.sets]) if space.sets else 1
    seed = rng.getrandbits(64)

    def programs(count: int, made: int) -> tuple[list[Item], list[Operands]]:
        items, operands = space.prepare(values, made, random.Random(seed))  # noqa: S311 - the same operands again
        return items, [operands[at % len(operands)] for at in range(count)]

    def whole(builtin_applied: bool, count: int, items: list[Item], operands: list[Operands]) -> Term:
        applied = builtin if builtin_applied else nop(builtin.arity, builtin.forces)
        return row([*items, *(Application(applied, each) for each in operands[:count])])

    label = f"{name}/{rng.getrandbits(32):08x}"
    _, spent, sizes = pricing.cell(label, "builtins", name, whole(True, 1, *programs(1, 1)))
    one = pricing.application(name, sizes)
    most = 1 + min((pricing.limit.cpu - spent.cpu) // one.cpu, (pricing.limit.mem - spent.mem) // one.mem)
    count = min(_MOST_APPLICATIONS, most, max(_APPLICATIONS_PS // one.cpu, 2))
    if pricing.portable and count < 2:
        raise Unfit("a transaction has room for one application only")
    sets = min(sets, count) if space.sets else count
    while True:
        items, operands = programs(count, sets)
        try:
            cell, spent, sizes = pricing.cell(
                f"{label}/x{count}", "builtins", name, whole(True, count, items, operands), repeats=count
            )
            break
        except Unfit:
            if sets == 1 and (space.sets or count == 1):
                raise
            # What all sets together take may be more than one set leaves room for.
            sets = max(sets // 2, 1)
            count = count if space.sets else sets
    if pricing.portable:
        fewer = count // 2
        other, around, _ = pricing.cell(
            f"{label}/x{fewer}", "builtins", name, whole(True, fewer, items, operands), repeats=fewer
        )
    else:
        fewer = 0
        other, around, _ = pricing.cell(
            f"{label}/x0", "builtins", name, whole(False, count, items, operands), repeats=0
        )
    return Probe(
        name, dict(values), (cell, other), count - fewer, (spent.cpu - around.cpu) / (count - fewer), sizes, spent
    )


def targets(patterns: str, protocol_version: int = PROTOCOL_VERSION) -> list[Target]:
    """The targets that match any of the shell patterns, which have commas between them. InputError for a pattern that
    matches none."""
    from costmodel.worst.calls import CALLS
    from costmodel.worst.programs import PROGRAMS

    builtins = [name for name in SPACES if available(BUILTIN_BY_NAME[name], LANGUAGE, protocol_version)]
    known = [*builtins, *PROGRAMS, *CALLS]
    wanted = [pattern.strip() for pattern in patterns.split(",")]
    for pattern in wanted:
        if not any(fnmatchcase(name, pattern) for name in known):
            raise InputError(f"no price matches {pattern!r}; known are {', '.join(known)}")
    chosen = [name for name in known if any(fnmatchcase(name, pattern) for pattern in wanted)]
    return [_named(name) for name in chosen]


def _named(name: str) -> Target:
    from costmodel.worst.calls import CALLS
    from costmodel.worst.programs import PROGRAMS

    if name in SPACES:
        return builtin_target(name)
    return PROGRAMS[name] if name in PROGRAMS else CALLS[name]
