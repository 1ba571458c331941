"""Help, version, usage errors and completion, as their user meets them."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from costmodel import __version__
from costmodel.cli.app import ENTRIES, app
from tests.cli.command import ENVIRONMENT, MAIN, calibrate, one_line


def names(command: Any = None, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every command, as the words that call it."""
    group: Any = command or typer.main.get_command(app)
    for name, below in group.commands.items():
        yield (*above, name)
        if hasattr(below, "commands"):
            yield from names(below, (*above, name))


@pytest.mark.parametrize("words", [(), *names()], ids=" ".join)
def test_help_is_printed_within_80_columns(words: tuple[str, ...]) -> None:
    command = typer.main.get_command(app)
    context = command.make_context("calibrate", [], resilient_parsing=True, terminal_width=80)
    for word in words:
        command = command.get_command(context, word)  # type: ignore[attr-defined]
        context = command.make_context(word, [], parent=context, resilient_parsing=True, terminal_width=80)
    text = command.get_help(context)
    assert text.startswith(f"Usage: {' '.join(('calibrate', *words))} ")
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize(
    "arguments", [("--help",), ("-h",), ("fit", "--help"), ("fit", "-h"), ("params", "show", "-h")]
)
def test_help_is_a_success(arguments: tuple[str, ...]) -> None:
    result = calibrate(*arguments)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("Usage: calibrate ")


def test_version_is_a_success() -> None:
    result = calibrate("--version")
    assert (result.returncode, result.stdout, result.stderr) == (0, f"calibrate {__version__}\n", "")


def test_no_command_prints_the_help_and_is_a_usage_error() -> None:
    result = calibrate()
    assert result.returncode == 2
    assert result.stdout.startswith("Usage: calibrate ")


def test_help_lists_every_command_in_its_group_with_its_whole_description() -> None:
    text = calibrate("--help").stdout
    for name, entry in ENTRIES.items():
        group = text[text.index(f"\n{entry.group}:\n") :].split("\n\n")[0]
        assert f"  {name} " in group
        assert entry.help in group


@pytest.mark.parametrize("group", ["params", "evaluators", "trace"])
def test_help_of_a_group_has_whole_descriptions(group: str) -> None:
    lines = calibrate(group, "--help").stdout.split("Commands:\n")[1].splitlines()
    assert lines
    assert [line for line in lines if line.endswith("...")] == []
    assert lines[-1].endswith(".")


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("frobnicate",), "try calibrate --help"),
        (("fit", "--nope"), "try calibrate fit --help"),
        (("params",), "try calibrate params --help"),
        (("params", "emit"), "try calibrate params emit --help"),
        (("validate",), "try calibrate validate --help"),
    ],
)
def test_usage_errors_say_where_help_is(arguments: tuple[str, ...], hint: str) -> None:
    assert one_line(calibrate(*arguments)).endswith(f"; {hint}\n")


def test_a_mistyped_command_is_corrected() -> None:
    assert "Did you mean 'measure'?" in one_line(calibrate("mesure"))


def test_module_can_be_run() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "costmodel", "--version"], capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stdout) == (0, f"calibrate {__version__}\n")


def test_shell_completes_commands_and_options() -> None:
    def completions(line: str) -> list[str]:
        words = {"COMP_WORDS": line, "COMP_CWORD": str(len(line.split()) - 1), "_CALIBRATE_COMPLETE": "complete_bash"}
        result = subprocess.run(MAIN, capture_output=True, text=True, check=False, env=ENVIRONMENT | words)
        return result.stdout.split()

    assert completions("calibrate me") == ["measure", "memory"]
    assert "--criterion" in completions("calibrate fit --cri")


def test_help_loads_no_heavy_library() -> None:
    script = "import sys; from costmodel.cli.app import run; run(['--help']); print(*sys.modules, file=sys.stderr)"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = set(result.stderr.split())
    assert loaded & {"numpy", "pandas", "rich", "pyarrow", "scipy", "matplotlib", "costmodel._native"} == set()


def test_evaluating_a_program_loads_no_heavy_library(tmp_path: Path) -> None:
    program = tmp_path / "one.uplc"
    program.write_text("(program 1.0.0 (con integer 1))")
    script = f"import sys; from costmodel.cli.app import run; run(['eval', {str(program)!r}])"
    script += "; print(*sys.modules, file=sys.stderr)"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = set(result.stderr.split())
    assert (
        loaded & {"numpy.linalg", "pandas", "pyarrow", "scipy", "matplotlib", "opentelemetry", "distributed"} == set()
    )
