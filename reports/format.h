// Numbers and short texts as a reader wants them, and the escapes of Markdown, XML and CSV. Every
// function is a pure function of its arguments, so that reports have the same bytes everywhere.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <vector>

namespace batchmark::report {

std::string Fixed(double value, int decimals);      // "-0.50"; "–" for NaN, "∞"
std::string Significant(double value, int digits);  // 3 digits: "0.0123", "1.23", "12,300"
std::string Count(double value);                    // "12,300": rounded, with thousands separators
std::string Percent(double fraction, int decimals = 0);  // "90 %"
std::string Ratio(double factor);                        // "5.8×", "0.42×", "130×"
std::string Seconds(double seconds);                     // "0.41 s", "12.3 s", "4 min 10 s"
std::string Exact(double value);  // for CSV: shortest text that parses back; "" for NaN
std::string ShortHash(const std::string& hash);  // first 12 characters

// "validation accuracy" for "val_accuracy", "shift of variance" for "shift@last", "learning rate"
// for "lr"; unknown names come back unchanged.
std::string MetricName(const std::string& metric);
std::string KeyName(const std::string& spec_key);
bool IsAccuracy(const std::string& metric);  // a share of images, shown in percent or points

std::string Plural(int64_t count, const std::string& noun);  // "1 seed", "3 seeds"
template <std::integral T>
std::string Plural(T count, const std::string& noun) {
  return Plural(static_cast<int64_t>(count), noun);
}
std::string Joined(const std::vector<std::string>& parts, const std::string& separator);

std::string MarkdownEscape(
    const std::string& text);                    // cells and prose: | < > ` * _ and line breaks
std::string XmlEscape(const std::string& text);  // also drops what XML 1.0 forbids
std::string CsvField(const std::string& text);   // RFC 4180 quotes where needed
std::string FileStem(const std::string& text);   // "ioffe-fig1": letters, digits, - and _ only

}  // namespace batchmark::report
