"""The machine yardstick: a fixed program whose time follows the state of the machine."""

from __future__ import annotations

from typing import Final

from costmodel.plutus import encode_flat, parse_program
from costmodel.runs.design import Cell

_LOOP: Final = """
(program 1.0.0
  [(lam loop [loop loop (con integer 200)])
   (lam self (lam n
     (force [(force (builtin ifThenElse))
       [(builtin lessThanEqualsInteger) n (con integer 0)]
       (delay n)
       (delay [self self [(builtin subtractInteger) n (con integer 1)]])])))])
"""
"""Counts from 200 to 0: variables, calls, forces and small integers, as contracts have them."""

_ROUNDS: Final = 200


def machine_yardstick() -> Cell:
    """The yardstick as a cell, with the counts that follow from its text."""
    tests, rounds = _ROUNDS + 1, _ROUNDS
    steps = {
        "apply": 1 + 2 + tests * 5 + rounds * 4,
        "lam": 2 + tests,
        "var": 2 + 2 * tests + 2 * rounds,
        "const": 1 + tests + rounds,
        "delay": 2 * tests,
        "force": 2 * tests,
        "builtin": 2 * tests + rounds,
    }
    return Cell(
        id="machine yardstick",
        experiment="steps",
        operation="yardstick",
        flat=encode_flat(parse_program(_LOOP)),
        steps=steps,
        builtins={"ifThenElse": tests, "lessThanEqualsInteger": tests, "subtractInteger": rounds},
        language="PlutusV2",
        protocol_version=10,
    )
