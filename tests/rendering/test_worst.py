"""Searches of several evaluators in one table."""

from pathlib import Path

import msgspec

from costmodel.records import read
from costmodel.records.figures import EstimateRecord
from costmodel.records.worst import Worst
from costmodel.rendering.worst import beside_one_another, over_evaluators_table
from costmodel.report.assemble import assemble
from tests.cli.command import calibrate, one_line
from tests.proposals.made import a_search


def a_pair(folder: Path) -> tuple[Path, Path]:
    """Searches of two evaluators: the second is worse at the first's price, and has one more."""
    first = a_search(folder / "first", "sha2_256", (400,), 9e7)
    second = a_search(folder / "second", "sha2_256", (400,), 9e7)
    found = read(second / "worst.json", Worst)
    worse = msgspec.structs.replace(found.finds[0], ratio=EstimateRecord(value=5.0, interval=(4.0, 6.0)))
    other = msgspec.structs.replace(worse, price="addInteger", ratio=EstimateRecord(value=1.5, interval=(1.4, 1.6)))
    changed = msgspec.structs.replace(found, evaluator={"name": "amaru"}, model="mine.json", finds=(worse, other))
    (second / "worst.json").write_bytes(msgspec.json.encode(changed))
    return first, second


def test_the_worst_evaluator_of_each_price_comes_first(tmp_path: Path) -> None:
    found = beside_one_another([read(path / "worst.json", Worst) for path in a_pair(tmp_path)])
    assert found.evaluators == ("native", "amaru")
    told = [(each.price, [ratio.evaluator for ratio in each.ratios]) for each in found.prices]
    assert told == [("sha2_256", ["amaru", "native"]), ("addInteger", ["amaru"])]
    assert found.notes == ("the searches charge different prices: ledger, mine.json",)
    assert len(over_evaluators_table(found).rows) == 2


def test_two_searches_of_one_evaluator_are_told_apart(tmp_path: Path) -> None:
    first = read(a_search(tmp_path / "a", "sha2_256", (1,), 1.0) / "worst.json", Worst)
    assert beside_one_another([first, msgspec.structs.replace(first, run="b")]).evaluators == (
        "native (a)",
        "native (b)",
    )


def test_command_and_page_show_the_table(tmp_path: Path) -> None:
    first, second = a_pair(tmp_path)
    shown = calibrate("worst", "--compare", first, "--compare", second)
    assert shown.returncode == 0, shown.stderr
    assert "Worst inputs over evaluators" in shown.stdout
    assert "one search has nothing to be compared with" in one_line(calibrate("worst", "--compare", first))
    titles = [section.title for section in assemble([first / "worst.json", second / "worst.json"]).sections]
    assert titles[0] == "Worst inputs over evaluators"
