// SPDX-License-Identifier: Apache-2.0
//
// concat (contract: core/ops/concat.hpp).
#include "core/ops/concat.hpp"
#include "backends/cpu/cpu_backend.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

void concat(const ops::Concat::In<Tensor>& in, const ops::Concat::Params&, const ops::Concat::Out<Tensor>& out,
            Context& context) {
    const int64_t n_a = in.a.extent(1), n_b = in.b.extent(1);
    context.parallel_for(in.a.extent(0), grain_of(n_a + n_b), [&](int64_t begin, int64_t end, int) {
        for (int64_t t = begin; t < end; ++t) {
            float* y = out.y.row<float>(t);
            std::memcpy(y, in.a.row<const float>(t), static_cast<size_t>(n_a) * sizeof(float));
            std::memcpy(y + n_a, in.b.row<const float>(t), static_cast<size_t>(n_b) * sizeof(float));
        }
    });
}

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
