"""Smaller domains for builtins that are explored: their largest operands take seconds to encode."""

import math
from collections.abc import Iterator
from dataclasses import replace

import pytest

from costmodel.experiments.domains import DOMAINS

MOST = 512


@pytest.fixture(scope="session", autouse=True)
def small_domains() -> Iterator[None]:
    whole = dict(DOMAINS)
    for name, domain in whole.items():
        if domain.explored:
            DOMAINS[name] = replace(
                domain, candidates=tuple(point for point in domain.candidates if math.prod(point) <= MOST)
            )
    yield
    DOMAINS.update(whole)
