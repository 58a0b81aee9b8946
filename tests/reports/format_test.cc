// Numbers, units, escapes and axis ticks of reports.
#include "reports/format.h"

#include <cmath>
#include <limits>

#include "reports/scale.h"
#include "reports/svg.h"
#include "tests/support/catch.h"

namespace batchmark::report {
namespace {

const double kNan = std::numeric_limits<double>::quiet_NaN();
const double kInf = std::numeric_limits<double>::infinity();

TEST_CASE("numbers read as people write them", "[report]") {
  CHECK(Count(0) == "0");
  CHECK(Count(999.6) == "1,000");
  CHECK(Count(-1234567) == "-1,234,567");
  CHECK(Fixed(-0.001, 2) == "0.00");
  CHECK(Fixed(kNan, 2) == "–");
  CHECK(Fixed(-kInf, 2) == "-∞");
  CHECK(Significant(0.012345, 3) == "0.0123");
  CHECK(Significant(9.996, 3) == "10.0");
  CHECK(Significant(12345, 3) == "12,300");
  CHECK(Significant(0, 3) == "0");
  CHECK(Significant(3.2e-9, 2) == "3.2e-09");
  CHECK(Percent(0.9) == "90\u00a0%");
  CHECK(Ratio(5.75) == "5.8×");
  CHECK(Ratio(17.6) == "18×");
  CHECK(Ratio(0.4217) == "0.42×");
  CHECK(Ratio(kInf) == "∞×");
  CHECK(Seconds(0.41) == "0.41\u00a0s");
  CHECK(Seconds(250) == "4\u00a0min 10\u00a0s");
  CHECK(Seconds(7500) == "2\u00a0h 5\u00a0min");
  CHECK(Exact(0.1) == "0.1");
  CHECK(Exact(kNan).empty());
}

TEST_CASE("texts from users cannot break Markdown, XML, CSV or file names", "[report]") {
  CHECK(MarkdownEscape("a|b<c>\n*d*") == "a\\|b&lt;c&gt; \\*d\\*");
  CHECK(XmlEscape("<a & \"b\"\x01>") == "&lt;a &amp; &quot;b&quot;&gt;");
  CHECK(CsvField("a,\"b\"") == "\"a,\"\"b\"\"\"");
  CHECK(CsvField("plain") == "plain");
  CHECK(FileStem("../etc/pass wd") == "etc-pass-wd");
  CHECK(FileStem("") == "runs");
}

std::string Labels(const Scale& scale, int wanted) {
  std::string text;
  for (const Tick& tick : scale.Ticks(wanted)) {
    if (!tick.label.empty()) text += (text.empty() ? "" : " ") + tick.label;
  }
  return text;
}

TEST_CASE("ticks are round and lie inside the axis", "[report]") {
  CHECK(Labels(Scale(ScaleKind::kLinear, 0, 1, 0, 100), 5) == "0.0 0.2 0.4 0.6 0.8 1.0");
  CHECK(Labels(Scale(ScaleKind::kLinear, 3, 4212, 0, 100), 5) == "1,000 2,000 3,000 4,000");
  CHECK(Labels(Scale(ScaleKind::kLog, 20, 2000, 0, 100), 8) == "20 50 100 200 500 1,000 2,000");
  CHECK(Labels(Scale(ScaleKind::kLog, 1e-4, 32, 0, 100), 6) == "0.0001 0.001 0.01 0.1 1 10");
  CHECK(Labels(Scale(ScaleKind::kLog, 6, 9, 0, 100), 4) == "6 7 8 9");
  CHECK(Labels(Scale(ScaleKind::kAccuracy, 0.4, 0.985, 0, 100), 6) == "50 % 80 % 90 % 95 % 98 %");
}

TEST_CASE("scales map every input to a finite pixel", "[report]") {
  for (ScaleKind kind : {ScaleKind::kLinear, ScaleKind::kLog, ScaleKind::kAccuracy}) {
    for (auto [low, high] :
         {std::pair{0.0, 0.0}, {-1.0, 2.0}, {1.0, 1.0}, {5.0, 5.0}, {0.9, 0.99999}}) {
      const Scale scale(kind, low, high, 10, 110);
      for (double value : {0.0, -3.0, 0.5, 1.0, 1e300, -1e300, kInf, -kInf, kNan}) {
        INFO(low << ".." << high << " " << value);
        CHECK(std::isfinite(scale.ToPixel(value)));
      }
      CHECK(scale.Ticks(6).size() < 60);
    }
  }
  const Scale log(ScaleKind::kLog, 1, 100, 0, 200);
  CHECK(log.ToPixel(10) == Catch::Approx(100));
  const Scale accuracy(ScaleKind::kAccuracy, 0.9, 0.999, 0, 200);
  CHECK(accuracy.ToPixel(0.99) == Catch::Approx(100));
}

TEST_CASE("text wraps at its width and loses no word", "[report]") {
  const auto lines = WrapText("one two three four five six seven", 13, 90);
  std::string all;
  for (const std::string& line : lines) {
    CHECK(TextWidth(line, 13) <= 90);
    all += (all.empty() ? "" : " ") + line;
  }
  CHECK(lines.size() > 1);
  CHECK(all == "one two three four five six seven");
}

}  // namespace
}  // namespace batchmark::report
