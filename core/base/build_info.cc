// The revision stands between two marks at a fixed length, so that BinaryId can find it and leave
// it out.
#include "core/base/build_info.h"

#include <cstring>
#include <fstream>
#include <iterator>
#include <string_view>

#include "core/base/sha256.h"
#include "revision.h"  // written by revision.cmake at each build

namespace batchmark {
namespace {

constexpr size_t kRevisionLength = 13;  // 12 hex digits and "+" or " "
constexpr std::string_view kMark = "batchmark-revision:";
constexpr char kMarked[] = "batchmark-revision:" BATCHMARK_REVISION;
static_assert(sizeof(kMarked) == kMark.size() + kRevisionLength + 1);

std::string Revision() {
  const volatile char* marked = kMarked;  // keeps the mark in the executable
  std::string text;
  for (size_t i = kMark.size(); i < sizeof(kMarked) - 1; ++i)
    if (marked[i] != ' ') text += marked[i];
  return text.empty() ? "unknown" : text;
}

}  // namespace

const BuildInfo& GetBuildInfo() {
  static const BuildInfo info{BATCHMARK_VERSION, Revision(), BATCHMARK_COMPILER,
                              BATCHMARK_BUILD_TYPE};
  return info;
}

std::string BinaryId() {
  std::ifstream in("/proc/self/exe", std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  if (!in.is_open() || bytes.empty()) return "unknown";
  for (size_t at = bytes.find(kMarked); at != std::string::npos; at = bytes.find(kMarked, at + 1))
    std::memset(&bytes[at + kMark.size()], ' ',
                kRevisionLength);  // found with its tail: within bounds
  return Sha256Hex(bytes).substr(0, 16);
}

}  // namespace batchmark
