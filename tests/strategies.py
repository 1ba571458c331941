"""Hypothesis strategies for the language: Data, constants of every type, closed programs."""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from costmodel.plutus import (
    BOOL,
    BUILTINS,
    BYTESTRING,
    DATA,
    G1_ELEMENT,
    G2_ELEMENT,
    INTEGER,
    STRING,
    UNIT,
    UPLC_1_0_0,
    UPLC_1_1_0,
    VALUE,
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
    Program,
    Term,
    Var,
    array_of,
    list_of,
    pair_of,
)

# Shared machines stall; how long an example takes says nothing about what is tested here.
untimed = settings(deadline=None)

# Machine words, and integers around and far beyond the limits that the encodings know.
integers = st.one_of(
    st.integers(),
    st.sampled_from([2**63, 2**64 - 1, 2**64, 2**127, 2**511, 2**512, 2**600]).flatmap(
        lambda n: st.sampled_from([n - 1, n, n + 1, -n - 1, -n, 1 - n])
    ),
)
bytestrings = st.one_of(
    st.binary(max_size=80),
    st.sampled_from([0, 63, 64, 65, 128, 129, 254, 255, 256, 510, 511]).map(lambda length: b"\xa5" * length),
)
# A Text holds no surrogates.
strings = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def data(max_leaves: int = 12) -> st.SearchStrategy[Data]:
    """Data that CBOR can carry: constructor tags fit in 64 bits."""
    tags = st.one_of(st.integers(0, 10), st.sampled_from([126, 127, 128, 2**64 - 1]))
    return st.recursive(
        integers | bytestrings,
        lambda inner: st.one_of(
            st.lists(inner, max_size=4).map(lambda items: DataList(tuple(items))),
            st.lists(st.tuples(inner, inner), max_size=3).map(lambda entries: DataMap(tuple(entries))),
            st.builds(lambda tag, fields: DataConstr(tag, tuple(fields)), tags, st.lists(inner, max_size=4)),
        ),
        max_leaves=max_leaves,
    )


def _ascending(entries: dict[bytes, Any]) -> tuple[tuple[bytes, Any], ...]:
    return tuple(sorted(entries.items()))


_keys = st.binary(max_size=32)
_quantities = st.integers(-(2**127), 2**127 - 1).filter(bool)
values = st.dictionaries(
    _keys, st.dictionaries(_keys, _quantities, min_size=1, max_size=3).map(_ascending), max_size=3
).map(_ascending)

_LEAF_VALUES: dict[ConstantType, st.SearchStrategy[Any]] = {
    INTEGER: integers,
    BYTESTRING: bytestrings,
    STRING: strings,
    UNIT: st.none(),
    BOOL: st.booleans(),
    DATA: data(max_leaves=5),
    VALUE: values,
    # Compressed points are bytes to this room; only their number counts.
    G1_ELEMENT: st.binary(min_size=48, max_size=48),
    G2_ELEMENT: st.binary(min_size=96, max_size=96),
}


def constant_types(*, group_elements: bool = True) -> st.SearchStrategy[ConstantType]:
    leaves = [leaf for leaf in _LEAF_VALUES if group_elements or leaf not in (G1_ELEMENT, G2_ELEMENT)]
    return st.recursive(
        st.sampled_from(leaves),
        lambda inner: st.one_of(inner.map(list_of), inner.map(array_of), st.builds(pair_of, inner, inner)),
        max_leaves=3,
    )


def values_of(type_: ConstantType) -> st.SearchStrategy[Any]:
    """Values of a constant type."""
    if type_ in _LEAF_VALUES:
        return _LEAF_VALUES[type_]
    parts = [values_of(arg) for arg in type_.args]
    return st.tuples(*parts) if type_.head == "pair" else st.lists(parts[0], max_size=3).map(tuple)


def constants(*, group_elements: bool = True) -> st.SearchStrategy[Constant]:
    return constant_types(group_elements=group_elements).flatmap(
        lambda type_: values_of(type_).map(lambda value: Constant(type_, value))
    )


@st.composite
def terms(draw: st.DrawFn, *, binders: int, fuel: int, sums: bool, group_elements: bool) -> Term:
    """Terms closed under `binders` binders, at most `fuel` levels deep."""

    def inner(extra_binders: int = 0) -> Term:
        return draw(terms(binders=binders + extra_binders, fuel=fuel - 1, sums=sums, group_elements=group_elements))

    def some(most: int) -> tuple[Term, ...]:
        return tuple(inner() for _ in range(draw(st.integers(0, most))))

    leaves = ["const", "builtin", "error"] + (["var"] if binders else [])
    branches = ["lam", "apply", "delay", "force"] + (["constr", "case"] if sums else [])
    match draw(st.sampled_from(leaves + (branches if fuel else []))):
        case "const":
            return Const(draw(constants(group_elements=group_elements)))
        case "builtin":
            return BuiltinTerm(draw(st.sampled_from(BUILTINS)))
        case "var":
            return Var(draw(st.integers(1, binders)))
        case "lam":
            return Lam(inner(1))
        case "apply":
            return Apply(inner(), inner())
        case "delay":
            return Delay(inner())
        case "force":
            return Force(inner())
        case "constr":
            return Constr(draw(st.integers(0, 2**64 - 1)), some(3))
        case "case":
            return Case(inner(), some(3))
        case _:
            return Error()


@st.composite
def programs(draw: st.DrawFn, *, group_elements: bool = True) -> Program:
    """Closed programs of both UPLC versions."""
    version = draw(st.sampled_from([UPLC_1_0_0, UPLC_1_1_0]))
    sums = version == UPLC_1_1_0
    return Program(version, draw(terms(binders=0, fuel=5, sums=sums, group_elements=group_elements)))


@st.composite
def damaged(draw: st.DrawFn, whole: st.SearchStrategy[bytes]) -> bytes:
    """Bytes cut short or with some bits flipped."""
    content = bytearray(draw(whole))
    if draw(st.booleans()):
        return bytes(content[: draw(st.integers(0, len(content)))])
    for _ in range(draw(st.integers(1, 3))):
        if content:
            content[draw(st.integers(0, len(content) - 1))] ^= 1 << draw(st.integers(0, 7))
    return bytes(content)
