"""How sure a mean is."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

_RESAMPLES = 2000
_SEED = 7


def interval(values: Iterable[float]) -> tuple[float, float]:
    """95 % bootstrap interval of a mean (percentile method, Efron & Tibshirani 1993; 2,000 resamples, fixed seed)."""
    sample = np.asarray(list(values))
    chosen = np.random.default_rng(_SEED).integers(0, len(sample), (_RESAMPLES, len(sample)))
    low, high = np.percentile(sample[chosen].mean(axis=1), [2.5, 97.5])
    return float(low), float(high)
