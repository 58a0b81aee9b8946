// Other libraries, timed in the same binary, on the same operands, interleaved with ours. Each is
// optional at build; PeersSentence names what is missing.
//
// A peer is given what a framework would give it: fp32, plain row-major or NHWC operands,
// primitives made and constant weights brought to the library's own layout beforehand, not in the
// timed call.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "core/ops/conv2d.h"
#include "core/ops/gemm.h"

namespace batchmark::bench {

// What is timed, and (if not empty) what brings the result to our layout afterwards for the check.
struct PeerCall {
  std::function<void()> run;
  std::function<void()> finish;
};

struct GemmOperands {
  const float *a, *b;  // as Gemm takes them, dense leading dimensions
  float* c;
};

enum class ConvPass { kForward, kBackwardData, kBackwardWeights };

// Forward writes dst = conv(src) + bias; BackwardData writes d_src; BackwardWeights d_weights,
// d_bias.
struct ConvOperands {
  const float *src, *weights, *bias, *dz;
  float *dst, *d_src, *d_weights, *d_bias;
};

enum class NormPass { kForward, kForwardRelu, kBackward, kBackwardRelu };

// Training batch norm over rows x channels (NHWC), alone or with the ReLU behind it. Forward fills
// mean, var, dst. Backward: d_src, d_gamma, d_beta from src, dy and what a forward pass saved,
// which the peer makes when it is built.
struct NormOperands {
  size_t samples, positions, channels;
  float eps;
  const float *src, *gamma, *beta, *dy;
  float *dst, *mean, *var, *d_src, *d_gamma, *d_beta;
};

struct Peer {
  const char* name;
  std::string version;
  void (*set_threads)(int threads);
  // Each may be null: the library has no such operation.
  PeerCall (*gemm)(GemmForm form, size_t m, size_t n, size_t k, const GemmOperands& operands);
  PeerCall (*conv)(ConvPass pass, const Conv2dShape& shape, const ConvOperands& operands);
  PeerCall (*norm)(NormPass pass, const NormOperands& operands);
};

const std::vector<Peer>& Peers();
const Peer* FindPeer(const std::string& name);
// "openblas 0.3.21, onednn 2.6.3" or "onednn 2.6.3; not built: openblas".
std::string PeersSentence();

// OpenBLAS takes SSE kernels on a CPU younger than itself, unless $OPENBLAS_CORETYPE names its best
// ones when the program starts. A comparison with that would be worthless: starts the program anew
// (execv) with the variable set, where needed and where it is not set already. Else returns.
void RestartWithPeerEnvironment(char** argv);

}  // namespace batchmark::bench
