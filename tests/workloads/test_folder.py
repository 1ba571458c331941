import json
import shutil
from itertools import pairwise
from pathlib import Path

import pytest

from costmodel.errors import InputError
from costmodel.machine import EvaluationStatus, NativeMachine, Outcome
from costmodel.model import ExUnits, ledger_model, variant_for
from costmodel.plutus import DataConstr, DataList, DataMap, LedgerLanguage, data_to_json, decode_data, wrap_script
from costmodel.workloads import WorkloadProgram, from_folder, signature_cases, verification_loop

UNLIMITED = ExUnits(10**12, 10**9)
SECP = {
    "EcdsaSecp256k1Loop": "verifyEcdsaSecp256k1Signature",
    "SchnorrSecp256k1Loop": "verifySchnorrSecp256k1Signature",
}


@pytest.fixture
def scripts(shared_data: Path) -> Path:
    return shared_data / "workbench" / "scripts"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A workload of one program: the package's own ECDSA loop, its redeemer counting from 1,000,000."""
    case = signature_cases()["ecdsa"]
    program = verification_loop("ecdsa", case, 1, 11)
    envelope = {"type": "PlutusScriptV2", "description": "", "cborHex": wrap_script(program.flat).hex()}
    (tmp_path / "Verify.plutus").write_text(json.dumps(envelope))
    redeemer = DataConstr(0, (1_000_000, case.key, case.message, case.signature))
    (tmp_path / "Verify.redeemer.json").write_text(data_to_json(redeemer))
    return tmp_path


def evaluate(program: WorkloadProgram) -> Outcome:
    variant = variant_for(program.language, program.protocol_version)
    return NativeMachine(ledger_model(variant), variant).evaluate(program.script(), UNLIMITED)


def test_the_workbench_scripts_become_programs_by_language(scripts: Path) -> None:
    workload = from_folder(scripts, [1])
    assert {program.name: program.language for program in workload.programs} == {
        "EcdsaSecp256k1Loop": LedgerLanguage.PLUTUS_V2,
        "Loop": LedgerLanguage.PLUTUS_V1,
        "LoopV3": LedgerLanguage.PLUTUS_V3,
        "SchnorrSecp256k1Loop": LedgerLanguage.PLUTUS_V2,
    }


@pytest.mark.parametrize("protocol_version", [10, 11])
def test_a_workbench_loop_verifies_once_a_turn_at_one_price(scripts: Path, protocol_version: int) -> None:
    # Cost model B at protocol version 10, D at 11.
    workload = from_folder(scripts, range(1, 51), protocol_version)
    for name, builtin in SECP.items():
        outcomes = [evaluate(program) for program in workload.programs if program.name == name]
        assert [outcome.status for outcome in outcomes] == [EvaluationStatus.SUCCESS] * 50
        assert [outcome.builtins[builtin] for outcome in outcomes] == list(range(1, 51))
        spent = [(outcome.spent.cpu, outcome.spent.mem) for outcome in outcomes]
        assert len({(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(spent)}) == 1


@pytest.mark.parametrize("name", ["Loop", "LoopV3"])
def test_a_plain_workbench_loop_subtracts_once_a_turn(scripts: Path, name: str) -> None:
    outcomes = [evaluate(program) for program in from_folder(scripts, [1, 10, 50]).programs if program.name == name]
    assert [outcome.status for outcome in outcomes] == [EvaluationStatus.SUCCESS] * 3
    turns = [outcome.builtins["subtractInteger"] for outcome in outcomes]
    assert (turns[1] - turns[0], turns[2] - turns[0]) == (9, 49)


def test_a_redeemer_without_the_integer_is_used_as_it_is(folder: Path) -> None:
    redeemer = DataConstr(0, (3, b"key", b"message", b"signature"))
    (folder / "Verify.redeemer.json").write_text(data_to_json(redeemer))
    (program,) = from_folder(folder).programs
    assert program.loop_count is None
    assert decode_data(program.arguments[1]) == redeemer


def test_the_count_is_put_wherever_the_integer_stands(folder: Path) -> None:
    def nested(count: int) -> DataMap:
        return DataMap(((b"\x01", DataList((1, DataConstr(2, (count, b""))))), (DataList(()), 999_999)))

    (folder / "Verify.redeemer.json").write_text(data_to_json(nested(1_000_000)))
    (program,) = from_folder(folder, [7]).programs
    assert program.loop_count == 7
    assert decode_data(program.arguments[1]) == nested(1_000_007)


def test_a_later_language_takes_one_context(folder: Path) -> None:
    envelope = json.loads((folder / "Verify.plutus").read_text())
    (folder / "Verify.plutus").write_text(json.dumps(envelope | {"type": "PlutusScriptV3"}))
    (folder / "Verify.redeemer.json").write_text('{"int": 1000000}')
    (program,) = from_folder(folder, [2]).programs
    nothing = DataConstr(0, ())
    assert [decode_data(argument) for argument in program.arguments] == [DataConstr(0, (nothing, 1_000_002, nothing))]


def test_two_counts_in_a_redeemer_are_refused(folder: Path) -> None:
    (folder / "Verify.redeemer.json").write_text('{"list": [{"int": 1000000}, {"int": 1000000}]}')
    with pytest.raises(InputError, match=r"Verify\.redeemer\.json: .* 2 times"):
        from_folder(folder)


@pytest.mark.parametrize("name", ["Verify.plutus", "Verify.redeemer.json"])
@pytest.mark.parametrize("content", ["", "{", "[]", '{"type": "PlutusScriptV2", "cborHex": "zz"}', '{"int": 1'])
def test_a_broken_file_is_named_in_one_line(folder: Path, name: str, content: str) -> None:
    (folder / name).write_text(content)
    with pytest.raises(InputError) as caught:
        from_folder(folder)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_truncated_program_is_named(folder: Path) -> None:
    flat = verification_loop("ecdsa", signature_cases()["ecdsa"], 1, 11).flat
    envelope = {"type": "PlutusScriptV2", "description": "", "cborHex": wrap_script(flat[:-20]).hex()}
    (folder / "Verify.plutus").write_text(json.dumps(envelope))
    with pytest.raises(InputError, match=r"Verify\.plutus: "):
        from_folder(folder)


def test_a_missing_redeemer_is_named(folder: Path) -> None:
    (folder / "Verify.redeemer.json").unlink()
    with pytest.raises(InputError, match=r"Verify\.redeemer\.json is missing"):
        from_folder(folder)


def test_a_folder_without_scripts_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no \.plutus, \.flat or \.uplc file"):
        from_folder(tmp_path)


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        from_folder(tmp_path / "absent")


def test_a_folder_is_named_after_itself(folder: Path) -> None:
    copy = folder.parent / "model-cluster"
    shutil.copytree(folder, copy)
    assert from_folder(copy).name == "model-cluster"
