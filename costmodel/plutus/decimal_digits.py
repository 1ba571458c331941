"""Integers from and to decimal digits at any length.

Python's own conversion refuses more than 4300 digits, as it takes quadratic time. Longer ones are GMP's: a million
digits take some hundredths of a second.
"""

import re
from typing import Final

from costmodel._native import ffi, lib
from costmodel.errors import DecodeError

MOST_DIGITS: Final = 1 << 27
"""More are refused: they would take gigabytes and many seconds."""

_FEW: Final = 4000  # digits that Python converts by itself
_LIMB_BYTES: Final = 8
_INTEGER: Final = re.compile(r"[+-]?[0-9]+")


def parse_decimal(digits: str) -> int:
    """The integer that an optional sign and ASCII digits spell. ValueError for anything else, DecodeError for more than
    MOST_DIGITS."""
    if not _INTEGER.fullmatch(digits):
        raise ValueError("not a decimal integer")
    if len(digits) <= _FEW:
        return int(digits)
    magnitude = _parse_magnitude(digits.lstrip("+-").encode())
    return -magnitude if digits[0] == "-" else magnitude


def _parse_magnitude(digits: bytes) -> int:
    limbs = ffi.new("uint64_t[]", lib.cal_decimal_limbs(len(digits)))
    _check(lib.cal_decimal_parse(ffi.new("uint8_t[]", digits), len(digits), limbs))
    return int.from_bytes(ffi.buffer(limbs), "little")


def format_decimal(value: int) -> str:
    """Decimal digits of an integer, with a sign if it is negative. DecodeError for more than MOST_DIGITS."""
    if value.bit_length() <= 3 * _FEW:
        return str(value)
    count = value.bit_length() // (8 * _LIMB_BYTES) + 1
    limbs = ffi.new("uint64_t[]", count)
    ffi.buffer(limbs)[:] = abs(value).to_bytes(_LIMB_BYTES * count, "little")
    digits, length = ffi.new("uint8_t[]", lib.cal_decimal_digits(count)), ffi.new("size_t *")
    _check(lib.cal_decimal_print(limbs, count if limbs[count - 1] else count - 1, digits, length))
    text = bytes(ffi.buffer(digits, length[0])).decode("ascii")
    return f"-{text}" if value < 0 else text


def _check(status: int) -> None:
    if status != lib.CAL_OK:
        raise DecodeError(f"an integer of more than {MOST_DIGITS:,} decimal digits, or no memory to convert it")
