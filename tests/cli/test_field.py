"""Every case of the published folder `field`, by the command of its README: what users found wrong, and what is right.

The kinds that these cases stand for are tested where they belong, with more inputs.
"""

import json
from pathlib import Path

import pytest

from tests.cli.command import calibrate, one_line
from tests.conftest import SHARED_DATA

FIELD = SHARED_DATA / "field"
pytestmark = pytest.mark.skipif(not FIELD.is_dir(), reason=f"{FIELD} is absent")
V3_11 = ("--language", "PlutusV3", "--protocol-version", "11")
V3_10 = ("--language", "PlutusV3", "--protocol-version", "10")


@pytest.mark.parametrize(
    ("small", "large", "said"),
    [
        ("pv11-constr-1025-fields/constr-1024.flat", "pv11-constr-1025-fields/constr-1025.flat", "more fields"),
        ("pv11-type-size-33/list-15-deep.flat", "pv11-type-size-33/list-16-deep.flat", "larger type"),
    ],
)
def test_bounds_of_protocol_version_11(small: str, large: str, said: str) -> None:
    assert calibrate("eval", FIELD / small, *V3_11).returncode == 0
    assert calibrate("eval", FIELD / large, *V3_10).returncode == 0
    assert said in one_line(calibrate("eval", FIELD / large, *V3_11))


def test_a_bignum_tag_has_one_byte_in_constants_and_in_arguments() -> None:
    one_line(calibrate("eval", FIELD / "data-wide-bignum-tag/wide-tag.flat"))
    one_line(calibrate("eval", FIELD / "data-wide-bignum-tag/lambda.flat", "d8024105"))


def test_a_script_is_one_definite_byte_string() -> None:
    one_line(calibrate("eval", FIELD / "indefinite-script-bytes/indefinite.plutus"))


@pytest.mark.parametrize(
    ("name", "language"),
    [("neg.uplc", "PlutusV3"), ("big.uplc", "PlutusV2")],
)
def test_a_constructor_that_cannot_be_written_is_a_success(name: str, language: str) -> None:
    result = calibrate(
        "eval",
        FIELD / "constrdata-out-of-range-result" / name,
        "--language",
        language,
        "--protocol-version",
        "10",
        "--json",
    )
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["ex_units"]["cpu"] > 0


def test_a_large_constructor_tag_is_written_as_one_definite_byte_string() -> None:
    result = calibrate(
        "eval", FIELD / "serialise-big-constr-tag/bigtag.uplc", "--language", "PlutusV2", "--protocol-version", "10"
    )
    assert result.returncode == 0, result.stderr
    assert "d86682c258" in result.stdout
    assert "c25f" not in result.stdout


def test_a_division_by_a_larger_number_takes_no_memory() -> None:
    quotient = FIELD / "slow-quotient/quotient14k.flat"
    assert calibrate("eval", quotient, "--protocol-version", "10", "--budget", "10000000000,14000000").returncode == 0


def test_a_result_that_is_too_large_to_print_is_said_to_be_so() -> None:
    result = calibrate("eval", FIELD / "result-blowup/ddag23.flat")
    assert result.returncode == 0, result.stderr
    assert "too large to print" in result.stdout + result.stderr
    assert len(result.stdout) < 5000


def test_shifted_names_of_blockfrost_do_not_count() -> None:
    answer = FIELD / "blockfrost-v3/blockfrost-epoch-645.json"
    result = calibrate("params", "show", "--model", answer, "--json")
    assert result.returncode == 0, result.stderr
    raw = json.loads(answer.read_text("utf-8"))["cost_models_raw"]["PlutusV3"]
    emitted = calibrate(*("params", "emit", "--format", "array", "--language", "PlutusV3", "--model"), answer)
    assert emitted.returncode == 0, emitted.stderr
    assert json.loads(emitted.stdout) == raw


@pytest.mark.parametrize("version", ["9", "10", "11", None])
def test_cost_models_of_earlier_lengths_are_read_as_they_are(version: str | None) -> None:
    models = FIELD / "cost-model-file-pv10/costmodels.json"
    option = ("--protocol-version", version) if version else ()
    result = calibrate("params", "emit", "--format", "cli", "--model", models, *option)
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["costModels"] == json.loads(models.read_text("utf-8"))


def test_an_alonzo_genesis_with_a_second_language_gives_the_first() -> None:
    genesis = FIELD / "alonzo-genesis-with-v2/genesis.alonzo.json"
    result = calibrate(
        *("params", "emit", "--format", "array", "--language", "PlutusV1", "--protocol-version", "7", "--model"),
        genesis,
    )
    assert result.returncode == 0, result.stderr
    assert len(json.loads(result.stdout)) == 166


@pytest.mark.parametrize(("epoch", "version", "lengths"), [("642", 10, (332, 332, 350)), ("645", 11, (332, 332, 350))])
def test_parameters_by_epoch(epoch: str, version: int, lengths: tuple[int, ...]) -> None:
    result = calibrate("params", "show", "--epoch", epoch, "--json")
    assert result.returncode == 0, result.stderr
    assert f'"protocol_version": {version}' in result.stdout or f'"protocol_version":{version}' in result.stdout
    assert "16500000" in result.stdout
    assert "72000000" in result.stdout
    assert "known" in result.stdout  # up to which epoch data are
    shown = json.loads(result.stdout)
    found = next(value for key, value in walk(shown) if key in ("costModels", "cost_models"))
    assert tuple(map(len, found.values())) == lengths


def walk(value: object) -> list[tuple[str, dict[str, list[int]]]]:
    """All members of all objects within."""
    if isinstance(value, dict):
        return [item for key, part in value.items() for item in ((key, part), *walk(part))]
    return [item for part in value for item in walk(part)] if isinstance(value, list) else []


def test_conformance_compares_budgets_of_the_older_layout() -> None:
    tree, other = FIELD / "conformance-old-layout/tree", FIELD / "conformance-old-layout/tree2"
    assert calibrate("conformance", "--format", "text", tree).returncode == 1
    agrees = calibrate("conformance", "--format", "text", other)
    assert agrees.returncode == 0, agrees.stderr
    assert "1 of 1 cases agree" in agrees.stdout


@pytest.mark.parametrize(
    "command",
    [
        ("eval", "corpus.json"),
        ("report", "x.json"),
        ("report", "run"),
        ("fit", "run"),
        ("compare", "run", "--against", "run"),
        ("measure", "--resume", "run"),
        ("validate", "base.json"),
    ],
)
def test_bytes_that_are_no_text_are_one_line(command: tuple[str, ...], tmp_path: Path) -> None:
    folder = FIELD / "utf8-traceback"
    arguments = [folder / part if (folder / part).exists() else part for part in command]
    out = ("--out", tmp_path / "out.html") if command[0] == "report" else ()
    one_line(calibrate(*arguments, *out))
    assert list(tmp_path.iterdir()) == []


def test_a_verification_finds_bytes_that_are_no_text() -> None:
    """To find such a run is what it is for: the check fails, and the command does not."""
    result = calibrate("report", "--verify", FIELD / "utf8-traceback/run")
    assert result.returncode == 1
    assert "is not UTF-8" in " ".join(result.stdout.split())
    assert "Traceback" not in result.stderr
