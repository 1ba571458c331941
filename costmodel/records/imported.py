"""What `calibrate import` writes."""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec

from costmodel.records.documents import Document, Version1

Count = Annotated[int, msgspec.Meta(ge=0)]


class Import(Document, frozen=True, kw_only=True, tag="import"):
    """The run that was made of measurements by other tools."""

    written_by: ClassVar[str] = "calibrate import --json"

    schema_version: Version1 = 1
    run: Annotated[str, msgspec.Meta(description="The run's folder.")]
    formats: Annotated[tuple[str, ...], msgspec.Meta(description="Formats of the files.")]
    files: Annotated[Count, msgspec.Meta(description="Files that were read.")]
    builtins: Annotated[Count, msgspec.Meta(description="Different builtins among them.")]
    measurements: Annotated[Count, msgspec.Meta(description="Measurements of builtins and no-ops.")]
    without_interval: Annotated[Count, msgspec.Meta(description="Of these, those without an interval.")]
    left_out: Annotated[
        dict[str, int], msgspec.Meta(description="Measurements of no builtin, by the first part of their names.")
    ]
