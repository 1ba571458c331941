"""A sample evaluator of Plutus programs, with its driver: what a repository of your own would have.

It knows integers, booleans and six builtins, and speaks version 1 of the driver protocol. Its clock is a made-up one
that counts ticks, a microsecond each, so that a check of it comes out the same on every machine; yours is to be real.
"""

import json
import sys
import time

TICK_NS = 1000
TICK_PS = 1000 * TICK_NS
WORDS = 100  # of each value

BUILTINS = {
    0: (2, lambda a, b: a + b),  # addInteger
    1: (2, lambda a, b: a - b),  # subtractInteger
    2: (2, lambda a, b: a * b),  # multiplyInteger
    7: (2, lambda a, b: a == b),  # equalsInteger
    9: (2, lambda a, b: a <= b),  # lessThanEqualsInteger
    26: (3, lambda condition, yes, no: yes if condition else no),  # ifThenElse
}


class Refused(Exception):
    """A program that this evaluator does not take."""


class Failed(Exception):
    """A program that failed."""


class Flat:
    """Reads a program in flat, bit by bit."""

    def __init__(self, content):
        self.bits = "".join(f"{byte:08b}" for byte in content)
        self.place = 0

    def take(self, count):
        bits = self.bits[self.place : self.place + count]
        if len(bits) < count:
            raise Refused("unexpected end of input")
        self.place += count
        return int(bits, 2)

    def natural(self):
        value, shift = 0, 0
        while True:
            byte = self.take(8)
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7

    def program(self):
        for _ in range(3):
            self.natural()  # the version
        return self.term(0)

    def term(self, depth):
        if depth > 200:
            raise Refused("nested too deeply for this sample")
        tag = self.take(4)
        if tag == 0:
            return ("var", self.natural())
        if tag in (1, 2, 5):
            return ({1: "delay", 2: "lam", 5: "force"}[tag], self.term(depth + 1))
        if tag == 3:
            return ("apply", self.term(depth + 1), self.term(depth + 1))
        if tag == 4:
            return ("value", self.constant())
        if tag == 6:
            return ("error",)
        if tag == 7:
            number = self.take(7)
            if number not in BUILTINS:
                raise Refused(f"no builtin {number}")
            return ("builtin", number)
        raise Refused(f"no term with the tag {tag}")

    def constant(self):
        types = []
        while self.take(1):
            types.append(self.take(4))
        if types == [0]:
            number = self.natural()
            return number // 2 if number % 2 == 0 else -(number + 1) // 2
        if types == [4]:
            return bool(self.take(1))
        raise Refused("only integers and booleans")


class Machine:
    """Runs one program, and counts what it does."""

    def __init__(self):
        self.ticks = 0
        self.values = 0

    def run(self, term):
        environment, stack = None, []
        while True:
            self.ticks += 1
            kind = term[0]
            if kind == "apply":
                stack.append(("argument", term[2], environment))
                term = term[1]
                continue
            if kind == "force":
                stack.append(("force",))
                term = term[1]
                continue
            if kind == "error":
                raise Failed("error")
            value = self.value(term, environment)
            while True:
                if not stack:
                    return value
                frame = stack.pop()
                if frame[0] == "argument":
                    stack.append(("function", value))
                    term, environment = frame[1:]
                    break
                if frame[0] == "force":
                    if isinstance(value, tuple) and value[0] == "delay":
                        _, term, environment = value
                        break
                    continue  # a polymorphic builtin
                function, argument = frame[1], value
                if isinstance(function, tuple) and function[0] == "lam":
                    _, term, outer = function
                    environment = self.extended(outer, argument)
                    break
                value = self.applied(function, argument)

    def value(self, term, environment):
        self.values += 1
        if term[0] == "var":
            return self.looked_up(environment, term[1])
        if term[0] in ("lam", "delay"):
            return (term[0], term[1], environment)
        if term[0] == "builtin":
            return ("builtin", term[1], ())
        return term[1]

    def extended(self, environment, value):
        return (value, environment)

    def looked_up(self, environment, index):
        for _ in range(index - 1):
            environment = environment[1]
        return environment[0]

    def applied(self, function, argument):
        if not isinstance(function, tuple) or function[0] != "builtin":
            raise Failed("only functions can be applied")
        _, number, arguments = function
        arguments = (*arguments, argument)
        arity, meaning = BUILTINS[number]
        if len(arguments) < arity:
            return ("builtin", number, arguments)
        self.ticks += 1
        return meaning(*arguments)


def evaluated(program):
    machine = Machine()
    machine.run(program)
    return machine


def timed(request, programs):
    chosen = [programs[number] for number in request["programs"]]
    for turn in range(request["warm_up"]):
        evaluated(chosen[turn % len(chosen)])
    begin = time.perf_counter_ns()
    runs = [evaluated(chosen[turn % len(chosen)]) for turn in range(request["iterations"])]
    ns = TICK_NS * sum(run.ticks for run in runs)
    while time.perf_counter_ns() < begin + ns:  # a clock may not be ahead of the time that has passed
        pass
    results = [{"cpu": TICK_PS * run.ticks, "mem": WORDS * run.values} for run in runs[: len(chosen)]]
    return {"type": "timed", "ns": ns, "results": results}


def answer(request, programs):
    try:
        if request["type"] == "load":
            programs[request["program"]] = Flat(bytes.fromhex(request["flat"])).program()
            return {"type": "loaded"}
        return timed(request, programs)
    except Refused as error:
        return {"type": "refused", "reason": str(error)}
    except Failed as error:
        return {"type": "failed", "reason": str(error)}


def say(message):
    print(json.dumps(message), flush=True)


def main():
    say(
        {
            "type": "hello",
            "protocol": 1,
            "evaluator": "sample",
            "version": "1.0",
            "build": "",
            "runtime": f"CPython {sys.version.split()[0]}",
            "clock": "ticks",
            "resolution_ns": TICK_NS,
            "capabilities": {
                "languages": ["PlutusV3"],
                "protocol_versions": [9, 10, 11],
                "cost_model": "built in",
                "ex_units": True,
                "decode": False,
                "arguments": False,
                "results": "none",
                "collector": False,
                "compiler": False,
            },
        }
    )
    programs = {}
    for line in sys.stdin:
        request = json.loads(line)
        say(answer(request, programs) | {"request": request["request"]})


main()
