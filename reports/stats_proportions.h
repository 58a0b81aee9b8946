// Shares of runs (diverged, arrived): intervals and exact tests.
#pragma once

#include "reports/stats.h"

namespace batchmark {

// Wilson's score interval of hits / n, p = hits / n:
//   (p + z^2 / 2n -+ z sqrt(p (1 - p) / n + z^2 / 4n^2)) / (1 + z^2 / n)
// For n = 0 it is [0, 1]. Source: Wilson 1927; Brown, Cai & DasGupta 2001.
Interval WilsonInterval(int hits, int n, double level = 0.95);

// Clopper & Pearson's exact interval: never covers less than `level`. At 1/2 it agrees with the
// sign test: SignTest(hits, n - hits).p <= alpha <=> 1/2 lies outside the 1 - alpha interval.
// For n = 0 it is [0, 1].
Interval ClopperPearsonInterval(int hits, int n, double level = 0.95);

// Exact test of one arm's share against a declared one.
// Two-sided p = min(1, twice the smaller tail).
TestResult BinomialTest(int hits, int n, double share,
                        Alternative alternative = Alternative::kTwoSided);

// Fisher's exact test of hits_a of n_a against hits_b of n_b, margins fixed; kGreater: the share of
// a is larger. Two-sided: all tables no more probable than the one seen (within 1e-7, as R and
// SciPy do). statistic = share a - share b; p = 1 if an arm is empty.
// For arms that share no seeds. Arms paired on seed are compared by SignTest over the pairs that
// differ (McNemar's exact test).
TestResult FisherExact(int hits_a, int n_a, int hits_b, int n_b,
                       Alternative alternative = Alternative::kTwoSided);

}  // namespace batchmark
