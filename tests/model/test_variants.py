import pytest

from costmodel.errors import ModelError
from costmodel.model import Variant, variant_for
from costmodel.plutus.language import LedgerLanguage


@pytest.mark.parametrize(
    ("language", "variants"),
    [
        (LedgerLanguage.PLUTUS_V1, {5: "A", 6: "A", 7: "A", 8: "A", 9: "B", 10: "B", 11: "D", 12: "D"}),
        (LedgerLanguage.PLUTUS_V2, {7: "A", 8: "A", 9: "B", 10: "B", 11: "D", 12: "D"}),
        (LedgerLanguage.PLUTUS_V3, {9: "C", 10: "C", 11: "E", 12: "E"}),
        (LedgerLanguage.PLUTUS_V4, {12: "E"}),
    ],
)
def test_variant_by_language_and_protocol_version(language: LedgerLanguage, variants: dict[int, str]) -> None:
    assert {version: Variant(letter) for version, letter in variants.items()} == {
        version: variant_for(language, version) for version in variants
    }


@pytest.mark.parametrize(
    ("language", "version"),
    [
        (LedgerLanguage.PLUTUS_V1, 4),
        (LedgerLanguage.PLUTUS_V2, 6),
        (LedgerLanguage.PLUTUS_V3, 8),
        (LedgerLanguage.PLUTUS_V4, 11),
    ],
)
def test_a_language_has_no_variant_before_it_exists(language: LedgerLanguage, version: int) -> None:
    with pytest.raises(ModelError, match=f"{language.value} does not exist at protocol version {version}"):
        variant_for(language, version)
