"""Batches: several runs of one configuration, compared as what they are, samples of runs and not of timings."""

from costmodel.batches.comparison import Comparison, compare
from costmodel.batches.select import RunBatch, select

__all__ = ["Comparison", "RunBatch", "compare", "select"]
