"""The process that puts settings back: `python -m costmodel.doctor.guard SYS RUN`.

It waits for the end of its standard input, which comes when whoever changed the settings is done, or dies, however it
dies. It lives in a session of its own, so that Ctrl-C and a closed terminal do not reach it.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from costmodel.doctor.settings import Host, put_back
from costmodel.errors import CalibrateError


def main() -> int:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    host = Host(sys=Path(sys.argv[1]), run=Path(sys.argv[2]))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while sys.stdin.buffer.read(1):
        pass
    try:
        put_back(host)
    except CalibrateError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
