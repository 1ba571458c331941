"""Commands as processes forked from one that has loaded what they load, so that none waits for imports."""

import gc
import importlib
import json
import os
import signal
import sys
from typing import Any, Final

from costmodel.cli import main

TIMEOUT: Final = 600  # seconds of a command, on a loaded machine too

_LOADED: Final = (
    *("costmodel.cli.app", "costmodel.experiments", "costmodel.fit", "costmodel.timing.session", "costmodel.workloads"),
    *("numpy", "pandas", "pyarrow.compute", "pyarrow.parquet", "rich.table", "typer._adapters"),
    *("scipy.linalg", "scipy.optimize", "scipy.special", "scipy.stats"),
)


def serve() -> None:
    """Runs the command of each line on stdin, a request in JSON, and answers with its exit code in a line on stdout."""
    for module in _LOADED:
        importlib.import_module(module)
    gc.freeze()  # a collection would write to, and so copy, every page
    with os.fdopen(os.dup(0)) as requests, os.fdopen(os.dup(1), "w") as answers:
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1):
            os.dup2(nowhere, stream)
        for line in requests:
            child = os.fork()
            if not child:
                request = json.loads(line)
                break
            _, status = os.waitpid(child, 0)
            print(os.waitstatus_to_exitcode(status), file=answers, flush=True)
        else:
            return
    _run(request)


def _run(request: dict[str, Any]) -> None:
    """Becomes the command, and ends with it."""
    signal.alarm(TIMEOUT)
    for stream, name in enumerate(("stdout", "stderr"), start=1):
        os.dup2(os.open(request[name], os.O_WRONLY | os.O_APPEND), stream)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv[1:] = request["arguments"]
    main()
