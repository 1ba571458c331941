"""The section of a model file: closed, written and read through one tree of structs, earlier versions included."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from costmodel.errors import ModelError
from costmodel.records.model import ExpressedModel, FittedModel, parse_section
from tests.records.sections import old


def present() -> Any:
    return msgspec.to_builtins(parse_section(old("model-version-1"), "model.json"))


def objects(document: Any, where: str = "$") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object of fixed keys that is not empty, with its place."""
    if isinstance(document, dict):
        yield where, document
        for key, value in document.items():
            yield from objects(value, f"{where}.{key}")
    elif isinstance(document, list | tuple):
        for i, value in enumerate(document):
            yield from objects(value, f"{where}[{i}]")


def is_closed(where: str) -> bool:
    """Whether the object there has keys of its own, and is not a mapping from names that the fit chooses.

    Nothing reads the joint stage of version 1.
    """
    named: tuple[str, ...] = (
        "builtins",
        "coefficients",
        "calls",
        "no_ops",
        "parts_ps",
        "least_squares_ps",
        "flagged",
        "unfitted",
    )
    named += ("shapes", "evaluator", "machine", "versions", "parameters", "files", "inputs", "messages", "ratios")
    return (
        not any(f".{name}" == where[-len(name) - 1 :] for name in named)
        and ".inputs[" not in where
        and ".joint" not in where
    )


def test_a_model_of_version_1_is_read() -> None:
    section = parse_section(old("model-version-1"), "model.json")
    assert isinstance(section, FittedModel)
    assert section.schema_version == 3
    assert section.picoseconds_of.evaluator == "native"
    assert section.builtins["addInteger"].points[0].fitted.holds == "timing"
    assert section.steps.coefficients["cekVarCost"].holds == "timing and lack of fit"
    assert section.verdict is None


def test_a_model_of_version_2_is_read() -> None:
    value = present()
    batches = {"clean": value["batches"]["clean"], "gated": value["batches"]["disturbed"]}
    former = {**value, "schema_version": 2, "batches": batches}
    assert msgspec.to_builtins(parse_section(former, "model.json")) == value


def test_an_expressed_model_of_version_0_is_read() -> None:
    section = parse_section(old("expressed-version-0"), "model.json")
    assert isinstance(section, ExpressedModel)
    assert section.reference == "official.json"


def test_what_is_written_is_read_again() -> None:
    assert msgspec.to_builtins(parse_section(present(), "model.json")) == present()


@pytest.mark.parametrize("make", [present, lambda: old("model-version-1")], ids=["present", "version 1"])
def test_a_renamed_key_is_refused_wherever_it_is(make: Any) -> None:
    places = [where for where, at in objects(make()) if at and is_closed(where)]
    assert len(places) > 30
    for where in places:
        document = make()
        at = dict(objects(document))[where]
        key = next(iter(at))
        at[f"{key}_renamed"] = at.pop(key)
        with pytest.raises(ModelError, match=r"^model\.json") as error:
            parse_section(document, "model.json")
        assert "\n" not in str(error.value)


@pytest.mark.parametrize("version", [0, 4, -1, "3", None])
def test_another_version_is_refused(version: object) -> None:
    with pytest.raises(ModelError, match=r"^model\.json"):
        parse_section(present() | {"schema_version": version}, "model.json")
