// Error bounds of batch norm's fp32 kernels against float64, with their reasons; used like those of
// tolerance.h. u = 2^-24 is the largest relative rounding error of one float operation.
#pragma once

#include <cmath>
#include <cstddef>

namespace batchmark {

inline constexpr double kUnitRoundoff = 0x1p-24;

// Tiles sum floats over blocks of 64 rows: a block's sum of terms t has an error of at most
// 64 u sum |t|, each term one or two roundings more. Across blocks and tiles everything is double.
inline constexpr double kBlockError = 66.0 * kUnitRoundoff;

// |mean - float64 mean|: the deviations' mean has the block error; E|d| <= sd + |pivot - mean|, and
// |pivot - mean| <= 4 sd, because the pivot is the mean of a sixteenth of the tile's rows. (One sd
// or less unless the rows are ordered.) Independent of the mean's size: deviations come first.
inline double MeanTolerance(double sd) { return 5.0 * kBlockError * sd; }

// |var - float64 var|: sum d^2 has the block error and is at most 17 times m2 by the same argument;
// deviations that do not come out exact (x and pivot not within a factor of 2) add 3 u.
inline double VarianceTolerance(double var) {
  return 17.0 * (kBlockError + 3.0 * kUnitRoundoff) * var;
}

// |y - float64 y| for y = scale v + shift with coefficients rounded to float: three roundings of
// the size of the terms (which cancel when mean >> sd), and the error of the statistics on gamma
// xhat.
inline double NormalizeTolerance(double scale_v, double shift, double gamma_xhat, double gamma) {
  return 3.0 * kUnitRoundoff * (std::abs(scale_v) + std::abs(shift)) +
         2.0 * kBlockError * (std::abs(gamma_xhat) + std::abs(gamma));
}

// Backward sums of terms t in float blocks: sum_abs = sum |t|; the factor (v - mean) is rounded
// once, relative to |v - mean| since the mean's own rounding is put right in double.
inline double BackwardSumTolerance(double sum_abs) { return 1.1 * kBlockError * sum_abs; }

// |dz - float64 dz| for dz = scale dyn + slope v + base with float coefficients: roundings of the
// size of the terms, and of the sums' errors, each a share of the mean absolute term (size).
inline double GradientTolerance(double scale_dyn, double slope_v, double base, double size) {
  return 4.0 * kUnitRoundoff * (std::abs(scale_dyn) + std::abs(slope_v) + std::abs(base)) +
         4.0 * kBlockError * size;
}

}  // namespace batchmark
