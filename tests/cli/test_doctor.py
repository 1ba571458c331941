"""`calibrate doctor` as its user runs it."""

import json
import sys

from tests.cli.command import calibrate, one_line


def test_the_report_agrees_with_the_exit_code() -> None:
    result = calibrate("doctor", "--json")
    document = json.loads(result.stdout)
    assert {"fit": 0, "unfit": 1, "inconclusive": 3}[document["fitness"]] == result.returncode
    names = [check["name"] for check in document["checks"]]
    assert names == [
        *("clock", "governor", "turbo", "sibling", "isolation", "load", "virtualisation"),
        *("steal", "gaps", "discards", "noise", "precision"),
    ]
    assert document["trial"]["processes"] >= 1
    assert document["machine"]["id"]


def test_a_core_that_does_not_exist_is_one_line() -> None:
    assert "core 4095 does not exist" in one_line(calibrate("doctor", "--core", "4095"))


def test_a_tuned_command_has_its_own_options_and_exit_code() -> None:
    result = calibrate("doctor", "--tune", sys.executable, "-c", "print('ran'); raise SystemExit(9)")
    assert (result.returncode, result.stdout) == (9, "ran\n")


def test_a_command_without_tune_is_refused() -> None:
    assert "COMMAND needs --tune" in one_line(calibrate("doctor", "true"))
