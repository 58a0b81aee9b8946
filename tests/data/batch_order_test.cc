// Which samples a step sees.
#include <algorithm>
#include <map>
#include <set>

#include "tests/data/files_util.h"
#include "tests/support/catch.h"
#include "training/data/input.h"

namespace batchmark {
namespace {

using Batch = std::vector<int32_t>;

// 1,003 training images and a few behind them that must never be used; classes of unequal size.
constexpr size_t kImages = 1003;

std::vector<uint8_t> MakeLabels() {
  std::vector<uint8_t> labels;
  for (size_t i = 0; i < kImages + 50; ++i)
    labels.push_back(static_cast<uint8_t>(i % 7 == 0 ? 3 : i * 7 % 10));
  return labels;
}
const std::vector<uint8_t> kLabels = MakeLabels();

BatchOrder Make(const std::string& order, size_t batch, size_t train_size = 0, uint64_t seed = 1) {
  return BatchOrder(seed, kImages, train_size, batch, order, kLabels);
}

Batch Copy(std::span<const int32_t> span) { return {span.begin(), span.end()}; }

Batch Epoch(BatchOrder& order, size_t epoch) {
  Batch all;
  for (size_t s = 0; s < order.StepsPerEpoch(); ++s) {
    const auto batch = order.Indices(epoch * order.StepsPerEpoch() + s);
    all.insert(all.end(), batch.begin(), batch.end());
  }
  return all;
}

std::string MakeError(const std::string& order, size_t batch, size_t train_size = 0) {
  return ErrorOf([&] { Make(order, batch, train_size); });
}

}  // namespace

TEST_CASE("an epoch uses each training image at most once, in full batches") {
  BatchOrder order = Make("shuffled", 32);
  CHECK(order.StepsPerEpoch() == 31);
  for (const size_t epoch : {0, 1, 5}) {
    const Batch all = Epoch(order, epoch);
    CHECK(all.size() == 31 * 32);
    CHECK(std::set<int32_t>(all.begin(), all.end()).size() == all.size());
    CHECK(*std::min_element(all.begin(), all.end()) >= 0);
    CHECK(*std::max_element(all.begin(), all.end()) < static_cast<int32_t>(kImages));
  }
  CHECK(Epoch(order, 0) != Epoch(order, 1));
  BatchOrder other = Make("shuffled", 32, 0, 2);
  CHECK(Epoch(order, 0) != Epoch(other, 0));
}

TEST_CASE("the first images of a shuffle are spread evenly") {
  // Mean of the first 100 of 1,003 indices over 200 epochs: 501 with sd 19.5 / sqrt(200) per epoch.
  BatchOrder order = Make("shuffled", 100);
  double sum = 0;
  for (size_t epoch = 0; epoch < 200; ++epoch) {
    for (const int32_t i : order.Indices(epoch * order.StepsPerEpoch())) sum += i;
  }
  CHECK(sum / 20000 == Catch::Approx(501.0).margin(5 * 28.96 / std::sqrt(200.0)));
}

TEST_CASE("a step's samples do not depend on what was asked before") {
  for (const char* text : {"shuffled", "sorted:1", "sorted:3"}) {
    BatchOrder forward = Make(text, 16), jumping = Make(text, 16);
    std::map<size_t, Batch> batches, wide;
    for (size_t step = 0; step < 150; ++step) {
      batches[step] = Copy(forward.Indices(step));
      wide[step] = Copy(forward.Wide(step, 40));
    }
    for (const size_t step : {149, 3, 77, 76, 3, 120}) {
      CHECK(Copy(jumping.Indices(step)) == batches[step]);
      CHECK(Copy(jumping.Wide(step, 40)) == wide[step]);
    }
  }
}

TEST_CASE("sorted:K puts exactly K classes into every batch, in equal shares") {
  for (size_t k = 1; k <= kClasses; ++k) {
    CAPTURE(k);
    BatchOrder order = Make("sorted:" + std::to_string(k), 23);
    REQUIRE(order.StepsPerEpoch() >= 20);
    std::set<std::set<uint8_t>> company;
    for (const size_t epoch : {0, 1}) {
      Batch all = Epoch(order, epoch);
      for (size_t s = 0; s < order.StepsPerEpoch(); ++s) {
        std::map<uint8_t, size_t> shares;
        for (size_t i = 0; i < 23; ++i) ++shares[kLabels[static_cast<size_t>(all[s * 23 + i])]];
        REQUIRE(shares.size() == k);
        std::set<uint8_t> classes;
        for (const auto& [c, n] : shares) {
          REQUIRE(n >= 23 / k);
          REQUIRE(n <= (23 + k - 1) / k);
          classes.insert(c);
        }
        company.insert(classes);
      }
      const std::set<int32_t> distinct(all.begin(), all.end());
      CHECK(distinct.size() == all.size());
      CHECK(*distinct.rbegin() < static_cast<int32_t>(kImages));
    }
    if (k > 1 && k < kClasses)
      CHECK(company.size() > kClasses / k);  // classes do not always meet the same ones
    CHECK(Epoch(order, 0) != Epoch(order, 1));
  }
}

TEST_CASE("train_size takes a seeded subset, nested by size") {
  BatchOrder small = Make("shuffled", 10, 100), large = Make("shuffled", 64, 400);
  const Batch inner = Copy(small.Samples()), outer = Copy(large.Samples());
  CHECK(inner.size() == 100);
  CHECK(outer.size() == 400);
  CHECK(std::is_sorted(outer.begin(), outer.end()));
  CHECK(std::adjacent_find(outer.begin(), outer.end()) == outer.end());
  CHECK(std::includes(outer.begin(), outer.end(), inner.begin(), inner.end()));
  CHECK(outer.back() < static_cast<int32_t>(kImages));
  Batch used = Epoch(small, 3);
  std::sort(used.begin(), used.end());
  CHECK(used == inner);
  BatchOrder other = Make("shuffled", 10, 100, 2);
  CHECK(Copy(other.Samples()) != inner);
  BatchOrder all = Make("shuffled", 10, kImages);
  CHECK(all.Samples().size() == kImages);
}

TEST_CASE("wide:M adds distinct samples outside the batch") {
  for (const size_t m : {32, 33, 500, 1003}) {
    CAPTURE(m);
    BatchOrder order = Make("shuffled", 32);
    for (const size_t step : {0, 40}) {
      const Batch batch = Copy(order.Indices(step)), extra = Copy(order.Wide(step, m));
      CHECK(Copy(order.Indices(step)) == batch);
      std::set<int32_t> all(batch.begin(), batch.end());
      all.insert(extra.begin(), extra.end());
      CHECK(extra.size() == m - 32);
      CHECK(all.size() == m);
    }
  }
  BatchOrder order = Make("shuffled", 32), subset = Make("shuffled", 32, 60);
  CHECK(Copy(order.Wide(0, 96)) != Copy(order.Wide(1, 96)));
  const Batch samples = Copy(subset.Samples());
  for (const int32_t i : subset.Wide(0, 60))
    CHECK(std::binary_search(samples.begin(), samples.end(), i));
  CHECK(ErrorOf([&] { order.Wide(0, 31); }) ==
        "3 bn.stats=wide:31: expected 32 (the batch) to 1003 (the training samples)");
  CHECK(ErrorOf([&] { subset.Wide(0, 61); }) ==
        "3 bn.stats=wide:61: expected 32 (the batch) to 60 (the training samples)");
}

TEST_CASE("impossible orders and sizes") {
  CHECK(MakeError("shuffled", 0) == "3 batch=0: expected 1..1003, the number of training samples");
  CHECK(MakeError("shuffled", 1004) ==
        "3 batch=1004: expected 1..1003, the number of training samples");
  CHECK(MakeError("shuffled", 1003) == "no error");
  CHECK(MakeError("shuffled", 32, 31) ==
        "3 batch=32: expected 1..31, the number of training samples");
  CHECK(MakeError("shuffled", 32, 1004) == "3 train_size=1004: the data has 1003 training images");
  for (const char* text :
       {"sorted", "sorted:", "sorted:0", "sorted:11", "sorted:2x", "sorted:-1", "random", ""}) {
    CHECK(MakeError(text, 32) ==
          std::string("3 order=") + text + ": expected shuffled or sorted:K with K in 1..10");
  }
  CHECK(MakeError("sorted:5", 4) == "3 order=sorted:5: a batch of 4 cannot hold so many classes");
  CHECK(MakeError("sorted:1", 900) ==
        "3 order=sorted:1: the training samples do not make one batch of 900 with so many classes");
}

TEST_CASE("golden batches: the order is part of the meaning of stored results") {
  BatchOrder shuffled = Make("shuffled", 8), sorted = Make("sorted:2", 8);
  CHECK(Copy(shuffled.Indices(130)) == Batch{63, 317, 841, 42, 147, 940, 131, 355});
  CHECK(Copy(sorted.Indices(130)) == Batch{7, 69, 320, 231, 950, 90, 217, 750});
  CHECK(Copy(shuffled.Wide(130, 14)) == Batch{406, 982, 849, 469, 809, 47});
  BatchOrder subset = Make("shuffled", 4, 8);
  CHECK(Copy(subset.Samples()) == Batch{171, 272, 431, 615, 626, 868, 888, 912});
}

}  // namespace batchmark
