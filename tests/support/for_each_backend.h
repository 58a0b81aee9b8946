// Runs a check on every backend of this machine and puts the old choice back, also when it throws.
#pragma once

#include <string>

#include "core/simd/backend.h"
#include "tests/support/catch.h"

namespace batchmark {

// body() once for each backend, forced; build operations inside body. Proves that the choice took.
template <class Body>
void ForEachBackend(const Body& body) {
  struct Restore {
    std::string backend = ActiveBackend();
    ~Restore() { ForceBackend(backend); }
  } restore;
  for (const std::string& name : BackendNames()) {
    ForceBackend(name);
    REQUIRE(ActiveBackend() == name);
    INFO("backend " << name);
    body();
  }
}

}  // namespace batchmark
