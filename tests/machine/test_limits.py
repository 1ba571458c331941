"""Programs that try to take more than they may: every run ends, with a reason."""

import pytest

from costmodel.machine import EvaluationStatus, NativeMachine, Outcome, Script
from costmodel.model import ExUnits, Variant, ledger_model
from costmodel.plutus import (
    UPLC_1_0_0,
    UPLC_1_1_0,
    Apply,
    Const,
    Constr,
    Delay,
    Force,
    Lam,
    LedgerLanguage,
    Program,
    Term,
    Var,
    decode_flat,
    encode_flat,
    parse_program,
)
from costmodel.plutus.universe import INTEGER, Constant

MODEL = ledger_model(Variant.E)
PLENTY = ExUnits(10**15, 10**15)


def evaluate(flat: bytes, budget: ExUnits = PLENTY, memory_cap: int = 1 << 30, *, result: bool = False) -> Outcome:
    script = Script.decode(flat, LedgerLanguage.PLUTUS_V3, 11)
    machine = NativeMachine(MODEL, Variant.E, memory_cap=memory_cap, result_cap=1 << 26)
    return machine.evaluate(script, budget, result=result)


def flat_of(text: str) -> bytes:
    return encode_flat(parse_program(f"(program 1.1.0 {text})"))


OMEGA = flat_of("[(lam x [x x]) (lam x [x x])]")
# Keeps a list that grows for ever.
HOARDER = flat_of(
    """[(lam f [[f f] (con (list integer) [])])
        (lam f (lam xs [[f f] [(force (builtin mkCons)) (con integer 1) xs]]))]"""
)
# Frames of the continuation stack, one inside the other for ever.
DIVER = flat_of("[(lam f [f f]) (lam f [(builtin addInteger) [f f] (con integer 1)])]")


@pytest.mark.parametrize("program", [OMEGA, HOARDER, DIVER])
def test_budget_stops_a_run_that_never_ends(program: bytes) -> None:
    outcome = evaluate(program, ExUnits(10**9, 10**9))
    assert outcome.status is EvaluationStatus.OVER_BUDGET
    assert outcome.spent.cpu > 10**9


def test_memory_budget_stops_a_run_too() -> None:
    outcome = evaluate(OMEGA, ExUnits(10**15, 10**6))
    assert outcome.status is EvaluationStatus.OVER_BUDGET
    assert outcome.error == "the budget ran out: memory"


@pytest.mark.parametrize("program", [HOARDER, DIVER])
def test_memory_cap_stops_a_run(program: bytes) -> None:
    outcome = evaluate(program, memory_cap=1 << 20)
    assert outcome.status is EvaluationStatus.OUT_OF_MEMORY


def test_a_machine_is_as_good_as_new_after_running_out_of_memory() -> None:
    machine = NativeMachine(MODEL, Variant.E, memory_cap=1 << 20)
    hungry = Script.decode(HOARDER, LedgerLanguage.PLUTUS_V3, 11)
    modest = Script.decode(flat_of("(con integer 1)"), LedgerLanguage.PLUTUS_V3, 11)
    assert machine.evaluate(hungry, PLENTY).status is EvaluationStatus.OUT_OF_MEMORY
    assert machine.evaluate(modest, PLENTY).status is EvaluationStatus.SUCCESS


def test_budget_that_is_just_enough_suffices_and_one_less_does_not() -> None:
    program = flat_of("[(builtin addInteger) (con integer 1) (con integer 1)]")
    spent = evaluate(program).spent
    assert evaluate(program, spent).status is EvaluationStatus.SUCCESS
    assert evaluate(program, ExUnits(spent.cpu - 1, spent.mem)).status is EvaluationStatus.OVER_BUDGET
    assert evaluate(program, ExUnits(spent.cpu, spent.mem - 1)).status is EvaluationStatus.OVER_BUDGET


def nested(depth: int, wrap: type[Delay] | type[Force] | type[Lam], core: Term) -> bytes:
    for _ in range(depth):
        core = wrap(core)
    return encode_flat(Program(UPLC_1_0_0, core))


DEPTH = 200_000


@pytest.mark.parametrize("wrap", [Delay, Lam])
def test_deep_terms_decode_run_and_are_written_back(wrap: type[Delay] | type[Lam]) -> None:
    program = nested(DEPTH, wrap, Const(Constant(INTEGER, 1)))
    outcome = evaluate(program, result=True)
    assert outcome.status is EvaluationStatus.SUCCESS
    assert outcome.result == program


def test_deep_chain_of_applications_needs_no_c_stack() -> None:
    term: Term = Const(Constant(INTEGER, 1))
    for _ in range(DEPTH):
        term = Apply(Lam(Var(1)), term)
    outcome = evaluate(encode_flat(Program(UPLC_1_0_0, term)))
    assert outcome.status is EvaluationStatus.SUCCESS
    assert outcome.steps == {"apply": DEPTH, "lam": DEPTH, "var": DEPTH, "const": 1}


def test_result_that_sharing_makes_huge_is_refused() -> None:
    # Each let doubles what the next one holds, so the written result has 2^60 leaves.
    text = "(lam z (constr 0 x60 z))"
    for level in range(60, 0, -1):
        text = f"[(lam x{level} {text}) (constr 0 x{level - 1} x{level - 1})]"
    program = flat_of(f"[(lam x0 {text}) (con unit ())]")
    script = Script.decode(program, LedgerLanguage.PLUTUS_V3, 11)
    machine = NativeMachine(MODEL, Variant.E)
    assert machine.evaluate(script, PLENTY).status is EvaluationStatus.SUCCESS
    outcome = machine.evaluate(script, PLENTY, result=True)
    assert (outcome.status, outcome.result) == (EvaluationStatus.SUCCESS, None)
    assert outcome.unwritten == "the result is too large to print"


def test_data_that_sharing_makes_huge_costs_more_than_any_budget() -> None:
    text = "[(builtin equalsData) x60 x60]"
    for level in range(60, 0, -1):
        pair = f"[(force (builtin mkCons)) x{level - 1} [(force (builtin mkCons)) x{level - 1} (con (list data) [])]]"
        text = f"[(lam x{level} {text}) [(builtin listData) {pair}]]"
    outcome = evaluate(flat_of(f"[(lam x0 {text}) (con data (I 1))]"))
    assert outcome.status is EvaluationStatus.OVER_BUDGET


def test_result_substitutes_environments() -> None:
    outcome = evaluate(flat_of("[(lam x (lam y [(lam z [x y z]) x])) (con integer 5)]"), result=True)
    assert outcome.result is not None
    expected = parse_program("(program 1.1.0 (lam y [(lam z [(con integer 5) y z]) (con integer 5)]))")
    assert decode_flat(outcome.result).term == expected.term


def test_closures_of_one_lambda_keep_the_variables_of_their_own_call() -> None:
    # The let in the body binds y anew in each call; the closure of the first call must go on seeing the first y.
    text = """
      [(lam f [(lam first [(lam second [first (con unit ())]) [f (con integer 2)]]) [f (con integer 1)]])
       (lam n [(lam y (lam u y)) n])]"""
    outcome = evaluate(flat_of(text), result=True)
    assert outcome.result is not None
    assert decode_flat(outcome.result).term == parse_program("(program 1.1.0 (con integer 1))").term


def test_a_let_inside_a_delay_survives_being_forced_twice() -> None:
    text = """
      [(lam n [(lam d [(lam one [(lam two
          [(builtin addInteger) [one (con unit ())] [two (con unit ())]]) (force d)]) (force d)])
        (delay [(lam y (lam u y)) n])]) (con integer 4)]"""
    outcome = evaluate(flat_of(text), result=True)
    assert outcome.result is not None
    assert decode_flat(outcome.result).term == parse_program("(program 1.1.0 (con integer 8))").term


def test_traces_are_kept_in_order() -> None:
    text = '[(force (builtin trace)) (con string "a") [(force (builtin trace)) (con string "b") (con unit ())]]'
    assert evaluate(flat_of(text)).logs == ("b", "a")


def deeply_nested(depth: int, body: str) -> str:
    """`body` below `depth` functions, none of them applied where it stands, so that each has a frame of its own.

    The function at level n binds xn to n.
    """
    opening = "".join(f"[(force (delay (lam x{level} " for level in range(1, depth + 1))
    closing = "".join(f"))) (con integer {level})]" for level in range(depth, 0, -1))
    return f"{opening}{body}{closing}"


@pytest.mark.parametrize("depth", [1, 31, 32, 33, 63, 64, 65, 95, 96, 97, 128, 200])
def test_variables_are_found_however_many_functions_lie_between(depth: int) -> None:
    wanted = range(1, depth + 1)
    total = "(con integer 0)"
    for level in wanted:
        total = f"[(builtin addInteger) x{level} [(builtin multiplyInteger) (con integer 3) {total}]]"
    expected = 0
    for level in wanted:
        expected = level + 3 * expected
    outcome = evaluate(flat_of(deeply_nested(depth, total)), result=True)
    assert outcome.result is not None
    assert decode_flat(outcome.result).term == Const(Constant(INTEGER, expected))


@pytest.mark.parametrize("depth", [40, 64, 100])
def test_closures_below_many_functions_are_written_back(depth: int) -> None:
    body = f"(lam y [(lam z [(builtin addInteger) x1 [(builtin addInteger) x{depth} z]]) y])"
    outcome = evaluate(flat_of(deeply_nested(depth, body)), result=True)
    assert outcome.result is not None
    expected = (
        f"(lam y [(lam z [(builtin addInteger) (con integer 1) [(builtin addInteger) (con integer {depth}) z]]) y])"
    )
    assert decode_flat(outcome.result).term == parse_program(f"(program 1.1.0 {expected})").term


def test_lets_beyond_one_frame_are_found_below_many_functions() -> None:
    count = 300  # of lets, ten frames' worth, below seventy functions
    lets = "".join(f"[(lam y{n} " for n in range(count))
    closing = "".join(f") (con integer {n})]" for n in range(count - 1, -1, -1))
    body = f"{lets}[(builtin addInteger) y0 [(builtin addInteger) y150 [(builtin addInteger) y299 x1]]]{closing}"
    outcome = evaluate(flat_of(deeply_nested(70, body)), result=True)
    assert outcome.result is not None
    assert decode_flat(outcome.result).term == Const(Constant(INTEGER, 0 + 150 + 299 + 1))


@pytest.mark.parametrize("depth", [1, 3, 4, 5, 15, 16, 17, 63, 64, 65, 255, 256, 1023, 1025, 4095, 4096, 5000, 16385])
def test_variables_are_found_at_any_distance(depth: int) -> None:
    # Lambdas around a constructor of variables, each lambda with its own number; none of them is a let but the first.
    indices = sorted({*range(1, min(depth, 200) + 1), *range(1, depth + 1, max(depth // 500, 1)), depth})
    term: Term = Constr(0, tuple(Var(index) for index in indices))
    for _ in range(depth):
        term = Lam(term)
    for number in range(depth):
        term = Apply(term, Const(Constant(INTEGER, number)))
    outcome = evaluate(encode_flat(Program(UPLC_1_1_0, term)), result=True)
    assert outcome.result is not None
    fields = decode_flat(outcome.result).term
    assert isinstance(fields, Constr)
    assert [field.constant.value for field in fields.fields if isinstance(field, Const)] == [depth - i for i in indices]


@pytest.mark.parametrize("depth", [5, 70, 300, 5000])
def test_result_is_written_with_variables_of_any_distance(depth: int) -> None:
    # The same, but what comes out is a delay that holds the variables.
    indices = range(1, depth + 1, max(depth // 50, 1))
    term: Term = Delay(Constr(0, tuple(Var(index) for index in indices)))
    for _ in range(depth):
        term = Lam(term)
    for number in range(depth):
        term = Apply(term, Const(Constant(INTEGER, number)))
    outcome = evaluate(encode_flat(Program(UPLC_1_1_0, term)), result=True)
    assert outcome.result is not None
    written = decode_flat(outcome.result).term
    assert written == Delay(Constr(0, tuple(Const(Constant(INTEGER, depth - index)) for index in indices)))
