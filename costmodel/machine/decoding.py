"""What the time of decoding a script is predicted from."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Final

from costmodel._native import ffi, lib
from costmodel.plutus import (
    DATA,
    Apply,
    BuiltinTerm,
    Case,
    Const,
    Constant,
    Constr,
    DataConstr,
    DataList,
    DataMap,
    Delay,
    Error,
    Force,
    Lam,
    Term,
    Var,
    children,
    data_parts,
)

_FORMS: Final[tuple[type[Term], ...]] = (
    *(Var, Lam, Apply, Delay, Force),
    *(Const, BuiltinTerm, Error, Constr, Case),
)
_TARGETS: Final = {form: target for target, form in enumerate(_FORMS)}


def decoding_features(root: Term, octets: int) -> dict[str, float]:
    """What the time of decoding a program of so many bytes of flat is predicted from, by name.

    `bytes`, `nodes` (terms), `nodes_log_nodes` (nodes·log2(nodes)), `lambdas`, `branchings` (constr and case terms,
    which hold lists of others), `mispredicted_terms` (those whose form a simulated branch predictor, which has read the
    program before, does not foresee), `constants_TYPE` for each type that constants have, `integer_bytes` of integers
    outside of Data, and `values`, how many the constants hold within them: elements of lists, arrays, pairs and values,
    and the Data below other Data. A constant that is a single value holds none. Of `values`, `data_values` are held by
    Data.
    """
    forms = bytearray()
    held = held_by_data = integer_bytes = 0
    constants: Counter[str] = Counter()
    terms: list[Term] = [root]
    while terms:
        term = terms.pop()
        forms.append(_TARGETS[type(term)])
        terms += reversed(children(term))
        if isinstance(term, Const):
            constants[f"constants_{term.constant.type.head}"] += 1
            values, octets_of_integers = _held(term.constant)
            held += values
            if term.constant.type == DATA:
                held_by_data += values
            else:
                integer_bytes += octets_of_integers
    nodes = len(forms)
    counts = {
        "bytes": octets,
        "nodes": nodes,
        "nodes_log_nodes": nodes * math.log2(nodes),
        "lambdas": forms.count(_TARGETS[Lam]),
        "branchings": forms.count(_TARGETS[Constr]) + forms.count(_TARGETS[Case]),
        "mispredicted_terms": lib.cal_mispredictions(ffi.from_buffer("uint8_t[]", forms), nodes),
        "values": held,
        "data_values": held_by_data,
        "integer_bytes": integer_bytes,
    }
    return {name: float(count) for name, count in (counts | dict(sorted(constants.items()))).items()}


def _held(constant: Constant) -> tuple[int, int]:
    """How many values there are within a constant, and of how many bytes the integers among them and it are."""
    count, octets, values = 0, 0, [constant.value]
    while values:
        value = values.pop()
        within: Sequence[object] = ()
        if isinstance(value, tuple):
            within = value
        elif isinstance(value, DataConstr | DataList | DataMap):
            within = data_parts(value)
        elif isinstance(value, int) and not isinstance(value, bool):
            octets += (value.bit_length() + 7) // 8
        count += len(within)
        values += within
    return count, octets
