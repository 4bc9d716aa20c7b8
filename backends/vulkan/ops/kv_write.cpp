// SPDX-License-Identifier: Apache-2.0
#include "core/ops/kv_write.hpp"
#include "backends/vulkan/kernels.hpp"
#include "backends/vulkan/ops/kv_write_params.h"
#include "backends/vulkan/shaders/cache_format.h"

namespace krait::vulkan {

void kv_write(const ops::KvWrite::In<Tensor>& in, const ops::KvWrite::Params& op, const ops::KvWrite::Out<Tensor>&,
              Recorder& recorder) {
    constexpr uint32_t kLanes = 64;
    const DType dtype = in.cache.dtype();
    const bool is_half = dtype == DType::F16;
    const auto n_row = static_cast<uint64_t>(in.x.extent(0)),
               n_unit = static_cast<uint64_t>(in.x.extent(1) / (is_half ? 2 : dtype_info(dtype).block_elems));
    if (n_row == 0 || n_unit == 0) return;
    KvWriteParams params{.x = rows(in.x), .cache = rows_of_pages(in.cache), .rows = address(in.rows)};
    params.cache.address += static_cast<uint64_t>(row_bytes(dtype, op.column));
    params.n_unit = static_cast<uint32_t>(n_unit);
    params.groups_per_row = static_cast<uint32_t>((n_unit + kLanes - 1) / kLanes);
    params.n_groups = n_row * params.groups_per_row;
    recorder.dispatch({shaders::kv_write, {kLanes, 1, cache_format(dtype)}}, params, recorder.groups(params.n_groups));
}

}  // namespace krait::vulkan
