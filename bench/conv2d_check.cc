#include "bench/conv2d_check.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "bench/bench_util.h"
#include "core/reference/reference.h"

namespace batchmark::bench {
namespace {

// Values as the reference needs them: the pending maps applied in float64.
class Values {
 public:
  Values(const ConvTensors& t, bool fused) : t_(t), fused_(fused) {}

  double Source(size_t n, size_t y, size_t x, size_t c) const {
    const Conv2dShape& s = t_.shape;
    const double v = t_.src[((n * s.height + y) * s.width + x) * s.channels_in + c];
    if (!fused_) return v;
    return std::max(0.0, double{t_.src_scale[c]} * v + t_.src_shift[c]);
  }

  double Gradient(size_t n, size_t y, size_t x, size_t c) const {
    const Conv2dShape& s = t_.shape;
    const size_t i = ((n * s.OutHeight() + y) * s.OutWidth() + x) * s.channels_out + c;
    if (!fused_) return t_.dz[i];
    // The sign is decided in float32, as the kernel decides it: at the kink both are right.
    const float u = t_.scale[c] * t_.z[i] + t_.shift[c];
    const double dyn = u > 0 ? t_.dz[i] : 0.0;
    return t_.scale[c] * dyn + double{t_.slope[c]} * t_.z[i] + t_.base[c];
  }

 private:
  const ConvTensors& t_;
  bool fused_;
};

struct Pixel {
  size_t n, y, x;
};

// Corners of the first and last sample, then pixels spread over all of them.
std::vector<Pixel> SamplePixels(size_t samples, size_t height, size_t width) {
  std::vector<Pixel> pixels;
  for (const size_t n : {size_t{0}, samples - 1}) {
    for (const size_t y : {size_t{0}, height - 1}) {
      for (const size_t x : {size_t{0}, width - 1}) pixels.push_back({n, y, x});
    }
  }
  for (size_t i = 1; i <= 24; ++i) {
    pixels.push_back({i * 7919 % samples, i * 104729 % height, i * 1299709 % width});
  }
  return pixels;
}

double LargestMagnitude(const std::vector<double>& values) {
  double largest = 0;
  for (const double v : values) largest = std::max(largest, std::abs(v));
  return largest;
}

std::vector<double> AsDouble(const AlignedBuffer<float>& values) {
  return {values.begin(), values.end()};
}

std::string Name(const char* what, const Pixel& p, size_t c) {
  return std::string(what) + "[" + std::to_string(p.n) + "," + std::to_string(p.y) + "," +
         std::to_string(p.x) + "," + std::to_string(c) + "]";
}

// Fused maps add up to three roundings to each term; a factor on the bound covers them.
double Bound(size_t terms, double largest_a, double largest_b) {
  return 2 * SumTolerance(terms, static_cast<double>(terms) * largest_a * largest_b * 0.5);
}

}  // namespace

Pending ConvTensors::Source(bool fused) const {
  Pending p =
      PlainPending(src.data(), shape.height * shape.width, shape.channels_in, shape.samples);
  if (fused) p.scale = src_scale.data(), p.shift = src_shift.data(), p.act = Activation::kRelu;
  return p;
}

PendingGrad ConvTensors::Gradient(bool fused) const {
  PendingGrad g;
  g.dy = dz.data();
  g.positions = shape.OutHeight() * shape.OutWidth();
  g.channels = shape.channels_out;
  g.groups.samples = shape.samples;
  if (!fused) return g;
  g.form = PendingGrad::Form::kNormAct;
  g.act = Activation::kRelu;
  g.v = z.data(), g.scale = scale.data(), g.shift = shift.data();
  g.slope = slope.data(), g.base = base.data();
  return g;
}

// An output pixel is a 1x1 result of the patch under it, zero outside the image.
std::string CheckForward(const ConvTensors& t, bool fused) {
  const Conv2dShape& s = t.shape;
  const Values values(t, fused);
  const std::vector<double> weights = AsDouble(t.weights), bias = AsDouble(t.bias);
  const size_t pad_y = s.same ? (s.kernel_h - 1) / 2 : 0, pad_x = s.same ? (s.kernel_w - 1) / 2 : 0;
  const reference::ConvShape one = {1,          s.kernel_h, s.kernel_w,     s.channels_in,
                                    s.kernel_h, s.kernel_w, s.channels_out, false};
  std::vector<double> patch(s.kernel_h * s.kernel_w * s.channels_in), out(s.channels_out);
  for (const Pixel& p : SamplePixels(s.samples, s.OutHeight(), s.OutWidth())) {
    std::fill(patch.begin(), patch.end(), 0.0);
    for (size_t i = 0; i < s.kernel_h; ++i) {
      for (size_t j = 0; j < s.kernel_w; ++j) {
        const size_t y = p.y + i - pad_y, x = p.x + j - pad_x;  // wraps around below zero
        if (y >= s.height || x >= s.width) continue;
        for (size_t c = 0; c < s.channels_in; ++c) {
          patch[(i * s.kernel_w + j) * s.channels_in + c] = values.Source(p.n, y, x, c);
        }
      }
    }
    reference::ConvForward(one, patch.data(), weights.data(), bias.data(), out.data());
    const double bound = Bound(patch.size() + 1, std::max(1.0, LargestMagnitude(patch)), 1.0);
    for (size_t o = 0; o < s.channels_out; ++o) {
      const float got =
          t.dst[((p.n * s.OutHeight() + p.y) * s.OutWidth() + p.x) * s.channels_out + o];
      const std::string wrong = Mismatch(Name("dst", p, o), got, out[o], bound);
      if (!wrong.empty()) return wrong;
    }
  }
  return "";
}

std::string CheckMoments(const ConvTensors& t, const TileMoments& moments) {
  const Conv2dShape& s = t.shape;
  const size_t positions = s.OutHeight() * s.OutWidth();
  for (const size_t n : {size_t{0}, s.samples - 1}) {
    for (const size_t c : {size_t{0}, s.channels_out / 2, s.channels_out - 1}) {
      const float* dst = t.dst.data() + n * positions * s.channels_out + c;
      double sum = 0, magnitude = 0, m2 = 0;
      for (size_t p = 0; p < positions; ++p) {
        sum += dst[p * s.channels_out], magnitude += std::abs(double{dst[p * s.channels_out]});
      }
      const double mean = sum / static_cast<double>(positions);
      for (size_t p = 0; p < positions; ++p) m2 += std::pow(dst[p * s.channels_out] - mean, 2);
      const size_t slot = n * s.channels_out + c;
      const double tolerance = SumTolerance(positions, magnitude);
      std::string wrong = Mismatch("moments.mean[" + std::to_string(slot) + "]", moments.mean[slot],
                                   mean, tolerance / static_cast<double>(positions));
      if (wrong.empty()) {
        wrong = Mismatch("moments.m2[" + std::to_string(slot) + "]", moments.m2[slot], m2,
                         SumTolerance(positions, m2));
      }
      if (!wrong.empty()) return wrong;
    }
  }
  return "";
}

// The gradient of an input pixel comes from the outputs whose patch covers it: KH x KW of them,
// whose own valid backward pass is a (2 KH - 1) x (2 KW - 1) image with our pixel in its middle.
std::string CheckBackwardData(const ConvTensors& t, bool fused) {
  const Conv2dShape& s = t.shape;
  const Values values(t, fused);
  const std::vector<double> weights = AsDouble(t.weights);
  const size_t pad_y = s.same ? (s.kernel_h - 1) / 2 : 0, pad_x = s.same ? (s.kernel_w - 1) / 2 : 0;
  const reference::ConvShape one = {
      1,          2 * s.kernel_h - 1, 2 * s.kernel_w - 1, s.channels_in,
      s.kernel_h, s.kernel_w,         s.channels_out,     false};
  std::vector<double> dz(s.kernel_h * s.kernel_w * s.channels_out);
  std::vector<double> d_src(one.h * one.w * s.channels_in);
  for (const Pixel& p : SamplePixels(s.samples, s.height, s.width)) {
    std::fill(dz.begin(), dz.end(), 0.0);
    for (size_t i = 0; i < s.kernel_h; ++i) {
      for (size_t j = 0; j < s.kernel_w; ++j) {
        const size_t y = p.y + pad_y + i + 1 - s.kernel_h, x = p.x + pad_x + j + 1 - s.kernel_w;
        if (y >= s.OutHeight() || x >= s.OutWidth()) continue;  // wrapped around, or past the end
        for (size_t o = 0; o < s.channels_out; ++o) {
          dz[(i * s.kernel_w + j) * s.channels_out + o] = values.Gradient(p.n, y, x, o);
        }
      }
    }
    reference::ConvBackwardData(one, dz.data(), weights.data(), d_src.data());
    const double* middle =
        d_src.data() + ((s.kernel_h - 1) * one.w + s.kernel_w - 1) * s.channels_in;
    const double bound = Bound(dz.size(), std::max(1.0, LargestMagnitude(dz)), 1.0);
    for (size_t c = 0; c < s.channels_in; ++c) {
      const float got = t.d_src[((p.n * s.height + p.y) * s.width + p.x) * s.channels_in + c];
      const std::string wrong = Mismatch(Name("d_src", p, c), got, middle[c], bound);
      if (!wrong.empty()) return wrong;
    }
  }
  return "";
}

// A few (input channel, output channel) pairs over the whole batch: a convolution of one channel
// each.
std::string CheckBackwardWeights(const ConvTensors& t, bool fused) {
  const Conv2dShape& s = t.shape;
  const Values values(t, fused);
  const reference::ConvShape one = {s.samples,  s.height,   s.width, 1,
                                    s.kernel_h, s.kernel_w, 1,       s.same};
  const size_t out_h = s.OutHeight(), out_w = s.OutWidth();
  std::vector<double> src(s.samples * s.height * s.width), dz(s.samples * out_h * out_w);
  std::vector<double> d_weights(s.kernel_h * s.kernel_w);
  for (size_t sample = 0; sample < 3; ++sample) {
    const size_t c = sample * 7 % s.channels_in;
    const size_t o = sample == 0 ? s.channels_out - 1 : sample * 5 % s.channels_out;
    for (size_t i = 0; i < src.size(); ++i) {
      src[i] = values.Source(i / (s.height * s.width), i / s.width % s.height, i % s.width, c);
    }
    double magnitude = 0;
    for (size_t i = 0; i < dz.size(); ++i) {
      dz[i] = values.Gradient(i / (out_h * out_w), i / out_w % out_h, i % out_w, o);
      magnitude += std::abs(dz[i]);
    }
    double d_bias = 0;
    reference::ConvBackwardWeights(one, src.data(), dz.data(), d_weights.data(), &d_bias);
    std::string wrong = Mismatch("d_bias[" + std::to_string(o) + "]", t.d_bias[o], d_bias,
                                 2 * SumTolerance(dz.size(), magnitude));
    const double bound =
        2 * SumTolerance(dz.size(), magnitude * std::max(1.0, LargestMagnitude(src)));
    for (size_t tap = 0; tap < d_weights.size() && wrong.empty(); ++tap) {
      const float got = t.d_weights[(tap * s.channels_in + c) * s.channels_out + o];
      wrong = Mismatch("d_weights[" + std::to_string(tap) + "," + std::to_string(c) + "," +
                           std::to_string(o) + "]",
                       got, d_weights[tap], bound);
    }
    if (!wrong.empty()) return wrong;
  }
  return "";
}

}  // namespace batchmark::bench
