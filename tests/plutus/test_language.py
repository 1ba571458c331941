"""Availability by ledger language and protocol version."""

import json
from pathlib import Path

import pytest

from costmodel.plutus import (
    BUILTIN_BY_NAME,
    BUILTINS,
    UPLC_1_0_0,
    UPLC_1_1_0,
    LedgerLanguage,
    Version,
    available,
    case_on_constants_available,
    language_available,
    uplc_version_available,
)

V1, V2, V3, V4 = LedgerLanguage


@pytest.mark.parametrize(
    ("name", "language", "since"),
    [
        ("addInteger", V1, 5),
        ("addInteger", V2, 7),
        ("addInteger", V3, 9),
        ("serialiseData", V1, 11),
        ("serialiseData", V2, 7),
        ("verifyEcdsaSecp256k1Signature", V2, 8),
        ("bls12_381_G1_add", V2, 11),
        ("bls12_381_G1_add", V3, 9),
        ("integerToByteString", V2, 10),
        ("ripemd_160", V3, 10),
        ("scaleValue", V3, 11),
        ("scaleValue", V4, 12),
        *(("keepPolicies", language, 12) for language in LedgerLanguage),
    ],
)
def test_builtin_is_available_from_a_protocol_version_on(name: str, language: LedgerLanguage, since: int) -> None:
    builtin = BUILTIN_BY_NAME[name]
    assert [available(builtin, language, version) for version in (since - 1, since, since + 1)] == [False, True, True]


@pytest.mark.parametrize("language", [V1, V2, V3])
def test_protocol_version_11_offers_what_the_ledger_prices(shared_data: Path, language: LedgerLanguage) -> None:
    names = json.loads((shared_data / "official" / "parameter-names.json").read_text())[language.value]
    priced = {name.split("-")[0] for name in names}
    offered = {builtin.name for builtin in BUILTINS if available(builtin, language, 11)}
    assert offered == {name for name in priced if not name.startswith("cek")}


@pytest.mark.parametrize(
    ("version", "language", "since"),
    [
        (UPLC_1_0_0, V1, 5),
        (UPLC_1_0_0, V3, 9),
        (UPLC_1_1_0, V1, 11),
        (UPLC_1_1_0, V2, 11),
        (UPLC_1_1_0, V3, 9),
        (UPLC_1_1_0, V4, 12),
    ],
)
def test_uplc_version(version: Version, language: LedgerLanguage, since: int) -> None:
    assert not uplc_version_available(version, language, since - 1)
    assert uplc_version_available(version, language, since)


def test_no_other_uplc_version_exists() -> None:
    assert not uplc_version_available(Version(1, 2, 0), V4, 99)


def test_language_before_its_time() -> None:
    assert [language_available(V2, version) for version in (6, 7)] == [False, True]


def test_case_on_constants() -> None:
    assert [case_on_constants_available(V3, version) for version in (10, 11)] == [False, True]
    assert not case_on_constants_available(V4, 11)
