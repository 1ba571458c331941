"""Drift by instruction counts: what is compared with what, and what is made of it."""

from pathlib import Path

import msgspec
import pytest

from costmodel.drift.counts import compare_counts, read_counts, take_counts
from costmodel.drift.suite import chosen, drift_suite, suite_sha256
from costmodel.errors import Inconclusive, InputError
from costmodel.judging.estimate import Change
from costmodel.records import encode
from costmodel.records.drift import Environment, InstructionCounts
from tests.timing.counting import needs_counts

STORED = Path(__file__).resolve().parents[2] / "baselines" / "debian-12-x86_64.json"

ENVIRONMENT = Environment(
    architecture="x86_64",
    compiler="gcc 12",
    libraries="gmp 6.2.1",
    objects={"libgmp.so.10": "ab"},
    processor="cd",
    valgrind="valgrind-3.19.0",
)


def baseline(environment: Environment = ENVIRONMENT, **counts: tuple[int, int]) -> InstructionCounts:
    return InstructionCounts(calibrate="1", suite_sha256="0" * 64, environment=environment, counts=counts)


def status(was: tuple[int, int], now: tuple[int, int], **environment: object) -> Change:
    """Of one operation, with the candidate's environment changed in the way given."""
    other = msgspec.structs.replace(ENVIRONMENT, **environment)
    return compare_counts(baseline(a=was), baseline(other, a=now), "b.json").status


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ((1000, 9000), Change.UNCHANGED),
        ((1000, 9049), Change.UNCHANGED),
        ((1000, 9051), Change.REGRESSED),
        ((1051, 9000), Change.REGRESSED),
        ((1000, 8949), Change.IMPROVED),
    ],
)
def test_half_a_percent_of_the_whole_decides(now: tuple[int, int], expected: Change) -> None:
    assert status((1000, 9000), now) is expected


@pytest.mark.parametrize(
    "environment",
    [{"objects": {"libgmp.so.10": "ef"}}, {"processor": "x"}, {"valgrind": "valgrind-3.20.0"}, {"libraries": "gmp 7"}],
)
def test_other_libraries_or_processor_leave_our_own_code_to_be_compared(environment: dict[str, object]) -> None:
    assert status((1000, 9000), (1000, 12_000), **environment) is Change.UNCHANGED
    assert status((1000, 9000), (1100, 9000), **environment) is Change.REGRESSED


def test_part_of_the_suite_that_executes_fewer_libraries_is_compared_whole() -> None:
    assert status((1000, 9000), (1000, 9100), objects={}) is Change.REGRESSED


def test_what_is_not_compared_is_said() -> None:
    other = msgspec.structs.replace(ENVIRONMENT, processor="x")
    (note,) = compare_counts(baseline(a=(1, 1)), baseline(other, a=(1, 1)), "b.json").notes
    assert "processor features" in note


@pytest.mark.parametrize("environment", [{"compiler": "gcc 13"}, {"architecture": "aarch64"}])
def test_another_compiler_is_inconclusive(environment: dict[str, object]) -> None:
    with pytest.raises(Inconclusive, match="make baseline"):
        status((1000, 9000), (1000, 9000), **environment)


def test_another_suite_is_inconclusive() -> None:
    with pytest.raises(Inconclusive, match="another suite"):
        compare_counts(baseline(a=(1, 1)), baseline(b=(1, 1)), "b.json")


def test_improvement_passes_and_regression_fails() -> None:
    was = baseline(a=(1000, 0), b=(1000, 0))
    assert compare_counts(was, baseline(a=(900, 0), b=(1000, 0)), "b.json").exit_code == 0
    assert compare_counts(was, baseline(a=(900, 0), b=(1100, 0)), "b.json").exit_code == 1


def test_file_round_trips(tmp_path: Path) -> None:
    path = tmp_path / "b.json"
    path.write_bytes(encode(baseline(a=(1, 2))))
    assert read_counts(path) == baseline(a=(1, 2))


@pytest.mark.parametrize("counts", [(0, 0), (-5, 9), (5, -1)])
def test_counts_that_no_work_has_are_refused(tmp_path: Path, counts: tuple[int, int]) -> None:
    path = tmp_path / "b.json"
    path.write_bytes(encode(baseline(a=counts)))
    with pytest.raises(InputError, match=r"b\.json"):
        read_counts(path)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"kind": "model"}', "[" * 100_000])
def test_other_files_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "b.json"
    path.write_text(text)
    with pytest.raises(InputError, match=r"b\.json"):
        read_counts(path)


def test_suite_is_the_same_each_time() -> None:
    before = suite_sha256()
    drift_suite.cache_clear()
    assert suite_sha256() == before


def test_part_of_the_suite_is_named_by_patterns_with_commas() -> None:
    suite = [cell.id for cell in drift_suite()]
    steps = [name for name in suite if name.startswith("steps")]
    assert [cell.id for cell in chosen("hashes sha3*, steps *")] == [*steps, "hashes sha3_256"]
    assert chosen("*") == drift_suite()
    with pytest.raises(InputError, match="'x'"):
        chosen("steps *,x")


def test_operations_that_were_not_counted_now_are_left_out() -> None:
    was = baseline(a=(1000, 0), b=(1000, 0))
    (drift,) = compare_counts(was, baseline(b=(1100, 0)), "b.json").drifts
    assert (drift.operation, drift.status) == ("b", Change.REGRESSED)


@needs_counts
def test_this_build_is_no_slower_than_the_stored_baseline() -> None:
    stored, here = read_counts(STORED), take_counts(drift_suite())
    compilers = {each.environment.compiler.partition(" ")[2] for each in (stored, here)}  # cc and gcc may be one
    if len(compilers) > 1:
        pytest.skip(f"the stored baseline is of {stored.environment.compiler}, this build of another compiler")
    verdict = compare_counts(stored, here, STORED.name)
    slower = {drift.operation: drift.ratio.value for drift in verdict.drifts if drift.status is Change.REGRESSED}
    assert slower == {}, "more than 0.5 % slower than the stored baseline; if that is meant, run `make baseline`"
