"""`calibrate report`: a page about runs, models, verdicts, comparisons and clusters."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from costmodel.cli.options import Json, TableCommand, refuse_overwriting
from costmodel.cli.output import print_json, say, show, stderr
from costmodel.errors import InputError
from costmodel.records.told import FlaggedRecord, PlotName, ReportDocument, Verification, VerifiedFinding
from costmodel.rendering import numbers
from costmodel.rendering.tables import Table, TableCell

if TYPE_CHECKING:
    from costmodel.report.page_model import Page, Plot

Command = TableCommand


def command(
    sources: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="RUN|MODEL|VERDICT|COMPARISON|CLUSTER...",
            help="Runs, folders of runs, models, searches by worst, and what validate, drift, compare, cluster, "
            "impact, parity and propose wrote with --json.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE",
            help="Page to write; with --plot, a picture that ends in .png or .svg. "
            "[default: report.html, unless --markdown or --json is given]",
        ),
    ] = None,
    markdown: Annotated[
        Path | None, typer.Option("--markdown", metavar="FILE", help="Also write the text and tables as Markdown.")
    ] = None,
    plot: Annotated[
        str | None, typer.Option("--plot", metavar="NAME", help="Write this plot alone; --json lists the names.")
    ] = None,
    verify: Annotated[
        Path | None,
        typer.Option("--verify", metavar="FOLDER", help="Instead, recheck the checksums and logs of a folder of runs."),
    ] = None,
    as_json: Json = False,
) -> int:
    """Write one HTML file about runs, models and verdicts. It answers first, and needs no network.

    With --verify, exit code 1 if a file differs from what its run wrote.
    """
    if verify is not None:
        if sources or out or markdown or plot:
            raise InputError("--verify goes alone: name a folder, and nothing else but --json")
        return _verify(verify, as_json)
    if plot is not None and (out is None or markdown is not None):
        raise InputError("--plot needs --out, a file that ends in .png or .svg, and does not go with --markdown")
    refuse_overwriting({"--out": out, "--markdown": markdown}, sources or [])
    with stderr().status("reading"):
        # pandas comes with it.
        from costmodel.report.assemble import assemble

        page = assemble(sources or [])
    if plot is not None and out is not None:
        written = [_write_plot(page, plot, out)]
    else:
        written = _write_page(page, out, markdown, as_json)
    _tell(page, written, as_json)
    return 0


def _write_plot(page: Page, name: str, out: Path) -> Path:
    from costmodel.files import with_folder, write_atomically
    from costmodel.report.drawing import picture

    plots: dict[str, Plot] = {each.name: each for each in page.plots()}
    if name not in plots:
        raise InputError(f"the page has no plot {name!r}; its plots: {', '.join(plots) or 'none'}")
    write_atomically(with_folder(out), picture(plots[name], out.suffix.removeprefix(".").lower()))
    return out


def _write_page(page: Page, out: Path | None, markdown: Path | None, as_json: bool) -> list[Path]:
    from costmodel.files import with_folder, write_atomically
    from costmodel.report.html import render_html
    from costmodel.report.markdown import render_markdown

    written = []
    if markdown is not None:
        write_atomically(with_folder(markdown), render_markdown(page).encode())
        written.append(markdown)
    if out is None and markdown is None and not as_json:
        out = Path("report.html")
    if out is not None:
        with stderr().status("drawing"):
            content = render_html(page).encode()
        write_atomically(with_folder(out), content)
        written.append(out)
    return written


def _tell(page: Page, written: list[Path], as_json: bool) -> None:
    if as_json:
        print_json(
            ReportDocument(
                title=page.title,
                written=tuple(map(str, written)),
                flagged=tuple(
                    FlaggedRecord(level=flag.level, kind=flag.kind, where=flag.where, text=flag.text)
                    for flag in page.flagged
                ),
                plots=tuple(PlotName(name=plot.name, title=plot.title) for plot in page.plots()),
            )
        )
        return
    counts = {level: sum(flag.level == level for flag in page.flagged) for level in ("error", "warning", "info")}
    say(*(f"wrote {path}" for path in written))
    told = ", ".join(f"{count} {level}" for level, count in counts.items() if count)
    say(f"flagged: {told or 'nothing'}")


def _verify(folder: Path, as_json: bool) -> int:
    from costmodel.runs.anomalies import run_folders, verify_folder
    from costmodel.trace import Severity

    runs = run_folders(folder)
    with stderr().status("checking"):
        findings = verify_folder(folder)
    failed = any(finding.severity is Severity.ERROR for finding in findings)
    code: Literal[0, 1] = 1 if failed else 0
    if as_json:
        odd = tuple(
            VerifiedFinding(kind=each.kind.value, severity=each.severity, where=each.where, text=each.text)
            for each in findings
        )
        print_json(Verification(runs=tuple(map(str, runs)), exit_code=code, findings=odd))
        return code
    if findings:
        rows = [
            (TableCell(each.severity.value, status=each.severity.value), each.kind.value, each.where, each.text)
            for each in findings
        ]
        show(Table.of("", ("severity", "kind", "where", "what"), rows))
    verdict = "some files differ from what their runs wrote" if failed else "every file is as its run wrote it"
    warned = sum(finding.severity is Severity.WARNING for finding in findings)
    verdict += f"; {numbers.plural(warned, 'warning')}" if warned else ""
    say(f"{numbers.plural(len(runs), 'run')} checked: {verdict}")
    return code
