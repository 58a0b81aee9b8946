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
// the pivot is a mean of 32 rows, so within one sd of the mean unless the rows are ordered (2 sd for
// that). Independent of the mean's size: deviations are formed before anything is summed.
inline double MeanTolerance(double sd) { return 3.0 * kBlockError * sd; }

// |var - float64 var|: sum d^2 has the block error; with the pivot a distance of D off, d^2 holds D^2
// more, which is itself at most (rows / 32) times variance (core/simd/batch_norm_rows.h).
inline double VarianceTolerance(double var, size_t tile_rows) {
  return (2.0 * kBlockError + 4.0 * kUnitRoundoff * static_cast<double>(tile_rows) / 32.0) * var;
}

// |y - float64 y| for y = scale v + shift with coefficients rounded to float: three roundings of the
// size of the terms (which cancel when mean >> sd), and the error of the statistics on gamma xhat.
inline double NormalizeTolerance(double scale_v, double shift, double gamma_xhat, double gamma) {
  return 3.0 * kUnitRoundoff * (std::abs(scale_v) + std::abs(shift)) +
         2.0 * kBlockError * (std::abs(gamma_xhat) + std::abs(gamma));
}

// Backward sums of terms t in float blocks: sum_abs = sum |t|; the factor (v - mean) is rounded once,
// relative to |v - mean| since the mean's own rounding is put right in double.
inline double BackwardSumTolerance(double sum_abs) { return kBlockError * sum_abs; }

}  // namespace batchmark
