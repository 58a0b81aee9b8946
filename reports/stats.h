// Descriptive statistics of a sample, and the words the other stats_* files share.
// All of them refuse values that are not finite, and samples too small for what is asked, with
// Error(kBadInput): the numbers come from stores, that is from outside.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace batchmark {

struct Interval {
  double lower, upper;
  bool Contains(double value) const { return lower <= value && value <= upper; }
};

// What the alternative hypothesis says of the first sample (or of a difference first - second).
enum class Alternative { kTwoSided, kLess, kGreater };

// p is 1 and the statistic 0 where the data hold no information (no values, all tied); n counts
// what the test really used, so a reader sees why.
struct TestResult {
  double statistic = 0.0;
  double p = 1.0;
  int n = 0;
};

// Throws Error(kBadInput) naming `what` and the position unless all values are finite.
void RequireFinite(std::span<const double> values, const std::string& what);

double Mean(std::span<const double> values);  // n >= 1
// sum (x - mean)^2 / (n - 1), in two passes; n >= 2
double SampleVariance(std::span<const double> values);
double SampleSd(std::span<const double> values);
double Median(std::span<const double> values);  // n >= 1; mean of the middle two if n is even

// Type 7 of Hyndman & Fan 1996 (R's and NumPy's default): x[h] interpolated at h = (n - 1) p.
// p in [0, 1].
double Quantile(std::span<const double> values, double p);

// a[i] - b[i]; a[i] and b[i] are the same seed in two arms. CHECKs equal sizes.
std::vector<double> PairedDifferences(std::span<const double> a, std::span<const double> b);
// ln(a[i] / b[i]); every value must be positive.
std::vector<double> PairedLogRatios(std::span<const double> a, std::span<const double> b);

// Mid-ranks 1..n in the order of the values; tied values share the mean of their ranks.
std::vector<double> MidRanks(std::span<const double> values);

}  // namespace batchmark
