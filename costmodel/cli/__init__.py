"""The command line: a file a command, each thin – parse, call, print, exit code."""

import signal
import sys

from costmodel.errors import Interrupted


def main() -> None:
    """Runs the command that the process was called with, and ends the process with its exit code."""
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        # Asked to end, a command tidies up as after Ctrl-C: no temporary folders, no processes that go on.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        # Loading the commands takes longer than many of them run, and Ctrl-C may come at any time.
        from costmodel.cli.app import run_process
    except KeyboardInterrupt:
        print("calibrate: interrupted", file=sys.stderr)
        sys.exit(Interrupted.exit_code)
    run_process()
