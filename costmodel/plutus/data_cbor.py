"""Data as CBOR, byte for byte as the ledger writes it, and read as liberally as the ledger reads it.

Source: CIP-0042 and PlutusCore.Data of plutus v1.68. What is written: constructor tags 0–6 as CBOR tags 121–127, 7–127
as 1280–1400, others as tag 102 around [tag, fields]; empty lists definite and other lists indefinite; maps definite;
bytestrings over 64 bytes as indefinite strings of 64-byte chunks; integers over 64 bits as bignums, chunked alike.
"""

from dataclasses import dataclass, field
from io import BytesIO
from typing import Final

from cbor2 import CBOREncoder

from costmodel.errors import DecodeError
from costmodel.plutus.data import Data, DataConstr, DataList, DataMap

MAX_CHUNK_BYTES: Final = 64

_UNSIGNED, _NEGATIVE, _BYTES, _ARRAY, _MAP, _TAG = 0, 1, 2, 4, 5, 6
_BREAK: Final = 0xFF
_INDEFINITE: Final = 31  # additional information of a head without length
_LIST_START: Final = b"\x9f"
_BYTES_START: Final = b"\x5f"
_BIGNUM: Final = {0xC2: False, 0xC3: True}  # initial byte -> negative; the ledger knows these two only by one byte
_COMPACT_TAGS: Final = ((121, 127, 0), (1280, 1400, 7))  # first and last CBOR tag, first constructor tag
_GENERAL_TAG: Final = 102


def encode_data(data: Data) -> bytes:
    """CBOR of a Data."""
    out = BytesIO()
    encoder = CBOREncoder(out)
    # Either Data still to be written or, as a bytearray, a closing byte.
    stack: list[Data | bytearray] = [data]
    while stack:
        node = stack.pop()
        match node:
            case bytearray():
                out.write(node)
            case int():
                _write_integer(encoder, out, node)
            case bytes():
                _write_bytes(encoder, out, node)
            case DataConstr():
                _write_constr_tag(encoder, node.tag)
                _push_list(out, stack, node.fields)
            case DataList():
                _push_list(out, stack, node.items)
            case DataMap():
                encoder.encode_length(_MAP, len(node.entries))
                for key, value in reversed(node.entries):
                    stack += (value, key)
    return out.getvalue()


def _push_list(out: BytesIO, stack: list[Data | bytearray], items: tuple[Data, ...]) -> None:
    if not items:
        out.write(b"\x80")
        return
    out.write(_LIST_START)
    stack.append(bytearray([_BREAK]))
    stack.extend(reversed(items))


def _write_constr_tag(encoder: CBOREncoder, tag: int) -> None:
    for first, last, offset in _COMPACT_TAGS:
        if offset <= tag <= offset + last - first:
            encoder.encode_length(_TAG, first + tag - offset)
            return
    encoder.encode_length(_TAG, _GENERAL_TAG)
    encoder.encode_length(_ARRAY, 2)
    encoder.encode(tag)


def _write_integer(encoder: CBOREncoder, out: BytesIO, value: int) -> None:
    magnitude = -1 - value if value < 0 else value
    if magnitude < 2**64:
        encoder.encode(value)
        return
    out.write(b"\xc3" if value < 0 else b"\xc2")
    _write_bytes(encoder, out, magnitude.to_bytes((magnitude.bit_length() + 7) // 8, "big"))


def _write_bytes(encoder: CBOREncoder, out: BytesIO, value: bytes) -> None:
    if len(value) <= MAX_CHUNK_BYTES:
        encoder.encode(value)
        return
    out.write(_BYTES_START)
    for start in range(0, len(value), MAX_CHUNK_BYTES):
        encoder.encode(value[start : start + MAX_CHUNK_BYTES])
    out.write(bytes([_BREAK]))


def decode_data(cbor: bytes, *, whole: bool = True) -> Data:
    """Data of one CBOR item, which fills the input unless not the `whole` is to be read. DecodeError names the byte at
    fault."""
    reader = _CborReader(cbor)
    data = _decode_item(reader)
    if whole and reader.position != len(cbor):
        raise reader.error("bytes follow the end of the Data")
    return data


@dataclass(slots=True)
class _CborFrame:
    """A list, map or constructor whose elements are being read."""

    kind: type[DataConstr | DataList | DataMap]
    left: int | None
    """Elements still to come; None for an indefinite one."""
    tag: int = 0
    closing_break: bool = False
    """Whether an indefinite array around a constructor has to be closed too."""
    elements: list[Data] = field(default_factory=list)

    def build(self) -> Data:
        elements = self.elements
        if self.kind is DataConstr:
            return DataConstr(self.tag, tuple(elements))
        if self.kind is DataMap:
            return DataMap(tuple(zip(elements[::2], elements[1::2], strict=True)))
        return DataList(tuple(elements))


class _CborReader:
    """A position in CBOR bytes.

    Heads are read here because cbor2 decodes whole items only: it hides chunk sizes and the order of map entries,
    which the ledger's rules are about, and limits the depth.
    """

    __slots__ = ("cbor", "position")

    def __init__(self, cbor: bytes) -> None:
        self.cbor = cbor
        self.position = 0

    def error(self, what: str) -> DecodeError:
        return DecodeError(f"Data CBOR, byte {self.position}: {what}")

    def peek(self) -> int:
        if self.position >= len(self.cbor):
            raise self.error("the input ends too early")
        return self.cbor[self.position]

    def take(self, count: int) -> bytes:
        if count > len(self.cbor) - self.position:
            raise self.error("the input ends too early")
        self.position += count
        return self.cbor[self.position - count : self.position]

    def head(self) -> tuple[int, int | None]:
        """Major type and argument of the next head; None stands for an indefinite length."""
        initial = self.peek()
        major, information = initial >> 5, initial & 31
        if information == _INDEFINITE and major in (_BYTES, _ARRAY, _MAP):
            self.position += 1
            return major, None
        if information >= 28:
            raise self.error(f"0x{initial:02x} begins no Data")
        self.position += 1
        if information < 24:
            return major, information
        return major, int.from_bytes(self.take(1 << (information - 24)), "big")

    def at_break(self) -> bool:
        """Whether a break is next; it is consumed."""
        if self.peek() != _BREAK:
            return False
        self.position += 1
        return True

    def chunk(self, length: int) -> bytes:
        if length > MAX_CHUNK_BYTES:
            raise self.error(f"a bytestring chunk of {length} bytes, at most {MAX_CHUNK_BYTES} are legal")
        return self.take(length)

    def bytestring(self) -> bytes:
        major, length = self.head()
        if major != _BYTES:
            raise self.error("a bytestring is expected here")
        if length is not None:
            return self.chunk(length)
        chunks = []
        while not self.at_break():
            major, length = self.head()
            if major != _BYTES or length is None:
                raise self.error("a chunk of a bytestring is expected here")
            chunks.append(self.chunk(length))
        return b"".join(chunks)

    def list_length(self) -> int | None:
        major, length = self.head()
        if major != _ARRAY:
            raise self.error("a list is expected here")
        return length


def _decode_item(reader: _CborReader) -> Data:
    frames: list[_CborFrame] = []
    while True:
        item = _begin(reader)
        if isinstance(item, _CborFrame):
            frames.append(item)
        else:
            if not frames:
                return item
            frames[-1].elements.append(item)
        # Close every frame that is complete now.
        while _complete(reader, frames[-1]):
            built = frames.pop().build()
            if not frames:
                return built
            frames[-1].elements.append(built)


def _begin(reader: _CborReader) -> Data | _CborFrame:
    """Reads a leaf, or the head of a composite."""
    initial = reader.peek()
    if initial in _BIGNUM:
        reader.position += 1
        magnitude = int.from_bytes(reader.bytestring(), "big")
        return -1 - magnitude if _BIGNUM[initial] else magnitude
    if initial >> 5 == _BYTES:
        return reader.bytestring()
    major, argument = reader.head()
    if argument is not None and major == _UNSIGNED:
        return argument
    if argument is not None and major == _NEGATIVE:
        return -1 - argument
    if major == _ARRAY:
        return _CborFrame(DataList, argument)
    if major == _MAP:
        return _CborFrame(DataMap, None if argument is None else 2 * argument)
    if argument is not None and major == _TAG:
        return _begin_constr(reader, argument)
    raise reader.error(f"0x{initial:02x} begins no Data")


def _begin_constr(reader: _CborReader, cbor_tag: int) -> _CborFrame:
    for first, last, offset in _COMPACT_TAGS:
        if first <= cbor_tag <= last:
            return _CborFrame(DataConstr, reader.list_length(), tag=cbor_tag - first + offset)
    if cbor_tag != _GENERAL_TAG:
        raise reader.error(f"CBOR tag {cbor_tag} is none of Data's")
    length = reader.list_length()
    if length not in (None, 2):
        raise reader.error("a general constructor is a list of exactly two elements")
    major, tag = reader.head()
    if major != _UNSIGNED or tag is None:
        raise reader.error("a constructor tag is an unsigned 64-bit integer")
    return _CborFrame(DataConstr, reader.list_length(), tag=tag, closing_break=length is None)


def _complete(reader: _CborReader, frame: _CborFrame) -> bool:
    if frame.left is not None:
        if len(frame.elements) < frame.left:
            return False
    else:
        if frame.kind is DataMap and len(frame.elements) % 2:
            return False
        if not reader.at_break():
            return False
    if frame.closing_break and not reader.at_break():
        raise reader.error("a general constructor is a list of exactly two elements")
    return True
