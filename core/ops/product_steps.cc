// How a task walks through its part of a product; what it was cut to is product_plan.cc.
#include <algorithm>

#include "core/ops/product_plan.h"

namespace batchmark {

bool ProductPlan::MakesBlocks(size_t multiple) const {
  if (row_tasks != 1 || chunks != 1 || slice < k || columns != n || n % multiple != 0) return false;
  const ProductStep widest = FirstStep(column_tasks - 1);
  if (widest.p1 != widest.p_end) return false;
  // Tasks begin at multiples of the first one's panels, unless others than the last have one more.
  const size_t begins = panels % column_tasks <= 1 ? panels / column_tasks : 1;
  return column_tasks == 1 || begins * tile.panel % multiple == 0;
}

size_t ProductPlan::StepEnd(size_t p0, size_t p_end) const {
  if (shared_b) return PanelSteps() ? p0 + 1 : p_end;
  if (pack_b) return std::min(p_end, p0 + kMostPanels);
  return tail && p_end == panels && p0 + 1 < panels ? panels - 1 : p_end;
}

// A slice of all shared panels of up to so many floats stays in a second cache between steps.
bool ProductPlan::PanelSteps() const {
  constexpr size_t kNearFloats = size_t{1} << 15;
  return shared_b && panels * tile.panel * slice > kNearFloats;
}

ProductStep ProductPlan::FirstStep(size_t task) const {
  const size_t part = task % chunks;
  const size_t column = task / chunks % column_tasks;
  const size_t row = task / chunks / column_tasks;
  ProductStep s{};
  s.task = task;
  s.s_begin = strips * row / row_tasks;
  s.s_end = strips * (row + 1) / row_tasks;
  s.p_begin = panels * column / column_tasks;
  s.p_end = panels * (column + 1) / column_tasks;
  s.k_begin = part * chunk;
  s.k_end = std::min(k, s.k_begin + chunk);
  s.s0 = s.s_begin, s.s1 = std::min(s.s_end, s.s0 + piece);
  s.p0 = s.p_begin, s.p1 = StepEnd(s.p0, s.p_end);
  s.k0 = s.k_begin, s.k1 = std::min(s.k_end, s.k0 + slice);
  return s;
}

bool ProductPlan::Advance(ProductStep& s) const {
  if (s.p1 < s.p_end) {
    s.p0 = s.p1, s.p1 = StepEnd(s.p0, s.p_end);
    return true;
  }
  const ProductStep first = FirstStep(s.task);
  s.p0 = first.p0, s.p1 = first.p1;
  if (s.s1 < s.s_end) {
    s.s0 = s.s1, s.s1 = std::min(s.s_end, s.s0 + piece);
    return true;
  }
  s.s0 = first.s0, s.s1 = first.s1;
  if (s.k1 < s.k_end) {
    s.k0 = s.k1, s.k1 = std::min(s.k_end, s.k0 + slice);
    return true;
  }
  return false;
}

}  // namespace batchmark
