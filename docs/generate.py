"""Writes the pages of the documentation that follow from the program: its commands and its file formats."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import typer

from costmodel.cli.app import app

_WIDTH: Final = 100

_COMMANDS: Final = """# Commands

What each command prints for `--help`. Exit codes are those of [the architecture](../architecture.md#exit-codes).
"""

_SCHEMAS: Final = """# Every key

From the JSON Schemas (draft 2020-12) of what calibrate writes; [the formats](formats.md) says which file or
command has which. `{name}` stands for any key, `[]` for any element of a list. A key in *italics* may be absent.
"""


def write_reference(docs: Path) -> None:
    """Write `reference/commands.md` and `reference/schemas.md` below the documentation's folder."""
    _write(docs / "reference" / "commands.md", commands_page())
    _write(docs / "reference" / "schemas.md", schemas_page(sorted((docs / "schemas").glob("*.json"))))


def commands_page() -> str:
    """The help of every command, as it is printed."""
    sections = [_COMMANDS]
    for names, text in _helps(typer.main.get_command(app), ("calibrate",)):
        sections.append(f"{'#' * (1 + len(names))} {' '.join(names)}\n\n```text\n{text.rstrip()}\n```\n")
    return "\n".join(sections)


def _helps(command: Any, names: tuple[str, ...], parent: Any = None) -> Iterator[tuple[tuple[str, ...], str]]:
    context = command.make_context(
        names[-1], [], parent=parent, resilient_parsing=True, terminal_width=_WIDTH, max_content_width=_WIDTH
    )
    yield names, command.get_help(context)
    for name, below in getattr(command, "commands", {}).items():
        yield from _helps(below, (*names, name), context)


def schemas_page(paths: list[Path]) -> str:
    """A table of keys for every schema."""
    sections = [_SCHEMAS]
    for path in paths:
        schema = json.loads(path.read_text("utf-8"))
        rows = [_row(*entry) for entry in _entries(schema, schema, "")]
        sections.append(
            f"## {schema['title']}\n\n{schema['description']}\n\n"
            f"[{path.name}](path:../schemas/{path.name})\n\n| key | type | |\n|---|---|---|\n" + "\n".join(rows) + "\n"
        )
    return "\n".join(sections)


def _entries(
    root: dict[str, Any], schema: dict[str, Any], path: str, inside: frozenset[str] = frozenset()
) -> Iterator[tuple[str, bool, dict[str, Any]]]:
    """Path, whether it must be there, and schema of every key; what a definition holds is listed where it is used, but
    not once more `inside` of itself."""
    name = schema.get("$ref", "")
    if name in inside:
        return
    inside = inside | {name} if name else inside
    schema = _resolved(root, schema)
    for branch in schema.get("anyOf", ()):
        yield from _entries(root, branch, path, inside)
    required = schema.get("required", ())
    for key, below in schema.get("properties", {}).items():
        where = f"{path}.{key}" if path else key
        yield where, key in required, _resolved(root, below)
        yield from _entries(root, below, where, inside)
    others = schema.get("additionalProperties")
    if isinstance(others, dict) and others:
        where = f"{path}.{{name}}" if path else "{name}"
        if _resolved(root, others).get("description"):
            yield where, True, _resolved(root, others)
        yield from _entries(root, others, where, inside)
    if isinstance(items := schema.get("items"), dict):
        yield from _entries(root, items, f"{path}[]", inside)


def _resolved(root: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in schema:
        return schema
    definition: dict[str, Any] = root["$defs"][schema["$ref"].removeprefix("#/$defs/")]
    return definition | {key: value for key, value in schema.items() if key != "$ref"}


def _row(path: str, required: bool, schema: dict[str, Any]) -> str:
    key = f"`{path}`" if required else f"*`{path}`*"
    return f"| {key} | {_type(schema)} | {_cell(schema.get('description', ''))} |"


def _type(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return _cell(", ".join(f"`{json.dumps(each)}`" for each in schema["enum"]))
    if "anyOf" in schema:
        return " or ".join(each.get("type", "object") for each in schema["anyOf"])
    kind = schema.get("type", "any")
    return " or ".join(kind) if isinstance(kind, list) else str(kind)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _write(path: Path, text: str) -> None:
    """Only where it is new, so that Sphinx does not build the page again for nothing."""
    if not path.exists() or path.read_text("utf-8") != text:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
