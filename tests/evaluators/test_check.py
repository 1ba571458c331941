"""Whether a driver can be trusted."""

import pytest

from costmodel.evaluators.check import check
from costmodel.records.evaluator import Trust, TrustVerdict
from tests.evaluators.drivers import command


def verdicts(trust: Trust) -> dict[str, TrustVerdict]:
    return {one.name: one.verdict for one in trust.checks}


def test_a_driver_that_does_its_work_is_trusted() -> None:
    trust = check(command("", ""))
    found = verdicts(trust)
    assert trust.trusted, trust.reason
    assert found["handshake"] is found["refusals"] is found["results"] is found["threads"] is TrustVerdict.OK
    assert trust.evaluator == "fake 1.0"


@pytest.mark.parametrize(
    ("fault", "operation", "name", "said"),
    [
        ("keeps results", "", "kept results", "repeated operands take a share of the time of distinct ones: multiply"),
        ("takes anything", "", "refusals", "bytes that are no program is answered by"),
        ("wrong digest", "addInteger", "results", "programs fail, first integers in PlutusV2 at 10: its result"),
        ("clock of a microsecond", "", "clock", "its readings move in steps of"),
        ("counts no iterations", "", "twice the work", "twice the iterations take"),
    ],
)
def test_what_cannot_be_trusted_is_named(fault: str, operation: str, name: str, said: str) -> None:
    trust = check(command(fault, operation))
    assert not trust.trusted
    assert verdicts(trust)[name] is TrustVerdict.BAD
    assert said in trust.reason


def test_other_ex_units_are_a_warning() -> None:
    trust = check(command("other ExUnits", "addInteger"))
    assert trust.trusted, trust.reason
    assert verdicts(trust)["results"] is TrustVerdict.WARN
