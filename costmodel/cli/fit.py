"""`calibrate fit`: fits a cost model to runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from costmodel import api
from costmodel.cli.fit_official import fit_criterion
from costmodel.cli.fit_reference import express_fit
from costmodel.cli.fit_table import material_flags, show_model
from costmodel.cli.options import Json, ProtocolVersion, Seed, TableCommand, refuse_overwriting, share
from costmodel.cli.output import complain, print_json, stderr
from costmodel.errors import CheckFailed, InputError
from costmodel.model import variant_for
from costmodel.plutus import language_named

Command = TableCommand


def command(
    runs: Annotated[
        list[Path] | None, typer.Argument(metavar="RUN", help="Folders of complete runs.", show_default=False)
    ] = None,
    method: Annotated[
        str,
        typer.Option(
            "--method", metavar="NAME", help="own, from runs, or official: upstream's published procedure on a CSV."
        ),
    ] = "own",
    criterion: Annotated[
        Path | None,
        typer.Option("--criterion", metavar="FILE", help="Criterion CSV of upstream's benchmarks (official method)."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Model to write. [default: models/<last run>.json]")
    ] = None,
    language: Annotated[
        str, typer.Option("--language", metavar="NAME", help="Ledger language whose costing-function shapes to fit.")
    ] = "PlutusV3",
    protocol_version: ProtocolVersion = 11,
    rounding: Annotated[
        str,
        typer.Option(
            "--rounding", metavar="NAME", help="joint: rounding changes no cost by 0.5 %. ceiling: as upstream rounds."
        ),
    ] = "joint",
    coverage: Annotated[
        str | None,
        typer.Option("--coverage", metavar="SHARE", help="Charge what covers this share of a builtin's inputs."),
    ] = None,
    shape: Annotated[
        str, typer.Option("--shape", metavar="NAME", help="free: also say which other shape would fit better.")
    ] = "chain",
    strict: Annotated[
        bool,
        typer.Option("--strict", help="Write no model, and exit with 1, where a price has a material flag."),
    ] = False,
    factor: Annotated[
        float,
        typer.Option(
            "--safety-factor",
            metavar="FACTOR",
            help="Write no model that undercharges a measured point by more than this.",
        ),
    ] = 2.0,
    allow: Annotated[
        str,
        typer.Option(
            "--allow", metavar="NAMES", help="Builtins whose price may be unsafe all the same: patterns, with commas."
        ),
    ] = "",
    margin: Annotated[
        list[str] | None,
        typer.Option(
            "--margin",
            metavar="[NAMES=]SHARE|interval|worst",
            help="Charge so much more than the fit, such as 20%, or the upper end of intervals, or what the worst "
            "witnesses take; for some builtins and steps by a pattern. May come again; the last that fits holds.",
        ),
    ] = None,
    worst: Annotated[
        list[Path] | None,
        typer.Option(
            "--worst",
            metavar="SEARCH",
            help="Search of `worst` whose witnesses `--margin worst` charges, besides those among the runs' cells; may "
            "come again.",
        ),
    ] = None,
    reference: Annotated[
        Path | None,
        typer.Option(
            "--reference", metavar="MODEL", help="Express the fit in the picoseconds of this model's machine."
        ),
    ] = None,
    reference_factor: Annotated[
        float,
        typer.Option(
            "--reference-factor", metavar="FACTOR", help="Leave out builtins that are known less well than to this."
        ),
    ] = 3.0,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Fit costing functions, step costs and call overhead to runs, and write a cost model."""
    if _is_official(method, runs, criterion):
        if strict or reference or margin or worst or coverage is not None or rounding != "joint" or shape != "chain":
            raise InputError(
                "--strict, --reference, --margin, --worst, --coverage, --rounding and --shape need the own method"
            )
        assert criterion is not None  # noqa: S101 - as has just been checked
        variant = variant_for(language_named(language), protocol_version)
        fit_criterion(criterion, out or Path("models") / f"{criterion.stem}.json", variant=variant, as_json=as_json)
        return
    assert runs is not None  # noqa: S101 - as has just been checked
    if shape not in ("chain", "free"):
        raise InputError(f"--shape {shape!r} is unknown; use chain or free")
    target = out or Path("models") / f"{runs[-1].name}.json"
    refuse_overwriting({"--out": target}, [*runs, *([reference] if reference else [])])
    with stderr().status("fitting"):
        model = api.fit(
            runs,
            language=language,
            protocol_version=protocol_version,
            seed=seed,
            rounding=rounding,
            coverage=None if coverage is None else share(coverage, "--coverage"),
            compare_shapes=shape == "free",
            safety_factor=factor,
            allow=tuple(name.strip() for name in allow.split(",") if name.strip()),
            margins=margin or (),
            worst=worst or (),
        )
    from costmodel.fit import refuse_unusable

    section = model.section
    assert section.verdict is not None  # noqa: S101 - a fit that has just been made has one
    refuse_unusable(section.verdict)
    if strict and section.flagged:
        for name in section.flagged:
            complain(f"{name}: {'; '.join(f'{each.flag}: {each.reason}' for each in material_flags(section, name))}")
        flagged = ", ".join(section.flagged)
        raise CheckFailed(
            f"{len(section.flagged)} prices have material flags, and --strict writes no such model: {flagged}"
        )
    if reference is not None:
        express_fit(model, reference, target, seed=seed, factor=reference_factor, as_json=as_json)
        return
    model.write(target)
    if as_json:
        print_json(model.document(target))
    else:
        show_model(section, target)


def _is_official(method: str, runs: list[Path] | None, criterion: Path | None) -> bool:
    """Whether the official method is wanted; InputError where the input is not that method's."""
    if method not in ("own", "official"):
        raise InputError(f"unknown method {method!r}; use own or official")
    if method == "official" and (runs or criterion is None):
        raise InputError("the official method takes no runs but a CSV; give it with --criterion")
    if method == "own" and (not runs or criterion is not None):
        raise InputError("name runs to fit, or give --method official with --criterion FILE.csv")
    return method == "official"
