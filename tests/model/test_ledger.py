import json
import re
from pathlib import Path

import pytest

from costmodel.model import ExUnits, StepKind, Variant, builtin_file_order, dump, ledger_model, load
from costmodel.plutus.builtins import BUILTINS


@pytest.mark.parametrize("variant", Variant)
def test_ledger_models_equal_the_official_files(variant: Variant, shared_data: Path) -> None:
    files = [shared_data / "official" / f"{kind}{variant}.json" for kind in ("builtinCostModel", "cekMachineCosts")]
    assert load(files) == ledger_model(variant)


@pytest.mark.parametrize("variant", Variant)
def test_ledger_models_dump_to_the_official_objects(variant: Variant, shared_data: Path) -> None:
    official: dict[str, object] = {}
    for kind in ("builtinCostModel", "cekMachineCosts"):
        official |= json.loads((shared_data / "official" / f"{kind}{variant}.json").read_text())
    dumped = json.loads(dump(ledger_model(variant)))
    assert dumped == official
    assert list(dumped) == list(official)


@pytest.mark.parametrize("variant", Variant)
def test_ledger_models_price_every_builtin_and_step(variant: Variant) -> None:
    ledger_model(variant).require([builtin.name for builtin in BUILTINS], StepKind)


def test_the_file_order_has_every_builtin_once() -> None:
    assert sorted(builtin_file_order()) == sorted(builtin.name for builtin in BUILTINS)


# Saturated applications of one builtin to constants: case, builtin, forces, and the sizes of the arguments by the
# published size measures. The budget is that of variant E: start-up, a step each for the builtin, its forces, its
# arguments and its applications, and the builtin itself.
CASES = [
    ("addInteger/addInteger-uncurried", "addInteger", 0, (1, 1)),
    ("addInteger/addInteger-02", "addInteger", 0, (2, 1)),
    ("addInteger/addInteger-03", "addInteger", 0, (2, 4)),
    ("divideInteger/divideInteger-pos-neg", "divideInteger", 0, (1, 1)),
    ("expModInteger/expMod-05", "expModInteger", 0, (1, 1, 1)),
    ("integerToByteString/little-endian/bounded/correct-output-exact-width", "integerToByteString", 0, (1, 1, 1)),
    ("unionValue/cancel-02", "unionValue", 0, (1, 1)),
    ("valueContains/multi-sufficient", "valueContains", 0, (3, 2)),
    ("valueContains/reflexive", "valueContains", 0, (2, 2)),
    ("dropList/dropList-06", "dropList", 1, (17, 9)),
    ("dropList/dropList-09", "dropList", 1, (2**63 - 1, 9)),
    ("sliceByteString/sliceByteString-03", "sliceByteString", 0, (1, 1, 2)),
    ("equalsByteString/equalsByteString-02", "equalsByteString", 0, (2, 2)),
    ("insertCoin/multi-ccy-nonempty", "insertCoin", 0, (1, 1, 1, 3)),
    ("writeBits/case-14", "writeBits", 0, (1, 1, 1)),
    ("andByteString/case-04", "andByteString", 0, (1, 1, 1)),
]


@pytest.mark.parametrize(("case", "builtin", "forces", "sizes"), CASES)
def test_official_budgets_of_single_applications(
    case: str, builtin: str, forces: int, sizes: tuple[int, ...], shared_data: Path
) -> None:
    folder = shared_data / "conformance/uplc/evaluation/builtin/semantics" / case
    expected = (folder / f"{folder.name}.budget.expected").read_text()
    model = ledger_model(Variant.E)
    cost, budget = model.builtins[builtin], model.startup
    assert budget is not None
    for kind, count in (
        (StepKind.BUILTIN, 1),
        (StepKind.FORCE, forces),
        (StepKind.CONST, len(sizes)),
        (StepKind.APPLY, len(sizes)),
    ):
        for _ in range(count):
            budget += model.steps[kind]
    budget += ExUnits(cost.cpu.evaluate(sizes), cost.memory.evaluate(sizes))
    assert [int(number) for number in re.findall(r"\d+", expected)] == [budget.cpu, budget.mem]
