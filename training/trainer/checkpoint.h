// Checkpoints: kill -9 at any step and resume give the bits of the uninterrupted run.
// A file is: magic, JSON header length, JSON header, float payload, SHA-256 of all before it. Written aside,
// fsynced, renamed; the one before it is kept, so that a torn or damaged file falls back to the older one.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace batchmark {

struct CheckpointImage {
  std::string header_json;  // step, target rule, clocks, readings: written by the trainer
  std::vector<float> payload;
};

// DIR/checkpoint.bin (and DIR/checkpoint.old.bin). Throws Error(kIo).
void WriteCheckpoint(const std::string& dir, const std::string& run_key, const std::string& header_json,
                     std::span<const std::span<const float>> tensors);

// The newest sound checkpoint of this run; nothing when DIR holds none. Throws Error(kBadInput) when files
// are there but none is sound, or when they belong to another run (spec or data differ).
std::optional<CheckpointImage> ReadCheckpoint(const std::string& dir, const std::string& run_key);

}  // namespace batchmark
