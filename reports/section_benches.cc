// Benchmark files: share of the limit measured in the same run, the roofline, and a table with
// peers beside.
#include <algorithm>
#include <cmath>
#include <optional>
#include <set>

#include "reports/dot_plot.h"
#include "reports/effects.h"
#include "reports/format.h"
#include "reports/plot.h"
#include "reports/section.h"

namespace batchmark::report {
namespace {

std::string DurationText(double seconds) {
  if (!std::isfinite(seconds)) return "–";
  if (seconds < 1e-6) return Significant(seconds * 1e9, 3) + " ns";
  if (seconds < 1e-3) return Significant(seconds * 1e6, 3) + " µs";
  if (seconds < 1) return Significant(seconds * 1e3, 3) + " ms";
  return Significant(seconds, 3) + " s";
}

// Median, and over several repetitions the least and the most.
std::string TimeText(const BenchResult& result) {
  std::string text = DurationText(result.MedianSeconds());
  if (result.seconds.size() > 1) {
    text += " (" + DurationText(result.LeastSeconds()) + " to " +
            DurationText(result.MostSeconds()) + ")";
  }
  return text;
}

std::string ShareText(const BenchResult& result) {
  if (!std::isfinite(result.share)) return "–";
  return Percent(result.share) + " " + MarkdownEscape(result.label);
}

std::string ShareBesideText(const BenchResult& result) {
  return std::isfinite(result.share_beside) ? Percent(result.share_beside) : "–";
}

std::string ShareAloneText(const BenchResult& result) {
  if (!std::isfinite(result.share_alone)) return "–";
  return Percent(result.share_alone) + " (" + Count(result.moments) + ")";
}

// The other's time over ours: of the medians, and over several repetitions of the fastest of each,
// which other work on the machine moves less.
std::string RatioText(const BenchResult& other, const BenchResult& own) {
  std::string text = Ratio(other.MedianSeconds() / own.MedianSeconds());
  if (std::min(other.seconds.size(), own.seconds.size()) > 1) {
    text += ", fastest " + Ratio(other.LeastSeconds() / own.LeastSeconds());
  }
  return text;
}

std::string OperationOf(const BenchResult& result) {
  return result.problem.substr(0, result.problem.find('/'));
}

std::string RowName(const BenchResult& result) {
  return result.problem + " t" + std::to_string(result.threads) + (result.cold ? " cold" : "");
}

struct Group {  // one problem, thread count and cache state: ours and the others
  const BenchResult* own = nullptr;
  std::vector<const BenchResult*> others;
};

std::vector<Group> GroupsOf(const BenchFile& file) {
  const std::string own = file.OwnVariant();
  std::vector<Group> groups;
  std::map<std::string, size_t> index;
  for (const BenchResult& result : file.results) {
    const auto [at, is_new] = index.emplace(RowName(result), groups.size());
    if (is_new) groups.emplace_back();
    Group& group = groups[at->second];
    if (!group.own && (own.empty() || result.variant.empty() || result.variant == own)) {
      group.own = &result;
    } else {
      group.others.push_back(&result);
    }
  }
  return groups;
}

bool HaveShares(const std::vector<Group>& groups, double BenchResult::*share) {
  return std::any_of(groups.begin(), groups.end(), [share](const Group& group) {
    return group.own && std::isfinite(group.own->*share);
  });
}

CsvTable ResultsCsv(const BenchFile& file) {
  CsvTable csv({"benchmark", "problem", "variant", "threads", "cold", "seconds_median",
                "seconds_least", "seconds_most", "repetitions", "gflops", "gbs", "share",
                "share_beside", "share_alone", "moments", "label", "error"});
  for (const BenchResult& r : file.results) {
    csv.Cell(r.name)
        .Cell(r.problem)
        .Cell(r.variant)
        .Cell(std::to_string(r.threads))
        .Cell(r.cold ? "yes" : "no");
    csv.Cell(r.MedianSeconds())
        .Cell(r.LeastSeconds())
        .Cell(r.MostSeconds())
        .Cell(std::to_string(r.seconds.size()))
        .Cell(r.gflops)
        .Cell(r.gbs)
        .Cell(r.share)
        .Cell(r.share_beside)
        .Cell(r.share_alone)
        .Cell(r.moments)
        .Cell(r.label)
        .Cell(r.error)
        .EndRow();
  }
  return csv;
}

// Of all thread counts, or of one.
std::vector<DotRow> ShareRows(const std::vector<Group>& groups, std::optional<int> threads) {
  std::vector<DotRow> rows;
  std::vector<std::string> operations;
  for (const Group& group : groups) {
    if (!group.own || group.own->cold || !std::isfinite(group.own->share)) continue;
    if (threads && group.own->threads != *threads) continue;
    const std::string operation = OperationOf(*group.own);
    auto at = std::find(operations.begin(), operations.end(), operation);
    if (at == operations.end()) at = operations.insert(operations.end(), operation);
    DotCell cell;
    cell.center = DotValue{group.own->share, false};
    cell.text = Percent(group.own->share);
    if (std::isfinite(group.own->share_alone)) cell.limit = group.own->share_alone;
    for (const BenchResult* other : group.others) {
      if (std::isfinite(other->share)) cell.dots.push_back({other->share, false});
    }
    rows.push_back({group.own->problem + ", t" + std::to_string(group.own->threads),
                    group.own->label,
                    CategoryColor(static_cast<size_t>(at - operations.begin())),
                    {cell}});
  }
  return rows;
}

// A figure of more rows is too long to read: then each thread count has its own.
constexpr size_t kMostRows = 60;

void WriteShares(const BenchFile& file, const std::string& stem, const std::string& data,
                 ReportPage& page) {
  const std::vector<Group> groups = GroupsOf(file);
  const auto draw = [&](std::vector<DotRow> rows, const std::string& name,
                        const std::string& whose) {
    if (rows.empty()) return;
    DotPlot plot;
    plot.title = "Share of the machine's limit, measured in the same run" + whose;
    plot.panels.push_back({"share (100 % is the limit)", ScaleKind::kLinear, 1.0, "", ""});
    plot.rows = std::move(rows);
    plot.subtitle =
        "Ticks: Batchmark's kernels; dots: other libraries and SIMD targets on the same problem. "
        "Operands in cache where they fit.";
    if (HaveShares(groups, &BenchResult::share_alone))
      plot.subtitle += " Dashed: in moments when no neighbour used the cores.";
    const auto beyond = [](const DotRow& row) { return row.cells[0].center->value > 1.0; };
    if (std::any_of(plot.rows.begin(), plot.rows.end(), beyond)) {
      plot.subtitle +=
          " Beyond 100 %: nearer data, or fewer operations (Winograd), than the limit counts.";
    }
    page.Figure(name, plot.title, plot.Render(), data, "Right is better.");
  };
  std::vector<DotRow> all = ShareRows(groups, std::nullopt);
  if (all.size() <= kMostRows) {
    draw(std::move(all), "share-" + stem, "");
    return;
  }
  std::set<int> counts;
  for (const Group& group : groups) {
    if (group.own) counts.insert(group.own->threads);
  }
  for (const int threads : counts) {
    draw(ShareRows(groups, threads), "share-" + stem + "-t" + std::to_string(threads),
         ", t" + std::to_string(threads));
  }
}

void WriteRoofline(const BenchFile& file, const std::string& stem, const std::string& data,
                   ReportPage& page) {
  const double peak = file.ContextNumber("fma_peak_gflops");
  if (!(peak > 0)) return;
  int most = 1;
  for (const BenchResult& r : file.results) most = std::max(most, r.threads);
  Plot plot;
  plot.title = "Roofline, " + Plural(most, "thread");
  plot.subtitle =
      "Roofs measured in the same run; a point's height below its roof is what is lost.";
  plot.x_kind = plot.y_kind = ScaleKind::kLog;
  plot.x_label = "FLOP a byte of minimal traffic (log scale)";
  plot.y_label = "GFLOP/s (log scale)";
  std::vector<std::string> operations;
  std::map<std::string, double> best;
  for (const Group& group : GroupsOf(file)) {
    const BenchResult* r = group.own;
    if (!r || r->threads != most || r->cold || !(r->gflops > 0) || !(r->gbs > 0)) continue;
    const std::string operation = OperationOf(*r);
    auto at = std::find(operations.begin(), operations.end(), operation);
    if (at == operations.end()) at = operations.insert(operations.end(), operation);
    plot.marks.push_back({{r->gflops / r->gbs, r->gflops},
                          CategoryColor(static_cast<size_t>(at - operations.begin())),
                          PlotMark::Shape::kDot,
                          4.5,
                          ""});
    // The fastest problem of an operation carries its name.
    if (r->gflops > best[operation]) {
      best[operation] = r->gflops;
      const std::string color = plot.marks.back().color;
      for (PlotMark& mark : plot.marks) {
        if (mark.color == color) mark.label.clear();
      }
      plot.marks.back().label = operation;
    }
  }
  if (plot.marks.empty()) return;
  const auto above = [&](const PlotMark& mark) { return mark.at.y > peak; };
  if (std::any_of(plot.marks.begin(), plot.marks.end(), above)) {
    plot.subtitle += " Above it: fewer operations than the definition's (Winograd).";
  }
  Extent xs;
  for (const PlotMark& mark : plot.marks) xs.Add(mark.at.x);
  const double left = xs.low / 2, right = xs.high * 2;
  plot.x_extent.Add(left), plot.x_extent.Add(right), plot.y_extent.Add(peak * 1.2);
  plot.references.push_back({{left, peak},
                             {right, peak},
                             "FMA peak " + Significant(peak, 3) + " GFLOP/s",
                             true,
                             "",
                             ink::kText});
  const std::pair<const char*, const char*> levels[] = {{"bw_l1_gbs", "L1"},
                                                        {"bw_l2_gbs", "L2"},
                                                        {"bw_cache_gbs", "shared cache"},
                                                        {"bw_dram_gbs", "DRAM"}};
  for (const auto& [key, name] : levels) {
    const double rate = file.ContextNumber(key);
    if (!(rate > 0)) continue;
    const double knee = std::min(peak / rate, right);
    if (knee < left) continue;
    plot.references.push_back({{left, rate * left},
                               {knee, rate * knee},
                               std::string(name) + " " + Significant(rate, 3) + " GB/s",
                               true,
                               "4 4",
                               "#8c959f"});
  }
  page.Figure("roofline-" + stem, plot.title, plot.Render(), data,
              "Distance below a roof is what is lost to it.");
}

void WriteTable(const BenchFile& file, const std::string& data, ReportPage& page) {
  const std::vector<Group> groups = GroupsOf(file);
  std::vector<std::string> others;
  for (const Group& group : groups) {
    for (const BenchResult* other : group.others) {
      if (std::find(others.begin(), others.end(), other->variant) == others.end())
        others.push_back(other->variant);
    }
  }
  const bool beside = HaveShares(groups, &BenchResult::share_beside);
  const bool alone = HaveShares(groups, &BenchResult::share_alone);
  std::vector<std::string> head = {"benchmark", "threads", "time",
                                   "GFLOP/s",   "GB/s",    "share of limit"};
  if (beside) head.push_back("beside");
  if (alone) head.push_back("alone");
  for (const std::string& other : others)
    head.push_back(MarkdownEscape(other) + " (its time / ours)");
  MarkdownTable table(head, {Align::kLeft});
  for (const Group& group : groups) {
    const BenchResult* any = group.own ? group.own : group.others.at(0);
    std::vector<std::string> row = {MarkdownEscape(any->problem) + (any->cold ? " cold" : ""),
                                    std::to_string(any->threads)};
    if (!group.own || !group.own->error.empty()) {
      row.push_back(group.own ? "**" + MarkdownEscape(group.own->error) + "**" : "–");
      row.insert(row.end(), size_t{3} + beside + alone, "–");
    } else {
      row.push_back(TimeText(*group.own));
      row.push_back(Significant(group.own->gflops, 3));
      row.push_back(Significant(group.own->gbs, 3));
      row.push_back(ShareText(*group.own));
      if (beside) row.push_back(ShareBesideText(*group.own));
      if (alone) row.push_back(ShareAloneText(*group.own));
    }
    for (const std::string& name : others) {
      std::string cell = "–";
      for (const BenchResult* other : group.others) {
        if (other->variant != name || !other->error.empty()) continue;
        cell = DurationText(other->MedianSeconds());
        if (group.own && group.own->error.empty())
          cell += " (" + RatioText(*other, *group.own) + ")";
      }
      row.push_back(cell);
    }
    table.Row(row);
  }
  const std::string note =
      "\nMedians over repetitions, least and most, and ratios of medians and of the fastest. " +
      std::string(beside ? "Beside: the share of what multiply-adds reached just before or after "
                           "each call, with the neighbours of that moment. "
                         : "") +
      std::string(alone ? "Alone: the same in the moments when no neighbour used the cores. "
                        : "") +
      ReportPage::DataLink(data) + "\n";
  if (groups.size() > 20) {
    page.Details(Plural(groups.size(), "benchmark"), table.PageText() + note);
  } else {
    page.Table(table);
    page.Paragraph(note.substr(1, note.size() - 2));
  }
}

void WriteContext(const BenchFile& file, ReportPage& page) {
  MarkdownTable table({"what", "value"}, {Align::kLeft, Align::kLeft});
  for (const auto& [key, value] : file.context) {
    // Where and when it ran is of no use to a reader and would change the bytes of every report.
    if (key == "executable" || key == "date" || key == "load_avg") continue;
    table.Row({MarkdownEscape(key), MarkdownEscape(value)});
  }
  if (!table.empty()) page.Details("Context of " + MarkdownEscape(file.name), table.PageText());
}

}  // namespace

void WriteBenches(const ReportData& data, ReportPage& page) {
  for (const BenchFile& file : data.benches) {
    std::string stem = FileStem(file.name.substr(0, file.name.rfind('.')));
    page.Heading(2, "Benchmarks: " + MarkdownEscape(file.name));
    std::vector<std::string> facts;
    for (const char* key : {"batchmark_build_type", "backend", "threads", "batchmark_revision"}) {
      const auto found = file.context.find(key);
      if (found != file.context.end())
        facts.push_back(std::string(key) + " " + MarkdownEscape(found->second));
    }
    if (!facts.empty()) page.Paragraph(Joined(facts, " · "));
    const std::string results = page.AddData("bench-" + stem, ResultsCsv(file));
    WriteShares(file, stem, results, page);
    WriteRoofline(file, stem, results, page);
    WriteTable(file, results, page);
    WriteContext(file, page);
  }
}

}  // namespace batchmark::report
