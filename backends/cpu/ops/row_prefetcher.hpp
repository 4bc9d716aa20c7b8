// SPDX-License-Identifier: Apache-2.0
//
// Prefetches columns of rows of several tensors while a kernel computes on registers. Neighbours in a column lie a
// page or more apart, where hardware follows no stream.
#pragma once

#include <algorithm>
#include <array>

#include "backends/cpu/cpu_backend.hpp"
#include "backends/cpu/simd/vec.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

class RowPrefetcher {
  public:
    RowPrefetcher() = default;  // of no tensor
    // The kernel calls step() about n_steps times.
    explicit RowPrefetcher(int64_t n_steps) : n_steps_(std::max<int64_t>(1, n_steps)) {}

    // Floats first .. first + count of rows begin .. end; at most kMax tensors.
    void add(const Tensor& tensor, int64_t begin, int64_t end, int64_t first, int64_t count) {
        if (begin >= end) return;
        columns_[n_columns_++] = {reinterpret_cast<const std::byte*>(tensor.row<const float>(begin) + first),
                                  tensor.desc.stride[0], count * int64_t{sizeof(float)}, end - begin,
                                  (end - begin + n_steps_ - 1) / n_steps_};
    }

    void step() {
        for (size_t i = 0; i < n_columns_; ++i) {
            Column& column = columns_[i];
            for (int64_t row = 0; row < column.rows_a_step && column.rows > 0; ++row, --column.rows, column.at += column.stride)
                for (int64_t byte = 0; byte < column.bytes; byte += kLine) prefetch(column.at + byte);
        }
    }

  private:
    static constexpr int64_t kLine = 64;
    static constexpr size_t kMax = 4;
    struct Column {
        const std::byte* at;
        int64_t stride, bytes, rows, rows_a_step;
    };
    std::array<Column, kMax> columns_;
    size_t n_columns_ = 0;
    int64_t n_steps_ = 1;
};

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
