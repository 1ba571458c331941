"""The cost of tracing, by a clock that is told what things cost, and by the real one."""

import math
import random
from pathlib import Path

import msgspec
import numpy as np
import pytest
from scipy import stats

from costmodel.errors import InputError
from costmodel.records.told import Backend
from costmodel.trace import Message, Route, Trace
from costmodel.validate.tracing import TracingCost, tracing_cost, trimmed_mean
from costmodel.workloads import Workload, find_workload
from tests.cli.command import calibrate, one_line
from tests.trace.collector import collecting

EVALUATION_NS = 1_000_000


class Clock:
    """Every evaluation takes a millisecond, with some noise, and every message what its backend says."""

    def __init__(self, noise: float, seed: int = 0) -> None:
        self.now = 0
        self._noise, self._chance = noise, random.Random(seed)
        self._inside = False

    def __call__(self) -> int:
        if self._inside:
            self.now += round(EVALUATION_NS * math.exp(self._chance.gauss(0, self._noise)))
        self._inside = not self._inside
        return self.now


class Slow:
    """A backend that takes its time by such a clock."""

    def __init__(self, clock: Clock, ns: int) -> None:
        self.clock, self.ns = clock, ns

    def emit(self, message: Message) -> None:
        self.clock.now += self.ns

    def close(self) -> str:
        return ""


def workload() -> Workload:
    whole = find_workload("secp", loop_counts=(1,), protocol_version=11)
    return Workload(whole.name, whole.programs[:2])


def cost(message_ns: int, *, muted_ns: int = 0, noise: float = 0.0, seconds: float = 1.0, seed: int = 0) -> TracingCost:
    clock = Clock(noise, seed)
    muted = Trace(Route(Slow(clock, muted_ns), mute=() if muted_ns else ("evaluator",)))
    traces: dict[Backend, Trace] = {
        "muted": muted,
        "local": Trace(Route(Slow(clock, message_ns), mute=("evaluator.builtin",))),
    }
    return tracing_cost(workload(), traces, core=None, seed=seed, seconds=seconds, clock=clock)


def test_what_a_message_costs_is_found() -> None:
    found = cost(50_000)
    muted, local = found.overheads
    assert found.replay_ns == pytest.approx(2 * EVALUATION_NS)
    assert (muted.messages, local.messages) == (0, 2)
    assert muted.share.value == pytest.approx(0, abs=1e-9)
    assert local.share.value == pytest.approx(0.05)
    assert local.ns.value == pytest.approx(50_000)
    assert found.exit_code == 0


def test_the_interval_holds_the_truth_and_the_noise() -> None:
    found = cost(50_000, noise=0.02)
    share = found.overheads[1].share
    assert share.low < 0.05 < share.high
    assert 0.0001 < share.high - share.low < 0.02


def test_muted_tracing_that_costs_fails_the_check() -> None:
    assert cost(0, muted_ns=20_000).exit_code == 1


def test_a_noisy_measurement_says_that_it_cannot_tell() -> None:
    # One 95 % interval in forty lies below the limit by chance alone.
    found = [cost(0, noise=0.3, seconds=0.4, seed=seed).exit_code for seed in range(5)]
    assert found.count(3) >= 3


def test_too_little_time_is_refused() -> None:
    with pytest.raises(InputError, match="turns fit into 1e-06 s"):
        cost(0, seconds=1e-6)


def test_the_trimmed_mean_is_the_textbooks() -> None:
    values = np.random.default_rng(1).standard_cauchy(40)
    mean, error = trimmed_mean(values)
    low, high = stats.mstats.trimmed_mean_ci(values, limits=(0.25, 0.25))
    reach = stats.t.ppf(0.975, 40 - 2 * 10 - 1) * error
    assert mean == pytest.approx(stats.trim_mean(values, 0.25))
    assert (mean - reach, mean + reach) == pytest.approx((low, high))


def test_real_backends_are_measured_by_the_command(tmp_path: Path) -> None:
    arguments = ("--backends", "off,local,remote", "--loops", "1", "--time-budget", "6", "--json")
    with collecting(tmp_path / "received") as collector:
        config = tmp_path / "trace.toml"
        config.write_text(f'[remote]\nendpoint = "{collector.endpoint}/v1/logs"\n')
        done = calibrate("trace", "cost", *arguments, "--trace-config", config)
    assert done.stderr == ""
    document = msgspec.json.decode(done.stdout)
    assert done.returncode == document["exit_code"]
    muted, local, remote = document["overheads"]
    assert [one["name"] for one in (muted, local, remote)] == ["muted", "local", "remote"]
    assert muted["messages"] == 0
    assert local["messages"] == remote["messages"] > document["programs"]


def test_a_backend_that_does_not_exist_is_refused() -> None:
    refused = calibrate("trace", "cost", "--backends", "off,loud")
    assert "unknown backend 'loud' in --backends; use any of off,muted,local,remote" in one_line(refused)


def test_a_remote_backend_without_a_collector_is_refused(tmp_path: Path) -> None:
    (tmp_path / "trace.toml").write_text("[remote]\nenabled = false\n")
    refused = calibrate("trace", "cost", "--backends", "remote", "--trace-config", tmp_path / "trace.toml")
    assert "remote needs a collector" in one_line(refused)


def test_evaluations_are_traced_to_a_folder(tmp_path: Path) -> None:
    (tmp_path / "trace.toml").write_text(f'mute = []\n[local]\nfolder = "{tmp_path / "traces"}"\n')
    (tmp_path / "program.uplc").write_text("(program 1.0.0 [(builtin addInteger) (con integer 1) (con integer 2)])")
    done = calibrate("eval", tmp_path / "program.uplc", "--trace-config", tmp_path / "trace.toml")
    assert done.returncode == 0
    (path,) = (tmp_path / "traces").iterdir()
    kinds = [msgspec.json.decode(line, type=Message).kind for line in path.read_bytes().splitlines()]
    assert kinds == ["evaluated", "applied"]


def test_a_parquet_corpus_that_would_not_be_traced_is_refused(tmp_path: Path) -> None:
    (tmp_path / "trace.toml").write_text("[terminal]\n")
    (tmp_path / "corpus.parquet").write_bytes(b"PAR1")
    refused = calibrate("eval", tmp_path / "corpus.parquet", "--trace-config", tmp_path / "trace.toml")
    assert "processes that evaluate rows do not trace; leave --trace-config out" in one_line(refused)
