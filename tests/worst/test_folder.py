"""Folders of searches as they might come from elsewhere: what calibrate did not write is refused in one line."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from benches.worst_study import SimulatedTimer
from costmodel.errors import InputError
from costmodel.records.worst import SearchSettings
from costmodel.worst.folder import STATE, STUDY, SearchFolder
from costmodel.worst.journal import StudyJournal
from costmodel.worst.run import WorstSearch
from costmodel.worst.settings import asked_for
from tests.cli.command import calibrate, one_line


@pytest.fixture
def begun(tmp_path: Path) -> Path:
    """A search that has only just begun."""
    settings, costs = asked_for("ledger", patterns="addInteger", evaluator="native", core=None, seed=0, seconds=20.0)
    folder = SearchFolder.create(tmp_path, settings, costs)
    folder.close()
    return folder.path


def change(path: Path, **settings: Any) -> None:
    document = json.loads(path.read_text())
    document["settings"] |= settings
    path.write_text(json.dumps(document))


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"targets": ["addInteger", "noSuchBuiltin"]}, "names the price 'noSuchBuiltin'"),
        ({"sampler": "clever"}, "unknown sampler 'clever'"),
    ],
)
def test_settings_that_no_search_has_are_refused(begun: Path, settings: dict[str, Any], complaint: str) -> None:
    change(begun / STATE, **settings)
    with pytest.raises(InputError, match=complaint):
        SearchFolder.reopen(begun)


def test_a_finalist_of_another_price_is_refused(begun: Path) -> None:
    document = json.loads((begun / STATE).read_text())
    document["finalists"] = [{"target": "headList", "point": {}, "matters": [], "importance": {}, "trials": 1}]
    (begun / STATE).write_text(json.dumps(document))
    with pytest.raises(InputError, match="a finalist of a price that is not searched"):
        SearchFolder.reopen(begun)


def test_a_search_gets_its_name_once_it_is_whole(begun: Path) -> None:
    assert {path.name for path in begun.parent.iterdir()} == {begun.name}
    assert {"search.json", "model.json"} <= {path.name for path in begun.iterdir()}


@pytest.mark.parametrize("content", [b"\xff\xfe\n", b"no journal", b"[1]\n", b"{" * 3000 + b"\n"])
def test_another_file_is_no_journal_and_is_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    (tmp_path / STUDY).write_bytes(content)
    with pytest.raises(InputError, match="not a journal of a search"):
        StudyJournal(tmp_path / STUDY)
    assert (tmp_path / STUDY).read_bytes() == content


@pytest.mark.parametrize(
    "line",
    [
        {"op_code": 99, "worker_id": "w"},
        {"op_code": 0, "worker_id": "w", "study_name": "addInteger", "directions": ["up"]},
        {"op_code": 4, "worker_id": "w"},
        {},
    ],
)
def test_a_journal_that_optuna_did_not_write_is_one_line(begun: Path, line: dict[str, Any]) -> None:
    (begun / STUDY).write_text(json.dumps(line) + "\n")

    @contextmanager
    def timer(_: SearchSettings) -> Iterator[SimulatedTimer]:
        yield SimulatedTimer((), 0)

    with pytest.raises(InputError, match="start a new search") as caught:
        WorstSearch(SearchFolder.reopen(begun), timer=timer).run()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "surplus"),
    [
        (("--resume", "a", "--scale", "2", "--time-budget", "30s"), "--scale, --time-budget"),
        (("D", "--again", "a"), "MODEL"),
        (("--again", "a", "--resume", "b"), "--again"),
        (("--compare", "a", "--compare", "b", "--max-ratio", "2"), "--max-ratio"),
    ],
)
def test_settings_beside_a_search_that_has_its_own_are_refused(arguments: tuple[str, ...], surplus: str) -> None:
    assert f"leave {surplus} out" in one_line(calibrate("worst", *arguments))
