"""The lines that manager and drivers exchange."""

from pathlib import Path

import pytest

from benches.driver import Request, Timing, answer_line, parse_request, time_calls
from benches.process import Refused, parse_answer
from costmodel.errors import CheckFailed


def test_request_names_a_file_by_its_whole_path(tmp_path: Path) -> None:
    path = tmp_path / "a\tb.flat"
    path.write_bytes(b"\x01\x00")
    assert parse_request(f"evaluate\t7\t{path}\n") == Request("evaluate", 7, b"\x01\x00")


@pytest.mark.parametrize("line", ["", "evaluate\t7", "guess\t7\t/dev/null", "decode\tmany\t/dev/null"])
def test_line_that_is_no_request_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_request(line)


def test_warm_up_is_an_eighth_of_the_iterations() -> None:
    calls: list[None] = []
    time_calls(Request("decode", 17, b""), lambda: calls.append(None))
    assert len(calls) == 17 + 2


@pytest.mark.parametrize("timing", [Timing(12), Timing(12, 34, 56)])
def test_answer_is_what_the_driver_said(timing: Timing) -> None:
    answer = parse_answer(answer_line(timing) + "\n", share=0.5)
    spent = None if timing.cpu is None else (34, 56)
    assert (answer.ns, answer.spent, answer.share) == (12, spent, 0.5)


def test_failure_is_a_refusal_with_its_reason() -> None:
    with pytest.raises(Refused, match="no such builtin"):
        parse_answer("fail\tno such builtin\n", share=1)


@pytest.mark.parametrize("line", ["", "ok", "ok\tsoon", "ok\t1\t2", "segmentation fault"])
def test_anything_else_is_a_broken_driver(line: str) -> None:
    with pytest.raises(CheckFailed):
        parse_answer(line, share=1)
