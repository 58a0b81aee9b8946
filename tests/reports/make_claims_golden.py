#!/usr/bin/env python3
"""Golden values for tests/reports/stats_claims_test.cc: what verdicts show and test beside means.

As make_stats_golden.py, whose packages and versions it uses; writes golden/stats_claims.json.
"""
import numpy as np
from scipy import stats

from make_stats_golden import SEED, write


def sign_interval(rng):
    """The interval of a median from the order statistics."""
    cases = []
    for n in (5, 6, 8, 9, 16, 17, 40):
        values = rng.normal(0.3, 1.0, n)
        for level in (0.95, 0.99):
            interval = stats.quantile_test(values, p=0.5).confidence_interval(level)
            ends = [float(interval.low), float(interval.high)]
            cases.append({"values": list(values), "level": level,
                          "interval": ends if np.isfinite(ends).all() else None})
    return cases


if __name__ == "__main__":
    generator = np.random.default_rng(SEED + 10)
    write("claims", {"sign_interval": sign_interval(generator)})
