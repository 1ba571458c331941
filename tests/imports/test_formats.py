"""Every format: what is read from it, and that what is malformed is refused in one line."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from costmodel.errors import InputError
from costmodel.imports.measured import Measured
from costmodel.imports.run import files_of, read_source

PLAIN = "builtin,sizes,ns,low_ns,high_ns\naddInteger,3/5,100,90,110\nsha2_256,,250,,\n"
CRITERION = "benchmark,t,t.mean.lb,t.mean.ub,t.sd,t.sd.lb,t.sd.ub\nAddInteger/1/70,2e-6,1.9e-6,2.2e-6,1e-9,1e-9,1e-9\n"
GO = """goos: linux
goarch: amd64
pkg: example.org/uplc/bench
cpu: AMD EPYC 7763
BenchmarkAddInteger/3/5-8         1000000              1000 ns/op              64 B/op          2 allocs/op
BenchmarkAddInteger/3/5-8         1000000              1010 ns/op              64 B/op          2 allocs/op
BenchmarkAddInteger/3/5-8         1000000              1020 ns/op              64 B/op          2 allocs/op
BenchmarkNop2/1/1                 1000000             12.5 ns/op
PASS
"""


def estimate(point: float, cl: float = 0.05) -> dict[str, Any]:
    return {"estPoint": point, "estError": {"confIntLDX": point / 10, "confIntUDX": point / 5, "confIntCL": cl}}


HASKELL = [
    "criterion",
    "1.6.3.0",
    [
        {
            "reportNumber": 0,
            "reportName": "AddInteger/3/5",
            "reportKeys": ["time", "cpuTime", "cycles", "iters"],
            "reportMeasured": [[1e-6, 1e-6, 3000, 1]],
            "reportAnalysis": {"anMean": estimate(1e-6), "anStdDev": estimate(1e-9), "anRegress": []},
        }
    ],
]
RUST_ESTIMATE = {
    "confidence_interval": {"confidence_level": 0.95, "lower_bound": 900.0, "upper_bound": 1200.0},
    "point_estimate": 1000.0,
    "standard_error": 50.0,
}
ESTIMATES = {"mean": {**RUST_ESTIMATE, "point_estimate": 1100.0}, "median": RUST_ESTIMATE, "slope": RUST_ESTIMATE}
SAMPLE = {"sampling_mode": "Linear", "iters": [10.0, 20.0, 30.0], "times": [10_000.0, 20_200.0, 29_700.0]}
MESSAGE = {
    "reason": "benchmark-complete",
    "id": "uplc/addInteger/3/5",
    "typical": {"estimate": 1.0, "lower_bound": 0.9, "upper_bound": 1.2, "unit": "us"},
    "mean": {"estimate": 2.0, "lower_bound": 1.9, "upper_bound": 2.2, "unit": "us"},
}
JMH = [
    {
        "jmhVersion": "1.37",
        "benchmark": "org.scalus.bench.Builtins.addInteger",
        "mode": "avgt",
        "forks": 2,
        "measurementIterations": 2,
        "params": {"x": "3", "y": "5"},
        "primaryMetric": {
            "score": 1.0,
            "scoreError": 0.1,
            "scoreConfidence": [0.9, 1.1],
            "scoreUnit": "us/op",
            "rawData": [[0.99, 1.01], [1.01, 1.03]],
        },
        "secondaryMetrics": {},
    }
]
RESULT = {
    "program_id": "550e8400-e29b-41d4-a716-446655440000",
    "status": "success",
    "cpu_budget": 100000,
    "memory_budget": 500,
    "timing_samples": [{"cpu_time_ns": 1000}, {"cpu_time_ns": 1020}],
}
OLD_RESULT = {
    "program_id": "550e8400-e29b-41d4-a716-446655440000",
    "status": "success",
    "measurements": [{"cpu_time_ms": 0.001, "memory_bytes": 1, "cpu_budget": 1, "memory_budget": 1}] * 2,
}


def written(folder: Path, content: str | bytes | Any, name: str = "measurements") -> Path:
    path = folder / name
    if not isinstance(content, str | bytes):
        content = json.dumps(content)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read(folder: Path, content: Any, name: str = "measurements") -> tuple[Measured, ...]:
    return read_source(written(folder, content, name)).measured


def beside(folder: Path) -> Path:
    new = folder / "uplc" / "addInteger" / "3_5" / "new"
    new.mkdir(parents=True)
    written(new, {"group_id": "addInteger", "full_id": "addInteger/3/5"}, "benchmark.json")
    return new


def test_plain_csv_has_sizes_and_bounds_where_given(tmp_path: Path) -> None:
    first, second = read(tmp_path, PLAIN)
    assert (first.name, first.ns) == ("addInteger/3/5", 100)
    assert first.interval_ns == pytest.approx((90, 110))
    assert (second.name, second.interval_ns) == ("sha2_256", None)


def test_an_interval_without_width_is_none(tmp_path: Path) -> None:
    (found,) = read(tmp_path, "builtin,sizes,ns,low_ns,high_ns\naddInteger,3/5,100,100,100\n")
    assert found.interval_ns is None


def test_criterion_csv_is_in_seconds(tmp_path: Path) -> None:
    (row,) = read(tmp_path, CRITERION)
    assert row.name == "AddInteger/1/70"
    assert row.ns == pytest.approx(2000)
    assert row.interval_ns == pytest.approx((1900, 2200))


def test_go_counts_are_repetitions_and_the_processors_are_no_size(tmp_path: Path) -> None:
    source = read_source(written(tmp_path, GO))
    add, nop = source.measured
    assert (add.name, add.ns, nop.name, nop.interval_ns) == ("AddInteger/3/5", 1010, "Nop2/1/1", None)
    assert add.interval_ns is not None
    # Student's t of 2 degrees of freedom, standard deviation 10, three counts.
    assert add.interval_ns[1] == pytest.approx(1010 + 4.302653 * 10 / 3**0.5)
    assert source.facts["cpu"] == "AMD EPYC 7763"


def test_go_json_is_the_same_output_in_pieces(tmp_path: Path) -> None:
    events = [{"Action": "start", "Package": "p"}]
    events += [{"Action": "output", "Package": "p", "Output": piece} for piece in (GO[:77], GO[77:])]
    lines = "\n".join(json.dumps(event) for event in events)
    assert [each.ns for each in read(tmp_path, lines)] == [each.ns for each in read(tmp_path, GO)]


@pytest.mark.parametrize("level", [0.05, 0.95])
def test_haskell_criterion_states_how_far_the_bounds_lie_off(tmp_path: Path, level: float) -> None:
    document = json.loads(json.dumps(HASKELL))
    document[2][0]["reportAnalysis"]["anMean"] = estimate(1e-6, level)
    (report,) = read(tmp_path, document)
    assert report.name == "AddInteger/3/5"
    assert report.interval_ns == pytest.approx((900, 1200))


def test_an_interval_of_another_level_is_brought_to_95(tmp_path: Path) -> None:
    document = json.loads(json.dumps(HASKELL))
    document[2][0]["reportAnalysis"]["anMean"] = estimate(1e-6, 0.99)
    (report,) = read(tmp_path, document)
    assert report.interval_ns == pytest.approx((1000 - 100 * 1.959964 / 2.575829, 1000 + 200 * 1.959964 / 2.575829))


def test_rust_criterion_takes_the_slope_and_the_name_beside_it(tmp_path: Path) -> None:
    (found,) = read(beside(tmp_path), ESTIMATES, "estimates.json")
    assert (found.name, found.ns) == ("addInteger/3/5", 1000)
    assert found.interval_ns == pytest.approx((900, 1200))


def test_rust_sample_is_averaged(tmp_path: Path) -> None:
    (found,) = read(beside(tmp_path), SAMPLE, "sample.json")
    assert found.ns == pytest.approx(1000)


def test_folder_of_rust_criterion_gives_its_new_estimates(tmp_path: Path) -> None:
    new = beside(tmp_path)
    path = written(new, ESTIMATES, "estimates.json")
    (new.parent / "base").mkdir()
    written(new.parent / "base", ESTIMATES, "estimates.json")
    (tmp_path / "link").symlink_to(new.parent)
    assert files_of([tmp_path]) == [path]


def test_cargo_criterion_message_is_in_its_unit(tmp_path: Path) -> None:
    lines = "\n".join(json.dumps(each) for each in (MESSAGE, {"reason": "group-complete", "group_name": "uplc"}))
    (found,) = read(tmp_path, lines)
    assert (found.name, found.ns) == ("uplc/addInteger/3/5", 1000)
    assert found.interval_ns == pytest.approx((900, 1200))
    assert read(tmp_path, json.dumps(MESSAGE))[0].ns == 1000


def test_jmh_forks_are_what_is_repeated(tmp_path: Path) -> None:
    (found,) = read(tmp_path, JMH)
    assert found.name == "org.scalus.bench.Builtins.addInteger/3/5"
    assert found.ns == pytest.approx(1010)
    assert found.interval_ns is not None
    assert found.interval_ns[1] == pytest.approx(1010 + 12.7062 * 14.1421 / 2**0.5, rel=1e-4)


def test_jmh_rates_are_turned_into_times(tmp_path: Path) -> None:
    metric = {"score": 1000.0, "scoreError": "NaN", "scoreUnit": "ops/ms", "rawData": []}
    (found,) = read(tmp_path, [{"benchmark": "b.addInteger", "mode": "thrpt", "primaryMetric": metric}])
    assert (found.ns, found.interval_ns) == (1000, None)


def test_jmh_error_without_raw_data_is_of_99_9_percent(tmp_path: Path) -> None:
    metric = {"score": 1.0, "scoreError": 0.1, "scoreUnit": "us/op"}
    document = [{"benchmark": "b.addInteger", "mode": "avgt", "measurementIterations": 5, "primaryMetric": metric}]
    (found,) = read(tmp_path, document)
    assert found.interval_ns == pytest.approx((1000 - 22.763, 1000 + 22.763), rel=1e-4)


@pytest.mark.parametrize(("document", "ns"), [(RESULT, 1010), (OLD_RESULT, 1000), ([RESULT], 1010)])
def test_uplc_evaluator_result_is_averaged(tmp_path: Path, document: Any, ns: float) -> None:
    (found,) = read(tmp_path, document)
    assert (found.name, found.ns) == ("550e8400-e29b-41d4-a716-446655440000", ns)


def changed(document: Any, change: Callable[[Any], None]) -> Any:
    copy = json.loads(json.dumps(document))
    change(copy)
    return copy


MALFORMED = [
    ("", "format is not known"),
    ("hello\n", "format is not known"),
    ("{}", "no known format"),
    ("[]", "a JSON list that is neither"),
    ("[1, 2", "no JSON"),
    ("[" * 100_000, "no JSON"),
    (b"\xff\xfe\x00", "line 1: not UTF-8"),
    (b'{"program_id": "\xff"}', "no JSON"),
    ("builtin,sizes\naddInteger,3\n", "line 1: the header has no column ns"),
    ("builtin,sizes,ns,noise\n", "line 1: unknown column 'noise'"),
    ("builtin,sizes,ns,ns\n", "line 1: the header has a column twice"),
    ("builtin,sizes,ns\na,1\n", "line 2: 2 fields where the header has 3"),
    ("builtin,sizes,ns\na,1,quick\n", "line 2: 'quick' is no number"),
    ("builtin,sizes,ns\na,1,-1\n", "line 2: -1.0 ns is no time"),
    ("builtin,sizes,ns\na,1,0\n", "line 2: 0.0 ns is no time"),
    ("builtin,sizes,ns,low_ns,high_ns\na,1,5,1,\n", "line 2: one bound without the other"),
    ("builtin,sizes,ns,low_ns,high_ns\na,1,5,6,7\n", "line 2: the bounds 6 and 7 ns do not hold the mean"),
    ("builtin,sizes,ns,low_ns,high_ns\na,1,5,nan,7\n", "line 2: 'nan' is no number"),
    (CRITERION.replace("1.9e-6", "2.1e-6"), "line 2: the bounds 2100 and 2200 ns do not hold"),
    ("benchmark,t,t.mean.ub\nA/1,1e-6,1e-6\n", "line 2: the file has no lower bounds"),
    ("BenchmarkAdd/1-8 100 12 MB/s\n", "line 1: no time in ns/op"),
    ("goos: linux\nPASS\n", "no benchmark in it"),
    (changed(HASKELL, lambda d: d[2][0].pop("reportName")), "report 1: .*reportName"),
    (
        changed(HASKELL, lambda d: d[2][0]["reportAnalysis"]["anMean"].update(estPoint=-1)),
        "report 1: -1.0 s is no time",
    ),
    (changed(JMH, lambda d: d[0]["primaryMetric"].update(scoreUnit="furlong/op")), "result 1: 'furlong' is no unit"),
    (changed(JMH, lambda d: d[0]["primaryMetric"].update(scoreUnit="MB/s")), "neither time/op nor ops/time"),
    (changed(JMH, lambda d: d[0]["primaryMetric"].update(score="fast")), "result 1: .*score"),
    (changed(RESULT, lambda d: d.update(status="error", error_message="oops")), "failed: oops"),
    (changed(RESULT, lambda d: d.update(timing_samples=[])), "no timing_samples"),
    (json.dumps(MESSAGE) + "\nnoise", "line 2: no message in JSON"),
    ('{"reason": "group-complete"}\n{"reason": "x"}', "no message benchmark-complete"),
    (changed(MESSAGE, lambda d: d["typical"].update(unit="cycles")), "'cycles' is no unit of time"),
    (ESTIMATES, "no benchmark.json beside it"),
]


@pytest.mark.parametrize(("content", "complaint"), MALFORMED)
def test_malformed_file_is_refused_in_one_line(tmp_path: Path, content: Any, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint) as raised:
        read(tmp_path, content)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("content", ["", "builtin,sizes,ns\n", "[]"])
def test_a_file_without_measurements_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "nothing"
    path.write_text(content)
    with pytest.raises(InputError):
        read_source(path)


def test_missing_file_and_folder_without_results_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot read"):
        read_source(tmp_path / "absent")
    with pytest.raises(InputError, match="name files"):
        files_of([tmp_path])


VALID = [PLAIN, CRITERION, GO, *(json.dumps(each) for each in (HASKELL, MESSAGE, JMH, RESULT, OLD_RESULT, SAMPLE))]


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_file_is_read_or_refused_and_nothing_else(tmp_path: Path, data: st.DataObject) -> None:
    content = bytearray(data.draw(st.sampled_from(VALID)).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content)))
        content[at : at + data.draw(st.integers(0, 8))] = data.draw(st.binary(max_size=6))
    try:
        measured = read(tmp_path, bytes(content))
    except InputError as error:
        assert str(error)
        return
    for each in measured:
        assert each.ns > 0
        assert each.interval_ns is None or each.interval_ns[0] <= each.ns <= each.interval_ns[1]


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    ns=st.floats(1e-3, 1e12),
    below=st.floats(0, 0.9),
    above=st.floats(0, 0.9),
    sizes=st.lists(st.integers(0, 2**63 - 1), max_size=6),
)
def test_plain_csv_is_read_as_it_was_written(
    tmp_path: Path, ns: float, below: float, above: float, sizes: list[int]
) -> None:
    low, high = ns * (1 - below), ns * (1 + above)
    text = f"builtin,sizes,ns,low_ns,high_ns\nx,{'/'.join(map(str, sizes))},{ns!r},{low!r},{high!r}\n"
    (found,) = read(tmp_path, text)
    assert found.name == "/".join(("x", *map(str, sizes)))
    assert found.ns == ns
    assert found.interval_ns == (None if low == high else pytest.approx((low, high)))
