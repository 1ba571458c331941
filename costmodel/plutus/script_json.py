"""Scripts in JSON documents: text envelopes, blueprints, UTxO files of cardano-cli, answers of indexers.

| document | a script in it |
|---|---|
| text envelope, also as reference script of an output | `{"type": "PlutusScriptV2", "cborHex": …}` |
| blueprint (CIP-57) | `{"title": NAME, "compiledCode": …}`, language in the preamble |
| Ogmios, Kupo | `{"language": "plutus:v2", "cbor": …}` or `"script": …` |
| Koios, Lucid | `{"type": "plutusV2", "bytes": …}` or `"script": …` |
| Blockfrost | `{"cbor": …}` |
"""

import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from costmodel.errors import DecodeError, InputError
from costmodel.plutus.language import LedgerLanguage

_LANGUAGE: Final = re.compile(r"(?:plutus)?(?:script)?[:_ -]?v([1-4])", re.IGNORECASE)
_CODE_FIELDS: Final = ("cborHex", "compiledCode", "cbor", "bytes", "script")
# Keys on the way to a script that say nothing of which one it is.
_TRANSPARENT: Final = {"referenceScript", "reference script", "reference_script", "script", "result", "data"}
_HEX: Final = re.compile(r"(?:[0-9a-fA-F]{2})+")
_SHOWN_NAMES: Final = 20


class FoundScript(NamedTuple):
    """A script as a document has it: `code` is hexadecimal, `field` what it stood in, `name` tells it from others."""

    name: str
    code: str
    field: str
    language: LedgerLanguage | None


def choose_script(document: Any, name: str | None) -> FoundScript:
    """The script of a name, or else the only one of a document.

    InputError where there are several and no name, or none of that name; it lists the names. DecodeError where there
    is no script at all.
    """
    found = list(_scripts(document))
    if not found:
        raise DecodeError(_why_none(document))
    if name is not None:
        for script in found:
            if script.name == name:
                return script
        raise InputError(f"no script is named {name[:80]!r}; there are {_names(found)}")
    if len({(script.code, script.language) for script in found}) > 1:
        raise InputError(f"{len(found)} scripts; choose one with `calibrate eval --script NAME`: {_names(found)}")
    return found[0]


def _names(found: list[FoundScript]) -> str:
    names = list(dict.fromkeys(script.name for script in found))
    more = f" and {len(names) - _SHOWN_NAMES} more" if len(names) > _SHOWN_NAMES else ""
    return ", ".join(name[:80] for name in names[:_SHOWN_NAMES]) + more


def _scripts(document: Any) -> Iterator[FoundScript]:
    """All scripts of a document, in its order, whatever is around them."""
    if isinstance(document, dict) and isinstance(document.get("validators"), list):
        yield from _blueprint(document)
        return
    stack: list[tuple[Any, str]] = [(document, "")]
    while stack:
        node, path = stack.pop()
        if isinstance(node, dict):
            script = _script(node, path)
            if script is not None:
                yield script
                continue
            below = [(value, path if key in _TRANSPARENT else _joined(path, key)) for key, value in node.items()]
        elif isinstance(node, list):
            below = [(value, f"{path}[{i}]") for i, value in enumerate(node)]
        else:
            continue
        stack.extend(reversed(below))


def _joined(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _blueprint(document: dict[str, Any]) -> Iterator[FoundScript]:
    preamble = document.get("preamble")
    language = _language(preamble.get("plutusVersion")) if isinstance(preamble, dict) else None
    for i, validator in enumerate(document["validators"]):
        if isinstance(validator, dict) and (code := _hex(validator.get("compiledCode"))):
            yield FoundScript(str(validator.get("title", f"validators[{i}]")), code, "compiledCode", language)


def _script(node: dict[str, Any], path: str) -> FoundScript | None:
    stated = node.get("type", node.get("language"))
    language = _language(stated)
    if language is None and (stated is not None or path):
        return None  # a native script, a transaction, or an object of another kind
    for field in _CODE_FIELDS:
        if code := _hex(node.get(field)):
            return FoundScript(path, code, field, language)
    return None


def _language(stated: object) -> LedgerLanguage | None:
    match = _LANGUAGE.fullmatch(stated) if isinstance(stated, str) else None
    return LedgerLanguage(f"PlutusV{match[1]}") if match else None


def _hex(code: object) -> str | None:
    return code if isinstance(code, str) and _HEX.fullmatch(code) else None


def _why_none(document: Any) -> str:
    if isinstance(document, dict) and "cborHex" in document:
        if _language(document.get("type")) is None:
            return 'text envelope: "type" must be PlutusScriptV1, V2, V3 or V4'
        return 'text envelope: "cborHex" is not hexadecimal'
    return "no Plutus script: neither a text envelope nor a blueprint nor an output with a reference script"
