// A writer of static SVG: shapes and text with fixed decimals, so that the same figure has the same
// bytes. No script, style sheet, foreign object or external font: the file survives GitHub's
// sanitizer, and a white card behind everything keeps it readable on dark pages.
#pragma once

#include <string>
#include <vector>

namespace batchmark::report {

struct Pixel {
  double x, y;
};

struct Stroke {
  std::string color;
  double width = 1;
  std::string dash;  // SVG dash array, "" is solid
  double opacity = 1;
};

struct TextStyle {
  double size = 13;
  std::string color = "#57606a";
  std::string anchor = "start";  // start | middle | end
  bool bold = false;
  double rotate = 0;  // degrees about the anchor point
  bool halo = false;  // white outline, for labels over lines
};

class Svg {
 public:
  // title is read by screen readers and shown on hover; desc is longer.
  Svg(double width, double height, const std::string& title, const std::string& desc);

  void Line(Pixel a, Pixel b, const Stroke& stroke);
  void Polyline(const std::vector<Pixel>& points, const Stroke& stroke);
  void Polygon(const std::vector<Pixel>& points, const std::string& fill, double opacity);
  void Circle(Pixel center, double radius, const std::string& fill, double opacity,
              const Stroke& edge);
  void Rect(Pixel corner, double width, double height, const std::string& fill, double opacity = 1,
            const Stroke& edge = {"none", 0, "", 1});
  void Text(Pixel at, const std::string& text, const TextStyle& style);

  // Everything between is clipped to the rectangle.
  void BeginClip(Pixel corner, double width, double height);
  void EndClip();

  std::string Finish();
  double width() const { return width_; }
  double height() const { return height_; }

 private:
  double width_, height_;
  int clips_ = 0;
  std::string defs_, body_;
  std::string head_;
};

// Width of text in the widest usual member of the system font stack (DejaVu Sans), estimated.
double TextWidth(const std::string& text, double size, bool bold = false);
// The text, cut with an ellipsis where it is wider than `width`.
std::string CutText(const std::string& text, double size, double width, bool bold = false);
// Breaks at spaces so that no line is wider than `width`.
std::vector<std::string> WrapText(const std::string& text, double size, double width);

// Okabe and Ito's colour-blind-safe palette, in an order that keeps neighbours apart; wraps around.
const std::string& CategoryColor(size_t index);
// Dark blue to yellow (viridis-like, monotone in lightness) at t in [0, 1].
std::string SequenceColor(double t);

namespace ink {
inline const char kText[] = "#1f2328";
inline const char kMuted[] = "#57606a";
inline const char kGrid[] = "#e6e9ed";
inline const char kAxis[] = "#8c959f";
}  // namespace ink

}  // namespace batchmark::report
