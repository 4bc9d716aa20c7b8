// SPDX-License-Identifier: Apache-2.0
//
// The numbers of random_model.hpp, row by row in any order and from any thread: what a row holds follows from the seed, the
// tensor's name and the row.
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/tensor/tensor_desc.hpp"

namespace krait {

// Encoded pieces of normally distributed weights, of which the rows of a matrix are strung together.
struct WeightPool {
    static constexpr int64_t kPieceWeights = 256;  // a whole number of blocks of every format
    DType dtype;
    size_t piece_bytes = 0;
    std::vector<std::byte> bytes;
    size_t n_piece() const { return bytes.size() / piece_bytes; }
};

// One tensor. fill() may be called by several threads at once; the pool is RandomWeights' own.
class RandomTensor {
  public:
    // `out` has the bytes of one row.
    void fill(int64_t row, std::span<std::byte> out) const;

  private:
    friend class RandomWeights;
    const WeightPool* pool_ = nullptr;  // null: values are F32 numbers of their own law
    float (*law_)(int64_t column, double uniform, double normal) = nullptr;
    uint64_t seed_ = 0;
};

class RandomWeights {
  public:
    RandomWeights(int64_t n_layer, uint64_t seed, int threads) : n_layer_(n_layer), seed_(seed), threads_(threads) {}

    // Good while this object lives. Tensors that are no matrices are F32.
    RandomTensor tensor(std::string_view name, DType dtype, std::span<const int64_t> extents);

  private:
    const WeightPool& pool(std::string_view kind, DType dtype, int64_t n_weight, double deviation);

    int64_t n_layer_;
    uint64_t seed_;
    int threads_;
    std::map<std::string, WeightPool, std::less<>> pools_;  // by kind: all layers share one
};

}  // namespace krait
