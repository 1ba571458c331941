"""Constant types of UPLC, and constants.

The value of a constant is a plain Python object, by type:

| type | value |
|---|---|
| integer | int |
| bytestring | bytes |
| string | str without surrogates |
| unit | None |
| bool | bool |
| list, array | tuple of element values |
| pair | tuple of two values |
| data | `Data` |
| bls12_381_G1_element, bls12_381_G2_element | compressed point, 48 and 96 bytes |
| bls12_381_mlresult | none: it has no constants |
| value | tuple of (currency bytes, tuple of (token bytes, quantity)), strictly ascending |

Types and values may be nested as deeply as the input pleases, so nothing here recurses.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from costmodel.errors import DecodeError
from costmodel.plutus.data import DataConstr, DataList, DataMap, data_equal

# Type tag of the flat encoding (plutus-core-specification, appendix C), by name; 7 is type application.
TYPE_TAGS: Final[dict[str, int]] = {
    "integer": 0,
    "bytestring": 1,
    "string": 2,
    "unit": 3,
    "bool": 4,
    "list": 5,
    "pair": 6,
    "data": 8,
    "bls12_381_G1_element": 9,
    "bls12_381_G2_element": 10,
    "bls12_381_mlresult": 11,
    "array": 12,
    "value": 13,
}
TYPE_ARITY: Final[dict[str, int]] = {name: {"list": 1, "array": 1, "pair": 2}.get(name, 0) for name in TYPE_TAGS}

G1_BYTES: Final = 48
G2_BYTES: Final = 96
GROUP_ELEMENT_BYTES: Final = {"bls12_381_G1_element": G1_BYTES, "bls12_381_G2_element": G2_BYTES}

MAX_VALUE_KEY_BYTES: Final = 32
MIN_QUANTITY: Final = -(2**127)
MAX_QUANTITY: Final = 2**127 - 1


class ConstantType:
    """A constant type: a head (a key of TYPE_TAGS) applied to as many arguments as were given so far.

    `pair integer` is a legal object on the way to `pair integer bool`; only a `complete` type has values.
    """

    __slots__ = ("_hash", "args", "head")
    _hash: int

    def __init__(self, head: str, args: "tuple[ConstantType, ...]" = ()) -> None:
        self.head = head
        self.args = args
        # Every argument has its hash already, so this does not descend.
        self._hash = hash((head, tuple(arg._hash for arg in args)))

    @property
    def complete(self) -> bool:
        return len(self.args) == TYPE_ARITY[self.head]

    def apply(self, arg: "ConstantType") -> "ConstantType":
        """This type applied to one more argument. ValueError if either is of the wrong kind."""
        if self.complete:
            raise ValueError(f"type {self.head} takes {TYPE_ARITY[self.head]} arguments, not more")
        if not arg.complete:
            raise ValueError(f"type {arg.head} lacks arguments")
        return ConstantType(self.head, (*self.args, arg))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ConstantType):
            return NotImplemented
        stack = [(self, other)]
        while stack:
            left, right = stack.pop()
            if left is right:
                continue
            if left._hash != right._hash or left.head != right.head or len(left.args) != len(right.args):
                return False
            stack.extend(zip(left.args, right.args, strict=True))
        return True

    def __repr__(self) -> str:
        return f"<ConstantType {self.head}>"


INTEGER: Final = ConstantType("integer")
BYTESTRING: Final = ConstantType("bytestring")
STRING: Final = ConstantType("string")
UNIT: Final = ConstantType("unit")
BOOL: Final = ConstantType("bool")
DATA: Final = ConstantType("data")
G1_ELEMENT: Final = ConstantType("bls12_381_G1_element")
G2_ELEMENT: Final = ConstantType("bls12_381_G2_element")
ML_RESULT: Final = ConstantType("bls12_381_mlresult")
VALUE: Final = ConstantType("value")


def list_of(element: ConstantType) -> ConstantType:
    return ConstantType("list", (element,))


def array_of(element: ConstantType) -> ConstantType:
    return ConstantType("array", (element,))


def pair_of(first: ConstantType, second: ConstantType) -> ConstantType:
    return ConstantType("pair", (first, second))


# The shape of a Value on the wire and in text.
VALUE_ENTRIES: Final = list_of(pair_of(BYTESTRING, list_of(pair_of(BYTESTRING, INTEGER))))


@dataclass(slots=True, eq=False, repr=False)
class Constant:
    """A value with its type; the table above says which Python object stands for it."""

    type: ConstantType
    value: Any

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Constant):
            return NotImplemented
        return self.type == other.type and _values_equal(self.value, other.value)

    def __repr__(self) -> str:
        return f"<Constant {self.type.head}>"


def _values_equal(left_value: object, right_value: object) -> bool:
    """Equality of two values of one type."""
    stack = [(left_value, right_value)]
    while stack:
        left, right = stack.pop()
        if isinstance(left, tuple) and isinstance(right, tuple):
            if len(left) != len(right):
                return False
            stack.extend(zip(left, right, strict=True))
        elif isinstance(left, DataConstr | DataList | DataMap):
            if not data_equal(left, right):
                return False
        elif type(left) is not type(right) or left != right:
            return False
    return True


def check_value_entries(entries: tuple[tuple[bytes, tuple[tuple[bytes, int], ...]], ...]) -> None:
    """Raises DecodeError unless the entries of a Value are canonical (CIP-153).

    Identifiers are strictly ascending and at most 32 bytes long, no currency is without tokens, no quantity is
    zero or outside of the signed 128-bit range.
    """
    _check_keys([currency for currency, _ in entries], "currency")
    for currency, tokens in entries:
        if not tokens:
            raise DecodeError(f"value: currency #{currency.hex()} has no tokens")
        _check_keys([token for token, _ in tokens], "token")
        for token, quantity in tokens:
            if quantity == 0:
                raise DecodeError(f"value: the quantity of token #{token.hex()} is zero")
            if not MIN_QUANTITY <= quantity <= MAX_QUANTITY:
                raise DecodeError(f"value: the quantity of token #{token.hex()} does not fit in 128 bits")


def _check_keys(keys: list[bytes], what: str) -> None:
    for key in keys:
        if len(key) > MAX_VALUE_KEY_BYTES:
            raise DecodeError(
                f"value: a {what} identifier has {len(key)} bytes, at most {MAX_VALUE_KEY_BYTES} are legal"
            )
    for before, after in pairwise(keys):
        if before >= after:
            raise DecodeError(
                f"value: {what} identifiers #{before.hex()} and #{after.hex()} are not in ascending order"
            )
