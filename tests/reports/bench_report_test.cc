// Google Benchmark's JSON: names, repetitions, errors, and its part of the report.
#include <cmath>

#include "core/base/check.h"
#include "reports/bench_results.h"
#include "reports/report.h"
#include "tests/support/catch.h"
#include "tests/support/test_folder.h"

namespace batchmark {
namespace {

const char kFile[] = R"({
 "context": {"date": "2024-01-01", "executable": "/x/gemm_bench", "num_cpus": 2, "caches": [{"level": 1}],
  "fma_peak_gflops": "220", "bw_l2_gbs": "90", "bw_cache_gbs": "40", "bw_dram_gbs": "18", "threads": "1,2",
  "backend": "avx3,avx2", "batchmark_build_type": "Release", "batchmark_revision": "abc"},
 "benchmarks": [
  {"name": "gemm/NN/square_1024/avx3/t2/real_time", "run_name": "gemm/NN/square_1024/avx3/t2/real_time", "run_type": "iteration",
   "real_time": 10.0, "time_unit": "us", "GFLOPS": 200.0, "GBs": 2.0, "share": 0.91, "share_alone": 0.96, "share_beside": 0.9, "moments": 12, "label": "of fma"},
  {"name": "gemm/NN/square_1024/avx3/t2/real_time", "run_name": "gemm/NN/square_1024/avx3/t2/real_time", "run_type": "iteration",
   "real_time": 12.0, "time_unit": "us", "GFLOPS": 190.0, "GBs": 1.9, "share": NaN, "share_alone": 0.9, "share_beside": 0.93, "moments": 5, "label": "of fma"},
  {"name": "gemm/NN/square_1024/avx3/t2/real_time_mean", "run_name": "gemm/NN/square_1024/avx3/t2/real_time", "run_type": "aggregate",
   "aggregate_name": "mean", "real_time": 11.0, "time_unit": "us"},
  {"name": "gemm/NN/square_1024/openblas/t2/real_time", "run_type": "iteration", "real_time": 0.022, "time_unit": "ms", "GFLOPS": 100, "GBs": 1, "share": 0.45},
  {"name": "bn/fwd/128x26x26x32/avx3/t2/cold", "run_type": "iteration", "real_time": 1.5, "time_unit": "ms", "GBs": 15.0, "share": 0.8},
  {"name": "broken/x/avx3/t2", "run_type": "iteration", "error_occurred": true, "error_message": "C[3] is 1 | 2"},
  {"name": "BM_foreign/64", "run_type": "iteration", "real_time": 300, "time_unit": "ns"}
 ]})";

TEST_CASE("names and repetitions of benchmark files", "[report]") {
  TestFolder dir;
  WriteText(dir / "gemm.json", kFile);
  const report::BenchFile file = report::ReadBenchFile(dir / "gemm.json");
  REQUIRE(file.results.size() == 5);
  const report::BenchResult& gemm = file.results[0];
  CHECK(gemm.problem == "gemm/NN/square_1024");
  CHECK(gemm.variant == "avx3");
  CHECK(gemm.threads == 2);
  CHECK(gemm.seconds.size() == 2);
  CHECK(gemm.MedianSeconds() == Catch::Approx(11e-6));
  CHECK(gemm.gflops == Catch::Approx(195));
  CHECK(gemm.share == Catch::Approx(0.91));  // the missing one is skipped
  CHECK(gemm.moments == 12);  // of all repetitions: the 5 are among them
  CHECK(gemm.share_alone == Catch::Approx(0.96));
  CHECK(gemm.share_beside == Catch::Approx(0.93));  // of all repetitions, which the last one counts
  CHECK(std::isnan(file.results[1].share_alone));
  CHECK(std::isnan(file.results[1].share_beside));
  CHECK(file.results[1].MedianSeconds() == Catch::Approx(22e-6));
  CHECK(file.results[2].cold);
  CHECK(std::isnan(file.results[2].gflops));
  CHECK(file.results[3].error == "C[3] is 1 | 2");
  CHECK(file.results[4].problem == "BM_foreign/64");
  CHECK(file.ContextNumber("fma_peak_gflops") == 220);
  CHECK(std::isnan(file.ContextNumber("bw_l1_gbs")));
  CHECK(file.OwnVariant() == "avx3");
}

TEST_CASE("benchmark files make a report of their own", "[report]") {
  TestFolder dir;
  WriteText(dir / "gemm.json", kFile);
  const std::string text = ReadText(WriteReport({dir / "gemm.json"}, dir / "out"));
  CHECK(text.find("openblas (its time / ours)") != std::string::npos);
  CHECK(text.find("(2.0×)") != std::string::npos);
  CHECK(text.find("of fma | 93 % | 96 % (12) |") != std::string::npos);
  CHECK(text.find(" share of limit | beside | alone |") != std::string::npos);
  CHECK(text.find("C\\[3\\] is 1 \\| 2") != std::string::npos);
  CHECK(text.find("roofline-gemm.svg") != std::string::npos);
  CHECK(text.find("/x/gemm_bench") == std::string::npos);
  CHECK(ReadText(dir / "out/fig/roofline-gemm.svg").find("FMA peak 220 GFLOP/s") !=
        std::string::npos);
  CHECK(ReadText(dir / "out/fig/share-gemm.svg").find("Dashed") != std::string::npos);
  // One file of data, which figure and table link to.
  CHECK(std::filesystem::exists(dir / "out/data/bench-gemm.csv"));
  CHECK_FALSE(std::filesystem::exists(dir / "out/data/roofline-gemm.csv"));
  const std::string link = "[data](data/bench-gemm.csv)";
  CHECK(text.find(link) != text.rfind(link));
}

TEST_CASE("benchmarks are listed as their program lists them, with their spread", "[report]") {
  TestFolder dir;
  std::string rows;
  const auto add = [&](const char* name, int family, double us) {
    rows += std::string(rows.empty() ? "" : ",") +
            R"({"run_type": "iteration", "time_unit": "us", "name": ")" + name +
            R"(", "family_index": )" + std::to_string(family) +
            R"(, "per_family_instance_index": 0, "real_time": )" + std::to_string(us) + "}";
  };
  // In the order of a run that interleaves at random.
  add("gemm/NN/b/onednn/t1", 3, 30), add("gemm/NN/a/avx2/t1", 0, 10);
  add("gemm/NN/b/avx2/t1", 2, 40), add("gemm/NN/a/onednn/t1", 1, 30);
  add("gemm/NN/a/avx2/t1", 0, 14), add("gemm/NN/a/onednn/t1", 1, 24);
  add("gemm/NN/a/avx2/t1", 0, 11), add("gemm/NN/a/onednn/t1", 1, 33);
  WriteText(dir / "gemm.json", R"({"context": {"backend": "avx2"}, "benchmarks": [)" + rows + "]}");
  const std::string text = ReadText(WriteReport({dir / "gemm.json"}, dir / "out"));
  const size_t a = text.find("| gemm/NN/a |"), b = text.find("| gemm/NN/b |");
  REQUIRE(a != std::string::npos);
  REQUIRE(b != std::string::npos);
  CHECK(a < b);
  CHECK(text.find("11.0 µs (10.0 µs to 14.0 µs)") != std::string::npos);
  CHECK(text.find("30.0 µs (2.7×, fastest 2.4×)") != std::string::npos);  // 30 / 11, 24 / 10
  CHECK(text.find("30.0 µs (0.75×)") != std::string::npos);               // one repetition each
}

TEST_CASE("of many benchmarks each thread count has a figure of its shares", "[report]") {
  TestFolder dir;
  std::string rows;
  for (int i = 0; i < 31; ++i) {
    for (const char* threads : {"t1", "t2"}) {
      rows += std::string(rows.empty() ? "" : ",") +
              R"({"run_type": "iteration", "time_unit": "us", "real_time": 10, "share": 0.5, )" +
              R"("label": "of fma", "name": "gemm/NN/s)" + std::to_string(i) + "/avx2/" + threads +
              R"("})";
    }
  }
  WriteText(dir / "gemm.json", R"({"context": {"backend": "avx2"}, "benchmarks": [)" + rows + "]}");
  WriteReport({dir / "gemm.json"}, dir / "out");
  CHECK_FALSE(std::filesystem::exists(dir / "out/fig/share-gemm.svg"));
  for (const std::string threads : {"t1", "t2"}) {
    const std::string figure = ReadText(dir / ("out/fig/share-gemm-" + threads + ".svg"));
    CHECK(figure.find("s30, " + threads) != std::string::npos);
    CHECK(figure.find(threads == "t1" ? "s30, t2" : "s30, t1") == std::string::npos);
  }
}

TEST_CASE("hostile benchmark files are refused or read, never crash", "[report]") {
  TestFolder dir;
  const std::string good = kFile;
  for (size_t cut = 0; cut < good.size(); cut += 37) {
    WriteText(dir / "x.json", good.substr(0, cut));
    CHECK_THROWS_AS(report::ReadBenchFile(dir / "x.json"), Error);
  }
  for (const char* text : {"[]", "{\"benchmarks\": [1, null, {\"name\": 3}]}",
                           "{\"benchmarks\": [{\"name\": \"a\", \"label\": 4}]}",
                           "{\"benchmarks\": []}", "{\"benchmarks\": {}}"}) {
    WriteText(dir / "x.json", text);
    CHECK_THROWS_AS(report::ReadBenchFile(dir / "x.json"), Error);
  }
}

}  // namespace
}  // namespace batchmark
