import hashlib
import json
import tomllib
from collections import Counter
from dataclasses import replace
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from costmodel.errors import InputError
from costmodel.machine import EvaluationStatus, NativeMachine, Outcome
from costmodel.model import ExUnits, ledger_model, variant_for
from costmodel.workloads import SignatureCase, WorkloadProgram, secp, signature_cases, verification_loop

UNLIMITED = ExUnits(10**12, 10**9)
HOLDING = ["ecdsa", "schnorr-32", "schnorr-64", "schnorr-512"]
REFUSED = ["ecdsa-refused", "schnorr-32-refused"]
CASES = [*HOLDING, *REFUSED]
BUILTIN_OF = {"ecdsa": "verifyEcdsaSecp256k1Signature", "schnorr": "verifySchnorrSecp256k1Signature"}
# The steps of one turn of the loop, counted in the script's text.
STEPS_OF_ONE_TURN = {"const": 2, "var": 7, "lam": 1, "apply": 15, "delay": 4, "force": 4, "builtin": 5}

# secp256k1 (SEC 2, section 2.4.1): prime of the field and base point.
P = 2**256 - 2**32 - 977
G = (
    0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
    0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
)
Point = tuple[int, int] | None


def add(a: Point, b: Point) -> Point:
    if a is None or b is None:
        return a or b
    if a[0] == b[0] and (a[1] + b[1]) % P == 0:
        return None
    slope = 3 * a[0] ** 2 * pow(2 * a[1], -1, P) if a == b else (b[1] - a[1]) * pow(b[0] - a[0], -1, P)
    x = (slope**2 - a[0] - b[0]) % P
    return x, (slope * (a[0] - x) - a[1]) % P


def public_point(secret: int) -> tuple[int, int]:
    total: Point = None
    power: Point = G
    while secret:
        if secret & 1:
            total = add(total, power)
        power = add(power, power)
        secret >>= 1
    assert total is not None
    return total


def table() -> dict[str, dict[str, str]]:
    return tomllib.loads(resources.files("costmodel.workloads").joinpath("secp/vectors.toml").read_text("utf-8"))


def evaluate(program: WorkloadProgram) -> Outcome:
    variant = variant_for(program.language, program.protocol_version)
    return NativeMachine(ledger_model(variant), variant).evaluate(program.script(), UNLIMITED)


@pytest.mark.parametrize("name", CASES)
def test_key_and_message_derive_from_their_labels(name: str) -> None:
    row, case = table()[name], signature_cases()[name]
    x, y = public_point(int.from_bytes(hashlib.sha256(row["key_label"].encode()).digest(), "big"))
    prefix = bytes([2 + y % 2]) if case.script == "ecdsa" else b""
    assert case.key == prefix + x.to_bytes(32, "big")
    label = row["message_label"].encode()
    hashes = {32: hashlib.sha256(label).digest(), 64: hashlib.sha512(label).digest()}
    assert case.message == hashes.get(len(case.message), hashlib.shake_256(label).digest(len(case.message)))


@pytest.mark.parametrize("name", REFUSED)
def test_a_signature_that_does_not_hold_is_of_another_message(name: str) -> None:
    # With the message that was signed it holds, and then the script must fail.
    case = signature_cases()[name]
    signed = hashlib.sha256(table()[name]["signed_label"].encode()).digest()
    assert evaluate(verification_loop(name, case._replace(message=signed), 1, 11)).status is EvaluationStatus.FAILURE
    assert (
        evaluate(verification_loop(name, case._replace(message=signed, holds=True), 1, 11)).status
        is EvaluationStatus.SUCCESS
    )


@pytest.mark.parametrize("protocol_version", [10, 11])
@pytest.mark.parametrize("name", CASES)
def test_every_loop_count_succeeds(name: str, protocol_version: int) -> None:
    case = signature_cases()[name]
    for count in (1, 2, 50):
        outcome = evaluate(verification_loop(name, case, count, protocol_version))
        assert outcome.status is EvaluationStatus.SUCCESS
        assert outcome.builtins[BUILTIN_OF[case.script]] == count


@pytest.mark.parametrize("part", ["key", "message", "signature"])
@pytest.mark.parametrize("name", HOLDING)
def test_a_corrupted_part_fails(name: str, part: str) -> None:
    case = signature_cases()[name]
    spoilt = bytearray(getattr(case, part))
    spoilt[-1] ^= 1
    corrupted = SignatureCase(**(case._asdict() | {part: bytes(spoilt)}))
    outcome = evaluate(verification_loop(name, corrupted, 1, 11))
    assert outcome.status is EvaluationStatus.FAILURE


def official(shared_data: Path, letter: str) -> dict[str, Any]:
    costs: dict[str, Any] = json.loads((shared_data / "official" / f"builtinCostModel{letter}.json").read_text())
    return costs


@pytest.mark.parametrize(("protocol_version", "letter"), [(10, "B"), (11, "D")])
@pytest.mark.parametrize("name", CASES)
def test_one_more_turn_costs_what_the_official_model_says(
    name: str, protocol_version: int, letter: str, shared_data: Path
) -> None:
    case = signature_cases()[name]
    cpu = {builtin: cost["cpu"]["arguments"] for builtin, cost in official(shared_data, letter).items()}
    verify = cpu[BUILTIN_OF[case.script]]
    if case.script == "schnorr":
        verify = verify["intercept"] + verify["slope"] * (len(case.message) // 8)
    turn = (
        16000 * sum(STEPS_OF_ONE_TURN.values())
        + 2 * cpu["ifThenElse"]
        + cpu["lessThanInteger"]["intercept"] + cpu["lessThanInteger"]["slope"]
        + cpu["subtractInteger"]["intercept"] + cpu["subtractInteger"]["slope"]
        + verify
    )  # fmt: skip
    outcomes = [evaluate(verification_loop(name, case, count, protocol_version)) for count in range(1, 51)]
    steps = [outcome.spent.cpu for outcome in outcomes]
    # Memory in words: 100 a step, 1 each for ifThenElse and lessThanInteger, 2 for subtractInteger, 10 to verify.
    mems = [outcome.spent.mem for outcome in outcomes]
    assert {b - a for a, b in pairwise(steps)} == {turn}
    assert {b - a for a, b in pairwise(mems)} == {100 * sum(STEPS_OF_ONE_TURN.values()) + 15}
    assert Counter(outcomes[1].steps) - Counter(outcomes[0].steps) == STEPS_OF_ONE_TURN


def test_the_workload_is_every_case_at_every_loop_count() -> None:
    workload = secp([3, 1, 3])
    assert [program.label for program in workload.programs] == [
        f"{name} × {count}" for name in CASES for count in (1, 3)
    ]


@pytest.mark.parametrize("counts", [[], [0], [1, -1], [2**32 + 1]])
def test_impossible_loop_counts_are_refused(counts: list[int]) -> None:
    with pytest.raises(InputError, match="loop count"):
        secp(counts)


def test_a_program_of_an_older_protocol_version_is_refused_by_its_source() -> None:
    # The verifications came with protocol version 8.
    program = replace(secp([1], 10).programs[0], protocol_version=7)
    with pytest.raises(InputError, match="workload secp: ecdsa"):
        program.script()
