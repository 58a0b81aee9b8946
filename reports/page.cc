// A report under construction: Markdown text, figures and their data, written at once at the end.
#include "reports/page.h"

#include <filesystem>
#include <fstream>

#include "core/base/check.h"
#include "reports/format.h"

namespace batchmark::report {
namespace {

void WriteBytes(const std::filesystem::path& path, const std::string& bytes) {
  std::error_code error;
  std::filesystem::create_directories(path.parent_path(), error);
  if (error)
    throw IoError("cannot make folder " + path.parent_path().string() + ": " + error.message());
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out << bytes;
  out.close();
  if (!out) throw IoError("cannot write " + path.string());
}

// Numbers with their units stay on one line.
constexpr size_t kShortCell = 16;

std::string Unbroken(const std::string& text) {
  std::string out;
  for (const char c : text) out += c == ' ' ? "\u00a0" : std::string(1, c);
  return out;
}

}  // namespace

MarkdownTable::MarkdownTable(std::vector<std::string> head, std::vector<Align> align)
    : head_(std::move(head)), align_(std::move(align)) {
  align_.resize(head_.size(), Align::kRight);
}

void MarkdownTable::Row(std::vector<std::string> cells) {
  BATCHMARK_CHECK(cells.size() == head_.size());
  rows_.push_back(std::move(cells));
}

std::string MarkdownTable::Text() const {
  return Text([](size_t, const std::string& cell) { return cell; });
}

std::string MarkdownTable::PageText() const {
  return Text([&](size_t column, const std::string& cell) {
    return align_[column] == Align::kRight && cell.size() < kShortCell ? Unbroken(cell) : cell;
  });
}

template <class Form>
std::string MarkdownTable::Text(const Form& form) const {
  std::string text = "| " + Joined(head_, " | ") + " |\n|";
  for (Align align : align_) text += align == Align::kLeft ? ":---|" : "---:|";
  text += "\n";
  for (const auto& row : rows_) {
    for (size_t i = 0; i < row.size(); ++i) text += "| " + form(i, row[i]) + " ";
    text += "|\n";
  }
  return text;
}

CsvTable::CsvTable(std::vector<std::string> head) : columns_(head.size()) {
  for (const std::string& name : head) Cell(name);
  EndRow();
}

CsvTable& CsvTable::Cell(const std::string& text) {
  text_ += (filled_++ ? "," : "") + CsvField(text);
  return *this;
}

CsvTable& CsvTable::Cell(double value) { return Cell(Exact(value)); }

void CsvTable::EndRow() {
  BATCHMARK_CHECK(filled_ == columns_);
  filled_ = 0;
  text_ += "\n";
}

void ReportPage::Heading(int level, const std::string& text) {
  markdown_ += (markdown_.empty() ? "" : "\n") + std::string(static_cast<size_t>(level), '#') +
               " " + text + "\n";
}

void ReportPage::Paragraph(const std::string& markdown) { markdown_ += "\n" + markdown + "\n"; }

void ReportPage::Table(const MarkdownTable& table) { markdown_ += "\n" + table.PageText(); }

void ReportPage::Code(const std::string& text) { markdown_ += "\n```sh\n" + text + "\n```\n"; }

void ReportPage::Details(const std::string& summary, const std::string& markdown) {
  markdown_ += "\n<details>\n<summary>" + summary + "</summary>\n\n" + markdown + "\n</details>\n";
}

void ReportPage::Figure(const std::string& name, const std::string& alt, const std::string& svg,
                        const CsvTable& data, const std::string& caption) {
  const std::string stem = Unique(name);
  Figure(stem, alt, svg, AddData(stem, data), caption);
}

void ReportPage::Figure(const std::string& name, const std::string& alt, const std::string& svg,
                        const std::string& data_path, const std::string& caption) {
  const std::string stem = Unique(name);
  files_["fig/" + stem + ".svg"] = svg;
  markdown_ += "\n![" + MarkdownEscape(alt) + "](fig/" + stem + ".svg)\n\n" + caption +
               (caption.empty() ? "" : " ") + "([data](" + data_path + "), [command](#commands))\n";
}

std::string ReportPage::AddData(const std::string& name, const CsvTable& data) {
  const std::string path = "data/" + FileStem(name) + ".csv";
  files_[path] = data.Text();
  return path;
}

std::string ReportPage::DataLink(const std::string& path) { return "([data](" + path + "))"; }

std::string ReportPage::DataFile(const std::string& name, const CsvTable& data) {
  return DataLink(AddData(name, data));
}

void ReportPage::File(const std::string& path, const std::string& bytes) { files_[path] = bytes; }

std::string ReportPage::Unique(const std::string& name) const {
  const std::string stem = FileStem(name);
  std::string candidate = stem;
  for (int i = 2; files_.count("fig/" + candidate + ".svg"); ++i)
    candidate = stem + "-" + std::to_string(i);
  return candidate;
}

std::string ReportPage::Write(const std::string& folder) const {
  const std::filesystem::path root(folder);
  for (const auto& [path, bytes] : files_) WriteBytes(root / path, bytes);
  const std::filesystem::path report = root / "report.md";
  WriteBytes(report, markdown_);
  return report.string();
}

}  // namespace batchmark::report
