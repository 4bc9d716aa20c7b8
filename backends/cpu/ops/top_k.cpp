// SPDX-License-Identifier: Apache-2.0
//
// top_k (contract: core/ops/top_k.hpp).
#include "core/ops/top_k.hpp"
#include "backends/cpu/cpu_backend.hpp"
#include "backends/cpu/ops/k_best.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

void top_k(const ops::TopK::In<Tensor>& in, const ops::TopK::Params& params, const ops::TopK::Out<Tensor>& out,
           Context& context) {
    const int64_t n_col = in.x.extent(1);
    context.parallel_for(in.x.extent(0), grain_of(n_col * 4), [&](int64_t begin, int64_t end, int) {
        for (int64_t t = begin; t < end; ++t) {
            const float* x = in.x.row<const float>(t);
            float* values = out.values.row<float>(t);
            int32_t* indices = out.indices.row<int32_t>(t);
            k_best(x, n_col, params.k, indices);
            for (int32_t i = 0; i < params.k; ++i) values[i] = x[indices[i]];
        }
    });
}

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
