// Whole runs against losses that PyTorch made from the same initial weights and batches (float64;
// tests/parity/replay_torch.py). The golden files say with which version and command.
#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/base/text.h"
#include "tests/support/catch.h"
#include "tests/support/test_folder.h"
#include "training/trainer/trainer.h"

namespace batchmark {
namespace {

using nlohmann::json;

std::vector<float> ReadLosses(const std::string& path, size_t steps) {
  std::ifstream file(path, std::ios::binary);
  std::vector<float> losses(steps);
  file.seekg(-static_cast<std::streamoff>(steps * sizeof(float)), std::ios::end);
  file.read(reinterpret_cast<char*>(losses.data()), static_cast<std::streamsize>(steps * sizeof(float)));
  REQUIRE(file);
  return losses;
}

// Rates are small where batch norm stands: a step at lr 0.01 multiplies rounding tenfold (kinks of relu), so
// that PyTorch's own float32 run leaves its float64 run within ten steps, and a tight bound would say nothing.
// One input of a relu within rounding of zero is enough (some 10^7 of them pass in 20 steps), and which
// backend meets one is chance: seed-cnn pre on synth-digits has one in its first step on AVX2 and SSE4, one
// element of dz, which a rate of 3e-4 would raise to 1.7e-5 of the loss by step 14, and 1e-4 to 1.2e-6; ghost on
// synth-digits has one in step 6 at 1e-4 with the sums of Winograd's F(2 x 2) on AVX-512 (1.2e-5 by step 19), none
// at 3e-5.
TEST_CASE("Losses of whole runs agree with PyTorch's", "[parity]") {
  size_t compared = 0;
  for (const auto& entry : std::filesystem::directory_iterator(BATCHMARK_GOLDEN_DIR)) {
    const std::string name = entry.path().filename().string();
    if (name.rfind("parity_", 0) != 0) continue;
    const json golden = json::parse(std::ifstream(entry.path()));
    RunSpec spec;
    for (const auto& [key, value] : golden.at("spec").items()) {
      const std::string text = value.is_string() ? value.get<std::string>() : NumberText(value.get<double>());
      SetRunKey(spec, key, text);
    }
    Dataset data;
    try {
      data = LoadDataset(spec.data, "");
    } catch (const std::exception& error) {
      WARN(name << " left out: " << error.what());
      continue;
    }
    const auto want = golden.at("losses").get<std::vector<double>>();
    for (const char* conv : {"auto", "direct"}) {
      const TestFolder folder;
      SetRunKey(spec, "conv", conv);
      RunTraining(ResolveRunSpec(spec), data, nullptr, {.dump_dir = folder.path()});
      const auto got = ReadLosses(folder / "losses.npy", want.size());
      for (size_t step = 0; step < want.size(); ++step) {
        CAPTURE(name, conv, step, got[step], want[step]);
        CHECK(std::abs(got[step] - want[step]) <= 1e-5 * std::abs(want[step]));
      }
    }
    ++compared;
  }
  CHECK(compared >= 4);  // seed-cnn pre, post, none and ioffe-mlp on synth-digits need no files
}

}  // namespace
}  // namespace batchmark
