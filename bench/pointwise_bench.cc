// What is neither a product nor batch norm: applying a pending map, max-pool, dropout, loss,
// optimizer. Bound by memory: share is of the traffic's rate at the level where the operands fit.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include "bench/bench_util.h"
#include "bench/shapes.h"
#include "core/ops/batch_norm.h"
#include "core/ops/pointwise.h"
#include "core/reference/reference.h"

namespace batchmark::bench {
namespace {

constexpr double kEps = std::numeric_limits<float>::epsilon();

// Registers name on every backend and thread count.
void RegisterOurs(const std::string& name, const Work& work,
                  const std::function<Subject(Parallel&)>& make) {
  Case one;
  one.name = name, one.work = work;
  ForEachVariant([&](const std::string& backend, int threads) {
    one.backend = backend, one.threads = threads;
    one.make = [=] { return make(SharedParallel(threads)); };
    Register(one);
  });
}

std::string At(const char* what, size_t i) {
  return std::string(what) + "[" + std::to_string(i) + "]";
}

// y = relu(scale v + shift): what a consumer pays that cannot apply the map while it loads.
Subject MakeResolve(const shapes::NamedRows& s, Parallel& parallel) {
  struct State {
    AlignedBuffer<float> v, scale, shift, dst;
  };
  const size_t size = s.samples * s.positions * s.channels;
  const auto x =
      std::make_shared<State>(State{RandomFloats(size, 1), RandomFloats(s.channels, 2),
                                    RandomFloats(s.channels, 3), AlignedBuffer<float>(size)});
  Pending pending = PlainPending(x->v.data(), s.positions, s.channels, s.samples);
  pending.scale = x->scale.data(), pending.shift = x->shift.data(), pending.act = Activation::kRelu;
  const auto run = [=, &parallel] { Resolve(parallel, s.samples, pending, x->dst.data()); };
  const auto check = [=] {
    for (size_t i = 0; i < size; i += i < 4096 ? 1 : 997) {
      const size_t c = i % s.channels;
      const double expected = std::max(0.0, double{x->scale[c]} * x->v[i] + x->shift[c]);
      const std::string wrong = Mismatch(At("y", i), x->dst[i], expected, 4 * kEps);
      if (!wrong.empty()) return wrong;
    }
    return std::string();
  };
  return {run, check, {{x->v.data(), size}, {x->dst.data(), size}}};
}

Subject MakePool(const shapes::NamedImage& s, bool backward, Parallel& parallel) {
  struct State {
    AlignedBuffer<float> src, dst, d_dst, d_src;
    AlignedBuffer<uint8_t> arg;
  };
  const size_t in = s.samples * s.height * s.width * s.channels;
  const size_t out = s.samples * (s.height / 2) * (s.width / 2) * s.channels;
  const auto x = std::make_shared<State>(State{RandomFloats(in, 1), AlignedBuffer<float>(out),
                                               RandomFloats(out, 2), AlignedBuffer<float>(in),
                                               AlignedBuffer<uint8_t>(out)});
  const Pending src = PlainPending(x->src.data(), s.height * s.width, s.channels, s.samples);
  const auto forward = [=, &parallel] {
    MaxPool2Forward(parallel, s.samples, s.height, s.width, src, x->dst.data(), x->arg.data());
  };
  forward();
  std::function<void()> run = forward;
  if (backward) {
    run = [=, &parallel] {
      MaxPool2Backward(parallel, s.samples, s.height, s.width, s.channels, x->d_dst.data(),
                       x->arg.data(), x->d_src.data());
    };
  }
  // First and last sample; maxima are exact.
  const auto check = [=] {
    const size_t image = in / s.samples, pooled = out / s.samples;
    for (const size_t n : {size_t{0}, s.samples - 1}) {
      const std::vector<double> from(x->src.data() + n * image, x->src.data() + (n + 1) * image);
      const std::vector<double> d_out(x->d_dst.data() + n * pooled,
                                      x->d_dst.data() + (n + 1) * pooled);
      std::vector<double> to(pooled), d_in(image);
      std::vector<uint8_t> arg(pooled);
      reference::MaxPool2Forward(1, s.height, s.width, s.channels, from.data(), to.data(),
                                 arg.data());
      reference::MaxPool2Backward(1, s.height, s.width, s.channels, d_out.data(), arg.data(),
                                  d_in.data());
      const float* got = backward ? x->d_src.data() + n * image : x->dst.data() + n * pooled;
      const std::vector<double>& expected = backward ? d_in : to;
      for (size_t i = 0; i < expected.size(); ++i) {
        const std::string wrong =
            Mismatch(At(backward ? "d_src" : "dst", i), got[i], expected[i], 0);
        if (!wrong.empty()) return wrong;
      }
    }
    return std::string();
  };
  return {
      run,
      check,
      {{x->src.data(), in}, {x->dst.data(), out}, {x->d_dst.data(), out}, {x->d_src.data(), in}}};
}

// Every element is dropped or scaled, and the share kept is what the rate says.
Subject MakeDropout(const shapes::NamedRows& s, Parallel& parallel) {
  constexpr float kRate = 0.5f;
  struct State {
    AlignedBuffer<float> src, dst;
  };
  const size_t size = s.samples * s.positions * s.channels;
  const auto x = std::make_shared<State>(State{RandomFloats(size, 1), AlignedBuffer<float>(size)});
  const Pending src = PlainPending(x->src.data(), s.positions, s.channels, s.samples);
  const auto run = [=, &parallel] {
    Dropout(parallel, s.samples, src, kRate, 1, 0, x->dst.data());
  };
  const auto check = [=] {
    size_t kept = 0;
    for (size_t i = 0; i < size; ++i) {
      if (x->dst[i] == 0) continue;
      ++kept;
      const std::string wrong =
          Mismatch(At("dst", i), x->dst[i], x->src[i] / (1.0 - kRate), 4 * kEps);
      if (!wrong.empty()) return wrong;
    }
    const double n = static_cast<double>(size);
    return Mismatch("kept elements", static_cast<double>(kept), n * (1 - kRate),
                    6 * std::sqrt(n * kRate * (1 - kRate)));
  };
  return {run, check, {{x->src.data(), size}, {x->dst.data(), size}}};
}

Subject MakeLoss(const shapes::NamedRows& s, Parallel& parallel) {
  struct State {
    AlignedBuffer<float> logits, d_logits, losses;
    AlignedBuffer<uint8_t> labels, correct;
    double loss = 0;
  };
  const size_t n = s.samples, size = n * s.channels;
  const auto x = std::make_shared<State>(State{RandomFloats(size, 1), AlignedBuffer<float>(size),
                                               AlignedBuffer<float>(n), AlignedBuffer<uint8_t>(n),
                                               AlignedBuffer<uint8_t>(n)});
  for (size_t i = 0; i < n; ++i) x->labels[i] = static_cast<uint8_t>(i * 7 % s.channels);
  const auto run = [=, &parallel] {
    x->loss = SoftmaxCrossEntropy(parallel, n, s.channels, x->logits.data(), x->labels.data(),
                                  x->d_logits.data(), x->losses.data(), x->correct.data());
  };
  const auto check = [=] {
    const std::vector<double> logits(x->logits.begin(), x->logits.end());
    std::vector<double> expected(size);
    const double loss = reference::SoftmaxCrossEntropy(n, s.channels, logits.data(),
                                                       x->labels.data(), expected.data());
    std::string wrong = Mismatch("loss", x->loss, loss, 16 * kEps * (1 + loss));
    for (size_t i = 0; i < size && wrong.empty(); ++i) {
      wrong = Mismatch(At("d_logits", i), x->d_logits[i], expected[i],
                       16 * kEps / static_cast<double>(n));
    }
    return wrong;
  };
  return {run, check, {{x->logits.data(), size}, {x->d_logits.data(), size}}};
}

// The check repeats one update from the start values; the timed calls then walk on, which changes
// no time.
Subject MakeSgd(const shapes::NamedSize& s, float momentum, Parallel& parallel) {
  constexpr float kRate = 1e-4f, kDecay = 1e-4f;
  struct State {
    AlignedBuffer<float> weights, grad, velocity;
  };
  const auto x = std::make_shared<State>(State{RandomFloats(s.size, 1), RandomFloats(s.size, 2),
                                               AlignedBuffer<float>(momentum > 0 ? s.size : 0)});
  const auto run = [=, &parallel] {
    SgdUpdate(parallel, s.size, kRate, momentum, kDecay, x->grad.data(), x->velocity.data(),
              x->weights.data());
  };
  const auto check = [=] {  // after the first update
    const AlignedBuffer<float> start = RandomFloats(s.size, 1);
    for (size_t i = 0; i < s.size; ++i) {
      const double step = double{kRate} * (x->grad[i] + double{kDecay} * start[i]);
      const std::string wrong =
          Mismatch(At("weights", i), x->weights[i], start[i] - step, 2 * kEps);
      if (!wrong.empty()) return wrong;
    }
    return std::string();
  };
  return {run,
          check,
          {{x->weights.data(), s.size},
           {x->grad.data(), s.size},
           {x->velocity.data(), x->velocity.size()}}};
}

void RegisterAll() {
  for (const shapes::NamedRows& s : shapes::kBatchNorm) {
    const double array = 4.0 * static_cast<double>(s.samples * s.positions * s.channels);
    RegisterOurs(std::string("pointwise/resolve_relu/") + s.name, {0, array, array},
                 [s](Parallel& parallel) { return MakeResolve(s, parallel); });
  }
  for (const shapes::NamedImage& s : shapes::kPool) {
    const double in = 4.0 * static_cast<double>(s.samples * s.height * s.width * s.channels);
    const double out = in / 4, arg = in / 16;  // one byte an output
    RegisterOurs(std::string("pointwise/maxpool_fwd/") + s.name, {0, in, out + arg},
                 [s](Parallel& parallel) { return MakePool(s, false, parallel); });
    RegisterOurs(std::string("pointwise/maxpool_bwd/") + s.name, {0, out + arg, in},
                 [s](Parallel& parallel) { return MakePool(s, true, parallel); });
  }
  for (const shapes::NamedRows& s : shapes::kBatchNorm) {
    if (s.positions != 1) continue;  // dropout stands behind dense layers
    const double array = 4.0 * static_cast<double>(s.samples * s.channels);
    RegisterOurs(std::string("pointwise/dropout/") + s.name, {0, array, array},
                 [s](Parallel& parallel) { return MakeDropout(s, parallel); });
  }
  for (const shapes::NamedRows& s : shapes::kLogits) {
    const double array = 4.0 * static_cast<double>(s.samples * s.channels);
    RegisterOurs(std::string("pointwise/softmax_xent/") + s.name, {0, array, array},
                 [s](Parallel& parallel) { return MakeLoss(s, parallel); });
  }
  for (const shapes::NamedSize& s : shapes::kParameters) {
    const double array = 4.0 * static_cast<double>(s.size);
    RegisterOurs(std::string("pointwise/sgd/") + s.name, {0, 2 * array, array, 2 * array},
                 [s](Parallel& parallel) { return MakeSgd(s, 0.0f, parallel); });
    RegisterOurs(std::string("pointwise/sgd_momentum/") + s.name,
                 {0, 3 * array, 2 * array, 3 * array},
                 [s](Parallel& parallel) { return MakeSgd(s, 0.9f, parallel); });
  }
}

}  // namespace
}  // namespace batchmark::bench

BATCHMARK_BENCH_MAIN(batchmark::bench::RegisterAll)
