#include "tests/support/reference_net.h"

#include <algorithm>
#include <cmath>

#include "core/base/rng.h"
#include "core/reference/reference.h"

namespace batchmark::testing {
namespace {

using reference::Act;

Act ToAct(Activation act) {
  switch (act) {
    case Activation::kRelu: return Act::kRelu;
    case Activation::kSigmoid: return Act::kSigmoid;
    case Activation::kTanh: return Act::kTanh;
    case Activation::kNone: break;
  }
  return Act::kNone;
}

struct Shape {
  size_t h, w, c;
  size_t size() const { return h * w * c; }
};

// What a layer keeps for its way back.
struct Saved {
  Shape in{}, out{};
  std::vector<double> x, z, normed, y;  // input; linear output; see placement below; output
  std::vector<reference::BatchNormSaved> groups;
  std::vector<StoppedNumbers> stopped;  // by group
  std::vector<uint8_t> arg;
};

struct Runner {
  const NetSpec& net;
  Placement placement;
  double eps;
  size_t n;
  const SampleGroups& image_groups;
  const SampleGroups& dense_groups;
  const std::map<size_t, ReferenceParameters>& parameters;
  const ReferenceNorm& norm;

  bool HasNorm(size_t layer) const { return placement != Placement::kNone && layer + 1 < net.size(); }

  std::vector<double> Activate(Activation act, const std::vector<double>& u) const {
    std::vector<double> y(u.size());
    for (size_t i = 0; i < u.size(); ++i) y[i] = reference::Activate(ToAct(act), u[i]);
    return y;
  }
  std::vector<double> ActivateBackward(Activation act, const std::vector<double>& y, std::vector<double> dy) const {
    for (size_t i = 0; i < y.size(); ++i) dy[i] *= reference::ActivateDerivative(ToAct(act), y[i]);
    return dy;
  }

  reference::ConvShape Conv(const LayerSpec& l, const Shape& in) const {
    return {n, in.h, in.w, in.c, l.kernel_h, l.kernel_w, l.outputs, l.same};
  }

  const SampleGroups& Groups(const Shape& out) const { return out.h * out.w > 1 ? image_groups : dense_groups; }

  // What bn.stats makes of a group's moments and the moving ones, in the words of norm.h.
  StoppedNumbers Stop(size_t layer, size_t group, size_t positions, const reference::BatchNormSaved& batch) const {
    using Kind = NormStats::Kind;
    StoppedNumbers stopped;
    const NormStats& stats = norm.stats;
    if (stats.kind == Kind::kBatch || stats.kind == Kind::kGhost || stats.kind == Kind::kWide) return stopped;
    const auto& [mean, var] = norm.moving.at(layer);
    const Rng rng(norm.seed, RngStream::kNoise, static_cast<uint64_t>(norm.step) * 64 + layer);
    for (size_t c = 0; c < mean.size(); ++c) {
      const double sd = std::sqrt(var[c] + eps);
      if (stats.kind == Kind::kRenorm) {
        const double batch_sd = std::sqrt(batch.var[c] + eps);
        stopped.r.push_back(std::min(stats.r_max, std::max(1 / stats.r_max, batch_sd / sd)));
        stopped.d.push_back(std::min(stats.d_max, std::max(-stats.d_max, (batch.mean[c] - mean[c]) / sd)));
        continue;
      }
      double e1 = 0, e2 = 0, m = 1;
      if (stats.kind == Kind::kPopulationGauss) {
        const size_t i = group * mean.size() + c;
        e1 = norm.noise_scale * rng.Normal(2 * i), e2 = norm.noise_scale * rng.Normal(2 * i + 1);
        m = static_cast<double>(stats.samples * positions);
      }
      stopped.u.push_back(mean[c] + sd * e1 / std::sqrt(m));
      stopped.s.push_back(sd * std::max(0.1, 1 + e2 / std::sqrt(2 * m)));
    }
    return stopped;
  }

  std::vector<double> NormForward(size_t layer, Saved& s, const ReferenceParameters& p,
                                  const std::vector<double>& v) const {
    std::vector<double> y(v.size());
    const SampleGroups& groups = Groups(s.out);
    for (size_t g = 0; g < groups.count; ++g) {
      const size_t first = groups.Begin(g) * s.out.size();
      const size_t rows = (groups.End(g) - groups.Begin(g)) * s.out.h * s.out.w;
      s.groups.push_back(reference::BatchNormForward(rows, s.out.c, v.data() + first, p.gamma.data(), p.beta.data(),
                                                     eps, y.data() + first));
      const auto known = norm.stopped.find(layer);
      s.stopped.push_back(known != norm.stopped.end() ? known->second[g]
                                                      : Stop(layer, g, s.out.h * s.out.w, s.groups.back()));
      const StoppedNumbers& stopped = s.stopped.back();
      for (size_t i = 0; i < rows * s.out.c; ++i) {
        const size_t c = i % s.out.c;
        const double value = v[first + i];
        if (!stopped.u.empty()) y[first + i] = p.gamma[c] * (value - stopped.u[c]) / stopped.s[c] + p.beta[c];
        if (!stopped.r.empty()) {
          const double xhat = (value - s.groups.back().mean[c]) * s.groups.back().rstd[c];
          y[first + i] = p.gamma[c] * (xhat * stopped.r[c] + stopped.d[c]) + p.beta[c];
        }
      }
    }
    return y;
  }

  std::vector<double> NormBackward(const Saved& s, const ReferenceParameters& p, ReferenceParameters& d,
                                   const std::vector<double>& v, const std::vector<double>& dy) const {
    std::vector<double> dv(v.size());
    const SampleGroups& groups = Groups(s.out);
    d.gamma.assign(s.out.c, 0.0);
    d.beta.assign(s.out.c, 0.0);
    for (size_t g = 0; g < groups.count; ++g) {
      const size_t first = groups.Begin(g) * s.out.size();
      const size_t rows = (groups.End(g) - groups.Begin(g)) * s.out.h * s.out.w;
      const StoppedNumbers& stopped = s.stopped[g];
      std::vector<double> d_gamma(s.out.c), d_beta(s.out.c), gamma = p.gamma;
      // Renorm: the same function of z with gamma r in place of gamma, and d added behind it.
      for (size_t c = 0; c < stopped.r.size(); ++c) gamma[c] *= stopped.r[c];
      reference::BatchNormBackward(rows, s.out.c, v.data() + first, s.groups[g], gamma.data(), dy.data() + first,
                                   dv.data() + first, d_gamma.data(), d_beta.data());
      for (size_t c = 0; c < stopped.r.size(); ++c) d_gamma[c] = stopped.r[c] * d_gamma[c] + stopped.d[c] * d_beta[c];
      if (!stopped.u.empty()) {
        std::fill(d_gamma.begin(), d_gamma.end(), 0.0);
        for (size_t i = 0; i < rows * s.out.c; ++i) {
          const size_t c = i % s.out.c;
          d_gamma[c] += dy[first + i] * (v[first + i] - stopped.u[c]) / stopped.s[c];
          dv[first + i] = dy[first + i] * p.gamma[c] / stopped.s[c];
        }
      }
      for (size_t c = 0; c < s.out.c; ++c) d.gamma[c] += d_gamma[c], d.beta[c] += d_beta[c];
    }
    return dv;
  }

  std::vector<double> LinearForward(const LayerSpec& l, const ReferenceParameters& p, const Saved& s) const {
    std::vector<double> z(n * s.out.size());
    if (l.kind == LayerSpec::Kind::kConv) {
      reference::ConvForward(Conv(l, s.in), s.x.data(), p.weight.data(), p.bias.data(), z.data());
      return z;
    }
    const size_t in = s.in.size(), out = l.outputs;
    reference::Gemm(n, out, in, s.x.data(), in, 1, p.weight.data(), out, 1, z.data());
    for (size_t i = 0; i < z.size(); ++i) z[i] += p.bias[i % out];
    return z;
  }

  std::vector<double> LinearBackward(const LayerSpec& l, const ReferenceParameters& p, ReferenceParameters& d,
                                     const Saved& s, const std::vector<double>& dz) const {
    std::vector<double> dx(n * s.in.size());
    d.weight.assign(p.weight.size(), 0.0);
    d.bias.assign(p.bias.size(), 0.0);
    if (l.kind == LayerSpec::Kind::kConv) {
      reference::ConvBackwardData(Conv(l, s.in), dz.data(), p.weight.data(), dx.data());
      reference::ConvBackwardWeights(Conv(l, s.in), s.x.data(), dz.data(), d.weight.data(), d.bias.data());
      return dx;
    }
    const size_t in = s.in.size(), out = l.outputs;
    reference::Gemm(n, in, out, dz.data(), out, 1, p.weight.data(), 1, out, dx.data());
    reference::Gemm(in, out, n, s.x.data(), 1, in, dz.data(), out, 1, d.weight.data());
    for (size_t i = 0; i < dz.size(); ++i) d.bias[i % out] += dz[i];
    return dx;
  }
};

}  // namespace

ReferenceResult RunReferenceNet(const NetSpec& net, Placement placement, double eps, size_t height, size_t width,
                                const SampleGroups& image_groups, const SampleGroups& dense_groups,
                                const std::map<size_t, ReferenceParameters>& parameters,
                                const std::vector<double>& x, const std::vector<uint8_t>& labels,
                                const ReferenceNorm& norm) {
  const size_t n = x.size() / (height * width);
  const Runner run{net, placement, eps, n, image_groups, dense_groups, parameters, norm};
  std::vector<Saved> saved(net.size());
  std::vector<double> value = x;
  Shape shape{height, width, 1};
  for (size_t layer = 0; layer < net.size(); ++layer) {
    const LayerSpec& l = net[layer];
    Saved& s = saved[layer];
    s.in = s.out = shape;
    s.x = value;
    switch (l.kind) {
      case LayerSpec::Kind::kFlatten:
      case LayerSpec::Kind::kDropout:  // rate 0 only
        break;
      case LayerSpec::Kind::kMaxPool2:
        s.out = {shape.h / 2, shape.w / 2, shape.c};
        value.resize(n * s.out.size());
        s.arg.resize(value.size());
        reference::MaxPool2Forward(n, shape.h, shape.w, shape.c, s.x.data(), value.data(), s.arg.data());
        break;
      default: {
        const reference::ConvShape conv = run.Conv(l, shape);
        s.out = l.kind == LayerSpec::Kind::kConv ? Shape{conv.out_h(), conv.out_w(), l.outputs}
                                                 : Shape{1, 1, l.outputs};
        const ReferenceParameters& p = parameters.at(layer);
        s.z = run.LinearForward(l, p, s);
        if (!run.HasNorm(layer)) {
          s.y = run.Activate(l.act, s.z);
        } else if (placement == Placement::kPre) {
          s.y = run.Activate(l.act, run.NormForward(layer, s, p, s.z));
        } else {
          s.normed = run.Activate(l.act, s.z);  // what BN sees
          s.y = run.NormForward(layer, s, p, s.normed);
        }
        value = s.y;
      }
    }
    shape = s.out;
  }
  ReferenceResult result;
  result.logits = value;
  std::vector<double> d(value.size());
  result.loss = reference::SoftmaxCrossEntropy(labels.size(), shape.c, value.data(), labels.data(), d.data());

  for (size_t layer = net.size(); layer-- > 0;) {
    const LayerSpec& l = net[layer];
    const Saved& s = saved[layer];
    if (!s.stopped.empty()) result.stopped[layer] = s.stopped;
    if (l.kind == LayerSpec::Kind::kMaxPool2) {
      std::vector<double> dx(n * s.in.size());
      reference::MaxPool2Backward(n, s.in.h, s.in.w, s.in.c, d.data(), s.arg.data(), dx.data());
      d = dx;
    }
    if (!l.IsLinear()) continue;
    const ReferenceParameters& p = parameters.at(layer);
    ReferenceParameters& g = result.gradients[layer];
    std::vector<double> dz;
    if (!run.HasNorm(layer)) {
      dz = run.ActivateBackward(l.act, s.y, d);
    } else if (placement == Placement::kPre) {
      dz = run.NormBackward(s, p, g, s.z, run.ActivateBackward(l.act, s.y, d));
    } else {
      dz = run.ActivateBackward(l.act, s.normed, run.NormBackward(s, p, g, s.normed, d));
    }
    d = run.LinearBackward(l, p, g, s, dz);
  }
  return result;
}

}  // namespace batchmark::testing
