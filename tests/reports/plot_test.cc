// Where a figure's own text goes.
#include "reports/plot.h"

#include <cmath>
#include <string>

#include "tests/support/catch.h"

namespace batchmark {
namespace {

// The y of the text element that holds `label`.
double TextY(const std::string& svg, const std::string& label) {
  const size_t at = svg.find(">" + label + "<");
  REQUIRE(at != std::string::npos);
  const size_t element = svg.rfind("<text", at), y = svg.find(" y=\"", element);
  REQUIRE(y < at);
  return std::stod(svg.substr(y + 4));
}

TEST_CASE("labels of reference lines never cover each other", "[report]") {
  for (const bool at_end : {false, true}) {
    for (const double height : {0.0, 5.0, 10.0}) {  // below, inside and at the top of the frame
      report::Plot plot;
      plot.x_extent.Add(0), plot.x_extent.Add(10);
      plot.y_extent.Add(0), plot.y_extent.Add(10);
      plot.references = {{{1, height}, {9, height}, "first", at_end},
                         {{1, height}, {9, height}, "second", at_end},
                         {{1.2, height}, {8.8, height}, "third", at_end}};
      const std::string svg = plot.Render();
      const double first = TextY(svg, "first"), second = TextY(svg, "second");
      const double third = TextY(svg, "third");
      INFO((at_end ? "at the end, " : "at the beginning, ") << "height " << height);
      CHECK(std::abs(first - second) >= 12);
      CHECK(std::abs(first - third) >= 12);
      CHECK(std::abs(second - third) >= 12);
    }
  }
}

TEST_CASE("labels of reference lines keep off marks", "[report]") {
  report::Plot plot;
  plot.x_extent.Add(0), plot.x_extent.Add(10);
  plot.y_extent.Add(0), plot.y_extent.Add(10);
  plot.references = {{{1, 5}, {9, 5}, "roof", true}};
  const double free = TextY(plot.Render(), "roof");
  plot.marks.push_back({{8.9, 5.1}, "#000000", report::PlotMark::Shape::kDot, 4.5, ""});
  CHECK(std::abs(TextY(plot.Render(), "roof") - free) >= 12);
}

TEST_CASE("labels of reference lines stay beside their ends where there is room", "[report]") {
  report::Plot plot;
  plot.x_extent.Add(0), plot.x_extent.Add(10);
  plot.y_extent.Add(0), plot.y_extent.Add(10);
  plot.references = {{{1, 5}, {9, 5}, "left", false}, {{1, 5}, {9, 5}, "right", true}};
  const std::string svg = plot.Render();
  CHECK(TextY(svg, "left") == TextY(svg, "right"));
}

}  // namespace
}  // namespace batchmark
