import json
from pathlib import Path

import msgspec
import pytest

from costmodel.errors import InputError
from costmodel.model import ExUnits
from costmodel.model.timeline import parameters_at
from costmodel.plutus import DataConstr
from costmodel.workloads import WorkloadProgram, script_arguments
from costmodel.workloads.budget import Limits, Meter, Strategy, fit_budget, scaled_fits
from costmodel.workloads.loops import OWN_LOOPS, find_loop

# Epoch 600 is of protocol version 10: 10^10 ps and 14·10^6 words a transaction, 2·10^10 and 62·10^6 a block.
EPOCH = 600
PARAMETERS = parameters_at(EPOCH)
LIMITS = Limits.of(PARAMETERS)
WORKBENCH = ("EcdsaSecp256k1Loop", "Loop", "LoopV3", "SchnorrSecp256k1Loop")


def exact(meter: Meter, target: ExUnits) -> int:
    """The largest count within a target, by trying them all."""
    count = 0
    while True:
        spent = meter.spent(count + 1)
        if spent.cpu > target.cpu or spent.mem > target.mem:
            return count
        count += 1


@pytest.mark.parametrize("strategy", ["txbudget", "txperblock_8", "blockbudget_1.5"])
@pytest.mark.parametrize("name", WORKBENCH)
def test_binary_search_agrees_with_trying_every_count(shared_data: Path, name: str, strategy: str) -> None:
    script = shared_data / "workbench" / "scripts" / f"{name}.plutus"
    meter = Meter(find_loop(str(script), PARAMETERS.major), PARAMETERS)
    fit = fit_budget(meter, Strategy.parse(strategy), LIMITS)
    assert fit.loop_count == exact(meter, fit.target)
    assert fit.used == meter.spent(fit.loop_count)


@pytest.mark.parametrize(("memory", "four"), [(23_250_000, 20_625_739_876), (31_000_000, 27_500_804_996)])
def test_four_loops_spend_what_the_workbench_found_them_to(shared_data: Path, memory: int, four: int) -> None:
    # The workbench's profiles calibrate-blockmem-x1.5-volt-fill and -x2-volt-fill let a transaction spend so much
    # memory, and a block the steps that four such transactions spend.
    script = shared_data / "workbench" / "scripts" / "Loop.plutus"
    meter = Meter(find_loop(str(script), PARAMETERS.major), PARAMETERS)
    limits = Limits(ExUnits(LIMITS.tx.cpu, memory), ExUnits(4 * LIMITS.tx.cpu, 4 * memory))
    fit = fit_budget(meter, Strategy.parse("txbudget"), limits)
    assert (4 * fit.used.cpu, fit.transactions_per_block) == (four, 4)


@pytest.mark.parametrize("name", OWN_LOOPS)
def test_the_packages_own_loops_fit_into_a_transaction(name: str) -> None:
    meter = Meter(find_loop(name, PARAMETERS.major), PARAMETERS)
    fit = fit_budget(meter, Strategy.parse("txperblock_8"), LIMITS)
    assert fit.loop_count == exact(meter, fit.target)


@pytest.mark.parametrize(
    ("strategy", "target"),
    [
        ("txbudget", ExUnits(10_000_000_000, 14_000_000)),
        ("txperblock_8", ExUnits(2_500_000_000, 7_750_000)),
        ("txperblock_1", ExUnits(10_000_000_000, 14_000_000)),
        ("blockbudget_1.0", ExUnits(4_000_000_000, 12_400_000)),  # five, as memory goes in 4.43 times
        ("blockbudget_2", ExUnits(2_222_222_222, 6_888_888)),  # nine
    ],
)
def test_targets_come_from_the_limits(strategy: str, target: ExUnits) -> None:
    limits = Limits(ExUnits(10_000_000_000, 14_000_000), ExUnits(20_000_000_000, 62_000_000))
    assert Strategy.parse(strategy).target(limits) == target


@pytest.mark.parametrize("text", ["", "txperblock_0", "txperblock_", "blockbudget_2.5", "blockbudget_0", "txbudget_2"])
def test_other_strategies_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="unknown strategy"):
        Strategy.parse(text)


def test_a_block_budget_without_a_factor_takes_the_most_loops_a_block() -> None:
    meter = Meter(find_loop("loop", PARAMETERS.major), PARAMETERS)
    each = [fit_budget(meter, Strategy.parse(f"blockbudget_{r}"), LIMITS) for r in (1, 1.25, 1.5, 1.75, 2)]
    best = fit_budget(meter, Strategy.parse("blockbudget"), LIMITS)
    assert best.loops_per_block == max(fit.loops_per_block for fit in each)


def test_of_equal_block_budgets_the_last_is_taken_as_the_workbench_does() -> None:
    # A block has less room than a transaction may take, so that by every factor it is one transaction's.
    meter = Meter(find_loop("loop", PARAMETERS.major), PARAMETERS)
    block = meter.spent(5)
    fit = fit_budget(meter, Strategy.parse("blockbudget"), Limits(ExUnits(3 * block.cpu, 3 * block.mem), block))
    assert (fit.strategy.name, fit.loops_per_block) == ("blockbudget_2", 5)


@pytest.mark.parametrize(
    ("script", "strategy", "scaled"),
    [
        # More steps a transaction alone would leave a block to one of them, which needs more steps itself.
        (
            "ecdsa",
            "txbudget",
            ["tx steps ×1.5", "tx steps, block steps ×1.5", "tx steps ×2", "tx steps, block steps ×2"],
        ),
        ("ecdsa", "txperblock_8", ["block steps ×1.5", "block steps ×2"]),
        # Four transactions of so many more steps do not fit into a block's.
        (
            "loop",
            "txbudget",
            [
                f"{limits} ×{scale}"
                for scale in ("1.5", "2")
                for limits in ("tx memory", "tx memory, block memory", "tx memory, block memory, block steps")
            ],
        ),
    ],
)
def test_limits_are_enlarged_until_a_block_is_filled_as_before(script: str, strategy: str, scaled: list[str]) -> None:
    meter = Meter(find_loop(script, PARAMETERS.major), PARAMETERS)
    base = fit_budget(meter, Strategy.parse(strategy), LIMITS)
    fits = scaled_fits(meter, base)
    assert [fit.scaled for fit in fits] == scaled
    for fit in (fits[len(fits) // 2 - 1], fits[-1]):
        assert (fit.limited_by, fit.transactions_per_block) == (base.limited_by, base.transactions_per_block)
        assert meter.within(fit.loop_count, fit.target)
        assert not meter.within(fit.loop_count + 1, fit.target)
    assert fits[-1].loop_count >= 2 * base.loop_count


def test_scaling_ends_when_every_limit_is_enlarged() -> None:
    # More memory a block leaves a transaction what it has, so a block holds more of them; more steps change nothing.
    meter = Meter(find_loop("loop", PARAMETERS.major), PARAMETERS)
    base = fit_budget(meter, Strategy.parse("txperblock_4"), LIMITS)
    assert [fit.scaled for fit in scaled_fits(meter, base)] == [
        "block memory ×1.5",
        "block memory, block steps ×1.5",
        "block memory ×2",
        "block memory, block steps ×2",
    ]


@pytest.mark.parametrize("name", WORKBENCH)
def test_the_summary_has_the_redeemer_that_loops_so_often(shared_data: Path, name: str) -> None:
    folder = shared_data / "workbench" / "scripts"
    meter = Meter(find_loop(str(folder / f"{name}.plutus"), PARAMETERS.major), PARAMETERS)
    fit = fit_budget(meter, Strategy.parse("txperblock_8"), LIMITS)
    redeemer = json.loads((folder / f"{name}.redeemer.json").read_text())
    counted = json.loads(json.dumps(redeemer).replace("1000000", str(1_000_000 + fit.loop_count)))
    assert fit.document().script_arg_redeemer == counted


def test_what_is_unused_and_what_is_used_make_the_limit() -> None:
    meter = Meter(find_loop("schnorr", PARAMETERS.major), PARAMETERS)
    summary = msgspec.to_builtins(fit_budget(meter, Strategy.parse("txperblock_8"), LIMITS).document())
    for unit in ("steps", "memory"):
        used = summary["budgetUsedPerTxInput"][unit]
        assert used + summary["projectedBudgetUnusedPerTx"][unit] == summary["budgetPerTx"][unit]
        in_block = used * summary["projectedTxPerBlock"]
        assert in_block + summary["projectedBudgetUnusedPerBlock"][unit] == summary["budgetPerBlock"][unit]


def test_a_target_too_small_for_one_iteration_is_refused() -> None:
    meter = Meter(find_loop("ecdsa", PARAMETERS.major), PARAMETERS)
    with pytest.raises(InputError, match="not one iteration fits"):
        fit_budget(meter, Strategy.parse("txbudget"), Limits(ExUnits(1000, 1000), LIMITS.block))


def test_a_count_that_makes_no_difference_is_refused() -> None:
    once = find_loop("loop", PARAMETERS.major)(1)

    def same(count: int) -> WorkloadProgram:
        arguments = script_arguments(once.language, 1)
        return WorkloadProgram("same", once.flat, once.language, once.protocol_version, arguments, "test", count)

    with pytest.raises(InputError, match="still fit"):
        fit_budget(Meter(same, PARAMETERS), Strategy.parse("txbudget"), LIMITS)


def test_a_script_that_fails_is_refused() -> None:
    loop = find_loop("loop", PARAMETERS.major)

    def failing(count: int) -> WorkloadProgram:
        program, nothing = loop(count), script_arguments(loop(1).language, DataConstr(0, ()))
        return WorkloadProgram("bad", program.flat, program.language, 10, nothing, "test", count)

    with pytest.raises(InputError, match="does not run to success"):
        fit_budget(Meter(failing, PARAMETERS), Strategy.parse("txbudget"), LIMITS)
