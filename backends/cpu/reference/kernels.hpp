// SPDX-License-Identifier: Apache-2.0
//
// The oracle's kernels: every op of core/ops as plain loops in double precision, written from the contracts alone and sharing
// nothing with any other backend. Inputs are float32 (weights decoded by core/quant/codec), results are rounded to float32
// once, at the end; state is float32 between runs and double inside one.
#pragma once

#include <cmath>

#include "backends/common/host_device.hpp"
#include "core/quant/codec.hpp"

namespace krait::reference {

using plugin::Tensor;

class Context final : public plugin::KernelContext {};  // plain loops need nothing

extern const plugin::OpTable kOpTable;

// Row n of a weight in any format, or of a float32 value.
inline std::vector<float> read_row(const Tensor& table, int64_t n) {
    std::vector<float> row(static_cast<size_t>(table.extent(1)));
    decode_row(table.dtype(), table.row<const std::byte>(n), row);
    return row;
}

inline double silu(double v) { return v / (1.0 + std::exp(-v)); }

}  // namespace krait::reference
