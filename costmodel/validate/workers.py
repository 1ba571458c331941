"""Workers of a fleet beside one another: the core is a level of replication above the process."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from scipy import stats

from costmodel.judging.estimate import Estimate
from costmodel.records.run import Manifest
from costmodel.records.validation import WorkerShare
from costmodel.runs.means import Floats, process_means

_SIGNIFICANT: Final = 0.01


@dataclass(frozen=True, slots=True)
class WorkerReplicates:
    """What each worker of a fleet observed: the effects of its processes.

    A process's effect is the mean, over programs, of the log of its time over the mean of all processes.
    """

    effects: dict[str, Floats]

    @classmethod
    def of(cls, manifest: Manifest, samples: pd.DataFrame) -> WorkerReplicates:
        """Nothing for a run of this machine alone."""
        means = process_means(samples)
        by_process = means.sub(means.mean(axis=1), axis=0).mean(axis=0)
        found: dict[str, list[float]] = defaultdict(list)
        for process, effect in by_process.items():
            calibration = manifest.clock.ns_per_tick.get(str(process))
            if calibration is not None and calibration.worker:
                found[calibration.worker].append(float(effect))
        return cls({worker: np.array(found[worker]) for worker in sorted(found)})

    @property
    def _freedom(self) -> int:
        return sum(map(len, self.effects.values())) - len(self.effects)

    def shares(self) -> tuple[WorkerShare, ...]:
        """Each worker's times over the mean of all workers, with Student's interval from the processes of all."""
        means = {worker: float(each.mean()) for worker, each in self.effects.items()}
        middle = float(np.mean(list(means.values()))) if means else 0.0
        residuals = [effect - means[worker] for worker, each in self.effects.items() for effect in each]
        reach = math.inf
        if self._freedom:
            spread = math.sqrt(sum(each**2 for each in residuals) / self._freedom)
            reach = float(stats.t.ppf(0.975, self._freedom)) * spread
        found = []
        for worker, each in self.effects.items():
            ratio = _ratio(means[worker] - middle, reach / math.sqrt(len(each))).record() if len(means) > 1 else None
            found.append(WorkerShare(worker=worker, processes=len(each), ratio=ratio))
        return tuple(found)

    def notes(self) -> list[str]:
        """What to say where workers differ by more than their processes do (analysis of variance)."""
        if len(self.effects) < 2 or not self._freedom or not any(np.ptp(each) for each in self.effects.values()):
            return []
        # Not a number where means are equal to the last digit.
        if not stats.f_oneway(*self.effects.values()).pvalue < _SIGNIFICANT:
            return []
        means = [float(each.mean()) for each in self.effects.values()]
        difference = math.expm1(max(means) - min(means))
        text = f"workers differ by up to {difference:.1%}, more than their processes do: intervals, whose unit is the "
        return [f"{text}process, are too narrow for other cores"]


def _ratio(effect: float, reach: float) -> Estimate:
    return Estimate(math.exp(effect), math.exp(effect - reach), float(np.exp(effect + reach)))
