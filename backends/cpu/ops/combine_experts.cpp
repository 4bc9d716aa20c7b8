// SPDX-License-Identifier: Apache-2.0
//
// combine_experts (contract: core/ops/combine_experts.hpp): lanes run along the outputs, so sums have the contract's order.
#include "core/ops/combine_experts.hpp"
#include "backends/cpu/cpu_backend.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

void combine_experts(const ops::CombineExperts::In<Tensor>& in, const ops::CombineExperts::Params&,
                     const ops::CombineExperts::Out<Tensor>& out, Context& context) {
    const int64_t n_used = in.x.extent(1), width = in.x.extent(2);
    context.parallel_for(in.x.extent(0), grain_of(n_used * width), [&](int64_t begin, int64_t end, int) {
        for (int64_t t = begin; t < end; ++t) {
            const float *x = in.x.row<const float>(t), *weights = in.weights.row<const float>(t);
            const float* base = in.base ? in.base.row<const float>(t) : nullptr;
            float* y = out.y.row<float>(t);
            for_each_vec(width, [&](int64_t n, int64_t count) {
                Vec sum = zero();
                for (int64_t i = 0; i < n_used; ++i)
                    sum = fma(broadcast(weights[i]), load_up_to(x + i * width + n, count), sum);
                if (base) sum = sum + load_up_to(base + n, count);
                store_up_to(y + n, sum, count);
            });
        }
    });
}

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
