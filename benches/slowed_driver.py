"""A driver around a driver, in which one builtin is slower: `python -m benches.slowed_driver BUILTIN NS COMMAND…`.

It passes all lines on, and adds so many nanoseconds to a reported time for each application of the builtin. With it,
two measurements show how well a change of one builtin is found: `calibrate measure --evaluator "python -m …"`.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import Any

from costmodel.machine import Script, exact_machine
from costmodel.machine.driver import BUDGET
from costmodel.model import variant_for
from costmodel.plutus import LedgerLanguage


def applications(load: dict[str, Any], builtin: str) -> int:
    """How often a run of a loaded program applies the builtin."""
    language, version = LedgerLanguage(load["language"]), int(load["protocol_version"])
    script = Script.decode(bytes.fromhex(load["flat"]), language, version)
    for argument in load["arguments"]:
        script.apply_data(bytes.fromhex(argument))
    return exact_machine(variant_for(language, version)).evaluate(script, BUDGET).builtins.get(builtin, 0)


def slowed(request: dict[str, Any], answer: dict[str, Any], counts: dict[int, int], ns: float) -> dict[str, Any]:
    """An answer with what the slower builtin adds to it; it takes that long, too."""
    if answer["type"] != "timed" or request["work"] != "evaluate":
        return answer
    programs = request["programs"]
    added = ns * sum(counts[programs[turn % len(programs)]] for turn in range(request["iterations"]))
    until = time.perf_counter_ns() + added
    while time.perf_counter_ns() < until:
        pass
    return answer | {"ns": answer["ns"] + round(added)}


def main() -> int:
    builtin, ns, *command = sys.argv[1:]
    counts: dict[int, int] = {}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as driver:
        if driver.stdin is None or driver.stdout is None:
            return 1
        hello = json.loads(driver.stdout.readline())
        print(json.dumps(hello | {"build": f"{hello['build']} ({builtin} slower by {ns} ns)"}), flush=True)
        for line in sys.stdin:
            request = json.loads(line)
            driver.stdin.write(line)
            driver.stdin.flush()
            answer = json.loads(driver.stdout.readline())
            if request["type"] == "load" and answer["type"] == "loaded":
                counts[request["program"]] = applications(request, builtin)
            print(json.dumps(slowed(request, answer, counts, float(ns))), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
