"""`make statistics`: how good the fit is where the truth is known, with upstream's procedure beside it.

`python -m tests.fit.study [RUNS]` simulates that many runs of a machine with heavy-tailed noise that is uneven between
cells, and 5 % of contaminated batches that nothing marks as disturbed. Intervals hold the truth on one whose runs
differ as a whole too; how far corners are off is a matter of method, and asked of one whose runs do not.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np

from tests.fit.coverage import KINDS, corner_errors, held, measured, official_errors, pooled, true_values
from tests.fit.synthetic import Machine

STEADY = Machine(noise_sd=0.003, contaminated=0.05, uneven=3.0)
ROUGH = replace(STEADY, run_sd=0.0017, level_sd=0.0034)
"""The same, whose runs differ too, by as much as fits of one run take them to where processes differ by 0.4 %."""

PROCESSES, BLOCKS = 40, 20
"""As many as a session takes by default of what is hard to time."""


def main(runs: int) -> int:
    """Print the figures; 1 where intervals or corners are not what the fit promises."""
    hits = Counter[str]()
    own, official = defaultdict[str, list[float]](list), defaultdict[str, list[float]](list)
    for seed in range(runs):
        with tempfile.TemporaryDirectory() as folder:
            _, model = measured(Path(folder) / "rough", seed, ROUGH, processes=PROCESSES, blocks=BLOCKS)
            hits.update(held(model))
            (run,), model = measured(Path(folder) / "steady", seed, STEADY, processes=PROCESSES, blocks=BLOCKS)
            for found, errors in ((own, corner_errors(model)), (official, official_errors(run, Path(folder)))):
                for corner, error in errors.items():
                    found[corner].append(error)
        print(f"\r{seed + 1} of {runs} runs", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    shares = {name: hits[name] / runs for name in true_values()}
    coverage = float(np.mean(list(shares.values())))
    rarest = min(shares, key=lambda name: shares[name])
    print(f"95 % intervals hold the truth: {coverage:.1%} of {len(shares)} coefficients x {runs} runs")
    print(f"  least often: {rarest}, in {shares[rarest]:.1%}")
    for name, found in (("own method", own), ("official method", official)):
        rms = {corner: float(np.sqrt(np.mean(np.square(errors)))) for corner, errors in found.items()}
        worst = max(rms, key=lambda corner: rms[corner])
        print(f"error at a corner, {name}: {np.median(list(rms.values())):.2%} (median of {len(rms)} corners)")
        print(f"  largest: {worst}, {rms[worst]:.2%}")
    sound = _pooled(runs)
    good = (
        sound
        and 0.93 <= coverage <= 0.97
        and max(np.sqrt(np.mean(np.square(errors))) for errors in own.values()) <= 0.02
    )
    return 0 if good else 1


def _pooled(runs: int) -> bool:
    """Coverage by kind where programs differ beyond their counts, processes are skewed and a yardstick drifts."""
    mine, total = Counter[str](), Counter[str]()
    for seed in range(runs):
        with tempfile.TemporaryDirectory() as folder:
            for kind, (inside, count) in pooled(Path(folder), seed).items():
                mine[kind] += inside
                total[kind] += count
        print(f"\r{seed + 1} of {runs} harsh runs", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    shares = {kind: mine[kind] / total[kind] for kind in KINDS}
    for kind, share in shares.items():
        print(f"95 % intervals hold the truth on a harsh machine: {share:.1%} of {total[kind]} {kind}")
    return all(0.93 <= share <= 0.97 for share in shares.values())


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 200))
