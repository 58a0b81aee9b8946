#include "core/ops/conv2d.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "core/base/aligned.h"
#include "core/base/check.h"
#include "core/base/parts.h"
#include "core/ops/caches.h"
#include "core/ops/conv_plan.h"
#include "core/ops/pending_span.h"
#include "core/ops/winograd.h"
#include "core/simd/batch_norm_rows.h"
#include "core/simd/gemm_pack.h"
#include "core/simd/gemm_sums.h"
#include "core/simd/gemm_tile.h"

namespace batchmark {
namespace {

// Weight gradients are summed over at most this many runs of samples, each in a slot of its own:
// enough for an even load of many cores, few enough that merging the slots costs about 1 %.
constexpr size_t kRuns = 16;
size_t RunsOf(size_t n) { return std::min(kRuns, n); }
size_t RunBegin(size_t n, size_t run) { return run * n / RunsOf(n); }
size_t RunOf(size_t n, size_t sample) { return ((sample + 1) * RunsOf(n) - 1) / n; }
constexpr size_t kMergeGrain = 4096;  // elements of a merging chunk

// In a layer, an output of so many floats has left the second caches since the step before. Where
// sums are this short, to read what they replace takes longer than they do: it is stored past the
// caches (1 to 32 channels of 3 x 3, two threads, Emerald Rapids: batch 128 0.74 -> 0.32 ms, 512
// 2.8 -> 1.3, with moments 0.75 -> 0.58 and 3.2 -> 2.2; what reads it next takes 0.07 of 8 ms
// more). Sums of 288 hide those reads, and what reads their output next is 3 to 8 % slower for it.
// With small caches it was not measured.
constexpr size_t kPastFloats = size_t{1} << 20, kShortSum = 16;

Correlation ForwardShape(const Conv2dShape& s) {
  Correlation c;
  c.in_h = s.height, c.in_w = s.width, c.depth = s.channels_in;
  c.kernel_h = s.kernel_h, c.kernel_w = s.kernel_w;
  c.pad_y = s.same ? (s.kernel_h - 1) / 2 : 0, c.pad_x = s.same ? (s.kernel_w - 1) / 2 : 0;
  c.out_h = s.OutHeight(), c.out_w = s.OutWidth(), c.columns = s.channels_out;
  return c;
}

// dz correlated with the weights turned by 180 degrees.
Correlation BackwardShape(const Conv2dShape& s) {
  const Correlation f = ForwardShape(s);
  Correlation c;
  c.in_h = f.out_h, c.in_w = f.out_w, c.depth = f.columns;
  c.kernel_h = f.kernel_h, c.kernel_w = f.kernel_w;
  c.pad_y = f.kernel_h - 1 - f.pad_y, c.pad_x = f.kernel_w - 1 - f.pad_x;
  c.out_h = f.in_h, c.out_w = f.in_w, c.columns = f.depth;
  return c;
}

size_t PanelFloats(const Correlation& c, const TileGeometry& tile) {
  return RoundUp(c.columns, tile.panel) * c.kernel_h * c.kernel_w * c.depth;
}

}  // namespace

struct Conv2d::State {
  State(Parallel& p, const Conv2dShape& s, bool for_training, Place at)
      : parallel(p),
        training(for_training),
        place(at),
        tile(ActiveTileGeometry()),
        forward(ForwardShape(s)),
        samples(s.samples),
        src_floats(RoundUp(s.height * s.width * s.channels_in + tile.lanes, 16)),
        dz_floats(RoundUp(forward.out_h * forward.out_w * forward.columns + tile.lanes, 16)),
        weight_floats(s.kernel_h * s.kernel_w * s.channels_in * s.channels_out),
        forward_weights(PanelFloats(forward, tile)) {
    if (training) backward = BackwardShape(s);
    if (IsWinograd(s)) {
      winograd_forward.emplace(forward, tile);
      copy_floats = winograd_forward->ScratchFloats();
      if (training) {
        winograd_backward.emplace(backward, tile);
        copy_floats = std::max(copy_floats, winograd_backward->ScratchFloats());
        transformed = copy_floats, copy_floats += winograd_forward->SumFloats();
      }
    } else {
      forward_strips = CorrelationStrips(forward, tile, /*activated=*/true);
      if (training) {
        backward_strips = CorrelationStrips(backward, tile, /*activated=*/false);
        gradient = PlanWeightGradient(forward, tile);
        copy_floats = gradient.PanelsBegin() + gradient.panel_floats;
      }
    }
    parallel.ReserveScratch((src_floats + dz_floats + copy_floats) * sizeof(float));
    if (!training) return;
    slot_floats = BiasOffset() + RoundUp(s.channels_out, 16);
    backward_weights = AlignedBuffer<float>(PanelFloats(backward, tile));
    slots = AlignedBuffer<float>(RunsOf(samples) * slot_floats);
  }

  void PackForward(const float* weights) {
    const Correlation& c = forward;
    const size_t depth = c.kernel_h * c.kernel_w * c.depth;
    PackPanels(depth, c.columns, weights, c.columns, tile.panel, depth * tile.panel,
               forward_weights.data());
    if (winograd_forward) winograd_forward->SetTaps(parallel, forward_weights.data());
  }

  void PackBackward(const float* weights) {
    const Correlation& c = backward;
    const size_t taps = c.kernel_h * c.kernel_w;
    for (size_t t = 0; t < taps; ++t) {
      PackPanelsTransposed(c.depth, c.columns, weights + t * c.columns * c.depth, c.depth,
                           tile.panel, taps * c.depth * tile.panel,
                           backward_weights.data() + (taps - 1 - t) * c.depth * tile.panel);
    }
    if (winograd_backward) winograd_backward->SetTaps(parallel, backward_weights.data());
  }

  // One image of operands that CorrelationOperands and the caller have filled.
  void RunForward(const TileOperands& image, float* copies) const {
    if (winograd_forward) {
      winograd_forward->Run(image.a, image.bias, image.act, image.prefetch, copies, image.c);
    } else {
      RunTiles(forward_strips.data(), forward_strips.size(), image);
    }
  }
  void RunBackward(const TileOperands& image, float* copies) const {
    if (winograd_backward) {
      winograd_backward->Run(image.a, nullptr, Activation::kNone, image.prefetch, copies, image.c);
    } else {
      RunTiles(backward_strips.data(), backward_strips.size(), image);
    }
  }

  // The value of one sample: in place when nothing is pending, else in the worker's scratch.
  const float* Source(const Pending& src, size_t sample, float* scratch) const {
    const size_t floats = forward.in_h * forward.in_w * forward.depth;
    if (src.IsPlain()) return src.v + sample * floats;
    ResolveSpans(src, sample, 1, 0, floats, scratch, floats);
    return scratch;
  }
  // The same for the gradient, which may take the place of dy. As B of the weight gradient it is
  // read by whole vectors: rows that are no multiple of a vector need readable floats behind the
  // last one, which only the scratch has.
  const float* Gradient(const PendingGrad& dz, size_t sample, float* scratch) const {
    const size_t floats = forward.out_h * forward.out_w * forward.columns;
    if (dz.form == PendingGrad::Form::kPlain && forward.columns % tile.lanes == 0) {
      return dz.dy + sample * floats;
    }
    if (dz.own != nullptr && forward.columns % tile.lanes == 0) {  // a line less to fetch of three
      float* const own = dz.own + sample * floats;
      ResolveSamples(dz, sample, 1, own, Reach::kNear);
      return own;
    }
    ResolveSpans(dz, sample, 1, 0, floats, scratch, floats);
    return scratch;
  }

  // The slot of the sample's run += the gradients of weights and bias of one of n samples; src and
  // grad as Source and Gradient give them. The columns of a band are summed while it is near.
  // Winograd's sums of a run stay with the worker, transformed, until its last sample.
  void AddWeightGradient(size_t n, size_t sample, const float* src, const float* grad,
                         const TilePrefetch* next, float* copies) {
    const size_t run = RunOf(n, sample);
    const bool first = sample == RunBegin(n, run), last = sample + 1 == RunBegin(n, run + 1);
    float* const slot = slots.data() + run * slot_floats;
    if (first) std::fill(slot + (winograd_forward ? BiasOffset() : 0), slot + slot_floats, 0.0f);
    if (winograd_forward) {
      float* const sums = copies + transformed;
      winograd_forward->AddWeightGradient(src, grad, next, first, copies, sums);
      if (last) winograd_forward->WeightGradient(sums, slot);
      ColumnSums(forward.out_h * forward.out_w, forward.columns, grad, forward.columns, true,
                 slot + BiasOffset());
      return;
    }
    TileOperands o = gradient.operands;
    o.c = slot;
    for (size_t i = 0; i < gradient.bands.size(); ++i) {
      const GradientBand& band = gradient.bands[i];
      const size_t pixels = band.rows * forward.out_w;
      o.a = src;
      o.b = grad + band.y * forward.out_w * forward.columns;
      if (gradient.packed) {
        PackGroups(band.in_rows * forward.in_w, forward.depth,
                   src + band.in_y * forward.in_w * forward.depth, forward.depth, gradient.groups,
                   gradient.group_floats, copies);
        float* const panels = copies + gradient.PanelsBegin();
        o.b_panel = pixels * tile.panel;
        PackPanels(pixels, forward.columns, o.b, forward.columns, tile.panel, o.b_panel, panels);
        o.a = copies, o.b = panels;
      }
      SharePrefetch(next, i, gradient.bands.size(), o);
      RunTiles(band.strips.data(), band.strips.size(), o);
      // From block to block, so that bands do not show in the sums.
      const auto block = [](size_t pixel) { return pixel / kColumnSumsBlock * kColumnSumsBlock; };
      const bool whole = i + 1 == gradient.bands.size();
      const size_t first_pixel = band.y * forward.out_w, end_pixel = first_pixel + pixels;
      const size_t begin = block(first_pixel), end = whole ? end_pixel : block(end_pixel);
      ColumnSums(end - begin, forward.columns, grad + begin * forward.columns, forward.columns,
                 true, slot + BiasOffset());
    }
  }

  void MergeSlots(size_t n, float* d_weights, float* d_bias) {
    const size_t runs = RunsOf(n);
    const ChunkPlan cut{weight_floats, kMergeGrain};
    parallel.For(cut.chunks(), [&](size_t chunk, int) {
      const size_t begin = cut.begin(chunk), size = cut.end(chunk) - begin;
      MergeParts(1, size, slots.data() + begin, runs, slot_floats, nullptr, Activation::kNone,
                 false, d_weights + begin, size);
    });
    MergeParts(1, forward.columns, slots.data() + BiasOffset(), runs, slot_floats, nullptr,
               Activation::kNone, false, d_bias, forward.columns);
  }

  size_t BiasOffset() const { return RoundUp(weight_floats, 16); }

  // What Source and Gradient of a sample will read.
  TilePrefetch SourceRange(const Pending& src, size_t sample) const {
    const size_t floats = forward.in_h * forward.in_w * forward.depth;
    return {src.v + sample * floats, floats * sizeof(float)};
  }
  TilePrefetch GradientRange(const float* values, size_t sample) const {
    const size_t floats = forward.out_h * forward.out_w * forward.columns;
    return {values + sample * floats, values == nullptr ? 0 : floats * sizeof(float)};
  }

  bool StoresPast(size_t n, const float* dst) const {
    return place == Place::kLayer && HasLargeCaches(tile.lanes) &&
           forward.kernel_h * forward.kernel_w * forward.depth <= kShortSum &&
           n * forward.out_h * forward.out_w * forward.columns >= kPastFloats &&
           AreWholeLines(forward.columns, dst);
  }

  Parallel& parallel;
  bool training;
  Place place;
  TileGeometry tile;
  Correlation forward, backward;
  size_t samples, src_floats, dz_floats, weight_floats;
  size_t copy_floats = 0;  // of a worker, beside a source and a gradient
  size_t transformed = 0;  // where in them Winograd's sums are
  size_t slot_floats = 0;
  std::optional<Winograd> winograd_forward, winograd_backward;  // the former: weight gradients, too
  std::vector<TileStrip> forward_strips, backward_strips;  // as the gradient's plan: if direct
  GradientPlan gradient;
  AlignedBuffer<float> forward_weights, backward_weights;  // as panels
  AlignedBuffer<float> slots;  // [runs, weights | bias]
};

Conv2d::Conv2d(Parallel& parallel, const Conv2dShape& s, bool training, Place place) {
  BATCHMARK_CHECK(s.samples > 0 && s.height > 0 && s.width > 0 && s.channels_in > 0);
  BATCHMARK_CHECK(s.kernel_h > 0 && s.kernel_w > 0 && s.channels_out > 0);
  BATCHMARK_CHECK(s.same || (s.kernel_h <= s.height && s.kernel_w <= s.width));
  state_ = std::make_unique<State>(parallel, s, training, place);
}

bool Conv2d::IsWinograd(const Conv2dShape& s) {
  const TileGeometry tile = ActiveTileGeometry();
  return s.algorithm == ConvAlgorithm::kAuto && Winograd::Serves(ForwardShape(s), tile) &&
         Winograd::Serves(BackwardShape(s), tile);
}

Conv2d::~Conv2d() = default;
Conv2d::Conv2d(Conv2d&&) noexcept = default;

void Conv2d::Forward(size_t n, const Pending& src, const float* weights, const float* bias,
                     Activation act, float* dst, TileMoments* moments) {
  State& s = *state_;
  const Correlation& c = s.forward;
  BATCHMARK_CHECK(n <= s.samples && src.positions == c.in_h * c.in_w && src.channels == c.depth);
  BATCHMARK_CHECK(s.tile.panel == ActiveTileGeometry().panel);
  s.PackForward(weights);
  TileOperands operands = CorrelationOperands(c, s.tile);
  operands.b = s.forward_weights.data();
  operands.bias = bias;
  operands.act = act;
  const size_t positions = c.out_h * c.out_w, floats = positions * c.columns;
  const bool past = s.StoresPast(n, dst) && !IsExponential(act);  // which reads what was stored
  operands.past = past && moments == nullptr;
  s.parallel.For(n, [&](size_t sample, int worker) {
    float* const scratch = static_cast<float*>(s.parallel.Scratch(worker));
    float* const out = dst + sample * floats;
    TileOperands image = operands;
    image.a = s.Source(src, sample, scratch);
    // What moments are gathered from stays near, and goes past the caches while they are.
    image.c = past && moments != nullptr ? scratch + s.src_floats : out;
    if (sample + 1 < n) {
      image.prefetch[0] = s.SourceRange(src, sample + 1);
      if (!past) image.prefetch[1] = {out + floats, floats * sizeof(float)};
    }
    s.RunForward(image, scratch + s.src_floats + s.dz_floats);
    if (moments == nullptr) return;
    TileMomentsRows(image.c, positions, c.columns, moments->mean.data() + sample * c.columns,
                    moments->m2.data() + sample * c.columns, past ? out : nullptr);
  });
}

void Conv2d::Backward(size_t n, const Pending& src, const PendingGrad& dz, const float* weights,
                      float* d_src, float* d_weights, float* d_bias, const SampleDone& done) {
  State& s = *state_;
  const Correlation& c = s.forward;
  BATCHMARK_CHECK(s.training && n <= s.samples && dz.positions == c.out_h * c.out_w);
  BATCHMARK_CHECK(dz.channels == c.columns && s.tile.panel == ActiveTileGeometry().panel);
  const bool data_wanted = d_src != nullptr || done;
  if (data_wanted) s.PackBackward(weights);
  TileOperands data = CorrelationOperands(s.backward, s.tile);
  data.b = s.backward_weights.data();
  s.parallel.For(RunsOf(n), [&](size_t run, int worker) {
    float* const src_scratch = static_cast<float*>(s.parallel.Scratch(worker));
    float* const dz_scratch = src_scratch + s.src_floats;
    float* const copies = dz_scratch + s.dz_floats;
    for (size_t sample = RunBegin(n, run); sample < RunBegin(n, run + 1); ++sample) {
      const float* const grad = s.Gradient(dz, sample, dz_scratch);
      const bool more = sample + 1 < n;
      const auto prefetch_next = [&](TilePrefetch* ranges) {
        if (!more) return;
        ranges[0] = s.GradientRange(dz.dy, sample + 1);
        ranges[1] =
            s.GradientRange(dz.form == PendingGrad::Form::kPlain ? nullptr : dz.v, sample + 1);
      };
      if (data_wanted) {
        const size_t floats = c.in_h * c.in_w * c.depth;
        TileOperands image = data;
        image.a = grad;
        image.c = d_src == nullptr ? src_scratch : d_src + sample * floats;
        if (d_weights != nullptr) {
          image.prefetch[0] = s.SourceRange(src, sample);
        } else {
          prefetch_next(image.prefetch);
        }
        if (more && d_src != nullptr) {
          image.prefetch[2] = {image.c + floats, floats * sizeof(float)};
        }
        s.RunBackward(image, copies);
        if (done) done(sample, image.c);
      }
      if (d_weights != nullptr) {
        TilePrefetch ranges[TileOperands::kPrefetchRanges];
        // Streams the hardware fetches ahead, and more of them at once than a core may ask for (28
        // x 28 x 1 to 26 x 26 x 32, Granite Rapids, one and two threads: 1.02 to 1.06).
        if (!s.gradient.streams || dz.form != PendingGrad::Form::kPlain) {
          prefetch_next(ranges);
          if (!data_wanted && more) ranges[2] = s.SourceRange(src, sample + 1);
        }
        s.AddWeightGradient(n, sample, s.Source(src, sample, src_scratch), grad, ranges, copies);
      }
    }
  });
  if (d_weights != nullptr) s.MergeSlots(n, d_weights, d_bias);
}

bool Conv2d::AddsSamples() const { return state_->training && state_->copy_floats == 0; }

void Conv2d::AddSample(size_t n, size_t sample, const Pending& src, const float* dz) {
  State& s = *state_;
  BATCHMARK_CHECK(AddsSamples() && src.IsPlain() && sample < n && n <= s.samples);
  const TilePrefetch none[TileOperands::kPrefetchRanges];
  s.AddWeightGradient(n, sample, s.Source(src, sample, nullptr), dz, none, nullptr);
}

void Conv2d::MergeSamples(size_t n, float* d_weights, float* d_bias) {
  state_->MergeSlots(n, d_weights, d_bias);
}

}  // namespace batchmark
