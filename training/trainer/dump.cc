#include "training/trainer/dump.h"

#include <filesystem>
#include <fstream>

#include "core/base/check.h"
#include "training/trainer/npy.h"

namespace batchmark {
namespace {

void WriteTensors(const std::string& dir, const Net& net) {
  for (const NetTensor& t : net.tensors()) {
    const std::string number = (t.layer < 10 ? "0" : "") + std::to_string(t.layer);
    WriteNpy(dir + "/" + number + "." + t.tensor.name + ".npy", t.tensor.value, t.tensor.shape);
  }
}

}  // namespace

Dump::Dump(const std::string& dir, const Net& net, const std::string& spec_json, size_t batch)
    : dir_(dir), batch_(batch) {
  for (const char* sub : {"/init", "/final"}) {
    std::error_code error;
    std::filesystem::create_directories(dir + sub, error);
    if (error) throw IoError("cannot create " + dir + sub + ": " + error.message());
  }
  WriteTensors(dir + "/init", net);
  std::ofstream spec(dir + "/spec.json", std::ios::trunc);
  spec << spec_json << "\n";
  spec.close();
  if (!spec) throw IoError("cannot write " + dir + "/spec.json");
}

void Dump::Step(std::span<const int32_t> indices, double loss) {
  batches_.insert(batches_.end(), indices.begin(), indices.end());
  losses_.push_back(static_cast<float>(loss));
}

void Dump::Finish(const Net& net) {
  WriteTensors(dir_ + "/final", net);
  WriteNpy(dir_ + "/batches.npy", batches_.data(), {losses_.size(), batch_});
  WriteNpy(dir_ + "/losses.npy", losses_.data(), {losses_.size()});
}

}  // namespace batchmark
