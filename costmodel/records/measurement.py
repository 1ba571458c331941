"""Documents of `calibrate measure`."""

from __future__ import annotations

from typing import Annotated, ClassVar

from costmodel.records.documents import Count, Document, Version2, about
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
