"""Integers from and to decimal digits at any length.

Python's own conversion refuses more than 4300 digits, as it takes quadratic time; these split in halves instead.
"""

import re
from typing import Final

_CHUNK: Final = 4000  # digits that Python converts by itself
_INTEGER: Final = re.compile(r"[+-]?[0-9]+")


def parse_decimal(digits: str) -> int:
    """The integer that an optional sign and ASCII digits spell. ValueError for anything else."""
    if not _INTEGER.fullmatch(digits):
        raise ValueError("not a decimal integer")
    if len(digits) <= _CHUNK:
        return int(digits)
    magnitude = _parse_magnitude(digits.lstrip("+-"))
    return -magnitude if digits[0] == "-" else magnitude


def _parse_magnitude(digits: str) -> int:
    first = len(digits) % _CHUNK
    starts = range(first, len(digits), _CHUNK)
    limbs = [int(digits[:first] or "0"), *(int(digits[start : start + _CHUNK]) for start in starts)]
    # Pair neighbours until one is left: the operands of each multiplication stay balanced.
    base = 10**_CHUNK
    while len(limbs) > 1:
        if len(limbs) % 2:
            limbs.insert(0, 0)
        limbs = [high * base + low for high, low in zip(limbs[::2], limbs[1::2], strict=True)]
        base *= base
    return limbs[0]


def format_decimal(value: int) -> str:
    """Decimal digits of an integer, with a sign if it is negative."""
    if value.bit_length() <= 3 * _CHUNK:
        return str(value)
    powers = [10**_CHUNK]
    while powers[-1] <= abs(value):
        powers.append(powers[-1] ** 2)
    limbs = [abs(value)]
    while powers:
        power = powers.pop()
        limbs = [part for limb in limbs for part in divmod(limb, power)]
    digits = "".join(str(limb).zfill(_CHUNK) for limb in limbs).lstrip("0")
    return f"-{digits}" if value < 0 else digits
