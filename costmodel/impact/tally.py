"""The answers of all batches added up, in memory that does not grow with the corpus but with its distinct scripts."""

from __future__ import annotations

import heapq
from collections import Counter
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from costmodel.impact.usage_totals import UsageSums
from costmodel.impact.worker import (
    NEWLY_FAILING,
    NEWLY_SUCCEEDING,
    OVER_DECLARED,
    OVER_LIMIT,
    PRICED,
    ChunkOutcome,
    EpochTerms,
)
from costmodel.model import ExUnits
from costmodel.records.impact import Affected, Quantiles, ScriptImpact, Share, Totals, UsedTotals

_STEP: Final = 0.001  # of the logarithm of a ratio
_HALF: Final = 12_000  # bins to either side: ratios up to 160,000
_COLUMNS: Final = ("cpu_before", "mem_before", "cpu_after", "mem_after", "fee_before", "fee_after")


class RatioBins:
    """Ratios counted in bins of 0.1 %."""

    def __init__(self) -> None:
        self._counts = np.zeros(2 * _HALF + 1, np.int64)
        self._least, self._greatest = np.inf, -np.inf

    def add(self, ratios: npt.NDArray[np.float64]) -> None:
        bins = np.rint(np.log(ratios) / _STEP).astype(np.int64) + _HALF
        self._counts += np.bincount(np.clip(bins, 0, 2 * _HALF), minlength=2 * _HALF + 1)
        self._least = min(self._least, float(ratios.min(initial=np.inf)))
        self._greatest = max(self._greatest, float(ratios.max(initial=-np.inf)))

    def quantiles(self) -> Quantiles | None:
        if not self._counts.any():
            return None
        reached = np.cumsum(self._counts) / self._counts.sum()
        found = [
            float(np.clip(np.exp((np.searchsorted(reached, share) - _HALF) * _STEP), self._least, self._greatest))
            for share in (0.05, 0.5, 0.95)
        ]
        return Quantiles(least=self._least, p5=found[0], median=found[1], p95=found[2], greatest=self._greatest)


class ImpactTally:
    """Add answers, then ask. `most` is how many of the most affected are kept."""

    def __init__(self, terms: EpochTerms, most: int) -> None:
        self._terms, self._most = terms, most
        self.rows = self.without_declared = 0
        self.outcomes: Counter[str] = Counter()
        self.changes: Counter[str] = Counter()
        self.ratios = {name: RatioBins() for name in ("cpu", "mem", "fee")}
        self._parts: dict[str, npt.NDArray[Any]] = {}
        self._used: dict[str, UsageSums] = {}
        self._scripts: dict[tuple[bytes, str], npt.NDArray[Any]] = {}
        self._affected: list[tuple[tuple[Any, ...], int, Affected]] = []

    def add(self, answer: ChunkOutcome, rows: pa.RecordBatch) -> None:
        """Add one batch: its sums by price, and its rows."""
        for language, packed in answer.used.items():
            self._used.setdefault(language, UsageSums()).merge(*packed)
        for name, sums in answer.parts.items():
            self._parts[name] = self._parts.get(name, np.zeros(4, object)) + np.array(sums, object)
        self.outcomes.update(rows.column("outcome").to_pylist())
        first, self.rows = self.rows, self.rows + rows.num_rows
        priced = rows.filter(pc.equal(rows.column("outcome"), PRICED))
        if not priced.num_rows:
            return
        self.without_declared += priced.column("declared_cpu").null_count
        for name, ratios in self.ratios.items():
            before, after = (priced.column(f"{name}_{when}").to_numpy() for when in ("before", "after"))
            ratios.add(np.maximum(after, 1) / np.maximum(before, 1))
        for at, row in enumerate(priced.to_pylist()):
            self._add_row(first + at, row)

    def _add_row(self, number: int, row: dict[str, Any]) -> None:
        self.changes.update(row["changes"])
        broken = int(any(change != NEWLY_SUCCEEDING for change in row["changes"]))
        key = row["script_hash"], row["language"]
        sums = np.array([1, *(row[name] for name in _COLUMNS), broken], object)
        self._scripts[key] = self._scripts[key] + sums if key in self._scripts else sums
        # Ties are broken by the place in the corpus, so that the order of arrival does not show.
        rank = (broken, abs(row["fee_after"] - row["fee_before"]), abs(row["cpu_after"] - row["cpu_before"]), -number)
        if len(self._affected) >= self._most and rank <= self._affected[0][0]:
            return
        heapq.heappush(self._affected, (rank, number, _affected(row)))
        if len(self._affected) > self._most:
            heapq.heappop(self._affected)

    def totals(self) -> tuple[Totals, Totals]:
        """All priced evaluations before and after."""
        sums = sum(self._scripts.values(), np.zeros(8, object))
        before, after = ExUnits(int(sums[1]), int(sums[2])), ExUnits(int(sums[3]), int(sums[4]))
        return self._totals(before, int(sums[5]), int(sums[0])), self._totals(after, int(sums[6]), int(sums[0]))

    def _totals(self, units: ExUnits, fee: int, count: int) -> Totals:
        block = self._terms.block
        filled = max(units.cpu / block.cpu, units.mem / block.mem)
        return Totals(
            units=(units.cpu, units.mem), fee=fee, block_share=filled, per_block=count / filled if filled else None
        )

    def used(self) -> tuple[UsedTotals, ...]:
        """What all priced evaluations use, by language."""
        return tuple(self._used[language].record(language) for language in sorted(self._used))

    def attribution(self) -> tuple[Share, ...]:
        """What each price contributes, the largest change of CPU first."""
        shares = [
            Share(
                price=name,
                before=(int(sums[0]), int(sums[1])),
                after=(int(sums[2]), int(sums[3])),
                change=(int(sums[2] - sums[0]), int(sums[3] - sums[1])),
            )
            for name, sums in self._parts.items()
        ]
        return tuple(sorted(shares, key=lambda each: (-abs(each.change[0]), -abs(each.change[1]), each.price)))

    def most_affected(self) -> tuple[Affected, ...]:
        """The evaluations that break, then those whose fee changes most."""
        return tuple(each for _, _, each in sorted(self._affected, key=lambda entry: entry[0], reverse=True))

    def scripts(self) -> tuple[ScriptImpact, ...]:
        """The scripts whose fees change most, and first those that break."""
        found = [
            ScriptImpact(
                script_hash=script_hash.hex(),
                language=language,
                evaluations=int(sums[0]),
                before=(int(sums[1]), int(sums[2])),
                after=(int(sums[3]), int(sums[4])),
                fee_before=int(sums[5]),
                fee_after=int(sums[6]),
                broken=int(sums[7]),
            )
            for (script_hash, language), sums in self._scripts.items()
        ]
        found.sort(key=lambda each: (-each.broken, -abs(each.fee_after - each.fee_before), each.script_hash))
        return tuple(found[: self._most])

    @property
    def distinct_scripts(self) -> int:
        return len(self._scripts)

    @property
    def breaking(self) -> tuple[int, int, int, int]:
        """Newly over the limit, over what was declared, failing, succeeding."""
        names = (OVER_LIMIT, OVER_DECLARED, NEWLY_FAILING, NEWLY_SUCCEEDING)
        return tuple(self.changes[name] for name in names)  # type: ignore[return-value]


def _affected(row: dict[str, Any]) -> Affected:
    declared = None if row["declared_cpu"] is None else (row["declared_cpu"], row["declared_mem"])
    return Affected(
        id=row["id"],
        script_hash=row["script_hash"].hex(),
        language=row["language"],
        before=(row["cpu_before"], row["mem_before"]),
        after=(row["cpu_after"], row["mem_after"]),
        fee_before=row["fee_before"],
        fee_after=row["fee_after"],
        share_before=row["share_before"],
        share_after=row["share_after"],
        declared=declared,
        breaks=tuple(row["changes"]),
    )
