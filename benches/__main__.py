"""`make bench`: times decoding and evaluation of contracts on every evaluator that can be built here."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console

from benches import contracts as sources
from benches.contracts import Contract
from benches.evaluators import BUILD, NAMES, Preparation, prepare
from benches.schedule import Benchmark, Observed, Plan, on_terminal
from benches.table import remarks, summarise, table, verdicts, wrong_ex_units
from costmodel import __version__
from costmodel.errors import CalibrateError, CheckFailed, InputError
from costmodel.timing.surroundings import fingerprint, versions

_FULL = Plan(rounds=5, blocks=5, batch_ms=5.0, seed=0)
_QUICK = Plan(rounds=2, blocks=4, batch_ms=2.0, seed=0)
_QUICK_EVERY = 4  # contracts, one of which a quick run times


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benches", description=__doc__)
    parser.add_argument("--contracts", type=Path, metavar="DIR", help="folder of *.flat programs without arguments")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="of the peers, only these")
    parser.add_argument("--core", type=int, help="the core to run on (default: the last one)")
    parser.add_argument("--quick", action="store_true", help="a rough look: fewer contracts, rounds and blocks")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    return parser.parse_args()


def pin(core: int | None) -> int:
    """Keep this process, and all that it starts from now on, on one core. InputError where it may not run there."""
    allowed = sorted(os.sched_getaffinity(0))
    chosen = allowed[-1] if core is None else core
    if chosen not in allowed:
        raise InputError(f"core {chosen} is not one of those that may be used: {', '.join(map(str, allowed))}")
    os.sched_setaffinity(0, {chosen})
    return chosen


def chosen_contracts(folder: Path | None) -> list[Contract]:
    if folder is not None:
        return sources.from_folder(folder)
    if sources.SHARED.is_dir():
        return sources.from_folder(sources.SHARED)
    return sources.own(BUILD / "contracts")


def prepared(only: list[str] | None) -> Preparation:
    unknown = sorted(set(only or ()) - set(NAMES))
    if unknown:
        raise InputError(f"there is no peer {unknown[0]!r}; there are {', '.join(NAMES)}")
    return prepare(NAMES if only is None else only)


def run(options: argparse.Namespace) -> None:
    contracts = chosen_contracts(options.contracts)
    if options.quick:
        contracts = contracts[::_QUICK_EVERY]
    # Building before pinning leaves the compilers both where they are now and where they run best.
    preparation = prepared(options.only)
    core = pin(options.core)
    plan = _QUICK if options.quick else _FULL
    observed = Benchmark(preparation.ready, contracts, plan, core).run(on_terminal)
    on_terminal("")
    document = report(observed, contracts, preparation, plan, core)
    if options.json:
        print(json.dumps(document, indent=2, sort_keys=True))
    else:
        show(document, [ready.name for ready in preparation.ready])
    wrong = wrong_ex_units(observed, contracts)
    if wrong:
        raise CheckFailed("the native machine's ExUnits are wrong: " + "; ".join(wrong))


def report(
    observed: Observed, contracts: list[Contract], preparation: Preparation, plan: Plan, core: int
) -> dict[str, Any]:
    checked = sum(contract.expected is not None for contract in contracts)
    return {
        "machine": {**msgspec.to_builtins(fingerprint(core)), "core": core},
        "versions": versions(__version__),
        "evaluators": observed.facts,
        "plan": {"rounds": plan.rounds, "blocks": plan.blocks, "batch_ms": plan.batch_ms, "contracts": len(contracts)},
        "ex_units": {"expected": checked, "wrong": wrong_ex_units(observed, contracts)},
        "works": summarise(observed, contracts),
        "remarks": remarks(observed, preparation.ready, preparation.left_out),
    }


def show(document: dict[str, Any], order: list[str]) -> None:
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 200)
    plan, machine, units = document["plan"], document["machine"], document["ex_units"]
    console.print(table(document["works"], order))
    lines = [
        "",
        *verdicts(document["works"]),
        f"{plan['rounds']} rounds of fresh processes, {plan['blocks']} blocks each, on core {machine['core']}",
        f"machine {machine['id']}: {machine['cpu'].get('model name', machine['architecture'])}",
        f"native ExUnits: {units['expected'] - len(units['wrong'])} of {units['expected']} as expected",
        *document["remarks"],
    ]
    for line in lines:
        console.print(line, markup=False, soft_wrap=True)


def main() -> int:
    try:
        run(arguments())
    except CalibrateError as error:
        print(f"bench: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("bench: interrupted", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
