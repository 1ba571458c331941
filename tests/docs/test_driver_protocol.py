"""The page about the driver protocol says what the types say."""

import json
import re
from pathlib import Path

import msgspec
import pytest
from jsonschema import Draft202012Validator

from costmodel.machine.driver_protocol import MESSAGES, Hello, Load, Time, schemas

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "reference" / "driver-protocol.md").read_text("utf-8")
SCHEMA = ROOT / "docs" / "schemas" / "driver-protocol.schema.json"


def test_the_schema_is_made_from_the_types() -> None:
    assert json.loads(SCHEMA.read_text("utf-8")) == json.loads(msgspec.json.encode(schemas()))


def exchanged() -> list[str]:
    (block,) = re.findall(r"```text\n(.*?)```", PAGE, flags=re.DOTALL)
    return [str(line) for line in block.splitlines()]


@pytest.mark.parametrize("line", exchanged(), ids=lambda line: line[:24])
def test_every_line_of_the_worked_exchange_is_a_message(line: str) -> None:
    message = json.loads(line[2:].replace(",…", ""))
    errors = [error.message for error in Draft202012Validator(schemas()).iter_errors(message)]
    assert errors == []
    assert (message["type"] in {"load", "time"}) == line.startswith(">")


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: str(message.__name__))
def test_the_page_names_every_message_and_key(message: type[msgspec.Struct]) -> None:
    info = msgspec.inspect.type_info(message)
    assert isinstance(info, msgspec.inspect.StructType)
    assert str(info.tag) in PAGE
    keys = {field.encode_name for field in info.fields} - {"request"}
    if message in (Hello, Load, Time):
        assert [key for key in keys if f"`{key}`" not in PAGE] == []
