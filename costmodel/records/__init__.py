"""Documents: what the commands write and read, each defined once as a closed struct.

A document is a JSON object with `kind` and `schema_version`. Its struct is the only description of it: stages build
the struct, `encode` writes it, `read` and `parse` read it, and `docs/schemas/` is generated from it. Formats that
others own (upstream models, parameter arrays, JUnit, Bencher) are not here.
"""

from costmodel.records.documents import (
    Bounds,
    Count,
    Document,
    Former,
    Record,
    Sha256,
    Version1,
    Version2,
    Version3,
    about,
    encode,
    finite,
    from_value,
    kind_of,
    parse,
    read,
)
from costmodel.records.foreign import convert_value, decode_json

__all__ = [
    "Bounds",
    "Count",
    "Document",
    "Former",
    "Record",
    "Sha256",
    "Version1",
    "Version2",
    "Version3",
    "about",
    "convert_value",
    "decode_json",
    "encode",
    "finite",
    "from_value",
    "kind_of",
    "parse",
    "read",
]
