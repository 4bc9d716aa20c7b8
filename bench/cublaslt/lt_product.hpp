// SPDX-License-Identifier: Apache-2.0
//
// y [n_tok, n_out] = x [n_tok, n_in] w^T, w [n_out, n_in], all row-major, as cublasLt takes it. Its matrices are column-major,
// so a row-major [rows, columns] is a matrix of `columns` rows whose leading dimension is `columns`:
//   A = w: n_in x n_out, transposed;  B = x: n_in x n_tok, as it is;  D = y: n_out x n_tok      m = n_out, n = n_tok, k = n_in
// This is the form ("TN") that fp8 and int8 are there in at all.
#pragma once

#include <vector>

#include "bench/cublaslt/device.hpp"

namespace krait::bench {

struct ProductSize {
    LtType type{};
    int64_t n_tok = 0, n_out = 0, n_in = 0;

    uint64_t weight_bytes() const { return bytes_of_inputs(n_out); }
    uint64_t x_bytes() const { return bytes_of_inputs(n_tok); }
    uint64_t y_bytes() const { return static_cast<uint64_t>(n_tok * n_out) * 4; }  // float32 or int32
    double bytes() const { return static_cast<double>(weight_bytes() + x_bytes() + y_bytes()); }
    double flops() const { return 2.0 * static_cast<double>(n_tok) * static_cast<double>(n_out) * static_cast<double>(n_in); }

  private:
    uint64_t bytes_of_inputs(int64_t rows) const { return static_cast<uint64_t>(rows * n_in) * (type == LtType::f16 ? 2 : 1); }
};

// One set of operands, each at a multiple of 256 bytes.
struct Operands {
    const std::byte *w = nullptr, *x = nullptr;
    std::byte* y = nullptr;
};

class LtProduct {
  public:
    // An error whose code is `unsupported` where cublasLt has no algorithm for it on this device. `device` must outlive this.
    static Result<LtProduct> create(const LtDevice& device, const ProductSize& size);

    // The algorithms that its heuristic offers, the most likely first.
    size_t n_algorithms() const { return algorithms_.size(); }
    // Puts the product into the device's stream.
    Result<void> enqueue(size_t algorithm, const Operands& operands) const;

  private:
    LtProduct() = default;

    const LtDevice* device_ = nullptr;
    LtType type_{};
    LtOperation operation_;
    LtLayout w_, x_, y_;
    std::vector<cublasLtMatmulAlgo_t> algorithms_;
};

}  // namespace krait::bench
