// A report under construction: Markdown text, figures and their data, held in memory until all is
// known to be good, then written at once.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace batchmark::report {

enum class Align { kLeft, kRight };

class MarkdownTable {
 public:
  MarkdownTable(std::vector<std::string> head, std::vector<Align> align);
  void Row(std::vector<std::string> cells);  // cells are Markdown; escape what users wrote
  bool empty() const { return rows_.empty(); }
  std::string Text() const;      // for a terminal
  std::string PageText() const;  // the same with unbroken numbers: a unit stays with its number

 private:
  template <class Form>
  std::string Text(const Form& form) const;

  std::vector<std::string> head_;
  std::vector<Align> align_;
  std::vector<std::vector<std::string>> rows_;
};

class CsvTable {
 public:
  explicit CsvTable(std::vector<std::string> head);
  CsvTable& Cell(const std::string& text);
  CsvTable& Cell(double value);
  void EndRow();
  const std::string& Text() const { return text_; }

 private:
  size_t columns_, filled_ = 0;
  std::string text_;
};

class ReportPage {
 public:
  void Heading(int level, const std::string& text);
  void Paragraph(const std::string& markdown);
  void Table(const MarkdownTable& table);
  void Code(const std::string& text);
  void Details(const std::string& summary, const std::string& markdown);  // folded
  // fig/<name>.svg and data/<name>.csv, shown with the caption and a link to the data. Names are
  // made unique.
  void Figure(const std::string& name, const std::string& alt, const std::string& svg,
              const CsvTable& data, const std::string& caption);
  // The same of data that several figures or tables show: data_path as AddData gave it.
  void Figure(const std::string& name, const std::string& alt, const std::string& svg,
              const std::string& data_path, const std::string& caption);
  // data/<name>.csv without a figure; returns its path within the report.
  std::string AddData(const std::string& name, const CsvTable& data);
  static std::string DataLink(const std::string& path);
  // AddData and DataLink in one.
  std::string DataFile(const std::string& name, const CsvTable& data);

  void File(const std::string& path, const std::string& bytes);

  const std::string& markdown() const { return markdown_; }
  // report.md and all files under `folder`, which is made where missing. Throws Error(kIo).
  std::string Write(const std::string& folder) const;

 private:
  std::string Unique(const std::string& name) const;

  std::string markdown_;
  std::map<std::string, std::string> files_;
};

}  // namespace batchmark::report
