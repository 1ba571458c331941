"""`calibrate import`: makes a run of measurements that were made elsewhere."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from costmodel.cli.options import Json, Measurements, ProtocolVersion
from costmodel.cli.output import print_json, say
from costmodel.plutus import language_named

if TYPE_CHECKING:
    from costmodel.records.measurement import Import

_NOT_STATED = "not stated"


def command(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE",
            help="Criterion CSV of plutus, JSON of criterion for Haskell or Rust, JMH JSON, output of `go test "
            "-bench`, result.json of uplc-evaluator, a plain CSV, or folders of these.",
            show_default=False,
        ),
    ],
    evaluator: Annotated[
        str, typer.Option("--evaluator", metavar="NAME", help="The evaluator that was measured.", show_default=False)
    ],
    evaluator_version: Annotated[
        str, typer.Option("--evaluator-version", metavar="TEXT", help="Its version or build.")
    ] = _NOT_STATED,
    machine: Annotated[
        str, typer.Option("--machine", metavar="TEXT", help="The machine that it was measured on.")
    ] = _NOT_STATED,
    names: Annotated[
        Path | None,
        typer.Option(
            "--names",
            metavar="FILE",
            help="CSV with the header benchmark,name: what benchmarks of other names are, such as addInteger/3/5.",
        ),
    ] = None,
    language: Annotated[
        str, typer.Option("--language", metavar="NAME", help="Ledger language in whose measures sizes are.")
    ] = "PlutusV3",
    protocol_version: ProtocolVersion = 11,
    measurements: Measurements = Path("measurements"),
    as_json: Json = False,
) -> None:
    """Make a run of measurements by other tools, for `fit`, `compare` and `report`."""
    # scipy and pandas come with them; other commands must not wait for those.
    from costmodel.imports.measured import read_names
    from costmodel.imports.run import ImportOrigin, import_runs, imported

    found = imported(
        import_runs(
            files,
            measurements,
            ImportOrigin(evaluator, evaluator_version, machine, language_named(language), protocol_version),
            names={} if names is None else read_names(names),
            names_file=names,
            command_line=sys.argv,
        )
    )
    if as_json:
        print_json(found)
    else:
        _show(found)


def _show(found: Import) -> None:
    formats = ", ".join(found.formats)
    say(f"{found.measurements:,} measurements of {found.builtins} builtins from {found.files} files ({formats})")
    if found.without_interval:
        say(f"{found.without_interval:,} of them have no interval; repeat the benchmarks to have one")
    for name, count in found.left_out.items():
        say(f"left out: {name}: {count:,} measurements of no builtin")
    say(f"run: {found.run}")
