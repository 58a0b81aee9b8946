// batchmark data: which image sets are here, whether they are whole, and fetching them.
#include <memory>

#include "training/commands/command.h"
#include "training/commands/output.h"
#include "training/data/dataset.h"
#include "training/data/fetch.h"

namespace batchmark {
namespace {

struct DataOptions {
  std::string data_dir;
  std::string data = "auto";
  bool if_missing = false;
};

int List(const DataOptions& options) {
  std::string text;
  size_t width = 0;
  const std::vector<DataCandidate> candidates = ListDatasets(options.data_dir);
  for (const DataCandidate& candidate : candidates) width = std::max(width, candidate.where.size());
  bool chosen = false;
  for (const DataCandidate& candidate : candidates) {
    const bool used = candidate.usable && !chosen;
    chosen = chosen || used;
    std::string where = candidate.where;
    where.resize(width, ' ');
    text += (used ? "* " : "  ") + where + "  " + candidate.verdict + "\n";
  }
  Print(text + "* is what data=auto takes.\n");
  return 0;
}

int Verify(const DataOptions& options) {
  const Dataset data = LoadDataset(options.data, options.data_dir);
  Print("data      " + data.name + "\n" +  //
        "hash      " + data.hash + "\n" +  //
        "origin    " + data.origin + "\n" + "training  " + std::to_string(data.TrainingImages()) +
        " images, and " + std::to_string(kValidationImages) + " for validation\n" +  //
        "test      " + std::to_string(data.test.count) + " images\n" + "size      " +
        std::to_string(data.train.height) + " x " + std::to_string(data.train.width) + "\n");
  return 0;
}

// A folder that comes before the download in the search, or a folder that the user named.
bool IsHereAlready() {
  for (const DataCandidate& candidate : ListDatasets("")) {
    if (candidate.usable) return true;
    if (candidate.where == "download") return false;
  }
  return true;
}

int Fetch(const DataOptions& options) {
  if (options.if_missing && IsHereAlready()) return 0;
  FetchRequest request;
  request.data = options.data;
  PrintNote("fetching " + request.data + " to " + FetchFolder(request.data));
  Print(FetchDataset(request) + "\n");
  return 0;
}

Option DataDirOption(const std::shared_ptr<DataOptions>& options) {
  return {"--data-dir", "DIR", "look there only (else $BATCHMARK_DATA_DIR, else the search)",
          &options->data_dir};
}

Command ListCommand() {
  auto options = std::make_shared<DataOptions>();
  Command command{
      "list", "List the places searched, and what each holds.", {DataDirOption(options)}, {}, "",
      {}};
  command.run = [options] { return List(*options); };
  return command;
}

Command VerifyCommand() {
  auto options = std::make_shared<DataOptions>();
  Command command{"verify", "Read a whole image set, check it, and print its hash.", {}, {}, "",
                  {}};
  command.options = {
      {"SET", "", "auto (default), mnist, fashion-mnist or synth-digits", &options->data},
      DataDirOption(options)};
  command.run = [options] { return Verify(*options); };
  return command;
}

Command FetchCommand() {
  auto options = std::make_shared<DataOptions>();
  options->data = "mnist";
  Command command{"fetch", "Download an image set into the cache, checked by its hash.", {}, {}, "",
                  {}};
  command.options = {{"SET", "", "mnist (default) or fashion-mnist", &options->data},
                     {"--if-missing", "", "only if the search finds no set on this machine",
                      &options->if_missing}};
  command.run = [options] { return Fetch(*options); };
  return command;
}

}  // namespace

Command DataCommand() {
  Command command{"data", "List, check or fetch image sets.", {}, {}, "", {}};
  command.subcommands = {ListCommand(), VerifyCommand(), FetchCommand()};
  return command;
}

}  // namespace batchmark
