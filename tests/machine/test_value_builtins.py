"""The built-in Value and arrays against Python's own dictionaries and sequences."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from costmodel.errors import DecodeError
from costmodel.machine import EvaluationStatus, NativeMachine, Script
from costmodel.model import ExUnits, Variant, ledger_model
from costmodel.plutus import (
    BYTESTRING,
    DATA,
    INTEGER,
    VALUE,
    Constant,
    Data,
    DataMap,
    LedgerLanguage,
    Term,
    array_of,
    encode_flat,
    list_of,
    parse_program,
)
from tests.machine.calls import UNLIMITED, application, call, evaluate, value_of
from tests.strategies import untimed, values

Entries = tuple[tuple[bytes, tuple[tuple[bytes, int], ...]], ...]
Nested = dict[bytes, dict[bytes, int]]

MOST, LEAST = 2**127 - 1, -(2**127)
PRICED = ("unIData", "unValueData")


def value(entries: Any) -> Constant:
    return Constant(VALUE, entries)


def nested(entries: Entries) -> Nested:
    return {currency: dict(tokens) for currency, tokens in entries}


def entries(content: Nested) -> Entries:
    """The canonical form: in order, without what is zero or empty."""
    kept = {currency: {k: n for k, n in tokens.items() if n} for currency, tokens in content.items()}
    return tuple((currency, tuple(sorted(tokens.items()))) for currency, tokens in sorted(kept.items()) if tokens)


def fits(content: Nested) -> bool:
    return all(LEAST <= number <= MOST for tokens in content.values() for number in tokens.values())


@given(values, values)
@untimed
def test_union(left: Entries, right: Entries) -> None:
    total = nested(left)
    for currency, tokens in right:
        for token, quantity in tokens:
            own = total.setdefault(currency, {})
            own[token] = own.get(token, 0) + quantity
    assert call("unionValue", value(left), value(right)) == (entries(total) if fits(total) else None)


@given(values)
@untimed
def test_union_with_the_opposite_is_empty(content: Entries) -> None:
    opposite = {currency: {token: -n for token, n in tokens} for currency, tokens in content}
    if fits(opposite):
        assert call("unionValue", value(content), value(entries(opposite))) == ()


@given(values, st.one_of(st.integers(-3, 3), st.sampled_from([2**127, -(2**127), 2**128, 2**200])))
@untimed
def test_scaling(content: Entries, factor: int) -> None:
    scaled = {currency: {token: n * factor for token, n in tokens} for currency, tokens in content}
    assert call("scaleValue", factor, value(content)) == (entries(scaled) if fits(scaled) else None)


def test_scaling_to_the_least_quantity() -> None:
    assert call("scaleValue", 2**127, value(((b"", ((b"", -1),)),))) == ((b"", ((b"", LEAST),)),)


keys = st.binary(max_size=2)
small_values = st.dictionaries(keys, st.dictionaries(keys, st.integers(-1, 5), max_size=4), max_size=4).map(entries)


@given(small_values, small_values)
@untimed
def test_containment(left: Entries, right: Entries) -> None:
    container, contained = nested(left), nested(right)
    negative = any(n < 0 for _, tokens in (*left, *right) for _, n in tokens)
    expected = all(
        container.get(currency, {}).get(token, 0) >= n
        for currency, tokens in contained.items()
        for token, n in tokens.items()
    )
    assert call("valueContains", value(left), value(right)) == (None if negative else expected)


@given(st.sets(st.integers(0, 400), max_size=150), st.sets(st.integers(0, 400), max_size=150), st.booleans())
@untimed
def test_containment_of_many_currencies(held: set[int], wanted: set[int], part: bool) -> None:
    chosen = wanted & held if part else wanted
    container, contained = (
        value(tuple((number.to_bytes(2, "big"), ((b"", 1),)) for number in sorted(numbers)))
        for numbers in (held, chosen)
    )
    assert call("valueContains", container, contained) == (chosen <= held)


@given(values)
@untimed
def test_as_data_and_back(content: Entries) -> None:
    data = DataMap(tuple((currency, DataMap(tokens)) for currency, tokens in content))
    assert call("valueData", value(content)) == data
    assert call("unValueData", Constant(DATA, data)) == content


@pytest.mark.parametrize(
    "data",
    [
        DataMap(((b"a" * 33, DataMap(((b"", 1),))),)),
        DataMap(((b"", DataMap(((b"a" * 33, 1),))),)),
        DataMap(((b"", DataMap(((b"", MOST + 1),))),)),
        DataMap(((b"", DataMap(((b"b", 1), (b"a", 1)))),)),
        DataMap(((b"", b""),)),
        DataMap(((b"", DataMap(((1, 1),))),)),
        DataMap(((b"", DataMap(((b"", DataMap(())),))),)),
    ],
)
def test_data_that_is_no_value(data: Data) -> None:
    assert call("unValueData", Constant(DATA, data)) is None


def many(count: int) -> Constant:
    tokens = tuple((number.to_bytes(3), 1) for number in range(count))
    return value(((b"", tokens),))


@pytest.mark.parametrize(("count", "fine"), [(40000, True), (40001, False)])
def test_value_as_data_is_bounded(count: int, fine: bool) -> None:
    assert (call("valueData", many(count)) is not None) is fine


@given(values)
@untimed
def test_policies_and_their_assets(content: Entries) -> None:
    assert call("policies", value(content)) == tuple(currency for currency, _ in content)
    assert call("assetCount", value(content)) == sum(len(tokens) for _, tokens in content)


@st.composite
def filters(draw: st.DrawFn) -> tuple[tuple[bytes, ...], Entries]:
    """A value, and policies of it, others, the empty one and long ones, with repetitions."""
    content = draw(values)
    own = [currency for currency, _ in content]
    policy = st.binary(max_size=3) | st.just(b"") | st.just(bytes(33))
    listed = draw(st.lists(st.sampled_from(own) | policy if own else policy, max_size=12))
    return tuple(listed), content


def listed(policies: tuple[bytes, ...]) -> Constant:
    return Constant(list_of(BYTESTRING), policies)


@given(filters())
@untimed
def test_filters_keep_and_drop_policies(case: tuple[tuple[bytes, ...], Entries]) -> None:
    policies, content = case
    kept = tuple(entry for entry in content if entry[0] in policies)
    dropped = tuple(entry for entry in content if entry[0] not in policies)
    assert call("keepPolicies", listed(policies), value(content)) == kept
    assert call("dropPolicies", listed(policies), value(content)) == dropped
    parts = [application(name, listed(policies), value(content)) for name in ("keepPolicies", "dropPolicies")]
    assert value_of(application("unionValue", *parts)) == content


@given(filters(), st.lists(st.binary(max_size=1)).map(tuple))
@untimed
def test_filters_take_values_that_were_computed(
    case: tuple[tuple[bytes, ...], Entries], again: tuple[bytes, ...]
) -> None:
    """Trees that other builtins made, in whatever shape; what comes out can be used as any value."""
    policies, left = case
    once = application("dropPolicies", listed(policies), value(left))
    put = application("insertCoin", b"new", b"", 1, once)
    twice = application("keepPolicies", listed((*again, b"new")), put)
    expected = {c: t for c, t in nested(left).items() if c not in policies}
    expected.setdefault(b"new", {})[b""] = 1
    kept = {c: t for c, t in expected.items() if c in (*again, b"new")}
    assert value_of(twice) == entries(kept)
    assert value_of(application("assetCount", twice)) == sum(map(len, kept.values()))
    assert value_of(application("policies", twice)) == tuple(sorted(kept))


@given(st.integers(0, 300), st.lists(st.integers(0, 320), max_size=60))
@untimed
def test_filters_of_many_policies(count: int, chosen: list[int]) -> None:
    content = tuple((number.to_bytes(2), ((b"", number + 1),)) for number in range(count))
    names = listed(tuple(number.to_bytes(2) for number in chosen))
    assert call("keepPolicies", names, value(content)) == tuple(content[i] for i in sorted(set(chosen)) if i < count)
    rest = application("dropPolicies", names, value(content))
    assert value_of(rest) == tuple(entry for i, entry in enumerate(content) if i not in chosen)
    for number in range(0, count, 37):
        found = application("lookupCoin", number.to_bytes(2), b"", rest)
        assert value_of(found) == (0 if number in chosen else number + 1)


@pytest.mark.parametrize("name", ["keepPolicies", "dropPolicies"])
@pytest.mark.parametrize(("count", "fine"), [(8191, True), (8192, False)])
def test_values_to_filter_are_bounded(name: str, count: int, fine: bool) -> None:
    content = tuple((number.to_bytes(2), ((b"", 1),)) for number in range(count))
    result = call(name, listed((b"\0\1",)), value(content))
    assert result == (
        ({"keepPolicies": content[1:2], "dropPolicies": content[:1] + content[2:]})[name] if fine else None
    )


@pytest.mark.parametrize("name", ["policies", "assetCount", "keepPolicies", "dropPolicies", "multiIndexArray"])
@pytest.mark.parametrize("language", LedgerLanguage)
def test_batch_seven_is_refused_before_protocol_version_12(name: str, language: LedgerLanguage) -> None:
    flat = encode_flat(parse_program(f"(program 1.0.0 (builtin {name}))"))
    Script.decode(flat, language, 12)
    with pytest.raises(DecodeError, match=name):
        Script.decode(flat, language, 11)


@pytest.mark.parametrize(
    ("currency", "token", "quantity"),
    [(b"a" * 33, b"", 1), (b"", b"a" * 33, 1), (b"", b"", MOST + 1), (b"", b"", LEAST - 1)],
)
def test_coins_that_cannot_be(currency: bytes, token: bytes, quantity: int) -> None:
    assert call("insertCoin", currency, token, quantity, value(())) is None
    assert call("lookupCoin", currency, token, value(())) == 0
    assert call("insertCoin", currency, token, 0, value(())) == ()


class Coins(RuleBasedStateMachine):
    """A value that coins are put into and taken out of, beside a dictionary."""

    def __init__(self) -> None:
        super().__init__()
        self.model: Nested = {}
        self.term: Term = application("unionValue", value(()), value(()))

    @rule(currency=keys, token=st.integers(0, 30), quantity=st.integers(-2, 2))
    def insert(self, currency: bytes, token: int, quantity: int) -> None:
        key = bytes([token])
        self.model.setdefault(currency, {})[key] = quantity
        self.term = application("insertCoin", currency, key, quantity, self.term)

    @rule(currency=keys)
    def delete_all(self, currency: bytes) -> None:
        for token in self.model.pop(currency, {}):
            self.term = application("insertCoin", currency, token, 0, self.term)

    @invariant()
    def agrees(self) -> None:
        assert value_of(self.term) == entries(self.model)


TestCoins = Coins.TestCase
TestCoins.settings = untimed


@pytest.mark.parametrize("step", [1, 7, 599, -1])
def test_many_coins_in_any_order_keep_lookup_cheap(step: int) -> None:
    count = 600
    term: Term = application("unionValue", value(()), value(()))
    for number in range(count):
        term = application("insertCoin", b"", (number * step % count).to_bytes(2), number + 1, term)
    found = value_of(term)
    assert dict(found[0][1]) == {(number * step % count).to_bytes(2): number + 1 for number in range(count)}
    for number in range(0, count, 2):
        term = application("insertCoin", b"", number.to_bytes(2), 0, term)
    assert [int.from_bytes(token) for token, _ in value_of(term)[0][1]] == list(range(1, count, 2))


def test_size_of_a_value_follows_its_widest_currency() -> None:
    # lookupCoin costs by bits: of 2 currencies (2 bits), and of 4 tokens (3 bits) or, one taken out, of 3 (2 bits).
    wide = value(((b"a", ((b"", 1),)), (b"b", tuple((bytes([n]), 1) for n in range(4)))))
    narrow = application("insertCoin", b"b", b"\x00", 0, wide)

    def price(term: Any) -> int:
        return evaluate(application("lookupCoin", b"", b"", term)).spent.cpu

    inserting = evaluate(narrow).spent.cpu - 16000 - 100  # the argument is no constant, which saves a step
    assert price(wide) - (price(narrow) - inserting) == 9444


numbers = st.lists(st.integers(), max_size=8).map(tuple)
counts = st.one_of(st.integers(-10, 10), st.sampled_from([2**63, -(2**63) - 1, 2**100, -(2**100)]))


@given(counts, numbers)
@untimed
def test_dropping(count: int, items: tuple[int, ...]) -> None:
    assert call("dropList", count, Constant(list_of(INTEGER), items)) == items[max(count, 0) :]


@given(numbers)
@untimed
def test_arrays_have_the_length_of_their_lists(items: tuple[int, ...]) -> None:
    array = application("listToArray", Constant(list_of(INTEGER), items))
    assert value_of(array) == items
    assert value_of(application("lengthOfArray", array)) == len(items)


@given(numbers, counts)
@untimed
def test_indexing(items: tuple[int, ...], index: int) -> None:
    expected = items[index] if 0 <= index < len(items) else None
    assert call("indexArray", Constant(array_of(INTEGER), items), index) == expected


@given(numbers, st.lists(counts, max_size=5).map(tuple))
@untimed
def test_indexing_many(items: tuple[int, ...], indices: tuple[int, ...]) -> None:
    inside = all(0 <= index < len(items) for index in indices)
    expected = tuple(items[index] for index in indices) if inside else None
    assert call("multiIndexArray", Constant(array_of(INTEGER), items), Constant(list_of(INTEGER), indices)) == expected


@pytest.mark.parametrize(("count", "fine"), [(1024, True), (1025, False)])
def test_indices_are_bounded(count: int, fine: bool) -> None:
    array = Constant(array_of(BYTESTRING), (b"a",))
    result = call("multiIndexArray", array, Constant(list_of(INTEGER), (0,) * count))
    assert result == ((b"a",) * count if fine else None)


def doubled(levels: int, builtin: str) -> bytes:
    """A builtin on Data of 2^(levels + 1) - 1 nodes, each level of it twice the one before, which takes no memory."""
    text = f"[(builtin {builtin}) x{levels}]"
    for level in range(levels, 0, -1):
        pair = f"[(force (builtin mkCons)) x{level - 1} [(force (builtin mkCons)) x{level - 1} (con (list data) [])]]"
        text = f"[(lam x{level} {text}) [(builtin listData) {pair}]]"
    return encode_flat(parse_program(f"(program 1.0.0 [(lam x0 {text}) (con data (List []))])"))


def test_nodes_of_data_are_counted_through_shared_parts() -> None:
    levels, model = 10, ledger_model(Variant.E)
    machine = NativeMachine(model, Variant.E)
    spent = {name: machine.evaluate(Script.decode(doubled(levels, name), None), UNLIMITED).spent for name in PRICED}
    cheap, dear = (model.cost_of(name) for name in PRICED)
    assert cheap is not None
    assert dear is not None
    nodes = 2 ** (levels + 1) - 1
    assert spent["unValueData"].cpu - spent["unIData"].cpu == dear.cpu.evaluate([nodes]) - cheap.cpu.evaluate([0])
    assert spent["unValueData"].mem - spent["unIData"].mem == dear.memory.evaluate([nodes]) - cheap.memory.evaluate([0])


@pytest.mark.parametrize("levels", [24, 31, 60])
def test_data_of_too_many_nodes_costs_more_than_any_budget(levels: int) -> None:
    script = Script.decode(doubled(levels, "unValueData"), None)
    for budget in (ExUnits(10**15, 10**15), UNLIMITED):
        outcome = NativeMachine(ledger_model(Variant.E), Variant.E).evaluate(script, budget)
        assert outcome.status is EvaluationStatus.OVER_BUDGET
