"""The official conformance cases: results up to renaming, budgets exactly, from text and from flat."""

from pathlib import Path
from typing import Final

import pytest

from costmodel.workloads.conformance import FORMATS, Format, check_tree, find_cases, report

FAMILIES: Final = ("builtin/semantics", "builtin/parser", "builtin/interleaving", "term", "example")
CASES: Final = [
    # What the parser refuses, and how else it may be written, is a matter of text.
    (family, form)
    for form in FORMATS
    for family in FAMILIES
    if (family, form) != ("builtin/parser", "flat")
]


@pytest.fixture(scope="session")
def tree(shared_data: Path) -> Path:
    return shared_data / "conformance/uplc/evaluation"


@pytest.mark.parametrize(("family", "form"), CASES)
def test_all_cases_agree(tree: Path, family: str, form: Format) -> None:
    checked = report(form, list(check_tree(tree / family, form)))
    assert (checked.misses, checked.unread, checked.without_budget) == ((), (), ())
    assert checked.agreeing == checked.cases


@pytest.mark.parametrize(("form", "count"), [("text", 714), ("flat", 640)])
def test_the_families_are_the_whole_tree(tree: Path, form: Format, count: int) -> None:
    families = [family for family, some in CASES if some == form]
    assert len(find_cases(tree, form)) == sum(len(find_cases(tree / family, form)) for family in families) == count
