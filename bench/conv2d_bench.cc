// Convolutions of shapes::kConv: ours on each SIMD target, oneDNN where built (NHWC, and its own
// layout).
//   fwd          dst = conv(src) + bias                           bwd_data     d_src from dz
//   fwd_bn       src = relu(scale v + shift) applied on load,     bwd_weights  d_weights, d_bias
//   from src, dz
//                moments of dst gathered                          bwd          both, as a step
//                needs them
//   bwd_bn       as bwd, with dz resolved on load from (dy, z) through batch norm and ReLU
//   *_direct     the same by the sums of the definition, where Conv2d takes Winograd's algorithm
// FLOPs = 2 x (taps that fall inside the image) x Cin x Cout, whatever the algorithm: Winograd's
// takes up to four times fewer multiply-adds, so that its share of their peak may be above 1.
// Minimal traffic: inputs read once, results written once.
#include <cmath>
#include <memory>

#include "bench/bench_util.h"
#include "bench/conv2d_check.h"
#include "bench/peers/peers.h"
#include "bench/shapes.h"
#include "core/ops/conv2d.h"

namespace batchmark::bench {
namespace {

double Taps(size_t size, size_t kernel, bool same) {
  if (!same) return static_cast<double>((size - kernel + 1) * kernel);
  const size_t pad = (kernel - 1) / 2;
  double taps = 0;
  for (size_t i = 0; i < kernel; ++i) {
    taps += static_cast<double>(size - (i > pad ? i - pad : pad - i));
  }
  return taps;
}

struct Sizes {
  double flops, src, dst, weights;  // one product; bytes
};

Sizes SizesOf(const Conv2dShape& s) {
  const double n = static_cast<double>(s.samples);
  return {2 * n * Taps(s.height, s.kernel_h, s.same) * Taps(s.width, s.kernel_w, s.same) *
              static_cast<double>(s.channels_in * s.channels_out),
          4 * n * static_cast<double>(s.height * s.width * s.channels_in),
          4 * n * static_cast<double>(s.OutHeight() * s.OutWidth() * s.channels_out),
          4.0 * static_cast<double>(s.kernel_h * s.kernel_w * s.channels_in * s.channels_out)};
}

enum class Kind { kForward, kForwardBn, kBackwardData, kBackwardWeights, kBackward, kBackwardBn };

struct NamedKind {
  Kind kind;
  const char* name;
};
constexpr NamedKind kKinds[] = {
    {Kind::kForward, "fwd"},           {Kind::kForwardBn, "fwd_bn"},
    {Kind::kBackwardData, "bwd_data"}, {Kind::kBackwardWeights, "bwd_weights"},
    {Kind::kBackward, "bwd"},          {Kind::kBackwardBn, "bwd_bn"},
};

bool WithData(Kind kind) {
  return kind == Kind::kBackwardData || kind == Kind::kBackward || kind == Kind::kBackwardBn;
}
bool WithWeights(Kind kind) {
  return kind == Kind::kBackwardWeights || kind == Kind::kBackward || kind == Kind::kBackwardBn;
}
bool IsForward(Kind kind) { return kind == Kind::kForward || kind == Kind::kForwardBn; }
bool IsFused(Kind kind) { return kind == Kind::kForwardBn || kind == Kind::kBackwardBn; }

Work WorkOf(Kind kind, const Conv2dShape& shape) {
  const Sizes z = SizesOf(shape);
  if (IsForward(kind)) return {z.flops, z.src + z.weights, z.dst};
  Work work = {0, z.dst * (IsFused(kind) ? 2 : 1), 0};  // dz, or dy and z
  if (WithData(kind))
    work.flops += z.flops, work.bytes_read += z.weights, work.bytes_written += z.src;
  if (WithWeights(kind))
    work.flops += z.flops, work.bytes_read += z.src, work.bytes_written += z.weights;
  return work;
}

ConvTensors MakeTensors(const Conv2dShape& s) {
  ConvTensors t;
  const size_t src = s.samples * s.height * s.width * s.channels_in;
  const size_t dst = s.samples * s.OutHeight() * s.OutWidth() * s.channels_out;
  const size_t weights = s.kernel_h * s.kernel_w * s.channels_in * s.channels_out;
  t.shape = s;
  t.src = RandomFloats(src, 1), t.weights = RandomFloats(weights, 2);
  t.bias = RandomFloats(s.channels_out, 3), t.dz = RandomFloats(dst, 4), t.z = RandomFloats(dst, 5);
  t.src_scale = RandomFloats(s.channels_in, 6), t.src_shift = RandomFloats(s.channels_in, 7);
  t.scale = RandomFloats(s.channels_out, 8), t.shift = RandomFloats(s.channels_out, 9);
  t.slope = RandomFloats(s.channels_out, 10), t.base = RandomFloats(s.channels_out, 11);
  t.moments = TileMoments(s.samples, s.channels_out);
  t.dst = AlignedBuffer<float>(dst), t.d_src = AlignedBuffer<float>(src);
  t.d_weights = AlignedBuffer<float>(weights), t.d_bias = AlignedBuffer<float>(s.channels_out);
  return t;
}

Subject MakeSubject(Kind kind, std::shared_ptr<ConvTensors> t, std::function<void()> run,
                    std::function<void()> finish) {
  t->dst[0] = t->d_src[0] = t->d_weights[0] = std::nanf("");  // a run that writes nothing is seen
  Subject subject;
  subject.run = std::move(run);
  subject.check = [=] {
    if (finish) finish();
    std::string wrong;
    if (IsForward(kind)) wrong = CheckForward(*t, IsFused(kind));
    if (wrong.empty() && kind == Kind::kForwardBn) wrong = CheckMoments(*t, t->moments);
    if (wrong.empty() && WithData(kind)) wrong = CheckBackwardData(*t, IsFused(kind));
    if (wrong.empty() && WithWeights(kind)) wrong = CheckBackwardWeights(*t, IsFused(kind));
    return wrong;
  };
  const auto add = [&](const AlignedBuffer<float>& x) {
    subject.operands.push_back({x.data(), x.size()});
  };
  add(t->src), add(t->weights), add(t->d_weights);
  if (IsForward(kind)) add(t->dst);
  if (!IsForward(kind)) add(t->dz), add(t->z), add(t->d_src);
  return subject;
}

std::function<void()> OurRun(Kind kind, std::shared_ptr<ConvTensors> t, int threads,
                             ConvAlgorithm algorithm = ConvAlgorithm::kAuto) {
  Conv2dShape s = t->shape;
  s.algorithm = algorithm;
  const auto conv = std::make_shared<Conv2d>(SharedParallel(threads), s, true);
  const bool fused = IsFused(kind);
  if (IsForward(kind)) {
    return [=] {
      conv->Forward(t->shape.samples, t->Source(fused), t->weights.data(), t->bias.data(),
                    Activation::kNone, t->dst.data(), fused ? &t->moments : nullptr);
    };
  }
  return [=] {
    conv->Backward(t->shape.samples, t->Source(fused), t->Gradient(fused), t->weights.data(),
                   WithData(kind) ? t->d_src.data() : nullptr,
                   WithWeights(kind) ? t->d_weights.data() : nullptr,
                   WithWeights(kind) ? t->d_bias.data() : nullptr);
  };
}

void RegisterPeers(Case one, Kind kind,
                   const std::function<std::shared_ptr<ConvTensors>()>& tensors) {
  const ConvPass pass = kind == Kind::kForward        ? ConvPass::kForward
                        : kind == Kind::kBackwardData ? ConvPass::kBackwardData
                                                      : ConvPass::kBackwardWeights;
  ForEachPeerVariant([&](const std::string& backend, int threads) {
    one.backend = backend, one.threads = threads;
    for (const Peer& peer : Peers()) {
      if (peer.conv == nullptr) continue;
      one.peer = peer.name;
      one.make = [=, make = peer.conv] {
        const auto t = tensors();
        PeerCall call =
            make(pass, t->shape,
                 {t->src.data(), t->weights.data(), t->bias.data(), t->dz.data(), t->dst.data(),
                  t->d_src.data(), t->d_weights.data(), t->d_bias.data()});
        return MakeSubject(kind, t, std::move(call.run), std::move(call.finish));
      };
      Register(one);
    }
  });
}

// The same pass by its definition, where Conv2d chooses Winograd's algorithm.
void RegisterDirect(Case one, Kind kind, const std::string& kind_name,
                    const shapes::NamedConv& named,
                    const std::function<std::shared_ptr<ConvTensors>()>& tensors) {
  one.name = "conv2d/" + kind_name + "_direct/" + named.name;
  one.peer.clear();
  ForEachVariant([&](const std::string& backend, int threads) {
    one.backend = backend, one.threads = threads;
    one.make = [=] {
      const auto t = tensors();
      return MakeSubject(kind, t, OurRun(kind, t, threads, ConvAlgorithm::kDirect), nullptr);
    };
    Register(one);
  });
}

void RegisterShape(const shapes::NamedConv& named) {
  const auto slot = std::make_shared<std::weak_ptr<ConvTensors>>();
  const auto tensors = [shape = named.shape, slot] {
    return Shared(*slot, [&] { return MakeTensors(shape); });
  };
  const bool first_layer = named.shape.channels_in == 1;  // needs no gradient of its input
  for (const auto& [kind, kind_name] : kKinds) {
    if (first_layer && WithData(kind)) continue;
    Case one;
    one.name = std::string("conv2d/") + kind_name + "/" + named.name;
    one.work = WorkOf(kind, named.shape);
    ForEachVariant([&, kind = kind](const std::string& backend, int threads) {
      one.backend = backend, one.threads = threads;
      one.make = [=] {
        const auto t = tensors();
        return MakeSubject(kind, t, OurRun(kind, t, threads), nullptr);
      };
      Register(one);
    });
    if (IsFused(kind) || kind == Kind::kBackward) continue;
    RegisterPeers(one, kind, tensors);
    if (Conv2d::IsWinograd(named.shape)) RegisterDirect(one, kind, kind_name, named, tensors);
  }
}

void RegisterAll() {
  for (const shapes::NamedConv& shape : shapes::kConv) RegisterShape(shape);
}

}  // namespace
}  // namespace batchmark::bench

BATCHMARK_BENCH_MAIN(batchmark::bench::RegisterAll)
