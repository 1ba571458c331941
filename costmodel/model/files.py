"""Cost-model files: JSON in the upstream layout, builtin and machine costs together or apart, both ways."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from costmodel.errors import ModelError
from costmodel.model.costing import from_json, to_json
from costmodel.model.costmodel import STARTUP_KEY, STEP_KINDS_BY_KEY, BuiltinCost, CostModel, StepKind, step_cost
from costmodel.model.ledger import builtin_file_order
from costmodel.model.units import ExUnits
from costmodel.plutus.builtins import BUILTIN_BY_NAME

EXTRAS_KEY = "calibrate"
"""The key of what only this package reads in a cost-model file: schema version, intervals, flags, provenance."""

_MAX_FILE_BYTES = 16 * 2**20
_STEP_FIELDS = ("exBudgetCPU", "exBudgetMemory")
# The order of upstream's machine-cost files, which is not the order of StepKind.
_STEP_FILE_ORDER = ("Startup", "Var", "Const", "Lam", "Delay", "Force", "Apply", "Builtin", "Constr", "Case")


def load(paths: Sequence[Path]) -> CostModel:
    """Read one cost model from one or several files in the upstream layout (a builtin and a machine file, say).

    Raises ModelError, naming file and entry, for what cannot be read, is no cost model, or is given twice.
    """
    builtins: dict[str, BuiltinCost] = {}
    steps: dict[StepKind, ExUnits] = {}
    startup: ExUnits | None = None
    extras: dict[str, object] = {}
    given_by: dict[str, Path] = {}
    for path in paths:
        for key, value in read_object(path).items():
            if key in given_by:
                raise ModelError(f"{path}: {key} is already given by {given_by[key]}")
            given_by[key] = path
            where = f"{path}: {key}"
            if key in BUILTIN_BY_NAME:
                builtins[key] = _builtin_cost(value, BUILTIN_BY_NAME[key].arity, where)
            elif key in STEP_KINDS_BY_KEY:
                steps[STEP_KINDS_BY_KEY[key]] = _step_cost(value, where)
            elif key == STARTUP_KEY:
                startup = _step_cost(value, where)
            elif key == EXTRAS_KEY:
                if not isinstance(value, dict):
                    raise ModelError(f"{where} must be an object")
                extras = value
            else:
                raise ModelError(f"{path}: {key[:80]!r} is neither a builtin nor a machine step")
    return CostModel(builtins, steps, startup, extras, source=" + ".join(str(path) for path in paths))


def dump(model: CostModel) -> bytes:
    """The model as one file in the upstream layout and key order. The same model gives the same bytes."""
    whole: dict[str, object] = {**_builtins_json(model), **_machine_json(model)}
    try:
        if model.extras:
            whole[EXTRAS_KEY] = json.loads(json.dumps(dict(model.extras), sort_keys=True, allow_nan=False))
        return (json.dumps(whole, indent=2, ensure_ascii=False) + "\n").encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise ModelError(f"{model.source}: {EXTRAS_KEY!r} holds what JSON cannot express: {error}") from error


def dump_builtins(model: CostModel) -> bytes:
    """The builtins' costs as upstream's builtin file has them, byte for byte."""
    return (json.dumps(_builtins_json(model), indent=2) + "\n").encode()


def dump_machine(model: CostModel) -> bytes:
    """The machine's costs as upstream's machine file has them, byte for byte: a line each."""
    lines = [
        f'  "{key}": {{ {", ".join(f"{json.dumps(name)}: {value}" for name, value in units.items())} }}'
        for key, units in _machine_json(model).items()
    ]
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode()


def _builtins_json(model: CostModel) -> dict[str, object]:
    position = {name: i for i, name in enumerate(builtin_file_order())}
    return {
        name: {"cpu": to_json(model.builtins[name].cpu), "memory": to_json(model.builtins[name].memory)}
        for name in sorted(model.builtins, key=lambda name: position[name])
    }


def _machine_json(model: CostModel) -> dict[str, dict[str, int]]:
    costs = {}
    for part in _STEP_FILE_ORDER:
        key = f"cek{part}Cost"
        units = model.startup if key == STARTUP_KEY else model.steps.get(STEP_KINDS_BY_KEY[key])
        if units is not None:
            costs[key] = dict(zip(_STEP_FIELDS, (units.cpu, units.mem), strict=True))
    return costs


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object in a file. ModelError, naming the file, for what cannot be read, is none, or has a key twice."""
    whole = parse_json(read_bytes(path), str(path))
    if not isinstance(whole, dict):
        raise ModelError(f"{path}: a cost model is a JSON object of builtins and machine steps")
    return whole


def read_bytes(path: Path) -> bytes:
    """What a file holds, of at most 16 MiB; ModelError for what cannot be read."""
    try:
        with path.open("rb") as file:
            raw = file.read(_MAX_FILE_BYTES + 1)
    except OSError as error:
        raise ModelError(f"{path}: cannot read the cost model: {error.strerror or error}") from error
    if len(raw) > _MAX_FILE_BYTES:
        raise ModelError(f"{path}: a cost model of more than {_MAX_FILE_BYTES // 2**20} MiB is refused")
    return raw


def parse_json(raw: bytes, source: str) -> object:
    """The JSON document in `raw`; ModelError, starting with `source`, for what is none or has a key twice."""
    try:
        return json.loads(raw, object_pairs_hook=_no_duplicates, parse_constant=_no_constant)
    except RecursionError as error:
        raise ModelError(f"{source}: not a cost model: nested too deeply") from error
    except ValueError as error:
        raise ModelError(f"{source}: not a JSON file: {error}") from error


def _no_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    whole = dict(pairs)
    if len(whole) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {twice[:80]!r} occurs twice in one object")
    return whole


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _builtin_cost(data: object, arity: int, where: str) -> BuiltinCost:
    if not isinstance(data, dict) or data.keys() != {"cpu", "memory"}:
        raise ModelError(f"{where} must be an object with exactly the fields 'cpu' and 'memory'")
    functions = {part: from_json(data[part], f"{where} {part}") for part in ("cpu", "memory")}
    for part, function in functions.items():
        if function.arity_needed > arity:
            raise ModelError(
                f"{where} {part}: {function.shape.id.tag} needs the sizes of {function.arity_needed} arguments, "
                f"and the builtin takes {arity}"
            )
    return BuiltinCost(**functions)


def _step_cost(data: object, where: str) -> ExUnits:
    if not isinstance(data, dict) or data.keys() != set(_STEP_FIELDS):
        raise ModelError(f"{where} must be an object with exactly the fields {' and '.join(_STEP_FIELDS)}")
    cpu, mem = (data[name] for name in _STEP_FIELDS)
    return step_cost(cpu, mem, where)
