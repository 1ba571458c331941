"""The ledger's cost-model parameter arrays: names in order, arrays to models and back.

The order is that of the `ParamName` enumerations of plutus-ledger-api (V1 … V3). It grew by appending, never by
reordering, so it is a sequence of blocks by batch of builtins; within a builtin the names derive from its costing
functions, whose fields are in the same order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from costmodel.errors import ModelError
from costmodel.model.costing import CostingFunction, checked_int
from costmodel.model.costmodel import STARTUP_KEY, STEP_KINDS_BY_KEY, BuiltinCost, CostModel, StepKind, step_cost
from costmodel.model.ledger import Variant, ledger_model, variant_for
from costmodel.model.shapes import ShapeId
from costmodel.model.units import MAX_COST
from costmodel.plutus.builtins import BUILTIN_BY_NAME, BUILTINS, Batch
from costmodel.plutus.language import LedgerLanguage, available_since, language_available

Arrays = Mapping[LedgerLanguage, tuple[int, ...]]
"""The ledger's arrays by language."""

ANY_LENGTH_SINCE = 9
"""The protocol version from which the ledger takes arrays of any length: what is missing costs 2^63 − 1, and what it
does not know is ignored. Before, a language has the parameters that it began with, no more and no fewer."""

_STEP_PARAMETERS = ("exBudgetCPU", "exBudgetMemory")
# The variant whose shapes name the parameters. All variants of one language agree on the names.
_NAMING_VARIANT = {
    LedgerLanguage.PLUTUS_V1: Variant.D,
    LedgerLanguage.PLUTUS_V2: Variant.D,
    LedgerLanguage.PLUTUS_V3: Variant.E,
}
_SUMS_OF_PRODUCTS = (StepKind.CONSTR, StepKind.CASE)
_SUMS_OF_PRODUCTS_SINCE = {
    LedgerLanguage.PLUTUS_V1: 11,
    LedgerLanguage.PLUTUS_V2: 11,
    LedgerLanguage.PLUTUS_V3: 9,
}
_FIRST_VERSION, _NEWEST_VERSION = 5, 11
# The Alonzo genesis names two builtins as they were called before there were others of their kind.
_RENAMED = {"blake2b": "blake2b_256", "verifySignature": "verifyEd25519Signature"}
# For each language the batches of its first list, which is alphabetical with the machine's costs among the builtins,
# and the blocks that were appended to it.
_GROWTH: dict[LedgerLanguage, tuple[tuple[Batch, ...], tuple[Batch | tuple[StepKind, ...], ...]]] = {
    LedgerLanguage.PLUTUS_V1: (
        (Batch.ONE,),
        (
            Batch.TWO,
            Batch.THREE,
            _SUMS_OF_PRODUCTS,
            Batch.FOUR_A,
            Batch.FOUR_B,
            Batch.FIVE,
            Batch.SIX,
        ),
    ),
    LedgerLanguage.PLUTUS_V2: (
        (Batch.ONE, Batch.TWO, Batch.THREE),
        (Batch.FOUR_B, _SUMS_OF_PRODUCTS, Batch.FOUR_A, Batch.FIVE, Batch.SIX),
    ),
    LedgerLanguage.PLUTUS_V3: (
        (Batch.ONE, Batch.TWO, Batch.THREE),
        (_SUMS_OF_PRODUCTS, Batch.FOUR_A, Batch.FOUR_B, Batch.FIVE, Batch.SIX),
    ),
}


def parameter_names(language: LedgerLanguage) -> tuple[str, ...]:
    """The language's parameter names in ledger order, e.g. `addInteger-cpu-arguments-intercept`.

    332, 332 and 350 names for PlutusV1 to V3, as deployed at protocol version 11. ModelError for a language whose list
    the ledger has not settled.
    """
    entries = _entries(language)
    model = ledger_model(_NAMING_VARIANT[language])
    return tuple(name for entry in entries for name in _entry_names(entry, model))


def block_counts(language: LedgerLanguage) -> tuple[int, ...]:
    """How many parameters the language had after its first list and after each block that was appended, rising."""
    model = ledger_model(_NAMING_VARIANT[language]) if language in _NAMING_VARIANT else None
    counts, total = [], 0
    for block in _blocks(language):
        assert model is not None  # noqa: S101 - _blocks() refuses other languages
        total += sum(len(_entry_names(entry, model)) for entry in block)
        counts.append(total)
    return tuple(counts)


def parameter_count(language: LedgerLanguage, protocol_version: int) -> int:
    """How many of its parameters a language has at a (major) protocol version, e.g. 297 for PlutusV3 at 10.

    Those of a block count once the language has its builtins. ModelError before the language's first version.
    """
    variant_for(language, protocol_version)
    counts = block_counts(language)
    known = counts[0]
    for block, count in zip(_GROWTH[language][1], counts[1:], strict=True):
        since = available_since(block, language) if isinstance(block, Batch) else _SUMS_OF_PRODUCTS_SINCE[language]
        if protocol_version < since:
            break
        known = count
    return known


def first_version(language: LedgerLanguage, count: int) -> int:
    """The first protocol version at which the ledger's list for a language has `count` parameters or more; the newest
    that is known where it never has."""
    versions = range(_FIRST_VERSION, _NEWEST_VERSION + 1)
    available = [version for version in versions if language_available(language, version)]
    return next((version for version in available if parameter_count(language, version) >= count), _NEWEST_VERSION)


def merge_array(
    base: Sequence[int], change: Mapping[str, int] | Sequence[int], language: LedgerLanguage, where: str
) -> tuple[int, ...]:
    """A ledger array with values changed or appended by name, or another array in its place.

    ModelError for an unknown name, and for one that is missing before others that are given.
    """
    names = parameter_names(language)
    if not isinstance(change, Mapping):
        return tuple(change)
    values = dict(zip(names, base, strict=False))
    for name, value in change.items():
        if (known := canonical_name(name)) not in names:
            raise ModelError(f"{where}: {language.value} has no parameter {name[:80]!r}")
        values[known] = value
    if gap := next((name for name in names[: len(values)] if name not in values), None):
        raise ModelError(f"{where}: {language.value} lacks {gap}, and later parameters are given; give it too")
    return tuple(values[name] for name in names[: len(values)])


def canonical_name(name: str) -> str:
    """A parameter's name today, from that or the one it had in the Alonzo genesis."""
    for old, new in _RENAMED.items():
        if name.startswith(f"{old}-"):
            return new + name.removeprefix(old)
    return name


def genesis_name(name: str) -> str:
    """A parameter's name in the Alonzo genesis."""
    for old, new in _RENAMED.items():
        if name.startswith(f"{new}-"):
            return old + name.removeprefix(new)
    return name


def from_array(values: Sequence[int], language: LedgerLanguage, protocol_version: int) -> CostModel:
    """The cost model in force with a ledger array: its integers in the shapes of the variant that applies.

    As in the ledger, missing trailing values are 2^63 − 1 and values beyond the known parameters are ignored.
    Builtins that have no parameters yet keep the variant's coefficients. Raises ModelError for a value that is not a
    64-bit integer or a negative step cost.
    """
    variant = variant_for(language, protocol_version)
    model = ledger_model(variant)
    where = f"{language.value} cost-model array"
    known = len(parameter_names(language))
    rest = [checked_int(value, f"{where}, index {i}") for i, value in enumerate(values[:known])]
    rest += [MAX_COST] * (known - len(rest))
    builtins, steps, startup = dict(model.builtins), dict(model.steps), model.startup
    at = 0
    for entry in _entries(language):
        count = len(_entry_names(entry, model))
        taken, at = rest[at : at + count], at + count
        if entry in builtins:
            cost = builtins[entry]
            split = len(cost.cpu.values)
            builtins[entry] = BuiltinCost(cost.cpu.with_values(taken[:split]), cost.memory.with_values(taken[split:]))
            continue
        units = step_cost(taken[0], taken[1], f"{where}: {entry}")
        if entry == STARTUP_KEY:
            startup = units
        else:
            steps[STEP_KINDS_BY_KEY[entry]] = units
    return CostModel(builtins, steps, startup, source=where)


def to_array(model: CostModel, language: LedgerLanguage, protocol_version: int, count: int | None = None) -> list[int]:
    """The model's integers in the order of `parameter_names(language)`: all of them, or the first `count`.

    `count` is one of `block_counts(language)`.

    Raises ModelError where the model lacks an entry or has another shape than the ledger has at that protocol version:
    its integers would be read as something else.
    """
    shapes = ledger_model(variant_for(language, protocol_version))
    entries = _entries(language, count)
    model.require(
        [entry for entry in entries if entry in BUILTIN_BY_NAME],
        [STEP_KINDS_BY_KEY[entry] for entry in entries if entry in STEP_KINDS_BY_KEY],
    )
    values: list[int] = []
    for entry in entries:
        if entry in model.builtins:
            cost, expected = model.builtins[entry], shapes.builtins[entry]
            for part, ours, theirs in (("cpu", cost.cpu, expected.cpu), ("memory", cost.memory, expected.memory)):
                _check_shape(ours, theirs, f"{model.source}: {entry} {part}", protocol_version)
                values += ours.values
        else:
            units = model.startup if entry == STARTUP_KEY else model.steps[STEP_KINDS_BY_KEY[entry]]
            assert units is not None  # noqa: S101 - require() has seen to it
            values += (units.cpu, units.mem)
    return values


def _entries(language: LedgerLanguage, count: int | None = None) -> tuple[str, ...]:
    """The language's builtins and machine costs in parameter order, up to the block that ends at `count`."""
    blocks = _blocks(language)
    if count is not None:
        blocks = blocks[: block_counts(language).index(count) + 1]
    return tuple(entry for block in blocks for entry in block)


def _blocks(language: LedgerLanguage) -> list[list[str]]:
    """The language's first list of entries, and those that were appended."""
    if language not in _GROWTH:
        raise ModelError(f"the ledger has no settled list of cost-model parameters for {language.value}")
    first, appended = _GROWTH[language]
    machine = [STARTUP_KEY, *(kind.json_key for kind in StepKind if kind not in _SUMS_OF_PRODUCTS)]
    blocks = [sorted([*machine, *(builtin.name for builtin in BUILTINS if builtin.batch in first)])]
    for block in appended:
        if isinstance(block, Batch):
            names = [builtin.name for builtin in BUILTINS if builtin.batch is block]
            # Within a block the order is that of the flat tags, but for the BLS builtins, which lead and are sorted.
            bls = [name for name in names if name.startswith("bls12_381_") and block is Batch.FOUR_A]
            blocks.append(sorted(bls) + [name for name in names if name not in bls])
        else:
            blocks.append([kind.json_key for kind in block])
    return blocks


def parameter_names_of(builtin: str, cpu: CostingFunction, memory: CostingFunction) -> list[str]:
    """The names that a builtin's coefficients have in the ledger's lists, in order."""
    parts = (("cpu", cpu), ("memory", memory))
    return [f"{builtin}-{part}-{name}" for part, function in parts for name in _function_names(function)]


def _entry_names(entry: str, model: CostModel) -> list[str]:
    """The parameter names of one builtin or machine cost."""
    if entry not in BUILTIN_BY_NAME:
        return [f"{entry}-{part}" for part in _STEP_PARAMETERS]
    cost = model.builtins[entry]
    return parameter_names_of(entry, cost.cpu, cost.memory)


def _function_names(function: CostingFunction) -> list[str]:
    """The names of a costing function's parameters: paths of JSON keys, joined by hyphens."""
    if function.shape.id is ShapeId.CONSTANT_COST:
        return ["arguments"]
    inner = _function_names(function.model) if function.model else []
    return [f"arguments-{field}" for field in function.shape.fields] + [f"arguments-model-{name}" for name in inner]


def _check_shape(ours: CostingFunction, theirs: CostingFunction, where: str, protocol_version: int) -> None:
    """Raise ModelError unless two costing functions have the same shapes."""
    if _shape_name(ours) != _shape_name(theirs):
        raise ModelError(
            f"{where} has the shape {_shape_name(ours)}, but the ledger has {_shape_name(theirs)} at protocol version "
            f"{protocol_version}; fit that shape"
        )


def _shape_name(function: CostingFunction) -> str:
    return f"{function.shape.id.tag}({function.model.shape.id.tag})" if function.model else function.shape.id.tag
