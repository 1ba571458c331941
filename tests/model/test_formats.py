"""Formats of ledger arrays: everything written is read again, published files are read, misplacement is refused."""

import json
from pathlib import Path
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from costmodel.errors import ModelError
from costmodel.model import MAX_COST, Variant, ledger_model, parameter_names, to_array
from costmodel.model.formats import FORMATS, inferred_version, read_document, sniff
from costmodel.model.parameters import Arrays, block_counts
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
    return FORMATS[form].read(raw, "file", language).arrays


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
        ("cli", {"costModels": {"PlutusV1": []}}, "PlutusV1 is empty"),
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
        (
            "koios",
            [{"cost_models": {"PlutusV1": [1]}}, {"cost_models": {"PlutusV1": [2]}}],
            r"different cost models at \[0\], \[1\]; keep the object of one",
        ),
        ("koios", [{"cost_models": "{"}], "not a JSON file"),
        ("blockfrost", {"cost_models": None}, "no field 'cost_models_raw'"),
        ("array", [1] * 166, "name one with --language"),
    ],
)
def test_what_would_be_misplaced_is_refused(form: str, document: object, complaint: str) -> None:
    with pytest.raises(ModelError, match=complaint):
        read(form, as_json(document))


def test_blockfrosts_array_is_used_where_its_map_disagrees() -> None:
    document: dict[str, Any] = json.loads(FORMATS["blockfrost"].write({V1: tuple(range(166)), V2: (3,) * 175}))
    document["cost_models_raw"]["PlutusV1"][5] += 1
    found = read_document(as_json(document), "file")
    assert found.arrays[V1][5] == 6
    assert found.notes == (
        "file: cost_models PlutusV1 names other values than cost_models_raw; the array of cost_models_raw is used",
    )


SHIFTED = [name for name in parameter_names(V3) if name != "quotientInteger-memory-arguments-minimum"]
SHIFTED.insert(149, "remainderInteger-memory-arguments-minimum")


@pytest.mark.parametrize("count", [251, 297, 350, 200])
@pytest.mark.parametrize("with_raw", [True, False])
def test_blockfrosts_shifted_names_of_plutus_v3(count: int, with_raw: bool) -> None:
    array = list(range(count))
    named = dict(zip(SHIFTED, array, strict=False))
    document = {"cost_models": {"PlutusV3": dict(sorted(named.items(), key=lambda item: item[1] % 7))}}
    if with_raw:
        document["cost_models_raw"] = {"PlutusV3": array}  # type: ignore[dict-item]
    found = read_document(as_json(document), "file")
    assert found.arrays == {V3: tuple(array)}
    assert any("cost_models PlutusV3" in note for note in found.notes)


def test_blockfrosts_answer_of_epoch_645(shared_data: Path) -> None:
    raw = (shared_data / "field/blockfrost-v3/blockfrost-epoch-645.json").read_bytes()
    found = read_document(raw, "file")
    assert list(found.arrays[V3]) == to_array(ledger_model(Variant.E), V3, 11)
    assert (found.format, found.protocol_version, found.unreadable) == ("blockfrost", 11, {})
    assert len(found.notes) == 1


V1_ARRAY, V2_ARRAY, V3_ARRAY = (100,) * 166, (200,) * 175, (300,) * 297
NAMED_V3 = dict(zip(parameter_names(V3), V3_ARRAY, strict=False))
ALL_THREE = {"PlutusV1": [100] * 166, "PlutusV2": [200] * 175, "PlutusV3": [300] * 297}
PARAMETERS = {"costModels": ALL_THREE, "protocolVersion": {"major": 10, "minor": 0}}
OTHERS = {"costModels": {"PlutusV1": [1] * 166}, "protocolVersion": {"major": 9, "minor": 0}}
OGMIOS = {"plutusCostModels": {"plutus:v1": [100] * 166, "plutus:v2": [200] * 175, "plutus:v3": [300] * 297}}
PROPOSAL = {"action": {"type": "protocolParametersUpdate", "parameters": OGMIOS}, "metadata": None}
OTHER_PROPOSAL = {"action": {"type": "treasuryWithdrawals", "withdrawals": {}}}
GOV_STATE = {
    "currentPParams": PARAMETERS,
    "previousPParams": OTHERS,
    "futurePParams": {"contents": OTHERS},
    "proposals": [{"proposalProcedure": {"govAction": {"tag": "ParameterChange", "contents": [None, OTHERS, None]}}}],
}
ENVELOPE = {"jsonrpc": "2.0", "method": "queryLedgerState/protocolParameters"}


@pytest.mark.parametrize(
    ("document", "form", "version"),
    [
        (PARAMETERS, "cli", 10),
        (GOV_STATE, "cli", 10),
        ({"contents": [None, {"costModels": ALL_THREE}, None], "tag": "ParameterChange"}, "cli", None),
        ({"costModels": {key.replace("P", "p", 1): each for key, each in ALL_THREE.items()}}, "cli", None),
        ({"costModels": {f"PlutusScript{key[-2:]}": each for key, each in ALL_THREE.items()}}, "cli", None),
        ({**ALL_THREE, "PlutusV3": NAMED_V3}, "cost-model-file", None),
        ({f"plutus:{key[-2:].lower()}": each for key, each in ALL_THREE.items()}, "cost-model-file", None),
        (OGMIOS, "ogmios", None),
        ({**ENVELOPE, "result": {**OGMIOS, "version": {"major": 10, "minor": 0}}}, "ogmios", 10),
        ({**ENVELOPE, "result": {"era": "conway", "updatableParameters": OGMIOS}}, "ogmios", 10),
        ({**ENVELOPE, "result": [OTHER_PROPOSAL, PROPOSAL]}, "ogmios", None),
        ({"cost_models_raw": ALL_THREE, "cost_models": None, "protocol_major_ver": 10}, "blockfrost", 10),
        ([{"epoch_no": 600, "protocol_major": 10, "cost_models": ALL_THREE}], "koios", 10),
    ],
)
def test_documents_as_they_exist(document: object, form: str, version: int | None) -> None:
    found = read_document(as_json(document), "file")
    assert found.arrays == {V1: V1_ARRAY, V2: V2_ARRAY, V3: V3_ARRAY}
    assert (found.format, found.protocol_version) == (form, version)


def test_proposals_that_differ_are_not_chosen_between() -> None:
    other = {"action": {"parameters": {"plutusCostModels": {"plutus:v1": [1]}}}}
    with pytest.raises(ModelError, match=r"different cost models at result\[0\].action.parameters, result\[1\].action"):
        read_document(as_json({"result": [PROPOSAL, other]}), "file")


BAD: list[tuple[str, object]] = [
    ("PlutusV3", {"addInteger-cpu-argument": 1}),
    ("PlutusV3", {"addInteger-cpu-arguments-slope": 1}),
    ("PlutusV3", [1.5]),
    ("PlutusV3", [2**63]),
    ("PlutusV3", None),
    ("PlutusV3", []),
    ("PlutusV4", [1] * 251),
    ("PlutusV5", [1] * 251),
    ("plutusV2", [1] * 175),
]


@pytest.mark.parametrize(("key", "values"), BAD)
@pytest.mark.parametrize("form", ["cli", "cost-model-file", "blockfrost", "koios"])
def test_one_bad_language_does_not_block_the_others(form: str, key: str, values: object) -> None:
    models = {"PlutusV1": [1] * 166, "PlutusV2": [2] * 175, key: values}
    fields = {"cli": "costModels", "blockfrost": "cost_models_raw", "koios": "cost_models"}
    document = {fields[form]: models} if form in fields else models
    found = read_document(as_json(document), "file", form)
    assert found.arrays == {V1: (1,) * 166, V2: (2,) * 175}
    (note,) = found.notes
    assert note.startswith("left out: file")
    assert key[-2:].lower() in note.lower()


@pytest.mark.parametrize("count", [1, 165, 166, 167, 175, 185, 251, 297, 332, 337, 350, 355])
@pytest.mark.parametrize("language", [V1, V2, V3])
def test_lists_of_any_length_are_read(language: LedgerLanguage, count: int) -> None:
    found = read_document(as_json({language.value: [5] * count}), "file")
    assert found.arrays == {language: (5,) * count}
    assert bool(found.notes) == (count not in block_counts(language))


@pytest.mark.parametrize(
    ("models", "version"),
    [
        ({"PlutusV1": [1] * 166}, 5),
        ({"PlutusV1": [1] * 100}, 9),
        ({"PlutusV1": [1] * 165, "PlutusV2": [1] * 175}, 9),
        ({"PlutusV1": [1] * 166, "PlutusV2": [1] * 175}, 7),
        ({"PlutusV2": [1] * 185}, 10),
        ({"PlutusV3": [1] * 251}, 9),
        ({"PlutusV1": [1] * 166, "PlutusV2": [1] * 185, "PlutusV3": [1] * 251}, 10),
        ({"PlutusV1": [1] * 166, "PlutusV2": [1] * 175, "PlutusV3": [1] * 297}, 10),
        ({"PlutusV1": [1] * 332}, 11),
        ({"PlutusV3": [1] * 355}, 11),
    ],
)
def test_version_is_inferred_from_lengths(models: dict[str, list[int]], version: int) -> None:
    assert inferred_version(read_document(as_json(models), "file").arrays) == version


def test_genesis_files_imply_their_version(shared_data: Path) -> None:
    files = {
        "workbench/alonzo-genesis.json": 5,
        "workbench/conway-genesis.json": 9,
        "field/alonzo-genesis-with-v2/genesis.alonzo.json": 7,
    }
    for file, version in files.items():
        assert read_document((shared_data / file).read_bytes(), file).protocol_version == version


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
