"""What the time of decoding a script is predicted from."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any, Final

from costmodel._native import ffi, lib
from costmodel.plutus import (
    DATA,
    Apply,
    BuiltinTerm,
    Case,
    Const,
    Constant,
    ConstantType,
    Constr,
    Data,
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
    which hold lists of others), `mispredicted_terms` (those whose form simulated branch predictors, which have read the
    program before, do not foresee), `constants_TYPE` for each type that constants have, and what `Held` counts.
    """
    forms = bytearray()
    constants: Counter[str] = Counter()
    held = Held()
    terms: list[Term] = [root]
    while terms:
        term = terms.pop()
        forms.append(_TARGETS[type(term)])
        terms += reversed(children(term))
        if isinstance(term, Const):
            constants[f"constants_{term.constant.type.head}"] += 1
            held.add(term.constant)
    nodes = len(forms)
    counts = {
        "bytes": octets,
        "nodes": nodes,
        "nodes_log_nodes": nodes * math.log2(nodes),
        "lambdas": forms.count(_TARGETS[Lam]),
        "branchings": forms.count(_TARGETS[Constr]) + forms.count(_TARGETS[Case]),
        "mispredicted_terms": lib.cal_mispredictions(ffi.from_buffer("uint8_t[]", forms), nodes),
        **asdict(held),
        **dict(sorted(constants.items())),
    }
    return {name: float(count) for name, count in counts.items()}


@dataclass(slots=True)
class Held:
    """What constants hold.

    `values` are within them: elements of lists, arrays, pairs and values, and the Data below other Data. A constant
    that is a single value holds none. Of them, `data_values` are held by Data, and `data_elements` are the Data in
    lists, arrays and pairs. `data_structures` are constructors, lists and maps that no other Data holds, and
    `integer_bytes` those of integers outside of Data.
    """

    values: int = 0
    data_values: int = 0
    data_elements: int = 0
    data_structures: int = 0
    integer_bytes: int = 0

    def add(self, constant: Constant) -> None:
        """Count a constant. Of the elements of a value, no types are known."""
        found: list[tuple[ConstantType | None, Any]] = [(constant.type, constant.value)]
        while found:
            kind, value = found.pop()
            if kind == DATA:
                self._add_data(value)
            elif isinstance(value, tuple):
                kinds = (kind.args if kind else ()) or (None,)
                each = kinds if len(kinds) == len(value) else kinds * len(value)
                self.values += len(value)
                self.data_elements += each.count(DATA)
                found += zip(each, value, strict=True)
            elif isinstance(value, int) and not isinstance(value, bool):
                self.integer_bytes += (value.bit_length() + 7) // 8

    def _add_data(self, root: Data) -> None:
        self.data_structures += isinstance(root, DataConstr | DataList | DataMap)
        found = [root]
        while found:
            parts = data_parts(found.pop())
            self.values += len(parts)
            self.data_values += len(parts)
            found += parts
