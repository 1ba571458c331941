"""Where in a JSON document the cost models are: documents come alone, in the answer of a service, or in a state."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from costmodel.errors import ModelError

CARDANO_CLI, OGMIOS, CONWAY_GENESIS = "costModels", "plutusCostModels", "plutusV3CostModel"
RAW, NAMED = "cost_models_raw", "cost_models"
FIELDS = (CARDANO_CLI, OGMIOS, CONWAY_GENESIS, RAW, NAMED)
"""The fields that hold cost models, in the documents of cardano-cli, Ogmios, a genesis, and the chain's indexers."""

# Of a state of governance, the parameters in force; there are past, future and proposed ones beside them.
_IN_FORCE = ("currentPParams", "curPParams", "cgsCurPParams")
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Place:
    """An object with cost models, the way to it, and the objects around it, innermost first."""

    node: dict[str, Any]
    path: str
    around: tuple[dict[str, Any], ...]

    def protocol_version(self) -> int | None:
        """The major protocol version that the object states, or else one around it."""
        for node in (self.node, *self.around):
            nested = node.get("protocolVersion") or node.get("protocol_version") or node.get("version")
            found = nested.get("major") if isinstance(nested, dict) else None
            for field in ("protocol_major_ver", "protocol_major"):
                found = node.get(field) if found is None else found
            if isinstance(found, int) and not isinstance(found, bool):
                return found
        return None


def locate(document: Any, where: str, fields: tuple[str, ...] = FIELDS) -> Place | None:
    """The object that holds the cost models of a document. ModelError where several do that say different things."""
    places = list(_places(document, fields))
    in_force = [place for place in places if any(name in place.path.split(".") for name in _IN_FORCE)]
    places = in_force or places
    if any(_models(place, fields) != _models(places[0], fields) for place in places):
        paths = ", ".join(place.path for place in places[:_SHOWN])
        more = f" and {len(places) - _SHOWN} more" if len(places) > _SHOWN else ""
        raise ModelError(f"{where}: different cost models at {paths}{more}; keep the object of one of them")
    return places[0] if places else None


def _places(document: Any, fields: tuple[str, ...]) -> Iterator[Place]:
    stack: list[tuple[Any, str, tuple[dict[str, Any], ...]]] = [(document, "", ())]
    while stack:
        node, path, around = stack.pop()
        if isinstance(node, dict):
            if any(node.get(field) is not None for field in fields):
                yield Place(node, path or "the top", around)
                continue
            below = [(value, f"{path}.{key[:80]}".lstrip("."), (node, *around[:3])) for key, value in node.items()]
        elif isinstance(node, list):
            below = [(value, f"{path}[{i}]", around) for i, value in enumerate(node)]
        else:
            continue
        stack.extend(reversed(below))


def _models(place: Place, fields: tuple[str, ...]) -> list[Any]:
    return [place.node.get(field) for field in fields]
