"""Documents of `calibrate measure` and `calibrate import`."""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec

from costmodel.records.documents import Count, Document, Version1, Version2, about
from costmodel.records.run import RunStatus, SessionOutcome


class Measurement(Document, frozen=True, kw_only=True, tag="measurement"):
    """What `calibrate measure --json` prints: the run, as it ended."""

    written_by: ClassVar[str] = "calibrate measure --json"

    schema_version: Version2 = 2
    run: Annotated[str, about("Folder of the run")]
    machine: Annotated[str, about("Fingerprint of the machine that measured it")]
    status: RunStatus
    reason: Annotated[str, about("Why it ended so")]
    unit: Annotated[str, about("Unit of its clock: ns, cycles or instructions")]
    cells: Annotated[Count, about("Cells of the design")]
    outcome: SessionOutcome
    uncertain: Annotated[dict[str, str], about("The reason for every cell that missed its precision")]


class FleetMeasurement(Document, frozen=True, kw_only=True, tag="fleet measurement"):
    """What `calibrate measure --backend dask:… --json` prints."""

    written_by: ClassVar[str] = "calibrate measure --backend … --json"

    schema_version: Version2 = 2
    runs: Annotated[tuple[Measurement, ...], about("A run for each kind of machine")]


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
