"""Writes the manual page: `python -m docs.man FILE`. It says what `--help` of every command says."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import typer
from jinja2 import Environment, StrictUndefined

from costmodel import __version__
from costmodel.cli.app import ENTRIES, app

_WIDTH: Final = 10_000  # so that nothing is wrapped: the reader's terminal does that

_PAGE: Final = """\
.TH CALIBRATE 1 "" "calibrate {{ version|roff }}" "User Commands"
.SH NAME
calibrate \\- {{ summary|roff }}
.SH SYNOPSIS
.B calibrate
.RI [ options ]
.I command
.RI [ arguments ]
.SH OPTIONS
{{ options(root.options) }}
.SH COMMANDS
{% for group, names in groups %}
.SS {{ group|roff }}
{% for name in names %}
.TP
.B {{ name|roff }}
{{ entries[name].help|roff }}
{% endfor %}
{% endfor %}
{% for each in commands %}
.SH {{ each.name|upper|roff }}
.B {{ each.usage|roff }}
{% for paragraph in each.paragraphs %}
.PP
{{ paragraph|roff }}
{% endfor %}
{{ options(each.options) }}
{% endfor %}
.SH EXIT STATUS
{% for code, meaning in codes %}
.TP
.B {{ code }}
{{ meaning|roff }}
{% endfor %}
"""
_OPTIONS: Final = """\
{% for names, help in entries %}
.TP
.B {{ names|roff }}
{{ help|roff }}
{% endfor %}
"""
_CODES: Final = (
    ("0", "Done, and the check passed."),
    ("1", "The check failed."),
    ("2", "Wrong usage or bad input."),
    ("3", "Inconclusive: the observations cannot tell."),
    ("130", "Interrupted; can be resumed."),
)


class _Command(NamedTuple):
    """What the help of a command has."""

    name: str
    usage: str
    paragraphs: tuple[str, ...]
    options: tuple[tuple[str, str], ...]


def manual() -> str:
    """The page, in the language of man(7)."""
    root, *commands = _commands(typer.main.get_command(app), ("calibrate",))
    environment = Environment(autoescape=False, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)  # noqa: S701 - not HTML
    environment.filters["roff"] = roff
    options = environment.from_string(_OPTIONS)
    groups = dict.fromkeys(entry.group for entry in ENTRIES.values())
    page = environment.from_string(_PAGE).render(
        version=__version__,
        summary=root.paragraphs[0].rstrip("."),
        root=root,
        entries=ENTRIES,
        groups=[(group, [name for name, entry in ENTRIES.items() if entry.group == group]) for group in groups],
        commands=commands,
        codes=_CODES,
        options=lambda entries: options.render(entries=entries).rstrip(),
    )
    return "\n".join(line for line in page.splitlines() if line) + "\n"


def _commands(command: Any, names: tuple[str, ...], parent: Any = None) -> Iterator[_Command]:
    context = command.make_context(
        names[-1], [], parent=parent, resilient_parsing=True, terminal_width=_WIDTH, max_content_width=_WIDTH
    )
    records = [record for each in command.get_params(context) if (record := each.get_help_record(context))]
    usage = " ".join((*names, *command.collect_usage_pieces(context)))
    paragraphs = tuple(" ".join(part.split()) for part in (command.help or "").split("\n\n"))
    yield _Command(" ".join(names), usage, paragraphs, tuple(records))
    for name, below in getattr(command, "commands", {}).items():
        yield from _commands(below, (*names, name), context)


def roff(text: str) -> str:
    """Text as roff shows it: no line is a request, hyphens can be copied, and all is ASCII."""
    escaped = " ".join(text.split()).replace("\\", "\\e").replace("-", "\\-")
    escaped = "".join(each if each.isascii() else f"\\[u{ord(each):04X}]" for each in escaped)
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(manual(), "utf-8")
