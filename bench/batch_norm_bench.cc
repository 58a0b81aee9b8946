// Training batch norm over shapes::kBatchNorm: ours on each SIMD target, oneDNN where built.
//   fwd, fwd_relu   statistics, then y = [relu](scale x + shift)         bwd, bwd_relu   d_x,
//   d_gamma, d_beta infer           y with population statistics
// Traffic is what the formulas need of an array too large for a core's cache: statistics must be
// whole before the first output, so forward reads x twice and writes y (3 passes), backward reads x
// and dy twice and writes d_x (5). A kernel that keeps part of the array in cache in between may
// pass 100 %.
#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <vector>

#include "bench/bench_util.h"
#include "bench/peers/peers.h"
#include "bench/shapes.h"
#include "core/ops/batch_norm.h"
#include "core/reference/reference.h"

namespace batchmark::bench {
namespace {

constexpr float kEps = 1e-3f;

enum class Kind { kForward, kForwardRelu, kBackward, kBackwardRelu, kInference };

struct NamedKind {
  Kind kind;
  const char* name;
};
constexpr NamedKind kKinds[] = {{Kind::kForward, "fwd"},
                                {Kind::kForwardRelu, "fwd_relu"},
                                {Kind::kBackward, "bwd"},
                                {Kind::kBackwardRelu, "bwd_relu"},
                                {Kind::kInference, "infer"}};

bool HasRelu(Kind kind) { return kind == Kind::kForwardRelu || kind == Kind::kBackwardRelu; }
bool IsBackward(Kind kind) { return kind == Kind::kBackward || kind == Kind::kBackwardRelu; }

struct Tensors {
  shapes::NamedRows shape;
  AlignedBuffer<float> src, dy, gamma, beta, dst, d_src, mean, var, d_gamma, d_beta;
  size_t Rows() const { return shape.samples * shape.positions; }
};

Tensors MakeTensors(const shapes::NamedRows& s) {
  const size_t size = s.samples * s.positions * s.channels;
  Tensors t;
  t.shape = s;
  t.src = RandomFloats(size, 1), t.dy = RandomFloats(size, 2);
  t.gamma = RandomFloats(s.channels, 3), t.beta = RandomFloats(s.channels, 4);
  t.dst = AlignedBuffer<float>(size), t.d_src = AlignedBuffer<float>(size);
  for (auto* x : {&t.mean, &t.var, &t.d_gamma, &t.d_beta}) *x = AlignedBuffer<float>(s.channels);
  return t;
}

// Up to four channels, first and last among them, each a batch norm of one channel in float64.
std::string Check(Kind kind, const Tensors& t) {
  const size_t rows = t.Rows(), channels = t.shape.channels;
  // Of a value of size 1: float32 moments over all rows, then the map.
  const double unit =
      std::numeric_limits<float>::epsilon() * (32 + 0.1 * std::sqrt(static_cast<double>(rows)));
  std::vector<double> z(rows), y(rows), dy(rows), dz(rows);
  for (const size_t c : {size_t{0}, channels / 3, channels / 2, channels - 1}) {
    for (size_t r = 0; r < rows; ++r)
      z[r] = t.src[r * channels + c], dy[r] = t.dy[r * channels + c];
    const double gamma = t.gamma[c], beta = t.beta[c];
    reference::BatchNormSaved saved =
        reference::BatchNormForward(rows, 1, z.data(), &gamma, &beta, kEps, y.data());
    const double scale = std::abs(gamma) * saved.rstd[0];
    const auto where = [&](const char* what, size_t r) {
      return std::string(what) + "[" + std::to_string(r) + "," + std::to_string(c) + "]";
    };
    std::string wrong;
    if (!IsBackward(kind)) {
      for (size_t r = 0; r < rows && wrong.empty(); ++r) {
        const double expected = HasRelu(kind) ? std::max(0.0, y[r]) : y[r];
        wrong = Mismatch(where("y", r), t.dst[r * channels + c], expected,
                         unit * (scale + std::abs(beta)));
      }
    } else {
      double sum_dy = 0, sum_product = 0;
      for (size_t r = 0; r < rows; ++r) {
        if (HasRelu(kind) && y[r] <= 0) dy[r] = 0;
        sum_dy += std::abs(dy[r]),
            sum_product += std::abs(dy[r] * (z[r] - saved.mean[0]) * saved.rstd[0]);
      }
      double d_gamma = 0, d_beta = 0;
      reference::BatchNormBackward(rows, 1, z.data(), saved, &gamma, dy.data(), dz.data(), &d_gamma,
                                   &d_beta);
      wrong = Mismatch(where("d_gamma", 0), t.d_gamma[c], d_gamma, SumTolerance(rows, sum_product));
      if (wrong.empty())
        wrong = Mismatch(where("d_beta", 0), t.d_beta[c], d_beta, SumTolerance(rows, sum_dy));
      for (size_t r = 0; r < rows && wrong.empty(); ++r) {
        if (HasRelu(kind) && std::abs(y[r]) < 1e-5) continue;  // at the kink either side is right
        wrong = Mismatch(where("d_x", r), t.d_src[r * channels + c], dz[r],
                         2 * unit * (scale + std::abs(dz[r])));
      }
    }
    if (!wrong.empty()) return wrong;
  }
  return "";
}

Subject MakeSubject(Kind kind, std::shared_ptr<Tensors> t, std::function<void()> run,
                    std::function<void()> finish) {
  t->dst[0] = t->d_src[0] = std::nanf("");  // a run that writes nothing is seen
  Subject subject;
  subject.run = std::move(run);
  subject.check = [=] {
    if (finish) finish();
    return Check(kind, *t);
  };
  subject.operands = {{t->src.data(), t->src.size()}};
  const AlignedBuffer<float>& out = IsBackward(kind) ? t->d_src : t->dst;
  subject.operands.push_back({out.data(), out.size()});
  if (IsBackward(kind)) subject.operands.push_back({t->dy.data(), t->dy.size()});
  return subject;
}

std::function<void()> OurRun(Kind kind, std::shared_ptr<Tensors> t, int threads) {
  const shapes::NamedRows& s = t->shape;
  const auto norm =
      std::make_shared<BatchNorm>(SharedParallel(threads), s.samples, s.positions, s.channels);
  const Activation act = HasRelu(kind) ? Activation::kRelu : Activation::kNone;
  const auto forward = [=] {
    norm->ForwardTraining(t->src.data(), t->gamma.data(), t->beta.data(), kEps, act, t->dst.data(),
                          t->mean.data(), t->var.data());
  };
  if (kind == Kind::kForward || kind == Kind::kForwardRelu) return forward;
  forward();  // saves what backward and inference need
  if (kind == Kind::kInference) {
    return [=] {
      norm->Inference(t->shape.samples, t->src.data(), t->gamma.data(), t->beta.data(),
                      t->mean.data(), t->var.data(), kEps, act, t->dst.data());
    };
  }
  return [=] {
    norm->Backward(t->src.data(), t->dy.data(), t->d_src.data(), t->d_gamma.data(),
                   t->d_beta.data());
  };
}

Work WorkOf(Kind kind, const shapes::NamedRows& s) {
  const double array = 4.0 * static_cast<double>(s.samples * s.positions * s.channels);
  if (kind == Kind::kInference) return {0, array, array};
  if (IsBackward(kind)) return {0, 4 * array, array, 3 * array};
  return {0, 2 * array, array, 2 * array};
}

void RegisterPeers(Case one, Kind kind, const shapes::NamedRows& shape,
                   const std::function<std::shared_ptr<Tensors>()>& tensors) {
  const NormPass pass = kind == Kind::kForward       ? NormPass::kForward
                        : kind == Kind::kForwardRelu ? NormPass::kForwardRelu
                        : kind == Kind::kBackward    ? NormPass::kBackward
                                                     : NormPass::kBackwardRelu;
  ForEachPeerVariant([&](const std::string& backend, int threads) {
    one.backend = backend, one.threads = threads;
    for (const Peer& peer : Peers()) {
      if (peer.norm == nullptr) continue;
      // A blocked layout is of images whose channels fill blocks of 16.
      const bool blocked = std::string(peer.name).find("blocked") != std::string::npos;
      if (blocked && (shape.positions == 1 || shape.channels % 16 != 0)) continue;
      one.peer = peer.name;
      one.make = [=, make = peer.norm] {
        const auto t = tensors();
        PeerCall call = make(
            pass, {shape.samples, shape.positions, shape.channels, kEps, t->src.data(),
                   t->gamma.data(), t->beta.data(), t->dy.data(), t->dst.data(), t->mean.data(),
                   t->var.data(), t->d_src.data(), t->d_gamma.data(), t->d_beta.data()});
        return MakeSubject(kind, t, std::move(call.run), std::move(call.finish));
      };
      Register(one);
    }
  });
}

void RegisterAll() {
  for (const shapes::NamedRows& shape : shapes::kBatchNorm) {
    const auto slot = std::make_shared<std::weak_ptr<Tensors>>();
    const auto tensors = [shape, slot] {
      return Shared(*slot, [&] { return MakeTensors(shape); });
    };
    for (const auto& [kind, kind_name] : kKinds) {
      Case one;
      one.name = std::string("batch_norm/") + kind_name + "/" + shape.name;
      one.work = WorkOf(kind, shape);
      ForEachVariant([&, kind = kind](const std::string& backend, int threads) {
        one.backend = backend, one.threads = threads;
        one.make = [=] {
          const auto t = tensors();
          return MakeSubject(kind, t, OurRun(kind, t, threads), nullptr);
        };
        Register(one);
      });
      if (kind != Kind::kInference) RegisterPeers(one, kind, shape, tensors);
    }
  }
}

}  // namespace
}  // namespace batchmark::bench

BATCHMARK_BENCH_MAIN(batchmark::bench::RegisterAll)
