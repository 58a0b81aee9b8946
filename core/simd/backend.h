// Which instruction set the kernels run on: the targets compiled by Highway and supported by this
// CPU, best first, by name. Forcing one serves tests, benches and BATCHMARK_BACKEND.
// The choice is of the process (Highway keeps it so): change it between operations, never inside
// one.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace batchmark {

// Best first, e.g. {"avx3", "avx2", "sse4", "scalar"}. Never empty; unaffected by forcing.
std::vector<std::string> BackendNames();

// Name of the one in use, one of BackendNames().
std::string ActiveBackend();

// Use the named backend from now on; "auto" returns to the best. Throws Error (usage) that lists
// the names if it is not one of them. Operations already built must be built anew. To name the one
// in use changes nothing, and so is safe beside operations.
void ForceBackend(std::string_view name);

// ForceBackend(getenv("BATCHMARK_BACKEND")) if that is set and not empty. Called once by main.
void ForceBackendFromEnvironment();

// Bytes of the active backend's vector: 64, 32, 16, or 4 for scalar.
size_t ActiveVectorBytes();

}  // namespace batchmark
