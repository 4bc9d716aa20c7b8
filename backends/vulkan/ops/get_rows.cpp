// SPDX-License-Identifier: Apache-2.0
#include "core/ops/get_rows.hpp"
#include "backends/vulkan/kernels.hpp"
#include "backends/vulkan/ops/get_rows_params.h"
#include "backends/vulkan/packed_weights.hpp"

namespace krait::vulkan {

void get_rows(const ops::GetRows::In<Tensor>& in, const ops::GetRows::Params&, const ops::GetRows::Out<Tensor>& out,
              Recorder& recorder) {
    constexpr uint32_t kLanes = 64;
    const auto n_row = static_cast<uint64_t>(in.ids.extent(0)), n_col = static_cast<uint64_t>(in.table.extent(1));
    if (n_row == 0 || n_col == 0) return;
    GetRowsParams params{.values = rows(in.table), .y = rows(out.y), .ids = address(in.ids)};
    params.n_col = static_cast<uint32_t>(n_col);
    params.groups_per_row = static_cast<uint32_t>((n_col + kLanes * KRAIT_UNIT - 1) / (kLanes * KRAIT_UNIT));
    params.n_groups = n_row * params.groups_per_row;
    const bool is_packed = in.table.role == KRAIT_TENSOR_CONSTANT;
    if (is_packed) {
        params.packed = packed_shape(in.table.desc);
        params.packed.address = address(in.table);
    }
    recorder.dispatch({shaders::get_rows, {kLanes, 1, is_packed ? 1u : 0u, is_packed ? packing_of(in.table.dtype()) : 0u}},
                      params, recorder.groups(params.n_groups));
}

}  // namespace krait::vulkan
