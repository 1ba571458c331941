"""What the table and the remarks say."""

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from benches.contracts import Contract
from benches.estimates import Cell, Sample
from benches.evaluators import Ready
from benches.schedule import Observed
from benches.table import remarks, summarise, table, verdicts, wrong_ex_units
from costmodel.model import ExUnits

CONTRACTS = [Contract("x", Path("x.flat"), ExUnits(10, 20)), Contract("y", Path("y.flat"))]
REFUSED = Cell("peer", "evaluate", "y")


@pytest.fixture
def observed() -> Observed:
    """Native takes 1 µs and the peer 4 µs for everything, but the peer refuses to evaluate one contract."""
    found = Observed(
        facts={"native": {"name": "native"}, "peer": {"name": "peer", "version": "2.0", "build": "release"}}
    )
    for name, ns in (("native", 1000), ("peer", 4000)):
        for cell in (Cell(name, work, c.name) for work in ("decode", "evaluate") for c in CONTRACTS):
            if cell != REFUSED:
                found.samples += [Sample(cell, number, 1, ns, clean=True) for number in (0, 1) for _ in range(3)]
                if cell.work == "evaluate":
                    found.spent[cell] = (10, 20)
    found.refusals[REFUSED] = "no such builtin"
    return found


def test_overall_ratio_is_over_the_contracts_of_both(observed: Observed) -> None:
    overall = summarise(observed, CONTRACTS)["evaluate"]["overall"]
    assert (overall["native"]["contracts"], overall["peer"]["contracts"]) == (2, 1)
    assert overall["peer"]["over_native"]["value"] == pytest.approx(4)


def test_verdict_names_the_fastest_peer(observed: Observed) -> None:
    assert verdicts(summarise(observed, CONTRACTS)) == [
        "decode: native takes 0.25 (0.25–0.25) of the time of peer, over 2 contracts",
        "evaluate: native takes 0.25 (0.25–0.25) of the time of peer, over 1 contracts",
    ]


def test_summary_is_json(observed: Observed) -> None:
    one_round = Observed([s for s in observed.samples if s.round == 0], facts=observed.facts)
    summary = summarise(one_round, CONTRACTS)
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary


def test_refused_contract_is_a_dash(observed: Observed) -> None:
    console = Console(width=120, file=io.StringIO(), record=True)
    console.print(table(summarise(observed, CONTRACTS), ["native", "peer"]))
    rows = [line.split() for line in console.export_text().splitlines()]
    assert ["evaluate", "y", "1.0", "–"] in rows
    assert ["decode", "y", "1.0", "4.0"] in rows


def test_remarks_tell_versions_differences_refusals_and_absences(observed: Observed) -> None:
    observed.spent[Cell("peer", "evaluate", "x")] = (11, 20)
    ready = [Ready("peer", "peer", "slow start")]
    about_peer, about_other = remarks(observed, ready, ["other is left out: go is not installed"])
    assert about_peer.split("; ") == [
        "peer: peer 2.0",
        "release",
        "slow start",
        "ExUnits differ from the native machine's on 1 of 1 contracts",
        "refuses to evaluate 1 contracts (no such builtin)",
    ]
    assert about_other == "other is left out: go is not installed"


def test_wrong_ex_units_of_the_native_machine_are_named(observed: Observed) -> None:
    assert wrong_ex_units(observed, CONTRACTS) == []
    observed.spent[Cell("native", "evaluate", "x")] = (10, 21)
    assert wrong_ex_units(observed, CONTRACTS) == ["x spent 10 ps and 21 words instead of (10, 20)"]
