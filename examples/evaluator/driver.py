"""Drives an evaluator by version 1 of the driver protocol."""

import hashlib
import json
import sys
import time

from costmodel.errors import CalibrateError
from costmodel.machine import EvaluationStatus, Script, exact_machine
from costmodel.model import ExUnits, from_array, variant_for
from costmodel.plutus import LedgerLanguage


class Stopped(Exception):
    """A run that did not succeed; the type of the answer, and why."""


class Kept:
    """A program that is loaded. This is where the evaluator is: decode, evaluate, and tell what came of it."""

    def __init__(self, request):
        self.language, self.version = LedgerLanguage(request["language"]), request["protocol_version"]
        self.flat = bytes.fromhex(request["flat"])
        self.arguments = [bytes.fromhex(argument) for argument in request["arguments"]]
        self.budget = ExUnits(request["budget"]["cpu"], request["budget"]["mem"])
        prices = request["cost_model"] and from_array(request["cost_model"], self.language, self.version)
        self.machine = exact_machine(variant_for(self.language, self.version), prices)
        self.program = self.decode()

    def decode(self):
        program = Script.decode(self.flat, self.language, self.version)
        for argument in self.arguments:
            program.apply_data(argument)
        return program

    def evaluate(self, result=False):
        outcome = self.machine.evaluate(self.program, self.budget, result=result)
        if outcome.status is EvaluationStatus.OVER_BUDGET:
            raise Stopped("out_of_budget", outcome.error)
        if outcome.status is not EvaluationStatus.SUCCESS:
            raise Stopped("failed", outcome.error)
        return outcome

    def result(self):
        outcome = self.evaluate(result=True)
        digest = hashlib.sha256(outcome.result).hexdigest() if outcome.result else None
        return {"cpu": outcome.spent.cpu, "mem": outcome.spent.mem, "digest": digest}


def timed(request, programs):
    """The answer to a request to time."""
    chosen = [programs[number] for number in request["programs"]]
    evaluating = request["work"] == "evaluate"
    run = Kept.evaluate if evaluating else Kept.decode
    for turn in range(request["warm_up"]):
        run(chosen[turn % len(chosen)])
    begin = time.perf_counter_ns()
    for turn in range(request["iterations"]):
        run(chosen[turn % len(chosen)])
    ns = time.perf_counter_ns() - begin
    results = [kept.result() for kept in chosen[: request["iterations"]]] if evaluating else []
    return {"type": "timed", "ns": ns, "results": results}


def answer(request, programs):
    """The answer to any request, without its number."""
    try:
        if request["type"] == "time":
            return timed(request, programs)
        programs[request["program"]] = Kept(request)
        return {"type": "loaded"}
    except Stopped as stop:
        kind, reason = stop.args
        return {"type": kind, "reason": reason}
    except (CalibrateError, KeyError) as error:  # it does not decode, or was never loaded
        return {"type": "refused", "reason": str(error)}


def say(message):
    print(json.dumps(message), flush=True)


say(
    {
        "type": "hello",
        "protocol": 1,
        "evaluator": "my-evaluator",
        "version": "1.0",
        "build": "",
        "runtime": f"CPython {sys.version.split()[0]}",
        "clock": "time.perf_counter_ns",
        "resolution_ns": 1,
        "capabilities": {
            "languages": ["PlutusV1", "PlutusV2", "PlutusV3"],
            "protocol_versions": [9, 10, 11],
            "cost_model": "given",
            "ex_units": True,
            "decode": True,
            "arguments": True,
            "results": "flat",
            "collector": False,
            "compiler": False,
        },
    }
)
loaded = {}
for line in sys.stdin:
    asked = json.loads(line)
    say(answer(asked, loaded) | {"request": asked["request"]})
