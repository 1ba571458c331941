"""Sections of fitted models that earlier versions of calibrate wrote, brought to the present form."""

from __future__ import annotations

from typing import Any, Final

from costmodel.records.documents import Values
from costmodel.records.run import upgraded_machine, upgraded_origin


def from_version_0(old: Values) -> Values:
    """Version 0: a fit in another machine's picoseconds, whose section had no version and no kind."""
    expressed = old["expressed_in"]
    rest = {key: value for key, value in old.items() if key != "expressed_in"}
    return {
        **rest,
        "builtins": {},
        "refused": {},
        "most_factor": None,
        **expressed,
        "held_out": {"interval_factor_above_50_ns": None, **expressed["held_out"]},
        "inputs": [upgraded_origin(each) for each in expressed["inputs"]],
    }


def from_version_1(old: Values) -> Values:
    """Version 1: no kind, no verdict; all flags were alike, and intervals did not say what they hold.

    Keys that version 1 did not have stay where they are, to be refused. Its joint stage, which nothing reads, is gone.
    """
    rest = {key: value for key, value in old.items() if key != "joint"}
    evaluator, machine = old["evaluator"], old["machine"]
    return rest | {
        "machine": upgraded_machine(machine),
        "inputs": [upgraded_origin(each) for each in old["inputs"]],
        "picoseconds_of": {
            "evaluator": evaluator.get("name", ""),
            "version": old["tool_version"],
            "build": evaluator.get("sha256", ""),
            "machine": str(machine.get("id", "")),
        },
        "verdict": None,
        "yardstick_powers": [],
        "builtins": {name: _builtin_from_1(builtin) for name, builtin in old["builtins"].items()},
        "steps": _steps_from_1(old["steps"]),
        "calls": {name: _coefficients_from_1(call, "timing") for name, call in old["calls"].items()},
        "no_ops": {name: _figure_from_1(no_op) for name, no_op in old["no_ops"].items()},
    }


_LACK: Final = "timing and lack of fit"


def _figure_from_1(figure: Values, holds: str = "timing") -> dict[str, Any]:
    return {**figure, "holds": holds}


def _coefficients_from_1(part: Values, holds: str) -> dict[str, Any]:
    return {
        **part,
        "coefficients": {
            name: {
                "charged_ps": None,
                "identifiability": None,
                **_figure_from_1(coefficient, holds),
                "flags": _flags_from_1(coefficient["flags"]),
            }
            for name, coefficient in part["coefficients"].items()
        },
    }


def _flags_from_1(flags: list[Values]) -> list[dict[str, Any]]:
    return [{**flag, "material": True} for flag in flags]


def _point_from_1(point: Values) -> dict[str, Any]:
    measured = point.get("measured")
    return {
        "residual": None,
        **point,
        "fitted": _figure_from_1(point["fitted"]),
        "measured": None if measured is None else _figure_from_1(measured),
    }


def _builtin_from_1(builtin: Values) -> dict[str, Any]:
    return {
        "envelope": None,
        **_coefficients_from_1(builtin, "timing"),
        "points": [_point_from_1(point) for point in builtin["points"]],
        "corners": [_point_from_1(point) for point in builtin["corners"]],
        "cost_at_centre": _figure_from_1(builtin["cost_at_centre"]),
        "flags": _flags_from_1(builtin["flags"]),
        "better_shape": None,
    }


def _steps_from_1(steps: Values) -> dict[str, Any]:
    """Version 1 predicted from what it charged, and from the footprint."""
    present = _coefficients_from_1({key: value for key, value in steps.items() if key != "footprint"}, _LACK)
    footprint, single = steps["footprint"], steps["single_price"]
    more = {} if footprint is None else _coefficients_from_1(footprint, _LACK)["coefficients"]
    return {
        **present,
        "single_price": {
            **single,
            "startup": _figure_from_1(single["startup"], _LACK),
            "step": _figure_from_1(single["step"], _LACK),
        },
        "spread": None,
        "prediction": {
            "coefficients": present["coefficients"] | more,
            "scatter": steps["scatter_of_other_programs"],
            "missed": None,
            "spread": None,
            "footprint": footprint and {key: value for key, value in footprint.items() if key != "coefficients"},
        },
    }


def from_version_2(old: Values) -> Values:
    """Version 2 called disturbed batches gated."""
    return {**old, "batches": {"clean": old["batches"]["clean"], "disturbed": old["batches"]["gated"]}}
