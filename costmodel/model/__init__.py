"""Cost models: costing functions and their shapes, variants, the ledger's models, files, parameter arrays."""

from costmodel.model.costing import CostingFunction, DesignMatrix, costing_function
from costmodel.model.costmodel import (
    PACK_LENGTH,
    PACK_WIDTH,
    STARTUP_KEY,
    STEP_KINDS_BY_KEY,
    BuiltinCost,
    CostModel,
    StepKind,
    pack,
    step_cost,
)
from costmodel.model.files import EXTRAS_KEY, dump, load
from costmodel.model.ledger import (
    Variant,
    builtin_file_order,
    ledger_model,
    proposed_model,
    proposed_shapes,
    variant_for,
)
from costmodel.model.parameters import (
    block_counts,
    canonical_name,
    from_array,
    genesis_name,
    parameter_count,
    parameter_names,
    to_array,
)
from costmodel.model.shapes import SHAPE_IDS, SHAPES, DiagonalShape, PlainShape, Shape, ShapeId
from costmodel.model.timeline import ProtocolParameters, parameters_at
from costmodel.model.units import MAX_COST, MIN_COST, ExUnits, ps_to_ns, sat_add, sat_mul, saturate, us_to_ps

__all__ = [
    "EXTRAS_KEY",
    "MAX_COST",
    "MIN_COST",
    "PACK_LENGTH",
    "PACK_WIDTH",
    "SHAPES",
    "SHAPE_IDS",
    "STARTUP_KEY",
    "STEP_KINDS_BY_KEY",
    "BuiltinCost",
    "CostModel",
    "CostingFunction",
    "DesignMatrix",
    "DiagonalShape",
    "ExUnits",
    "PlainShape",
    "ProtocolParameters",
    "Shape",
    "ShapeId",
    "StepKind",
    "Variant",
    "block_counts",
    "builtin_file_order",
    "canonical_name",
    "costing_function",
    "dump",
    "from_array",
    "genesis_name",
    "ledger_model",
    "load",
    "pack",
    "parameter_count",
    "parameter_names",
    "parameters_at",
    "proposed_model",
    "proposed_shapes",
    "ps_to_ns",
    "sat_add",
    "sat_mul",
    "saturate",
    "step_cost",
    "to_array",
    "us_to_ps",
    "variant_for",
]
