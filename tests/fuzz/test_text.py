"""A short round of the textual parser."""

import pytest

from costmodel.errors import CheckFailed
from fuzz import seeds, text

RUNS = 4_000


def test_mutated_text_is_refused_or_survives_printing() -> None:
    share = text.Share(tuple(seeds.texts()), RUNS, 1)
    parsed = 0
    for mutant in text.mutants(share):
        parsed += text.check(mutant)
    # Were every mutant refused, nothing behind the lexer would be reached.
    assert RUNS // 50 < parsed < RUNS


def test_a_share_is_reproduced_by_its_seed() -> None:
    share = text.Share(tuple(seeds.texts()), 50, 3)
    assert list(text.mutants(share)) == list(text.mutants(share))


def test_an_unexpected_exception_fails_the_round(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(content: str) -> None:
        raise IndexError(content)

    monkeypatch.setattr(text, "parse_program", broken)
    with pytest.raises(CheckFailed, match="IndexError from the parser: 'x'"):
        text.check("x")
