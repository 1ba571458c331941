"""Short rounds of the fuzz targets, and refused allocations, under the sanitizers."""

from pathlib import Path

import pytest

from costmodel.errors import CheckFailed
from fuzz import build, rounds, seeds
from fuzz.build import Driver
from native.toolchain import BuildError

RUNS = {"flat": 20_000, "cbor": 20_000, "evaluation": 20_000, "typed": 1_000}
ARENAS = pytest.mark.parametrize("strict", [True, False], ids=["strict", "chunked"])


@pytest.fixture(scope="session")
def mutator() -> Driver:
    """The driver that needs only a compiler, and of it sanitizers that work in this place."""
    driver = build.mutator()
    try:
        build.program("cbor", driver, strict=True)
    except BuildError as error:
        if "asan" not in str(error) and "sanitize" not in str(error):
            raise
        pytest.skip(f"the compiler has no sanitizers: {error}")
    return driver


@ARENAS
@pytest.mark.parametrize("target", rounds.TARGETS)
def test_mutated_input_does_no_harm(target: str, strict: bool, mutator: Driver, tmp_path: Path) -> None:
    tried = rounds.mutator_round(target, mutator, RUNS[target], strict=strict, folder=tmp_path)
    assert tried == RUNS[target] + len(seeds.inputs(target))


@pytest.mark.parametrize("target", rounds.TARGETS)
def test_mutation_guided_by_coverage_does_no_harm(target: str, tmp_path: Path) -> None:
    driver = build.lib_fuzzer()
    if driver is None:
        pytest.skip("no clang with libFuzzer is installed (clang-14 and libclang-rt-14-dev bring it)")
    assert rounds.lib_fuzzer_round(target, driver, RUNS[target], strict=True, folder=tmp_path) >= RUNS[target]


@ARENAS
def test_refused_memory_is_an_error_wherever_it_happens(strict: bool, mutator: Driver, tmp_path: Path) -> None:
    # Every program asks for memory at least when it is decoded.
    assert rounds.refuse_allocations(mutator, strict=strict, folder=tmp_path) > len(seeds.cases())


@pytest.mark.parametrize(
    ("harm", "complaint"),
    [
        (b"b", "heap-buffer-overflow"),
        (b"i", "heap-buffer-overflow"),
        (b"l", "seen.held == 0"),
        (b"m", "seen.peak <="),
        (b"u", "shift exponent"),
    ],
    ids=["behind a block", "behind the input", "leak", "over the cap", "undefined behaviour"],
)
def test_harm_fails_the_round_and_leaves_the_input(
    harm: bytes, complaint: str, mutator: Driver, tmp_path: Path
) -> None:
    program = build.program("faults", mutator, strict=True)
    with pytest.raises(CheckFailed, match=complaint):
        rounds.mutate(program, seeds.write(tmp_path / "seeds", [b"?", harm]), 0, tmp_path)
    assert (tmp_path / "crash").read_bytes() == harm


def test_harmless_input_passes(mutator: Driver, tmp_path: Path) -> None:
    program = build.program("faults", mutator, strict=True)
    assert rounds.mutate(program, seeds.write(tmp_path / "seeds", [b"?", b""]), 0, tmp_path) == 2
