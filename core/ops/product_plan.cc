#include "core/ops/product_plan.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "core/ops/caches.h"
#include "core/simd/gemm_sums.h"

namespace batchmark {
namespace {

// Depth of a slice: a panel of 32 columns is 36 KiB, which leaves room in a first cache of 48 KiB
// for the strip of A and the tile of C that pass by.
constexpr size_t kSlice = 288;
// Strips of A in a step: 8 x 14 rows x 288 = 126 KiB of a 2 MiB second cache, 8 x 6 rows x 288 =
// 54 KiB of one of 512 KiB. Of twice as many, rows of A and C a multiple of 4 KiB apart, as in
// large dense layers, no longer find room in their sets (128 x 36864 x 128 NT, AVX2: 11 %).
constexpr size_t kPieceStrips = 8;
// So many strips pass each panel of B before a task may end: the first of them finds the panel in
// the second cache, the others in the first. Fewer where panels are few, and with them the tasks.
constexpr size_t kTaskStrips = 8;
constexpr size_t kFewStrips = 5;
// Of a wide panel and rows of A in place, which lie far apart when K is long: read in longer runs,
// while 64 columns of B, 192 KiB, come from the second cache (Granite Rapids: 128 x 64 x 36864 in
// slices of 384 1.04 times as fast as of 192, whose B stays in the first, and of 768 as of 384 1.0
// to 1.02, 512 rows 1.02 to 1.05, 32 1.02; of 2304 0.87 to 1.0).
constexpr size_t kWideSlice = 768;
constexpr size_t kWidePieceStrips = 12;
// A task of several slices holds its sums from slice to slice, tile by tile: rows of C, often a
// power of two apart, would fight for a few sets of the caches (2048^3, AVX2, two threads: 5 %). So
// many floats leave room in a second cache of 512 KiB.
constexpr size_t kHeldFloats = size_t{1} << 16;
// Every task reads all of B. Where B does not stay in a second cache, so many rows hide that.
constexpr size_t kWideTaskRows = 64;
constexpr size_t kLargeB = size_t{1} << 18;  // floats
// Panels of B packed at once by a task.
constexpr size_t kPiecePanels = ProductPlan::kMostPanels;
// Where caches are large, products of many rows and panels take a few columns a task: it copies
// their B for itself, in slices that stay in the second cache while all its rows of A stream by. B
// as panels that all tasks share is written to the third cache and read from there by each of them,
// which takes as long as a tenth of the work. Of an A along depth, slices are so deep that most
// products have one, and pieces of few strips (Emerald Rapids, one thread: 1024^3 NN 1.03 times as
// fast, 512 x 1024 x 1024 NN 1.10, NT 1.15, 512 x 1024 x 2048 1.11, 512^3 NT 1.09); a transposed A,
// of rows far apart, is copied by each task (512 x 1024 x 1024 1.05, 512^3 1.01, 784 x 512 x 512
// 0.99, 1024^3 with two threads 1.03).
struct NarrowCut {
  size_t slice, panels, rows, piece_strips;
};
constexpr NarrowCut kNarrowAlongDepth{2048, 2, 2048, 2}, kNarrowAlongRows{kSlice, 8, 512, 8};
constexpr const NarrowCut& NarrowCutOf(const ProductForm& form) {
  return form.a_transposed ? kNarrowAlongRows : kNarrowAlongDepth;
}
// Of a B in place, to which a cut of rows adds no copy: tasks enough for an even load beside
// neighbours (Granite Rapids, two threads: 512 x 512 x 128 TN 1.02).
constexpr size_t kNarrowPlainRows = 128;
// Of at least this depth (Granite Rapids, two threads: 512 x 512 x 128 TN 1.05, NT 1.04).
constexpr size_t kLeastNarrowDepth = 96;
constexpr size_t kNarrowHeldFloats = size_t{136} << 10;  // panels x rows, rounded up to strips
// Panels of B read where they lie: more would spread a slice over too many pages, and weights that
// other cores have just changed come faster as a copy (layers 512 wide, 16 panels: a step of the
// net 0.96). One line of each row of B uses but a few sets of the first cache, so that many strips
// repay a copy.
constexpr size_t kPlainPanels = 8;
constexpr size_t kPlainStrips = 15;
// Where caches are large, a product on its own reads up to so many floats of B in place, if it
// reads A so too, and in slices so deep (256^3 1.05 times as fast, 128 x 512 x 512 1.06, 512 x 256
// x 256 1.03, 512^3 1.02; 1024 x 512 x 1024 0.94).
constexpr size_t kPlainFloats = size_t{1} << 18, kPlainSlice = 512;
// Beside a transposed A, of so few rows, as many floats of B that lie in the second cache are read
// in place: a task of its own for each pair of panels, or their copy for all tasks and the wait for
// it, cost more (Granite Rapids, one and two threads: 512 x 256 x 256 1.04 and 1.07, 512 x 384 x
// 160 1.05 and 1.08, 784 x 256 x 128 1.02 and 1.12, 100 x 512 x 64 1.06 and 1.05, 512 x 512 x 64
// 1.01 and 1.12, 512 x 512 x 128 1.02 and 1.0, 512 x 2048 x 32 1.16 and 1.07, 8192 x 64 x 32 1.2
// and 1.6; 1024 x 1024 x 128 0.97, 36864 x 64 x 32 0.97; of columns that end within a vector, 600 x
// 300 x 60, 1.05 and 0.94).
constexpr size_t kPlainBesideFloats = size_t{1} << 16, kPlainBesideRows = 8192;
// Panels of a task for which A is copied: its columns strip by strip, or its rows, and how far
// apart (in floats) these are. Where the second cache is large, rows are not (1024^3, 512 x 512 x
// 1024, AVX-512: read in place 1.02 and 1.04 times as fast).
constexpr size_t kCopyPanels = 8, kCopyRowsPanels = 16;
constexpr size_t kSpreadRow = 1024;
// Where caches are large, a transposed A is read in place unless it goes by kCopyRow: what of it
// shares sets of the first cache is in the second (256 x 64 x 256 1.31 times as fast as copied,
// 256^3 1.09). Rows a page and more apart are asked for ahead by the tile, but for those that stay
// near (36864 x 64 x 128 1.19, x 32 1.05, x 512 1.23; 2048 x 64 x 128 1.40). Of more rows in a
// slice, often in the same sets, lines no longer wait in the second cache (36864 x 64 x 256: 0.8 in
// one slice, 1.05 in two).
constexpr size_t kSpreadSlice = 192;
// Where caches are large, many panels repay a copy of far rows, however many tasks share it: of
// rows half a page apart where the product is deep (Granite Rapids, one and two threads: 512 x 512
// x 128 1.02, 784 x 512 x 128 1.04, 640 x 320 x 200 1.08 and 1.07, 1024 x 256 x 256 1.12 and 1.09,
// 4096 x 256 x 256 1.01 and 1.04; 2048 x 256 x 128 0.99; 512 x 256 x 64 0.97, 1024 x 256 x 32 1.03
// and 0.93; of rows of 256 floats, with as many tasks as panels, 0.8), and of any depth where they
// are a page apart and panels twice as many (1024^3 1.05).
constexpr size_t kCopyRow = 512, kCopyDepth = 96;
// Where caches are large, a transposed A on its own of so many floats and so deep, of which many
// columns make use, is turned once: then no task copies what it reads, and each takes all of its
// depth at once (Granite Rapids, one and two threads: 1024^3 1.02 to 1.05 and 1.01 to 1.02 times as
// fast, 2048^3 1.08 to 1.11 and 1.07 to 1.08, 4096 x 1024 x 1024 1.06 and 1.08, 1536^3 1.06 and
// 1.00, 1024 x 1024 x 512 1.05 and 1.01; 512^3 0.98 to 1.0, 1024 x 512 x 1024 0.98 and 0.97, 512 x
// 512 x 128 0.96).
constexpr size_t kTurnFloats = size_t{1} << 19, kTurnDepth = 512, kTurnColumns = 1024;
// A transposed A that has to be copied for its sets goes strip by strip from this depth on (36864 x
// 64 x 32, AVX2, two threads: 4 % slower so; of depth 128 3 % faster, of 512 9 %).
constexpr size_t kGroupDepth = 64;
// A pending A along rows, where vectors are a line: strips of so many rows, four of which are whole
// lines, and so few a step that their copy stays in the first cache (36864 x 128 x 128 TN, Granite
// Rapids, two threads: 1.07 times as fast as eight strips of 14; x 32 1.0; of two slices 0.94).
constexpr size_t kPendingRows = 12, kPendingStrips = 4;
// Of a depth up to this one, a step of a few strips costs as much around its tiles as in them.
constexpr size_t kShallow = 32;
// Multiply-adds worth a task of its own (about 3 us on one core; starting a worker costs 2 to 5
// us).
constexpr double kTaskWork = 256.0 * 1024;
// Of a layer up to this: its operands and its results would pass to a second core and back line by
// line, which takes as long as half of the work with vectors of 64 bytes (layers 100 wide, batch
// 60: a step of the whole net 1.1 times as fast on one core, batch 90: 1.0; of 32 bytes, batch 60:
// 0.95).
constexpr double LayerWork(size_t lanes) { return (lanes == kLineFloats ? 3 : 2) * kTaskWork; }
constexpr size_t kTasks = 24;   // wanted: enough for an even load, few enough to stay cheap
constexpr size_t kChunks = 16;  // of a long K
// More tasks than the first are a multiple of the second, which threads share equally: of 23 one of
// two threads has half a task more than its share, 4 % of the time.
constexpr size_t kUnevenTasks = 8, kEvenTasks = 4;
constexpr size_t kSmallC = size_t{1} << 17;  // floats of C up to which a long K is cut
// A small batch is two tasks, if it is worth that: by rows, and of few strips as many each; or of a
// K that is cut earlier, which spares each core the other's part of the weights.
constexpr size_t kSmallBatch = 64, kSmallBatchTasks = 2;
constexpr size_t kSmallBatchChunk = 384, kMinChunk = 1024;
constexpr size_t MinChunk(size_t m) { return m <= kSmallBatch ? kSmallBatchChunk : kMinChunk; }

// So few tasks of rows pack B each for itself: lines that one core writes and another reads cost
// more than to pack twice.
constexpr size_t kOwnTasks = 2;
// A product of few panels that needs no more tasks (0.1 ms of two cores): two of rows, or of
// columns, each with its own part of B, where that makes equal parts and rows are too few to read
// them twice (by rows, two threads: 8192 x 64 x 32 NT 1.64 times as fast, 2048 x 128 x 64 1.29,
// 1024 x 128 x 128 1.09, 512 x 128 x 256 1.03; AVX2 1.28, 1.04, 1.02, 1.01) or panels too many for
// one copy (by rows 400 x 192 x 128, AVX2: 0.90). A small batch goes by rows all the same. Without
// this, three tasks of rows of a layer wait for a copy of B, and then for one of them (two threads:
// 128 x 128 x 1024 NT 0.60 and AVX2 0.74, 100 x 128 x 800 0.90 and 0.80).
constexpr double kPairWork = 16.0 * 1024 * 1024;
constexpr size_t kPairRows = 256;

// So many that each of several column tasks repays its copy of A.
bool HasManyPanels(const ProductPlan& p) { return p.panels >= 2 * kCopyPanels; }

// Of so few rows, columns alone give tasks enough.
constexpr size_t kOwnRows = 288;
// Whether tasks are narrow: see NarrowCut.
bool IsNarrow(const ProductForm& form, const ProductPlan& p) {
  return HasLargeCaches(form.tile.lanes) && !p.wide && p.m > kOwnRows && HasManyPanels(p) &&
         p.k > kLeastNarrowDepth;
}

// Panels from which on columns alone give enough tasks: of few rows also for that reason, of many
// rows and several slices never, since their sums would not fit.
constexpr size_t OwnPanels(size_t m, bool sliced) {
  return m <= kOwnRows ? kPiecePanels : sliced ? SIZE_MAX : kTasks * kPiecePanels;
}

// The last columns, if they are few beyond whole vectors: a panel of them would take as long as one
// of a whole vector, bound by the loads of A. Their rows then take the lanes, and they the tile's
// rows: C^T = B^T A^T (100 columns, 64-byte vectors: TN 1.06 to 1.14, NT 1.00 to 1.09, NN of up to
// 64 rows 1.01 to 1.09). Not where to transpose A and C, read once more, costs as much.
size_t FewColumns(const ProductForm& form, size_t m, size_t n, size_t k) {
  const size_t few = n % form.tile.lanes, panel = form.tile.panel;
  constexpr size_t kLeastDepth = 32;
  const bool as_stored = !form.a_transposed && !form.b_transposed;
  const bool repaid = m >= panel && (!as_stored || m <= kSmallBatch) && k >= kLeastDepth;
  const size_t most = std::min(kMostStoredColumns, form.tile.lanes / 2);
  return n > panel && few <= most && repaid ? few : 0;
}

// Rows of A in place that share a set of the first cache, as those of large dense layers do: so
// many a strip that their lines, and the two of a row of B, find room in it (128 x 128 x 36864,
// AVX-512: 10 rows 1.10 times as fast as 13 that are copied, 12 rows 1.08).
size_t StripRows(const TileGeometry& tile, size_t a_row) {
  constexpr size_t kLinesOfB = 2;
  return std::min(tile.rows, HeldLines(a_row, tile.lanes) - kLinesOfB);
}

bool HasFarColumns(const ProductForm& form, size_t a_row) {
  return form.a_transposed && HasLargeCaches(form.tile.lanes) && a_row >= kSpreadRow;
}

// Whether a transposed A is copied where caches are large: see kCopyRow.
bool CopiesFarColumns(const ProductPlan& p, size_t a_row) {
  return (a_row >= kCopyRow && p.panels >= kCopyPanels && p.k >= kCopyDepth) ||
         (a_row >= kSpreadRow && p.panels >= kCopyRowsPanels);
}

// See kPlainBesideFloats. Whatever is smaller is read so, too: MostSharedFloats counts on it.
bool ReadsBBesideColumns(const ProductForm& form, const ProductPlan& p) {
  return form.a_transposed && HasLargeCaches(p.tile.lanes) && p.n % p.tile.lanes == 0 &&
         p.m <= kPlainBesideRows && p.k * p.n <= kPlainBesideFloats;
}

// Whether the tile asks ahead for the rows of a transposed A: far apart, for too few panels to
// repay a copy.
bool IsSpread(const ProductForm& form, const ProductPlan& p, size_t a_row) {
  return HasFarColumns(form, a_row) && !CopiesFarColumns(p, a_row) && p.fetch;
}

// The tile, and how many of them C is.
ProductPlan PlanTiles(const ProductForm& form, size_t m, size_t n, size_t k) {
  ProductPlan p{};
  p.m = m, p.n = n, p.k = k;
  // All columns in one wide panel: each element of A is read once, where it lies.
  p.wide = !form.a_transposed && !form.b_transposed && form.wide.rows != 0 &&
           n <= form.wide.panel && n + form.wide.lanes > form.wide.panel;
  p.tile = p.wide ? form.wide : form.tile;
  p.strips = CeilDiv(m, p.tile.rows);
  p.columns = p.wide ? n : n - FewColumns(form, m, n, k);
  p.panels = CeilDiv(p.columns, p.tile.panel);
  p.chunk = k, p.chunks = 1;
  p.row_tasks = p.column_tasks = 1;
  // Shallow tiles ask for nothing, and to plan it takes time (21632 x 32 x 9, one thread: 3 %).
  // Where all of C is one tile that reads two streams in order, the hardware does better (9 x 32 x
  // 86528 TN, Granite Rapids, one and two threads: 1.04).
  const bool streams = form.a_transposed && p.strips * p.panels == 1;
  p.fetch = k > kShallowSum && !streams && m * k + k * n + m * n > NearFloats(p.tile.lanes);
  return p;
}

// Which operands are read where they lie. Returns how deep a slice is at most.
size_t PlanOperands(const ProductForm& form, size_t a_row, ProductPlan& p) {
  p.spread_a = IsSpread(form, p, a_row);
  const bool plain = form.place == Place::kAlone && HasLargeCaches(p.tile.lanes) &&
                     !form.a_transposed && !form.b_transposed && p.k * p.n <= kPlainFloats;
  p.narrow = !plain && IsNarrow(form, p);
  const size_t all = CeilDiv(p.n, p.tile.panel);  // also the few: the same for any m and k
  const bool many_b = all > kPlainPanels || (all > 1 && p.strips > kPlainStrips);
  p.pack_b = form.b_transposed || (many_b && !plain && !ReadsBBesideColumns(form, p));
  if (a_row != 0 && !form.a_transposed) {  // behind pack_b, which MostSharedFloats counts on
    p.tile.rows = StripRows(p.tile, a_row);
    p.strips = CeilDiv(p.m, p.tile.rows);
  }
  if (p.wide) return kWideSlice;
  if (p.spread_a || (p.narrow && HasFarColumns(form, a_row))) return kSpreadSlice;
  return p.narrow ? NarrowCutOf(form).slice : plain ? kPlainSlice : kSlice;
}

// Cuts a long K of a small C. Whether that is so shows in the sums: it does not depend on the
// choice of the tile, nor on the product's place.
void CutDepth(double work, ProductPlan& p) {
  if (work <= 2 * kTaskWork || p.m * p.n > kSmallC || p.k < 2 * MinChunk(p.m)) return;
  p.chunk = RoundUp(CeilDiv(p.k, std::min(kChunks, p.k / MinChunk(p.m))), 8);
  p.chunks = CeilDiv(p.k, p.chunk);
}

// Of a product whose C is cut.
struct Load {
  double work;         // multiply-adds
  size_t most, tasks;  // tasks worth their start, and wanted
  bool sliced;         // K is read in several slices
};

// Blocks of rows past which all panels of B stream, and so many columns that their copy of A is
// repaid.
void CutManyPanels(const Load& load, ProductPlan& p) {
  p.row_tasks = std::min(load.sliced ? load.most : load.tasks, CeilDiv(p.strips, kTaskStrips));
  p.column_tasks = std::min(load.tasks / p.row_tasks, p.panels / kCopyPanels);
  if (!load.sliced) return;
  const size_t held = kHeldFloats / p.TileFloats() / kTaskStrips;  // panels
  p.column_tasks = std::max(p.column_tasks, CeilDiv(p.panels, held));
}

// Blocks of rows alone, or a pair of tasks.
void CutFewPanels(const Load& load, ProductPlan& p) {
  p.row_tasks = std::min(load.tasks, CeilDiv(p.strips, kFewStrips));
  if (p.m <= kSmallBatch) {
    p.row_tasks = std::min({p.strips, load.tasks, kSmallBatchTasks});
    p.strips = RoundUp(p.strips, p.row_tasks);
  }
  if (p.pack_b && load.work <= kPairWork) {
    p.row_tasks = std::min(p.row_tasks, kOwnTasks);
    const bool equal = p.n % (kOwnTasks * p.tile.panel) == 0;
    const bool by_columns = p.m <= kPairRows || p.panels > kPiecePanels;
    if (equal && p.m > kSmallBatch && by_columns) std::swap(p.row_tasks, p.column_tasks);
  }
  if (load.sliced) {
    const size_t held = kHeldFloats / p.TileFloats() / p.panels;  // strips
    p.row_tasks = std::max(p.row_tasks, CeilDiv(p.strips, held));
  }
  if (p.wide && p.k * p.n > kLargeB) {
    p.row_tasks = std::min(p.row_tasks, CeilDiv(p.m, kWideTaskRows));
  }
  if (p.row_tasks > kUnevenTasks) p.row_tasks = RoundUp(p.row_tasks, kEvenTasks);
}

// Shares out C.
void CutC(const ProductForm& form, const Load& load, ProductPlan& p) {
  if (p.narrow) {
    p.row_tasks = CeilDiv(p.m, p.pack_b ? NarrowCutOf(form).rows : kNarrowPlainRows);
    p.column_tasks = CeilDiv(p.panels, NarrowCutOf(form).panels);
  } else if (p.panels >= OwnPanels(p.m, load.sliced)) {
    // Each task has all rows, and packs its own part of B.
    p.column_tasks = std::max(std::min(load.tasks, p.panels), CeilDiv(p.panels, kPiecePanels));
  } else if (HasManyPanels(p)) {
    CutManyPanels(load, p);
  } else {
    CutFewPanels(load, p);
  }
}

}  // namespace

ProductPlan PlanProduct(const ProductForm& form, size_t m, size_t n, size_t k, size_t a_row) {
  ProductPlan p = PlanTiles(form, m, n, k);
  const size_t most_depth = PlanOperands(form, a_row, p);
  const bool sliced = !p.wide && k > most_depth;
  const double work = static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
  const bool in_layer = form.place == Place::kLayer && k <= kSlice;
  CutDepth(work, p);
  if (p.chunks == 1 && work > (in_layer ? LayerWork(p.tile.lanes) : 2 * kTaskWork)) {
    const size_t most = static_cast<size_t>(work / kTaskWork);
    CutC(form, {work, most, std::min({kTasks, most, p.strips * p.panels}), sliced}, p);
  }
  const size_t slices = std::max<size_t>(1, CeilDiv(p.chunk, most_depth));
  p.slice = std::max<size_t>(1, RoundUp(CeilDiv(p.chunk, slices), 4));
  const size_t task_strips = CeilDiv(p.strips, p.row_tasks);
  const size_t piece = p.wide     ? kWidePieceStrips
                       : p.narrow ? NarrowCutOf(form).piece_strips
                                  : kPieceStrips;
  p.piece = EvenParts{task_strips, CeilDiv(task_strips, piece)}.widest();
  const size_t tiles = task_strips * CeilDiv(p.panels, p.column_tasks);
  p.hold = sliced && p.chunks == 1 &&
           tiles * p.TileFloats() <= (p.narrow ? kNarrowHeldFloats : kHeldFloats);
  p.shared_b = p.pack_b && p.row_tasks > kOwnTasks && !p.narrow;
  p.tail = !p.pack_b && p.columns % p.tile.lanes != 0;
  return p;
}

bool TurnsA(const ProductForm& form, size_t m, size_t n, size_t k) {
  return form.a_transposed && form.place == Place::kAlone && HasLargeCaches(form.tile.lanes) &&
         m * k >= kTurnFloats && k >= kTurnDepth && n >= kTurnColumns;
}

void PlanA(const ProductForm& form, size_t a_row, bool pending, ProductPlan& p) {
  const size_t lanes = p.tile.lanes;
  bool copies = false, by_strips = form.a_transposed;  // where nothing is pending
  if (HasLargeCaches(lanes)) {
    copies = form.a_transposed && CopiesFarColumns(p, a_row);
  } else {
    const size_t least = form.a_transposed ? kCopyPanels : kCopyRowsPanels;
    const bool repaid = p.panels >= least * p.column_tasks;
    copies = (a_row >= kSpreadRow && repaid && !p.wide) ||
             (form.a_transposed && p.slice > HeldLines(a_row, lanes));
    by_strips = by_strips && (repaid || p.slice >= kGroupDepth);
  }
  if (pending && form.a_transposed && lanes == kLineFloats && p.slice >= p.k) {
    p.tile.rows = kPendingRows;
    p.strips = CeilDiv(p.m, p.tile.rows);
    p.piece = kPendingStrips;
  }
  p.copy_a = pending || copies;
  p.group_a = !pending && copies && by_strips;
  if (!p.copy_a && p.slice <= kShallow) p.piece = ProductPlan::kMostStrips;
}

size_t AScratchFloats(const TileGeometry& tile) {
  constexpr size_t kDepths =
      std::max({kPieceStrips * CopyStride(kSlice), kWidePieceStrips * CopyStride(kWideSlice),
                kNarrowAlongDepth.piece_strips * CopyStride(kNarrowAlongDepth.slice)});
  return RoundUp(tile.rows, 16) * kDepths;
}
size_t BScratchFloats(const TileGeometry& tile) {
  static_assert(kNarrowAlongRows.panels * kNarrowAlongRows.slice <= kPiecePanels * kSlice);
  constexpr size_t kNarrow = kNarrowAlongDepth.panels * kNarrowAlongDepth.slice;
  return tile.panel * std::max(kPiecePanels * kSlice, kNarrow);
}
size_t SumsScratchFloats() { return std::max(kHeldFloats, kNarrowHeldFloats); }

size_t ProductPlan::FewRows() const {
  constexpr size_t kFewPanels = 4;
  const size_t room = std::min(AScratchFloats(tile), BScratchFloats(tile));
  return tile.panel * std::min(kFewPanels, room / (tile.panel * CopyStride(slice)));
}

size_t ProductPlan::MostSharedFloats() const {
  if (!pack_b || strips <= 1) return 0;
  const size_t most = std::min(CeilDiv(n, tile.panel), OwnPanels(m, k > kSlice) - 1);
  // A small C is shared out by rows only while K is too short to be cut, and what makes narrow
  // tasks, while it is too short for them.
  const size_t depth = narrow ? kLeastNarrowDepth : m * n <= kSmallC ? 2 * kMinChunk : k;
  return most * tile.panel * std::min(k, depth);
}

size_t ProductPlan::MostSlotFloats() const {
  return std::min(kChunks, k / kSmallBatchChunk) * std::min(m * n, kSmallC);
}

}  // namespace batchmark
