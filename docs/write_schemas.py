"""Writes `docs/schemas/`: a JSON Schema for each kind of document, from its struct in `costmodel/records`.

`python -m docs.write_schemas` (`make schemas`) after a change of a struct; a test holds the folder to what this writes.
"""

from __future__ import annotations

import json
import pkgutil
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import msgspec

from costmodel import records
from costmodel.records.message import Message

FOLDER: Final = Path(__file__).resolve().parent / "schemas"
_DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"


def documents() -> dict[str, type[msgspec.Struct]]:
    """Every kind of document by the name of its schema, and the lines of logs."""
    found: dict[str, type[msgspec.Struct]] = {"message": Message}
    for module in pkgutil.iter_modules(records.__path__):
        for item in vars(import_module(f"{records.__name__}.{module.name}")).values():
            if isinstance(item, type) and issubclass(item, msgspec.Struct) and item is not records.Document:
                settings = item.__struct_config__
                if settings.tag_field == "kind" and not item.__name__.startswith("_"):
                    found[str(settings.tag).replace(" ", "-")] = item
    return dict(sorted(found.items()))


def schema_of(document: type[msgspec.Struct]) -> dict[str, Any]:
    """The schema of a document: closed, with the version that is written as the only one."""
    schema = msgspec.json.schema(document)
    definitions = schema["$defs"]
    root = definitions[document.__name__]
    if schema == {"$ref": f"#/$defs/{document.__name__}", "$defs": definitions} and not _mentions(
        {name: each for name, each in definitions.items() if name != document.__name__} | {"root": root["properties"]},
        document.__name__,
    ):
        del definitions[document.__name__]
        schema = {**root, "$defs": definitions}
    _complete(schema)
    kind = document.__struct_config__.tag or document.__name__
    title = {"$schema": _DRAFT, "title": str(kind).capitalize(), "description": " ".join(root["description"].split())}
    return title | {key: value for key, value in schema.items() if key not in title and (key != "$defs" or value)}


def _mentions(schema: object, name: str) -> bool:
    return f'"#/$defs/{name}"' in json.dumps(schema)


def _complete(schema: Any) -> None:
    """Says of every object whether it has other keys, and that a document has its version."""
    if isinstance(schema, list):
        for each in schema:
            _complete(each)
    elif isinstance(schema, dict):
        properties = schema.get("properties")
        if schema.get("type") == "object" and "additionalProperties" not in schema:
            schema["additionalProperties"] = properties is None
        if isinstance(properties, dict) and "kind" in properties and "schema_version" in properties:
            schema["required"] = list(dict.fromkeys(["kind", "schema_version", *schema.get("required", ())]))
        for each in schema.values():
            _complete(each)


def files() -> dict[str, str]:
    """The content of every file of the folder, by its name."""
    return {
        f"{name}.schema.json": json.dumps(schema_of(document), indent=2, ensure_ascii=False) + "\n"
        for name, document in documents().items()
    }


def main() -> None:
    wanted = files()
    for path in FOLDER.glob("*.schema.json"):
        if path.name not in wanted:
            path.unlink()
    for name, text in wanted.items():
        (FOLDER / name).write_text(text, "utf-8")


if __name__ == "__main__":
    main()
