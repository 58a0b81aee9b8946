// Distribution functions in double precision, for the tests of the other stats_* files: about 1e-13
// relative in the range reports use. Golden values: SciPy, see tests/reports/make_stats_golden.py.
#pragma once

#include <functional>

#include "reports/stats.h"

namespace batchmark {

double NormalCdf(double x);
double NormalSf(double x);        // 1 - cdf without cancellation
double NormalQuantile(double p);  // p in (0, 1); CHECKs

double StudentSf(double t, double df);  // P(T > t), df > 0
double StudentQuantile(double p, double df);

double FSf(double f, double df1, double df2);  // P(F > f)
double ChiSquared1Sf(double x);                // one degree of freedom

// p of a statistic whose tails P(X <= x) and P(X >= x) are known.
double TailP(double lower, double upper, Alternative alternative);

double LogChoose(int n, int k);                  // ln of n over k
double BinomialPmf(int k, int n, double share);  // share in [0, 1]
double BinomialCdf(int k, int n, double share);  // P(X <= k)

// I_x(a, b), the regularized incomplete beta function, by Lentz's continued fraction on the side
// where it converges fast. Source: Abramowitz & Stegun 26.5.8; NIST DLMF 8.17.22.
double RegularizedBeta(double x, double a, double b);

// Mean of g(s) over the sampling distribution of s = S / sigma, where df s^2 is chi-squared with df
// degrees of freedom: what exact powers of t tests integrate. Simpson's rule; g must be bounded and
// have no structure finer than a hundredth.
double MeanOverSd(double df, const std::function<double(double)>& g);

}  // namespace batchmark
