"""Searches on a simulated evaluator: what is planted is found and named, and nothing where nothing is."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import optuna
import pytest
from optuna.storages.journal import JournalStorage

from benches.worst_plants import PLANTS, Plant
from benches.worst_study import SimulatedBackend, SimulatedTimer, found
from costmodel.errors import InputError, Interrupted
from costmodel.model import Variant, ledger_model, parameters_at
from costmodel.records.run import RunStatus
from costmodel.records.worst import SearchSettings, Worst
from costmodel.rendering.worst import again_table, conclusion
from costmodel.report.assemble import assemble
from costmodel.workloads.sources import find_workload
from costmodel.worst.folder import SearchFolder, read_result
from costmodel.worst.journal import StudyJournal
from costmodel.worst.run import WorstSearch
from costmodel.worst.search import Search
from costmodel.worst.settings import asked_for, held, timed_again
from costmodel.worst.target import ChargedPrices, targets


@pytest.fixture(scope="module")
def prices() -> ChargedPrices:
    return ChargedPrices(ledger_model(Variant.E), parameters_at(645))


@pytest.mark.parametrize("plant", PLANTS[:2], ids=lambda plant: plant.price)
def test_a_plant_is_found_and_its_parameter_named(plant: Plant, prices: ChargedPrices) -> None:
    there, named, _ = found(plant, prices, seed=1, trials=80, sampler="tpe")
    assert there
    assert named


def searched(
    root: Path, planted: tuple[Plant, ...], patterns: str, seconds: float = 20.0, *, differential: bool = False
) -> Worst:
    settings, costs = asked_for(
        "ledger", patterns=patterns, evaluator="native", core=None, seed=0, seconds=seconds, scale=1.0
    )
    settings = msgspec.structs.replace(settings, seconds=3, differential=differential)

    @contextmanager
    def timer(_: SearchSettings) -> Iterator[SimulatedTimer]:
        yield SimulatedTimer(planted, 0)

    folder = SearchFolder.create(root, settings, costs)
    backend = SimulatedBackend(planted, 0)
    # A machine that is busy with other things gives the search no less.
    return WorstSearch(folder, timer=timer, backend=backend, clock=time.process_time).run()


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Worst:
    return searched(tmp_path_factory.mktemp("search"), PLANTS[:2], "addInteger,serialiseData,sha2_256")


def test_a_whole_search_proves_plants_and_nothing_else(result: Worst) -> None:
    ratios = {find.price: find.ratio for find in result.finds}
    assert set(ratios) == {"addInteger", "serialiseData", "sha2_256"}
    low, high = ratios["sha2_256"].interval
    assert low is not None and high is not None
    assert low < 1.02 and high > 0.98
    assert (ratios["serialiseData"].interval[0] or 0) > 1.3


def test_a_search_is_read_back_whole(result: Worst) -> None:
    folder, again = read_result(Path(result.run))
    assert again == result
    assert (folder / "search.json").is_file()


def test_a_search_for_differences_counts_what_it_tried(tmp_path: Path) -> None:
    result = searched(tmp_path, (), "addInteger", differential=True)
    assert result.trials > 10
    assert (result.finds, result.differences) == ((), ())


def test_a_report_takes_the_folder_of_a_search(result: Worst) -> None:
    assert "worst inputs" in assemble([Path(result.run)]).answer.title.lower()


def test_witnesses_are_programs_of_a_workload(result: Worst) -> None:
    workload = find_workload(str(Path(result.run) / "witnesses"))
    assert len(workload.programs) == len(result.finds)
    for program in workload.programs:
        assert program.script().nodes > 0


def test_a_limit_has_three_answers(result: Worst) -> None:
    assert held(result, 10.0).exit_code == 0
    assert held(result, 1.2).exit_code == 1
    middle = max(find.ratio.value or 0 for find in result.finds)
    assert held(result, middle).exit_code == 3


def proved_again(root: Path, earlier: str, planted: tuple[Plant, ...], patterns: str = "*") -> Worst:
    settings, costs, finalists = timed_again(
        Path(earlier), patterns=patterns, evaluator=None, core=None, seed=1, seconds=20.0
    )
    folder = SearchFolder.create(root, settings, costs, stage="prove", finalists=finalists, again=earlier)
    backend = SimulatedBackend(planted, 1)
    return WorstSearch(folder, backend=backend, clock=time.process_time).run()


def test_witnesses_timed_again_have_their_ratios(result: Worst, tmp_path: Path) -> None:
    again = proved_again(tmp_path, result.run, PLANTS[:2])
    assert again.again == result.run
    earlier = {find.price: find.ratio for find in result.finds}
    for find in again.finds:
        assert find.earlier == earlier[find.price]
        assert find.over_earlier is not None
        assert abs((find.over_earlier.value or 0) - 1) < 0.05
    assert "ratios are those of" in conclusion(again)[1]


def test_a_machine_without_the_fault_has_another_ratio(result: Worst, tmp_path: Path) -> None:
    again = proved_again(tmp_path, result.run, (), "serialiseData")
    (find,) = again.finds
    assert find.over_earlier is not None
    assert (find.over_earlier.interval[1] or 2) < 1
    assert again_table(again).rows[0][-1].text == "no"


def test_what_was_not_proved_is_not_timed_again(result: Worst) -> None:
    with pytest.raises(InputError, match="proved nothing of 'headList'; it has"):
        timed_again(Path(result.run), patterns="headList", evaluator=None, core=None, seed=0, seconds=20.0)


def test_a_complete_search_is_not_resumed(result: Worst) -> None:
    with pytest.raises(InputError, match="is complete"):
        SearchFolder.reopen(Path(result.run))


def test_a_search_that_was_stopped_goes_on(tmp_path: Path) -> None:
    settings, costs = asked_for(
        "ledger", patterns="addInteger", evaluator="native", core=None, seed=0, seconds=20.0, scale=1.0
    )

    class Stopping(SimulatedTimer):
        def told(self):  # type: ignore[no-untyped-def]
            if len(self._ns) and max(self._ns) > 5:
                raise Interrupted("stopped")
            return super().told()

    @contextmanager
    def stopping(_: SearchSettings) -> Iterator[SimulatedTimer]:
        yield Stopping((), 0)

    folder = SearchFolder.create(tmp_path, settings, costs)
    with pytest.raises(Interrupted):
        WorstSearch(folder, timer=stopping).run()
    again = SearchFolder.reopen(folder.path)
    assert again.state.stage == "search"
    assert again.state.status is RunStatus.RUNNING
    journal = StudyJournal(folder.path / "study.jsonl")
    study = optuna.load_study(study_name="addInteger", storage=JournalStorage(journal))
    assert len(study.trials) > 3
    journal.close()
    again.close()


def test_a_torn_line_of_a_journal_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "study.jsonl"
    path.write_bytes(b'{"op_code": 0}\n{"op_co')
    journal = StudyJournal(path)
    assert list(journal.read_logs(0)) == [{"op_code": 0}]
    journal.close()
    assert path.read_bytes() == b'{"op_code": 0}\n'


def test_a_file_that_is_no_journal_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "study.jsonl"
    path.write_bytes(b"hello\n")
    with pytest.raises(InputError, match="not a journal"):
        StudyJournal(path)


def test_trials_of_a_killed_session_are_ended(prices: ChargedPrices) -> None:
    storage = optuna.storages.InMemoryStorage()
    (target,) = targets("addInteger")
    optuna.create_study(study_name="addInteger", storage=storage, direction="maximize").ask()
    search = Search([target], prices, SimulatedTimer((), 0), storage, seed=0)
    assert search.study("addInteger").trials[0].state is optuna.trial.TrialState.FAIL
