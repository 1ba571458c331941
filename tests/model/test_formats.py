"""Formats of ledger arrays: everything written is read again, published files are read, misplacement is refused."""

import json
from pathlib import Path
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from costmodel.errors import ModelError
from costmodel.model import MAX_COST, parameter_names
from costmodel.model.formats import FORMATS, sniff
from costmodel.model.overlays import Arrays
from costmodel.model.parameters import block_counts
from costmodel.plutus.language import LedgerLanguage

V1, V2, V3 = LedgerLanguage.PLUTUS_V1, LedgerLanguage.PLUTUS_V2, LedgerLanguage.PLUTUS_V3
ONE_LANGUAGE = {"array": (V1, V2, V3), "names": (V1, V2, V3), "alonzo-genesis": (V1,), "conway-genesis": (V3,)}
FIXED = {"alonzo-genesis": 166, "conway-genesis": 251}


@st.composite
def arrays_for(draw: st.DrawFn, form: str) -> dict[LedgerLanguage, tuple[int, ...]]:
    """Arrays that a format can hold, of any length that the ledger's list ever had and any 64-bit values."""
    if form in ONE_LANGUAGE:
        languages = [draw(st.sampled_from(ONE_LANGUAGE[form]))]
    else:
        languages = draw(st.lists(st.sampled_from((V1, V2, V3)), min_size=1, unique=True).map(sorted_languages))
    arrays = {}
    for language in languages:
        count = FIXED.get(form) or draw(st.sampled_from(block_counts(language)))
        some = draw(st.lists(st.integers(-(2**63), MAX_COST), min_size=1, max_size=12))
        arrays[language] = tuple((some * count)[:count])
    return arrays


def sorted_languages(languages: list[LedgerLanguage]) -> list[LedgerLanguage]:
    return sorted(languages, key=lambda language: language.value)


def read(form: str, raw: bytes, language: LedgerLanguage | None = None) -> Arrays:
    return FORMATS[form].read(raw, "file", language)


def as_json(document: object) -> bytes:
    return json.dumps(document).encode()


@pytest.mark.parametrize("form", FORMATS)
@given(data=st.data())
def test_what_is_written_is_read_again(form: str, data: st.DataObject) -> None:
    arrays = data.draw(arrays_for(form))
    raw = FORMATS[form].write(arrays)
    language = next(iter(arrays)) if form in ("array", "names") else None
    assert read(form, raw, language) == arrays


# CBOR looks the same whatever map it is, and hexadecimal is CBOR.
@pytest.mark.parametrize("form", sorted(FORMATS.keys() - {"language-views", "cbor-hex"}))
def test_format_is_told_from_the_content(form: str) -> None:
    languages = ONE_LANGUAGE.get(form, (V1, V2, V3))[:1] if form in ONE_LANGUAGE else (V1, V2, V3)
    arrays = {language: tuple(range(1, 1 + FIXED.get(form, block_counts(language)[-1]))) for language in languages}
    assert sniff(FORMATS[form].write(arrays), "file") == form


@pytest.mark.parametrize(
    ("name", "form", "counts"),
    [
        ("alonzo-genesis", "alonzo-genesis", {V1: 166}),
        ("conway-genesis", "conway-genesis", {V3: 251}),
        ("protocol-parameters-v8", "cli", {V1: 166, V2: 175}),
        ("protocol-parameters-v9", "cli", {V1: 166, V2: 185, V3: 251}),
        ("protocol-parameters-v10", "cli", {V1: 166, V2: 185, V3: 297}),
    ],
)
def test_published_files_are_read(name: str, form: str, counts: dict[LedgerLanguage, int], shared_data: Path) -> None:
    raw = (shared_data / "workbench" / f"{name}.json").read_bytes()
    assert sniff(raw, name) == form
    arrays = read(form, raw)
    assert {language: len(array) for language, array in arrays.items()} == counts
    document = json.loads(raw)
    if form == "cli":
        assert {key.value: list(array) for key, array in arrays.items()} == document["costModels"]
    elif form == "conway-genesis":
        assert list(arrays[V3]) == document["plutusV3CostModel"]


def test_alonzo_genesis_is_placed_by_name_and_written_with_the_old_names(shared_data: Path) -> None:
    document = json.loads((shared_data / "workbench" / "alonzo-genesis.json").read_text())
    arrays = read("alonzo-genesis", as_json(document))
    names = parameter_names(V1)
    assert arrays[V1][names.index("blake2b_256-cpu-arguments-slope")] == 29175
    written = json.loads(FORMATS["alonzo-genesis"].write(arrays))
    assert written["costModels"] == document["costModels"]


def test_names_place_values_whatever_their_order() -> None:
    values = dict(zip(parameter_names(V2), range(332), strict=True))
    shuffled = dict(sorted(values.items()))
    assert read("cost-model-file", as_json({"PlutusV2": shuffled})) == {V2: tuple(range(332))}


def test_update_is_canonical_cbor_under_key_18() -> None:
    raw = FORMATS["cbor"].write({V3: tuple(range(251)), V1: tuple(range(166))})
    assert cbor2.loads(raw) == {18: {0: list(range(166)), 2: list(range(251))}}
    assert raw[:3] == bytes.fromhex("a112a2")


def test_bare_map_of_cost_models_is_read() -> None:
    assert read("cbor", cbor2.dumps({1: [0] * 175})) == {V2: (0,) * 175}


def test_language_views_encode_plutus_v1_twice() -> None:
    raw = FORMATS["language-views"].write({V1: (1,) * 166, V2: (2,) * 175})
    # 01 and its definite list, then 41 00 and a byte string around the indefinite list.
    assert raw == bytes.fromhex("a2" + "01" + "98af" + "02" * 175 + "4100" + "58a8" + "9f" + "01" * 166 + "ff")


@pytest.mark.parametrize(
    ("form", "document", "complaint"),
    [
        ("cli", {"costModels": {"PlutusV1": [1] * 165}}, "would have 165 parameters; the ledger's list ends after 166"),
        ("cli", {"costModels": {"PlutusV1": [1] * 167}}, "would have 167 parameters"),
        ("cli", {"costModels": {"PlutusV5": [1] * 166}}, "'PlutusV5' is no ledger language"),
        ("cli", {"costModels": {"PlutusV4": [1] * 251}}, "no settled list"),
        ("cli", {"costModels": {"PlutusV1": [1.5] * 166}}, "index 0 must be an integer, not 1.5"),
        ("cli", {"costModels": {"PlutusV1": [2**63] * 166}}, "does not fit in 64 bits"),
        ("cli", {"costModels": {"PlutusV1": "166"}}, "must be a list or a map"),
        ("cli", {"costModels": {}}, "an object with a key for each language"),
        ("cli", {"costModel": {}}, "no field 'costModels'"),
        (
            "cost-model-file",
            {"PlutusV1": {"addInteger-cpu-arguments-slope": 1}},
            "lacks addInteger-cpu-arguments-inter",
        ),
        ("cost-model-file", {"PlutusV1": {"addInteger-cpu-argument": 1}}, "has no parameter 'addInteger-cpu-argument'"),
        ("conway-genesis", {"plutusV3CostModel": [1] * 297}, "holds the first 251 parameters of PlutusV3, not 297"),
        ("alonzo-genesis", {"costModels": {"PlutusV2": [1] * 175}}, "holds PlutusV1 alone"),
        ("koios", [{"cost_models": {}}, {"cost_models": {}}], "2 epochs; give the row of one"),
        ("koios", [{"cost_models": "{"}], "not a JSON file"),
        ("blockfrost", {"cost_models": None}, "neither cost_models_raw nor cost_models"),
        ("array", [1] * 166, "give --language"),
    ],
)
def test_what_would_be_misplaced_is_refused(form: str, document: object, complaint: str) -> None:
    with pytest.raises(ModelError, match=complaint):
        read(form, as_json(document))


def test_blockfrosts_two_fields_must_agree() -> None:
    document: dict[str, Any] = json.loads(FORMATS["blockfrost"].write({V1: tuple(range(166))}))
    document["cost_models_raw"]["PlutusV1"][5] += 1
    with pytest.raises(ModelError, match="disagree"):
        read("blockfrost", as_json(document))


def test_koios_cost_models_may_be_text() -> None:
    row = {"epoch_no": 600, "cost_models": json.dumps({"PlutusV1": [7] * 166})}
    assert read("koios", as_json([row])) == {V1: (7,) * 166}


@pytest.mark.parametrize(
    ("raw", "complaint"),
    [
        (b"\xa1\x12", "no CBOR"),
        (b"a112a", "no hexadecimal CBOR"),
        (b"\x81" * 100_000, "no CBOR"),
        (cbor2.dumps({18: {0: [1] * 166}}) + b"\x00", "bytes after the CBOR item"),
        (cbor2.dumps({18: {7: [1] * 166}}), "'7' is no ledger language"),
        (cbor2.dumps({18: {True: [1] * 166}}), "'True' is no ledger language"),
        (cbor2.dumps({18: {0: {1: 1}}}), "PlutusV1 must be a list"),
        (cbor2.dumps({18: {0: [1.0] * 166}}), "must be an integer"),
        (cbor2.dumps([1]), "no map of cost models"),
        (b"", "no CBOR"),
    ],
)
def test_bad_cbor_is_refused_in_one_line(raw: bytes, complaint: str) -> None:
    with pytest.raises(ModelError, match=complaint):
        read("cbor", raw)


@pytest.mark.parametrize("document", [{"hello": 1}, 5, "text"])
def test_unknown_content_is_refused(document: object) -> None:
    with pytest.raises(ModelError):
        read(sniff(as_json(document), "file"), as_json(document))
