// oneDNN 2.x (Debian's has the OpenMP runtime). Two rows: "onednn" keeps activations in NHWC as we
// do, "onednn_blocked" lets the library choose its own layout for them, reorders not timed.
#include <omp.h>

#include <dnnl.hpp>
#include <memory>
#include <unordered_map>
#include <utility>

#include "bench/peers/peers.h"

namespace batchmark::bench {
namespace {

using dnnl::memory;
using Tag = memory::format_tag;
using Args = std::unordered_map<int, memory>;

dnnl::engine& Engine() {
  static dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

dnnl::stream& Stream() {
  static dnnl::stream stream(Engine());
  return stream;
}

memory::desc Desc(const memory::dims& dims, Tag tag) { return {dims, memory::data_type::f32, tag}; }

// oneDNN takes inputs by non-const pointers too.
memory Wrap(const memory::desc& desc, const float* data) {
  return memory(desc, Engine(), const_cast<float*>(data));
}

void Reorder(memory from, memory to) {
  dnnl::reorder(from, to).execute(Stream(), from, to);
  Stream().wait();
}

// The user's memory itself when the layouts agree, else memory of the library's layout filled from
// it.
memory Import(const memory& user, const memory::desc& wanted) {
  if (user.get_desc() == wanted) return user;
  memory own(wanted, Engine());
  Reorder(user, own);
  return own;
}

// Like Import for results; the copy back is added to finish.
memory Export(const memory& user, const memory::desc& wanted,
              std::vector<std::pair<memory, memory>>& finish) {
  if (user.get_desc() == wanted) return user;
  memory own(wanted, Engine());
  finish.emplace_back(own, user);
  return own;
}

PeerCall MakeCall(const dnnl::primitive& primitive, Args args,
                  std::vector<std::pair<memory, memory>> finish) {
  PeerCall call;
  call.run = [primitive, args = std::move(args)] {
    primitive.execute(Stream(), args);
    Stream().wait();
  };
  if (!finish.empty()) {
    call.finish = [finish = std::move(finish)] {
      for (const auto& [own, user] : finish) Reorder(own, user);
    };
  }
  return call;
}

memory::dim Dim(size_t n) { return static_cast<memory::dim>(n); }

PeerCall MakeGemm(GemmForm form, size_t m, size_t n, size_t k, const GemmOperands& operands) {
  const auto a = Desc({Dim(m), Dim(k)}, form == GemmForm::kTN ? Tag::ba : Tag::ab);
  const auto b = Desc({Dim(k), Dim(n)}, form == GemmForm::kNT ? Tag::ba : Tag::ab);
  const auto c = Desc({Dim(m), Dim(n)}, Tag::ab);
  const dnnl::matmul::primitive_desc pd({a, b, c}, Engine());
  return MakeCall(dnnl::matmul(pd),
                  {{DNNL_ARG_SRC, Wrap(a, operands.a)},
                   {DNNL_ARG_WEIGHTS, Wrap(b, operands.b)},
                   {DNNL_ARG_DST, Wrap(c, operands.c)}},
                  {});
}

PeerCall MakeConv(ConvPass pass, const Conv2dShape& s, const ConvOperands& operands, bool blocked) {
  const memory::dims src_dims = {Dim(s.samples), Dim(s.channels_in), Dim(s.height), Dim(s.width)};
  const memory::dims dst_dims = {Dim(s.samples), Dim(s.channels_out), Dim(s.OutHeight()),
                                 Dim(s.OutWidth())};
  const memory::dims weights_dims = {Dim(s.channels_out), Dim(s.channels_in), Dim(s.kernel_h),
                                     Dim(s.kernel_w)};
  const memory::dims strides = {1, 1};
  const memory::dims pad = {s.same ? Dim((s.kernel_h - 1) / 2) : 0,
                            s.same ? Dim((s.kernel_w - 1) / 2) : 0};
  const auto direct = dnnl::algorithm::convolution_direct;
  const Tag data = blocked ? Tag::any : Tag::nhwc;
  const auto src_any = Desc(src_dims, data), dst_any = Desc(dst_dims, data);
  const auto weights_any = Desc(weights_dims, Tag::any);
  const auto bias = Desc({Dim(s.channels_out)}, Tag::x);
  const memory src = Wrap(Desc(src_dims, Tag::nhwc), operands.src);
  const memory dz = Wrap(Desc(dst_dims, Tag::nhwc), operands.dz);
  const memory weights = Wrap(Desc(weights_dims, Tag::hwio), operands.weights);

  const dnnl::convolution_forward::primitive_desc forward(
      {dnnl::prop_kind::forward_training, direct, src_any, weights_any, bias, dst_any, strides, pad,
       pad},
      Engine());
  std::vector<std::pair<memory, memory>> finish;
  if (pass == ConvPass::kForward) {
    const memory dst = Wrap(Desc(dst_dims, Tag::nhwc), operands.dst);
    Args args = {{DNNL_ARG_SRC, Import(src, forward.src_desc())},
                 {DNNL_ARG_WEIGHTS, Import(weights, forward.weights_desc())},
                 {DNNL_ARG_BIAS, Wrap(bias, operands.bias)},
                 {DNNL_ARG_DST, Export(dst, forward.dst_desc(), finish)}};
    return MakeCall(dnnl::convolution_forward(forward), std::move(args), std::move(finish));
  }
  if (pass == ConvPass::kBackwardData) {
    const dnnl::convolution_backward_data::primitive_desc pd(
        {direct, src_any, weights_any, dst_any, strides, pad, pad}, Engine(), forward);
    const memory d_src = Wrap(Desc(src_dims, Tag::nhwc), operands.d_src);
    Args args = {{DNNL_ARG_DIFF_DST, Import(dz, pd.diff_dst_desc())},
                 {DNNL_ARG_WEIGHTS, Import(weights, pd.weights_desc())},
                 {DNNL_ARG_DIFF_SRC, Export(d_src, pd.diff_src_desc(), finish)}};
    return MakeCall(dnnl::convolution_backward_data(pd), std::move(args), std::move(finish));
  }
  const dnnl::convolution_backward_weights::primitive_desc pd(
      {direct, src_any, weights_any, bias, dst_any, strides, pad, pad}, Engine(), forward);
  const memory d_weights = Wrap(Desc(weights_dims, Tag::hwio), operands.d_weights);
  Args args = {{DNNL_ARG_SRC, Import(src, pd.src_desc())},
               {DNNL_ARG_DIFF_DST, Import(dz, pd.diff_dst_desc())},
               {DNNL_ARG_DIFF_WEIGHTS, Export(d_weights, pd.diff_weights_desc(), finish)},
               {DNNL_ARG_DIFF_BIAS, Wrap(bias, operands.d_bias)}};
  return MakeCall(dnnl::convolution_backward_weights(pd), std::move(args), std::move(finish));
}

// The blocked layout that the library picks for its own kernels on this machine; batch norm in
// another runs its reference code.
Tag BlockedTag() {
  const auto isa = static_cast<int>(dnnl::get_effective_cpu_isa());
  return isa >= static_cast<int>(dnnl::cpu_isa::avx512_core) ? Tag::nChw16c : Tag::nChw8c;
}

PeerCall MakeNorm(NormPass pass, const NormOperands& o, bool blocked) {
  const memory::dims dims =
      o.positions == 1 ? memory::dims{Dim(o.samples), Dim(o.channels)}
                       : memory::dims{Dim(o.samples), Dim(o.channels), Dim(o.positions), 1};
  const auto user = Desc(dims, o.positions == 1 ? Tag::nc : Tag::nhwc);
  const auto data = blocked ? Desc(dims, BlockedTag()) : user;
  const auto channel = Desc({Dim(o.channels)}, Tag::x);
  auto flags = dnnl::normalization_flags::use_scale | dnnl::normalization_flags::use_shift;
  const bool relu = pass == NormPass::kForwardRelu || pass == NormPass::kBackwardRelu;
  if (relu) flags |= dnnl::normalization_flags::fuse_norm_relu;

  const dnnl::batch_normalization_forward::primitive_desc forward(
      {dnnl::prop_kind::forward_training, data, o.eps, flags}, Engine());
  const memory src = Import(Wrap(user, o.src), data);
  std::vector<std::pair<memory, memory>> finish;
  Args args = {{DNNL_ARG_SRC, src},
               {DNNL_ARG_DST, Export(Wrap(user, o.dst), data, finish)},
               {DNNL_ARG_SCALE, Wrap(channel, o.gamma)},
               {DNNL_ARG_SHIFT, Wrap(channel, o.beta)},
               {DNNL_ARG_MEAN, Wrap(channel, o.mean)},
               {DNNL_ARG_VARIANCE, Wrap(channel, o.var)}};
  memory workspace;
  if (relu) args[DNNL_ARG_WORKSPACE] = workspace = memory(forward.workspace_desc(), Engine());
  PeerCall call = MakeCall(dnnl::batch_normalization_forward(forward), args, finish);
  if (pass == NormPass::kForward || pass == NormPass::kForwardRelu) return call;

  call.run();  // what backward needs saved
  const dnnl::batch_normalization_backward::primitive_desc pd(
      {dnnl::prop_kind::backward, data, data, o.eps, flags}, Engine(), forward);
  finish.clear();
  args = {{DNNL_ARG_SRC, src},
          {DNNL_ARG_MEAN, Wrap(channel, o.mean)},
          {DNNL_ARG_VARIANCE, Wrap(channel, o.var)},
          {DNNL_ARG_DIFF_DST, Import(Wrap(user, o.dy), data)},
          {DNNL_ARG_SCALE, Wrap(channel, o.gamma)},
          {DNNL_ARG_SHIFT, Wrap(channel, o.beta)},  // unused, but 2.6 counts it as an input
          {DNNL_ARG_DIFF_SRC, Export(Wrap(user, o.d_src), data, finish)},
          {DNNL_ARG_DIFF_SCALE, Wrap(channel, o.d_gamma)},
          {DNNL_ARG_DIFF_SHIFT, Wrap(channel, o.d_beta)}};
  if (relu) args[DNNL_ARG_WORKSPACE] = workspace;
  return MakeCall(dnnl::batch_normalization_backward(pd), args, finish);
}

template <bool kBlocked>
PeerCall MakeConvAs(ConvPass pass, const Conv2dShape& shape, const ConvOperands& operands) {
  return MakeConv(pass, shape, operands, kBlocked);
}

template <bool kBlocked>
PeerCall MakeNormAs(NormPass pass, const NormOperands& operands) {
  return MakeNorm(pass, operands, kBlocked);
}

}  // namespace

std::vector<Peer> OneDnnPeers() {
  const dnnl_version_t* v = dnnl_version();
  const std::string version =
      std::to_string(v->major) + "." + std::to_string(v->minor) + "." + std::to_string(v->patch);
  const auto set_threads = [](int threads) { omp_set_num_threads(threads); };
  return {{"onednn", version, set_threads, MakeGemm, MakeConvAs<false>, MakeNormAs<false>},
          {"onednn_blocked", version, set_threads, nullptr, MakeConvAs<true>, MakeNormAs<true>}};
}

}  // namespace batchmark::bench
