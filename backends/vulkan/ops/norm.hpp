// SPDX-License-Identifier: Apache-2.0
//
// Records rms_norm.comp: rms_norm and l2_norm.
#pragma once

#include "backends/vulkan/ops/rows.hpp"

namespace krait::vulkan {

// x / sqrt(squares + eps) * weight, squares being their mean (kMean) or their sum in each group of a row. weight may be absent.
enum class Squares : uint32_t { kSum = 0, kMean = 1 };

inline void record_norm(const Tensor& x, const Tensor& weight, const Tensor& y, int32_t groups, Squares squares, float eps,
                        Recorder& recorder) {
    RowParams params = row_params(x, y);
    if (params.n_col == 0) return;
    params.second = rows(weight);
    params.n_parts = static_cast<uint32_t>(groups);
    params.number = eps;
    const uint32_t lanes = lanes_for(x.extent(1) / groups, recorder);
    recorder.dispatch({shaders::rms_norm, {lanes, recorder.subgroup_size(), weight ? 1u : 0u, static_cast<uint32_t>(squares)}},
                      params, recorder.groups(params.n_row * params.n_parts));
}

}  // namespace krait::vulkan
