// The frozen, named table of shapes that benches and tests share. A name is part of stored results:
// entries are added, never changed or renamed.
//   seed CNN   conv1 28x28x1 -> 26x26x32, conv2 26x26x32 -> 24x24x64, dense1 36864 -> 64, dense2 64
//   -> 10 Ioffe MLP  784 -> 100 -> 100 -> 100 -> 10 at batch 60;   mlp-r  784 -> 5 x 512 -> 10
//   resnet56, resnet14  [32,56,56,64] and [32,14,14,256], 3x3 same: two ends of a ResNet's range
#pragma once

#include <cstddef>

#include "core/ops/conv2d.h"
#include "core/ops/gemm.h"

namespace batchmark::shapes {

struct NamedGemm {
  const char* name;
  GemmForm form;
  size_t m, n, k;
};

// Products as training forms them, activations row-major [rows, features]:
//   fwd   rows x out, K = in (NN)     gradin  rows x in, K = out (NT)     gradw  in x out, K = rows
//   (TN)
// conv*: the same convolution unfolded (im2col already made), to compare with libraries that have
// only GEMM.
inline constexpr NamedGemm kGemm[] = {
    {"square_256", GemmForm::kNN, 256, 256, 256},
    {"square_512", GemmForm::kNN, 512, 512, 512},
    {"square_1024", GemmForm::kNN, 1024, 1024, 1024},
    {"square_2048", GemmForm::kNN, 2048, 2048, 2048},
    {"square_1024", GemmForm::kNT, 1024, 1024, 1024},
    {"square_1024", GemmForm::kTN, 1024, 1024, 1024},
    {"conv1_b32_fwd", GemmForm::kNN, 21632, 32, 9},
    {"conv1_b32_gradw", GemmForm::kTN, 9, 32, 21632},
    {"conv2_b32_fwd", GemmForm::kNN, 18432, 64, 288},
    {"conv2_b32_gradin", GemmForm::kNT, 18432, 288, 64},
    {"conv2_b32_gradw", GemmForm::kTN, 288, 64, 18432},
    {"conv1_b128_fwd", GemmForm::kNN, 86528, 32, 9},
    {"conv1_b128_gradw", GemmForm::kTN, 9, 32, 86528},
    {"conv2_b128_fwd", GemmForm::kNN, 73728, 64, 288},
    {"conv2_b128_gradin", GemmForm::kNT, 73728, 288, 64},
    {"conv2_b128_gradw", GemmForm::kTN, 288, 64, 73728},
    {"dense1_b32_fwd", GemmForm::kNN, 32, 64, 36864},
    {"dense1_b32_gradin", GemmForm::kNT, 32, 36864, 64},
    {"dense1_b32_gradw", GemmForm::kTN, 36864, 64, 32},
    {"dense1_b128_fwd", GemmForm::kNN, 128, 64, 36864},
    {"dense1_b128_gradin", GemmForm::kNT, 128, 36864, 64},
    {"dense1_b128_gradw", GemmForm::kTN, 36864, 64, 128},
    {"dense1_b512_fwd", GemmForm::kNN, 512, 64, 36864},
    {"dense1_b512_gradin", GemmForm::kNT, 512, 36864, 64},
    {"dense1_b512_gradw", GemmForm::kTN, 36864, 64, 512},
    {"dense2_b32_fwd", GemmForm::kNN, 32, 10, 64},
    {"dense2_b32_gradin", GemmForm::kNT, 32, 64, 10},
    {"dense2_b32_gradw", GemmForm::kTN, 64, 10, 32},
    {"dense2_b128_fwd", GemmForm::kNN, 128, 10, 64},
    {"dense2_b128_gradin", GemmForm::kNT, 128, 64, 10},
    {"dense2_b128_gradw", GemmForm::kTN, 64, 10, 128},
    {"mlp1_b60_fwd", GemmForm::kNN, 60, 100, 784},
    {"mlp1_b60_gradw", GemmForm::kTN, 784, 100, 60},
    {"mlp2_b60_fwd", GemmForm::kNN, 60, 100, 100},
    {"mlp2_b60_gradin", GemmForm::kNT, 60, 100, 100},
    {"mlp2_b60_gradw", GemmForm::kTN, 100, 100, 60},
    {"mlpr_b128_fwd", GemmForm::kNN, 128, 512, 512},
    {"mlpr_b128_gradin", GemmForm::kNT, 128, 512, 512},
    {"mlpr_b128_gradw", GemmForm::kTN, 512, 512, 128},
};

struct NamedConv {
  const char* name;
  Conv2dShape shape;  // samples, height, width, channels_in, kernel_h, kernel_w, channels_out, same
};

inline constexpr NamedConv kConv[] = {
    {"conv1_b32", {32, 28, 28, 1, 3, 3, 32, false}},
    {"conv1_b128", {128, 28, 28, 1, 3, 3, 32, false}},
    {"conv1_b512", {512, 28, 28, 1, 3, 3, 32, false}},
    {"conv2_b32", {32, 26, 26, 32, 3, 3, 64, false}},
    {"conv2_b128", {128, 26, 26, 32, 3, 3, 64, false}},
    {"conv2_b512", {512, 26, 26, 32, 3, 3, 64, false}},
    {"deep28_b32", {32, 28, 28, 32, 3, 3, 32, true}},
    {"resnet56_b32", {32, 56, 56, 64, 3, 3, 64, true}},
    {"resnet14_b32", {32, 14, 14, 256, 3, 3, 256, true}},
};

// [samples, positions, channels]; positions = 1: the output of a dense layer.
struct NamedRows {
  const char* name;
  size_t samples, positions, channels;
};

inline constexpr NamedRows kBatchNorm[] = {
    {"bn1_b32", 32, 676, 32},       {"bn1_b128", 128, 676, 32}, {"bn1_b512", 512, 676, 32},
    {"bn2_b32", 32, 576, 64},       {"bn2_b128", 128, 576, 64}, {"bn2_b512", 512, 576, 64},
    {"bn3_b32", 32, 1, 64},         {"bn3_b128", 128, 1, 64},   {"mlp100_b60", 60, 1, 100},
    {"mlp100_b128", 128, 1, 100},   {"mlpr_b128", 128, 1, 512}, {"resnet56_b32", 32, 3136, 64},
    {"resnet14_b32", 32, 196, 256},
};

// Parameter arrays, for the optimizer.
struct NamedSize {
  const char* name;
  size_t size;
};

inline constexpr NamedSize kParameters[] = {
    {"conv2_weights", 18432},
    {"dense1_weights", 2359296},
    {"mlp1_weights", 78400},
    {"mlpr_weights", 262144},
};

// Logits of a batch.
inline constexpr NamedRows kLogits[] = {
    {"logits_b32", 32, 1, 10},
    {"logits_b60", 60, 1, 10},
    {"logits_b128", 128, 1, 10},
    {"logits_b512", 512, 1, 10},
};

// Images [samples, height, width, channels] before a 2x2 max-pool.
struct NamedImage {
  const char* name;
  size_t samples, height, width, channels;
};

inline constexpr NamedImage kPool[] = {
    {"pool24_b32", 32, 24, 24, 64},
    {"pool24_b128", 128, 24, 24, 64},
    {"pool28_b32", 32, 28, 28, 32},
};

// Training steps. A net is a preset of the run spec; its batch sizes are those of the published
// figures.
struct NamedStep {
  const char* net;
  size_t batch;
};

inline constexpr NamedStep kTrainStep[] = {
    {"seed-cnn", 32}, {"seed-cnn", 128}, {"seed-cnn", 512}, {"ioffe-mlp", 60}, {"mlp-r", 128},
};

}  // namespace batchmark::shapes
