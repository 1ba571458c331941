"""What a builtin takes of memory and work follows what is charged for it."""

import random
from math import prod

import pytest
from costmodel._native import ffi, lib
from hypothesis import example, given, settings
from hypothesis import strategies as st

from benches.builtins import bytes_per_word
from costmodel.experiments.domains import DOMAINS
from costmodel.machine import EvaluationStatus, NativeMachine, Script
from costmodel.model import ExUnits, Variant, ledger_model
from costmodel.plutus import (
    BUILTIN_BY_NAME,
    UPLC_1_1_0,
    Apply,
    BuiltinTerm,
    Const,
    Constant,
    Lam,
    LedgerLanguage,
    Program,
    Term,
    decode_flat,
    encode_flat,
    parse_program,
)
from costmodel.plutus.universe import BYTESTRING, INTEGER
from tests.machine.calls import application, call

MOST_BYTES_PER_WORD = 32  # four times the eight bytes of a word
A_TRANSACTION = ExUnits(10**10, 165 * 10**5)
UNLIMITED = ExUnits(2**63 - 1, 2**63 - 1)
MODEL = ledger_model(Variant.E)


@pytest.mark.parametrize("name", DOMAINS)
def test_arena_bytes_follow_the_charged_words(name: str) -> None:
    candidates = [point for point in DOMAINS[name].candidates if not DOMAINS[name].explored or prod(point) <= 4096]
    corners = {min(candidates, key=sum), max(candidates, key=sum)}
    assert bytes_per_word(name, corners) <= MOST_BYTES_PER_WORD


def used(flat: bytes, budget: ExUnits = UNLIMITED, variant: Variant = Variant.E, protocol_version: int = 11) -> int:
    machine = NativeMachine(ledger_model(variant), variant)
    script = Script.decode(flat, LedgerLanguage.PLUTUS_V3, protocol_version)
    outcome, error = ffi.new("cal_outcome *"), ffi.new("cal_error *")
    limit = ffi.new("cal_ex_units *", {"cpu": budget.cpu, "mem": budget.mem})
    assert lib.cal_machine_run(machine.handle, script.handle, limit[0], outcome, error) == lib.CAL_OK
    return int(lib.cal_machine_used(machine.handle))


def applied(name: str, *arguments: int) -> Term:
    term: Term = BuiltinTerm(BUILTIN_BY_NAME[name])
    for argument in arguments:
        term = Apply(term, Const(Constant(INTEGER, argument)))
    return term


DIVISIONS = {
    "divideInteger": lambda x, y: x // y,
    "modInteger": lambda x, y: x % y,
    "quotientInteger": lambda x, y: abs(x) // abs(y) * (1 if (x < 0) == (y < 0) else -1),
    "remainderInteger": lambda x, y: abs(x) % abs(y) * (-1 if x < 0 else 1),
}
SIGNED = st.integers(0, 5).flatmap(
    lambda words: st.integers(-(2 ** (64 * words + 2)), 2 ** (64 * words + 2)) | st.just(2 ** (64 * words))
)


@pytest.mark.parametrize("name", DIVISIONS)
@given(x=SIGNED, y=SIGNED.filter(bool))
@example(x=-(2**64), y=2**64)
@example(x=2**64 - 1, y=-(2**64))
@example(x=-1, y=2**128)
@example(x=0, y=-(2**128))
@example(x=-(2**128), y=2**63)
@example(x=1 - 2**192, y=2**64)
def test_divisions_are_exact(name: str, x: int, y: int) -> None:
    assert call(name, x, y) == DIVISIONS[name](x, y)


@pytest.mark.parametrize("name", DIVISIONS)
@pytest.mark.parametrize("dividend", [1, -1, 2**70])
def test_division_by_a_larger_number_takes_nothing_of_its_length(name: str, dividend: int) -> None:
    divisor = 2**200_000 + 1
    charged = divisor.bit_length() // 64 + 1 if name == "modInteger" and dividend < 0 else 1
    program = encode_flat(Program(UPLC_1_1_0, applied(name, dividend, divisor)))
    assert used(program) <= 256 + MOST_BYTES_PER_WORD * charged


@pytest.mark.parametrize("name", DIVISIONS)
def test_quotient_and_rest_are_not_both_kept(name: str) -> None:
    # A quotient of one word by a long divisor, and a rest of one word of a long dividend.
    long, other = (
        (2**64_000 + 1, 2**63_990 + 5) if name in ("divideInteger", "quotientInteger") else (2**64_000, 10**18)
    )
    program = encode_flat(Program(UPLC_1_1_0, applied(name, long, other)))
    assert used(program) <= 256 + MOST_BYTES_PER_WORD * 2


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 60), st.integers(1, 60), st.randoms(use_true_random=False))
def test_gmp_takes_its_scratch_space_from_what_was_set_aside(x: int, y: int, rng: random.Random) -> None:
    before = lib.cal_gmp_overruns()
    first, second = (rng.getrandbits(int(64 * 1.17**words)) | 1 for words in (x, y))
    larger, smaller = max(first, second), min(first, second)
    variant = Variant.C  # without bounds on operands
    assert call("multiplyInteger", larger, smaller, variant=variant) == larger * smaller
    assert call("quotientInteger", larger, smaller, variant=variant) == larger // smaller
    assert call("remainderInteger", larger, smaller, variant=variant) == larger % smaller
    assert lib.cal_gmp_overruns() == before


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 8190), st.integers(1, 8190), st.integers(2, 8190), st.booleans(), st.randoms())
def test_modular_exponentiation_stays_within_its_scratch_space(
    base: int, exponent: int, modulus: int, odd: bool, rng: random.Random
) -> None:
    before = lib.cal_gmp_overruns()
    numbers = [rng.getrandbits(bits) | 1 << (bits - 1) for bits in (base, exponent, modulus)]
    numbers[2] = numbers[2] | 1 if odd else numbers[2] & ~1
    assert call("expModInteger", *numbers) == pow(*numbers)
    assert lib.cal_gmp_overruns() == before


def doubled(levels: int, leaf: str, use: str) -> bytes:
    """`use` of Data in which each level has the one below twice."""
    text = use
    for level in range(levels, 0, -1):
        pair = f"[(force (builtin mkCons)) x{level - 1} [(force (builtin mkCons)) x{level - 1} (con (list data) [])]]"
        text = f"[(lam x{level} {text}) [(builtin listData) {pair}]]"
    return encode_flat(parse_program(f"(program 1.1.0 [(lam x0 {text}) (con data ({leaf}))])"))


@pytest.mark.parametrize("levels", [23, 60])
def test_result_whose_data_sharing_makes_huge_is_not_written(levels: int) -> None:
    script = Script.decode(doubled(levels, "I 1", f"x{levels}"), LedgerLanguage.PLUTUS_V3, 11)
    machine = NativeMachine(MODEL, Variant.E, memory_cap=8 << 20)
    outcome = machine.evaluate(script, A_TRANSACTION, result=True)
    assert (outcome.status, outcome.result) == (EvaluationStatus.SUCCESS, None)
    assert outcome.unwritten == "the result is too large to print"


def test_list_of_shared_data_is_not_written_either() -> None:
    use = "[(force (builtin mkCons)) x20 [(force (builtin mkCons)) x20 (con (list data) [])]]"
    script = Script.decode(doubled(20, "B #00", use), LedgerLanguage.PLUTUS_V3, 11)
    outcome = NativeMachine(MODEL, Variant.E, memory_cap=8 << 20).evaluate(script, A_TRANSACTION, result=True)
    assert (outcome.status, outcome.result) == (EvaluationStatus.SUCCESS, None)


@pytest.mark.parametrize("levels", [20, 40, 62])
def test_nodes_of_shared_data_are_counted_only_as_far_as_the_budget_goes(levels: int) -> None:
    script = Script.decode(
        doubled(levels, "Map []", f"[(builtin unValueData) x{levels}]"), LedgerLanguage.PLUTUS_V3, 11
    )
    outcome = NativeMachine(MODEL, Variant.E, memory_cap=1 << 18).evaluate(script, A_TRANSACTION)
    assert outcome.status is EvaluationStatus.OVER_BUDGET


def test_counting_nodes_of_long_and_of_deep_data_takes_memory_for_its_depth_alone() -> None:
    wide = ", ".join(["I 1"] * 30_000)
    text = f"(program 1.1.0 [(builtin unValueData) (con data (List [{wide}]))])"
    script = Script.decode(encode_flat(parse_program(text)), LedgerLanguage.PLUTUS_V3, 11)
    # It is no map, which shows after it has been paid for.
    outcome = NativeMachine(MODEL, Variant.E, memory_cap=1 << 18).evaluate(script, UNLIMITED)
    assert (outcome.status, outcome.builtins) == (EvaluationStatus.FAILURE, {"unValueData": 1})


GROWTHS = {
    "bytes": ("(con bytestring #00)", "[(builtin appendByteString) x (con bytestring #00)]"),
    "many bytes": ("(con bytestring #00)", "[(builtin appendByteString) x x]"),
    "integers": ("(con integer 3)", "[(builtin multiplyInteger) x x]"),
    "lists": ("(con (list data) [])", "[(force (builtin mkCons)) [(builtin listData) x] x]"),
    "constructors": ("(con integer 3)", f"(constr 0 {'x ' * 40})"),
    "closures": ("(con integer 3)", "(lam y [x x y])"),
    "partial applications": ("(con integer 3)", "[(force (builtin chooseData)) x]"),
    "lets": ("(con integer 3)", f"(delay {'[(lam y ' * 40} (delay y) {') x]' * 40})"),
}


@pytest.mark.parametrize("growth", GROWTHS)
def test_script_within_a_transaction_cannot_reach_the_memory_cap(growth: str) -> None:
    start, step = GROWTHS[growth]
    text = f"(program 1.1.0 [(lam f [f f {start}]) (lam f (lam x [f f {step}]))])"
    script = Script.decode(encode_flat(parse_program(text)), LedgerLanguage.PLUTUS_V3, 11)
    outcome = NativeMachine(MODEL, Variant.E).evaluate(script, A_TRANSACTION)
    # Integers and byte strings end at their bounds.
    assert outcome.status in (EvaluationStatus.OVER_BUDGET, EvaluationStatus.FAILURE)


def test_long_copies_beyond_the_caches_are_exact() -> None:
    # Results of more than 16 MiB in all, so that the last are written past the caches; lengths leave no copy aligned.
    left, right = random.Random(1).randbytes(40_001), random.Random(2).randbytes(33_333)
    joined = application("appendByteString", left, right)
    term = application("consByteString", 7, joined)
    for _ in range(300):
        term = Apply(Lam(term), joined)
    script = Script.decode(encode_flat(Program(UPLC_1_1_0, term)), LedgerLanguage.PLUTUS_V3, 10)
    outcome = NativeMachine(ledger_model(Variant.C), Variant.C).evaluate(script, UNLIMITED, result=True)
    assert outcome.result is not None
    assert decode_flat(outcome.result).term == Const(Constant(BYTESTRING, b"\x07" + left + right))
