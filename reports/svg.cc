// A writer of static SVG: shapes and text with fixed decimals.
#include "reports/svg.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "reports/format.h"

namespace batchmark::report {
namespace {

// Two decimals are a hundredth of a pixel; trailing zeros go, so files stay small.
std::string Coordinate(double value) {
  std::string text = Fixed(std::isfinite(value) ? value : 0, 2);
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  return text;
}

std::string Attribute(const char* name, double value) {
  return std::string(" ") + name + "=\"" + Coordinate(value) + "\"";
}

std::string Attribute(const char* name, const std::string& value) {
  return std::string(" ") + name + "=\"" + XmlEscape(value) + "\"";
}

std::string StrokeText(const Stroke& stroke) {
  if (stroke.color == "none" || stroke.width <= 0) return "";
  std::string text = Attribute("stroke", stroke.color) + Attribute("stroke-width", stroke.width);
  if (!stroke.dash.empty()) text += Attribute("stroke-dasharray", stroke.dash);
  if (stroke.opacity < 1) text += Attribute("stroke-opacity", stroke.opacity);
  return text;
}

std::string FillText(const std::string& fill, double opacity) {
  return Attribute("fill", fill) + (opacity < 1 ? Attribute("fill-opacity", opacity) : "");
}

std::string PointsText(const std::vector<Pixel>& points) {
  std::string text;
  for (const Pixel& p : points)
    text += (text.empty() ? "" : " ") + Coordinate(p.x) + "," + Coordinate(p.y);
  return Attribute("points", text);
}

}  // namespace

Svg::Svg(double width, double height, const std::string& title, const std::string& desc)
    : width_(width), height_(height) {
  const std::string w = Coordinate(width), h = Coordinate(height);
  head_ =
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" + w + "\" height=\"" + h +
      "\" viewBox=\"0 0 " + w + " " + h +
      "\" role=\"img\" aria-labelledby=\"t d\" font-family=\"-apple-system, BlinkMacSystemFont, "
      "'Segoe UI', 'Noto Sans', Helvetica, Arial, sans-serif\">\n<title id=\"t\">" +
      XmlEscape(title) + "</title>\n<desc id=\"d\">" + XmlEscape(desc) + "</desc>\n";
  Rect({0.5, 0.5}, width - 1, height - 1, "#ffffff", 1, {"#d8dee4", 1, "", 1});
}

void Svg::Line(Pixel a, Pixel b, const Stroke& stroke) {
  body_ += "<line" + Attribute("x1", a.x) + Attribute("y1", a.y) + Attribute("x2", b.x) +
           Attribute("y2", b.y) + StrokeText(stroke) + "/>\n";
}

void Svg::Polyline(const std::vector<Pixel>& points, const Stroke& stroke) {
  if (points.empty()) return;
  body_ += "<polyline fill=\"none\" stroke-linejoin=\"round\" stroke-linecap=\"round\"" +
           StrokeText(stroke) + PointsText(points) + "/>\n";
}

void Svg::Polygon(const std::vector<Pixel>& points, const std::string& fill, double opacity) {
  if (points.empty()) return;
  body_ += "<polygon" + FillText(fill, opacity) + PointsText(points) + "/>\n";
}

void Svg::Circle(Pixel center, double radius, const std::string& fill, double opacity,
                 const Stroke& edge) {
  body_ += "<circle" + Attribute("cx", center.x) + Attribute("cy", center.y) +
           Attribute("r", radius) + FillText(fill, opacity) + StrokeText(edge) + "/>\n";
}

void Svg::Rect(Pixel corner, double width, double height, const std::string& fill, double opacity,
               const Stroke& edge) {
  body_ += "<rect" + Attribute("x", corner.x) + Attribute("y", corner.y) +
           Attribute("width", width) + Attribute("height", height) + FillText(fill, opacity) +
           StrokeText(edge) + "/>\n";
}

void Svg::Text(Pixel at, const std::string& text, const TextStyle& style) {
  body_ += "<text" + Attribute("x", at.x) + Attribute("y", at.y) +
           Attribute("font-size", style.size) + Attribute("fill", style.color);
  if (style.anchor != "start") body_ += Attribute("text-anchor", style.anchor);
  if (style.bold) body_ += " font-weight=\"600\"";
  if (style.halo)
    body_ +=
        " stroke=\"#ffffff\" stroke-width=\"3\" stroke-linejoin=\"round\" paint-order=\"stroke\"";
  if (style.rotate != 0) {
    body_ += Attribute("transform", "rotate(" + Coordinate(style.rotate) + " " + Coordinate(at.x) +
                                        " " + Coordinate(at.y) + ")");
  }
  body_ += ">" + XmlEscape(text) + "</text>\n";
}

void Svg::BeginClip(Pixel corner, double width, double height) {
  const std::string id = "c" + std::to_string(++clips_);
  defs_ += "<clipPath id=\"" + id + "\"><rect" + Attribute("x", corner.x) +
           Attribute("y", corner.y) + Attribute("width", width) + Attribute("height", height) +
           "/></clipPath>\n";
  body_ += "<g clip-path=\"url(#" + id + ")\">\n";
}

void Svg::EndClip() { body_ += "</g>\n"; }

std::string Svg::Finish() {
  return head_ + (defs_.empty() ? "" : "<defs>\n" + defs_ + "</defs>\n") + body_ + "</svg>\n";
}

double TextWidth(const std::string& text, double size, bool bold) {
  double units = 0;
  for (unsigned char c : text) {
    if ((c & 0xc0) == 0x80) continue;  // UTF-8 continuation
    if (c == 0xc2) {
      units += 0.36;  // no-break space, middle dot, multiplication sign and their like
    } else if (c >= 0xc0 || c == '%' || c == 'm' || c == 'w' || c == 'M' || c == 'W' || c == '@') {
      units += 0.95;
    } else if (std::string(" .,:;!|'ijl()[]/tfrI-").find(static_cast<char>(c)) !=
               std::string::npos) {
      units += 0.37;
    } else {
      units += c >= 'A' && c <= 'Z' ? 0.7 : 0.62;
    }
  }
  return units * size * (bold ? 1.12 : 1.0);
}

std::string CutText(const std::string& text, double size, double width, bool bold) {
  std::string cut = text;
  while (!cut.empty() && TextWidth(cut + (cut == text ? "" : "…"), size, bold) > width) {
    do {  // a whole character of UTF-8
      cut.pop_back();
    } while (!cut.empty() && (static_cast<unsigned char>(cut.back()) & 0xC0u) == 0x80u);
    while (!cut.empty() && static_cast<unsigned char>(cut.back()) >= 0xC0u) cut.pop_back();
  }
  return cut == text ? text : cut + "…";
}

std::vector<std::string> WrapText(const std::string& text, double size, double width) {
  std::vector<std::string> lines;
  std::string line;
  for (size_t start = 0; start < text.size();) {
    const size_t end = std::min(text.find(' ', start), text.size());
    const std::string word = text.substr(start, end - start);
    if (!line.empty() && TextWidth(line + " " + word, size) > width) {
      lines.push_back(line);
      line.clear();
    }
    line += (line.empty() ? "" : " ") + word;
    start = end + 1;
  }
  if (!line.empty()) lines.push_back(line);
  return lines;
}

const std::string& CategoryColor(size_t index) {
  static const std::array<std::string, 7> colors = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                                    "#b8860b", "#56b4e9", "#4d4d4d"};
  return colors[index % colors.size()];
}

std::string SequenceColor(double t) {
  // Anchors near the viridis map, joined in sRGB; its palest end, unreadable on white, is left out.
  static const int anchors[6][3] = {{68, 1, 84},    {65, 68, 135},  {42, 120, 142},
                                    {34, 168, 132}, {122, 209, 81}, {210, 226, 27}};
  const double position = std::clamp(std::isfinite(t) ? t : 0.0, 0.0, 1.0) * 5;
  const int i = std::min(4, static_cast<int>(position));
  const double f = position - i;
  char text[8];
  std::snprintf(
      text, sizeof text, "#%02x%02x%02x",
      static_cast<unsigned>(std::lround(anchors[i][0] + f * (anchors[i + 1][0] - anchors[i][0]))) &
          255u,
      static_cast<unsigned>(std::lround(anchors[i][1] + f * (anchors[i + 1][1] - anchors[i][1]))) &
          255u,
      static_cast<unsigned>(std::lround(anchors[i][2] + f * (anchors[i + 1][2] - anchors[i][2]))) &
          255u);
  return text;
}

}  // namespace batchmark::report
