"""Bits and the primitives of the flat encoding, both ways.

Source: plutus-core-specification, appendix C. Bits are packed from the most significant one of each byte.
"""

from typing import Final

from costmodel.errors import DecodeError

MAX_CHUNK_BYTES: Final = 255
WORD64_BITS: Final = 64


class BitWriter:
    """Appends values of a few bits to bytes."""

    __slots__ = ("_bytes", "_pending", "_pending_bits")

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._pending = 0
        self._pending_bits = 0

    def bits(self, value: int, width: int) -> None:
        """The `width` low bits of a non-negative value that has no others."""
        self._pending = self._pending << width | value
        self._pending_bits += width
        # Whole bytes are moved out in blocks, so that the pending integer stays small.
        if self._pending_bits >= 256:
            self._flush()

    def _flush(self) -> None:
        rest = self._pending_bits % 8
        self._bytes += (self._pending >> rest).to_bytes(self._pending_bits // 8, "big")
        self._pending &= (1 << rest) - 1
        self._pending_bits = rest

    def pad(self) -> None:
        """Zeros and a final one up to a byte boundary; a whole byte if already on one."""
        self.bits(1, 8 - self._pending_bits % 8)
        self._flush()

    def natural(self, value: int) -> None:
        """Groups of seven bits, least significant first, each in a byte that says whether more follow."""
        if value < 1 << WORD64_BITS:
            written = width = 0
            while value > 127:
                written = written << 8 | 128 | value & 127
                width += 8
                value >>= 7
            self.bits(written << 8 | value, width + 8)
            return
        # Whole-number shifts over a long integer would take quadratic time, binary digits do not.
        digits = f"{value:b}"
        digits = digits.zfill(len(digits) + -len(digits) % 7)
        *groups, last = [digits[end - 7 : end] for end in range(len(digits), 0, -7)]
        digits = "1" + "1".join(groups) + "0" + last
        self.bits(int(digits, 2), len(digits))

    def integer(self, value: int) -> None:
        """Zigzag: non-negative n as 2n, negative n as -2n - 1."""
        self.natural(value << 1 if value >= 0 else (-value << 1) - 1)

    def bytestring(self, value: bytes) -> None:
        """Padding, then chunks of up to 255 bytes, each after its length, ended by an empty one."""
        self.pad()
        for start in range(0, len(value), MAX_CHUNK_BYTES):
            chunk = value[start : start + MAX_CHUNK_BYTES]
            self._bytes.append(len(chunk))
            self._bytes += chunk
        self._bytes.append(0)

    def finish(self) -> bytes:
        """All bytes, padded at the end."""
        self.pad()
        return bytes(self._bytes)


class BitReader:
    """Takes values of a few bits from bytes. Every method raises DecodeError at the end of the input."""

    __slots__ = ("_bytes", "_end", "position")

    def __init__(self, flat: bytes) -> None:
        self._bytes = flat + b"\0"  # bits() looks at two bytes at once
        self._end = 8 * len(flat)
        self.position = 0
        """In bits."""

    def error(self, what: str) -> DecodeError:
        return DecodeError(f"flat, bit {self.position}: {what}")

    def bits(self, width: int) -> int:
        """A value of at most eight bits."""
        start = self.position
        end = start + width
        if end > self._end:
            raise self.error("the input ends too early")
        self.position = end
        at = start >> 3
        pair = self._bytes[at] << 8 | self._bytes[at + 1]
        return pair >> (16 - width - (start & 7)) & ((1 << width) - 1)

    def skip_padding(self) -> None:
        while not self.bits(1):
            pass

    def natural(self) -> int:
        groups = []
        while True:
            byte = self.bits(8)
            groups.append(byte & 127)
            if byte < 128:
                break
        if len(groups) < 64:
            value = 0
            for group in reversed(groups):
                value = value << 7 | group
            return value
        return int("".join(f"{group:07b}" for group in reversed(groups)), 2)

    def word64(self) -> int:
        start = self.position
        value = 0
        for shift in range(0, WORD64_BITS, 7):
            byte = self.bits(8)
            value |= (byte & 127) << shift
            if byte < 128 and value < 1 << WORD64_BITS:
                return value
        self.position = start
        raise self.error("a number does not fit in 64 bits")

    def integer(self) -> int:
        natural = self.natural()
        return -((natural + 1) >> 1) if natural & 1 else natural >> 1

    def bytestring(self) -> bytes:
        self.skip_padding()
        if self.position % 8:
            raise self.error("a bytestring does not begin at a byte boundary")
        at = self.position // 8
        end = self._end // 8
        chunks = []
        while True:
            length = self._bytes[at] if at < end else None
            if length is None or at + 1 + length > end:
                raise self.error("the input ends within a bytestring")
            if length == 0:
                break
            chunks.append(self._bytes[at + 1 : at + 1 + length])
            at += 1 + length
        self.position = 8 * (at + 1)
        return b"".join(chunks)

    def text(self) -> str:
        """A bytestring of UTF-8."""
        encoded = self.bytestring()
        try:
            return encoded.decode()
        except UnicodeDecodeError:
            raise self.error("a string is not valid UTF-8") from None

    def finish(self) -> None:
        """Checks that only padding is left."""
        self.skip_padding()
        if self.position != self._end:
            raise self.error("bytes follow the end of the program")
