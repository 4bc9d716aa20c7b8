// SPDX-License-Identifier: Apache-2.0
#include "core/ops/kv_write.hpp"
#include "backends/vulkan/kernels.hpp"
#include "backends/vulkan/ops/kv_write_params.h"

namespace krait::vulkan {

void kv_write(const ops::KvWrite::In<Tensor>& in, const ops::KvWrite::Params&, const ops::KvWrite::Out<Tensor>&,
              Recorder& recorder) {
    constexpr uint32_t kLanes = 64;
    const bool is_half = in.cache.dtype() == DType::F16;
    const auto n_row = static_cast<uint64_t>(in.x.extent(0)),
               n_word = static_cast<uint64_t>(in.x.extent(1)) / (is_half ? 2 : 1);
    if (n_row == 0 || n_word == 0) return;
    KvWriteParams params{.x = rows(in.x), .rows = address(in.rows), .cache = address(in.cache)};
    params.n_word = static_cast<uint32_t>(n_word);
    params.groups_per_row = static_cast<uint32_t>((n_word + kLanes - 1) / kLanes);
    params.n_groups = n_row * params.groups_per_row;
    recorder.dispatch({shaders::kv_write, {kLanes, 1, is_half ? 1u : 0u}}, params, recorder.groups(params.n_groups));
}

}  // namespace krait::vulkan
