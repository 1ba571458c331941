"""A driver for tests: the native machine behind the driver protocol, with a fault of choice.

`python fake_driver.py FAULT OPERATION` behaves well but for programs that apply the builtin OPERATION: with these it
does what the fault says. Its clock is a made-up one that counts what the chain charges, so that times repeat.
"""

import hashlib
import json
import os
import signal
import sys
import time
from typing import Any

from costmodel.errors import CalibrateError
from costmodel.machine import EvaluationStatus, NativeMachine, Script, exact_machine
from costmodel.model import ExUnits, from_array, variant_for
from costmodel.plutus import LedgerLanguage

FAULT, OPERATION = (*sys.argv[1:], "", "")[:2]
ENDLESS = 3600.0
HELLO = {
    "type": "hello",
    "protocol": 1,
    "evaluator": "fake",
    "version": "1.0",
    "build": "",
    "runtime": "CPython",
    "clock": "made up",
    "resolution_ns": 1.0,
    "capabilities": {
        "languages": ["PlutusV2", "PlutusV3"],
        "protocol_versions": [10, 11],
        "cost_model": "given",
        "ex_units": True,
        "decode": True,
        "arguments": True,
        "results": "flat",
        "collector": FAULT == "collects garbage",
        "compiler": False,
    },
}


class Kept:
    """A loaded program."""

    def __init__(self, request: dict[str, Any]) -> None:
        language = LedgerLanguage(request["language"])
        version = request["protocol_version"]
        self.flat = bytes.fromhex(request["flat"])
        self.script = Script.decode(self.flat, language, version)
        for argument in request["arguments"]:
            self.script.apply_data(bytes.fromhex(argument))
        array = request["cost_model"]
        model = from_array(array, language, version) if array else None
        self.machine: NativeMachine = exact_machine(variant_for(language, version), model)
        self.budget = ExUnits(request["budget"]["cpu"], request["budget"]["mem"])
        self.bad = OPERATION in self.machine.evaluate(self.script, self.budget).builtins


def evaluated(kept: Kept) -> dict[str, Any]:
    """A result, or why there is none."""
    outcome = kept.machine.evaluate(kept.script, kept.budget, result=True)
    if outcome.status is EvaluationStatus.OVER_BUDGET:
        return {"type": "out_of_budget", "reason": outcome.error or ""}
    if outcome.status is not EvaluationStatus.SUCCESS:
        return {"type": "failed", "reason": outcome.error or ""}
    digest = hashlib.sha256(outcome.result).hexdigest() if outcome.result else None
    return {"cpu": outcome.spent.cpu, "mem": outcome.spent.mem, "digest": digest}


SEEN: dict[bytes, dict[str, Any]] = {}


def timed(request: dict[str, Any], programs: dict[int, Kept]) -> dict[str, Any]:
    chosen = [programs[number] for number in request["programs"]]
    results, ns = [], 0.0
    for turn in range(request["warm_up"] + request["iterations"]):
        at = turn - request["warm_up"]
        kept = chosen[max(at, 0) % len(chosen)] if at >= 0 else chosen[turn % len(chosen)]
        cost = 1000.0
        if request["work"] == "evaluate":
            known = SEEN.get(kept.flat) if FAULT == "keeps results" else None
            result = evaluated(kept) if known is None else known
            if "type" in result:
                return result
            cost = 100.0 if known is not None else cost + result["cpu"] / 1000
            if FAULT == "slower" and kept.bad:
                cost *= 1.05
            SEEN[kept.flat] = result
            if 0 <= at < len(chosen):
                results.append(result)
        else:
            cost += 10.0 * len(kept.flat)
        if at >= 0 and not (FAULT == "counts no iterations" and at):
            ns += cost
    end = time.perf_counter_ns() + ns
    while time.perf_counter_ns() < end:  # the request is to take as long as it says
        pass
    if FAULT == "clock of a microsecond":
        ns = ns // 1000 * 1000
    return {"type": "timed", "ns": round(ns), "results": results}


def say(line: str) -> None:
    sys.stdout.write(line)
    sys.stdout.flush()


def misbehave(  # noqa: C901 - a table of faults
    request: dict[str, Any], answer: dict[str, Any]
) -> dict[str, Any] | None:
    """What becomes of an answer about a bad program; None where there is none."""
    timing = request["type"] == "time"
    batch = timing and request["iterations"] > 1
    text = json.dumps(answer)
    first: list[dict[str, Any]] = answer.get("results") or [{}]
    match FAULT:
        case "exits while loading" if not timing:
            sys.exit(7)
        case "killed while loading" if not timing:
            os.kill(os.getpid(), signal.SIGKILL)
        case "complains and exits" if not timing:
            sys.stderr.write("boom: no such thing\n")
            sys.exit(1)
        case "killed before a batch" if timing and not batch:
            os.kill(os.getpid(), signal.SIGKILL)
        case "killed during a batch" if batch:
            os.kill(os.getpid(), signal.SIGKILL)
        case "killed after a batch" if batch:
            say(text + "\n")
            os.kill(os.getpid(), signal.SIGKILL)
        case "silence" if timing:
            time.sleep(ENDLESS)
        case "silence while loading" if not timing:
            time.sleep(ENDLESS)
        case "half a line" if timing:
            say(text[: len(text) // 2])
            sys.exit(0)
        case "half a line and silence" if timing:
            say(text[: len(text) // 2])
            time.sleep(ENDLESS)
        case "megabytes of noise" if timing:
            say("x" * (4 << 20) + "\n")
        case "noise before the answer" if timing:
            say("starting the evaluator\n")
        case "megabytes of complaints" if timing:
            sys.stderr.write("warning\n" * (1 << 19))
        case "no JSON" if timing:
            say("{]\n")
            return None
        case "not UTF-8" if timing:
            sys.stdout.buffer.write(b"\xff\xfe{}\n")
            sys.stdout.flush()
            return None
        case "another request" if timing:
            return answer | {"request": answer["request"] + 1}
        case "unknown message" if timing:
            return answer | {"type": "done"}
        case "wrong digest" if timing:
            return answer | {"results": [first[0] | {"digest": "0" * 64}]}
        case "changing digest" if batch:
            return answer | {"results": [first[0] | {"digest": "0" * 64}]}
        case "changing ExUnits" if batch:
            return answer | {"results": [first[0] | {"cpu": 1}]}
        case "other ExUnits" if timing:
            return answer | {"results": [one | {"cpu": one["cpu"] + 5} for one in first]}
        case "no results" if timing:
            return answer | {"results": []}
        case "clock backwards" if timing:
            return answer | {"ns": -5}
        case "clock too fast" if timing:
            return answer | {"ns": 10**12}
        case "refused builtin" if not timing:
            return {"type": "refused", "request": answer["request"], "reason": "no such builtin"}
        case "failure" if timing:
            return {"type": "failed", "request": answer["request"], "reason": "it failed"}
        case "out of budget" if timing:
            return {"type": "out_of_budget", "request": answer["request"], "reason": ""}
        case "loaded instead of timed" if timing:
            return {"type": "loaded", "request": answer["request"]}
    return answer


def answered(request: dict[str, Any], programs: dict[int, Kept]) -> dict[str, Any]:
    if request["type"] == "load":
        try:
            programs[request["program"]] = Kept(request)
        except CalibrateError as error:
            return {"type": "refused", "reason": str(error)}
        return {"type": "loaded"}
    return timed(request, programs)


def main() -> None:
    if FAULT == "no hello":
        say("ready\n")
        return
    say(json.dumps(HELLO | {"protocol": 2 if FAULT == "another protocol" else 1}) + "\n")
    programs: dict[int, Kept] = {}
    for line in sys.stdin:
        request = json.loads(line)
        if FAULT == "takes anything" and request["type"] == "time" and request["programs"][0] not in programs:
            answer = {"type": "timed", "ns": 1000, "results": [{"cpu": 1, "mem": 1, "digest": None}]}
        else:
            answer = answered(request, programs)
        if FAULT == "takes anything" and answer["type"] == "refused":
            programs.pop(request["program"], None)
            answer = {"type": "loaded"}
        answer = {"request": request["request"], **answer}
        numbers = [request["program"]] if request["type"] == "load" else request["programs"]
        if OPERATION and any(number in programs and programs[number].bad for number in numbers):
            told = misbehave(request, answer)
            if told is None:
                continue
            answer = told
        say(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
