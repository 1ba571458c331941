"""`make statistics`: how good the fit is where the truth is known, with upstream's procedure beside it.

`python -m tests.fit.study [RUNS]` simulates that many runs of a machine with heavy-tailed noise that is uneven between
cells, and 5 % of contaminated batches that no gate sees.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np

from tests.fit.coverage import corner_errors, held, measured, official_errors, true_values
from tests.fit.synthetic import Machine

ROUGH = Machine(noise_sd=0.003, contaminated=0.05, uneven=3.0)

PROCESSES = 40
"""As many as a session takes by default for what is hard to time."""


def main(runs: int) -> int:
    """Print the figures; 1 where intervals or corners are not what the fit promises."""
    hits, own, official = Counter[str](), list[float](), list[float]()
    for seed in range(runs):
        with tempfile.TemporaryDirectory() as folder:
            (run,), model = measured(Path(folder), seed, ROUGH, processes=PROCESSES)
            hits.update(held(model))
            own += corner_errors(model).values()
            official += official_errors(run, Path(folder)).values()
        print(f"\r{seed + 1} of {runs} runs", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    shares = {name: hits[name] / runs for name in true_values()}
    coverage = float(np.mean(list(shares.values())))
    worst = min(shares, key=lambda name: shares[name])
    print(f"95 % intervals hold the truth: {coverage:.1%} of {len(shares)} coefficients x {runs} runs")
    print(f"  least often: {worst} in {shares[worst]:.1%}")
    for name, errors in (("own method", own), ("official method", official)):
        sizes = np.abs(errors)
        print(
            f"corners of the domains, {name}: median error {np.median(sizes):.2%}, 95th percentile "
            f"{np.quantile(sizes, 0.95):.2%}, within 2 %: {np.mean(sizes <= 0.02):.1%}"
        )
    good = 0.93 <= coverage <= 0.97 and float(np.quantile(np.abs(own), 0.95)) <= 0.02
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 200))
