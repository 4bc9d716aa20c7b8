// SPDX-License-Identifier: Apache-2.0
//
// softmax (contract: core/ops/softmax.hpp).
#include "core/ops/softmax.hpp"
#include "backends/cpu/cpu_backend.hpp"
#include "backends/cpu/ops/softmax_row.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

void softmax(const ops::Softmax::In<Tensor>& in, const ops::Softmax::Params& params, const ops::Softmax::Out<Tensor>& out,
             Context& context) {
    const int64_t n_col = in.x.extent(1);
    context.parallel_for(in.x.extent(0), grain_of(n_col * 16), [&](int64_t begin, int64_t end, int) {
        for (int64_t t = begin; t < end; ++t) softmax_row(in.x.row<const float>(t), params.scale, n_col, out.y.row<float>(t));
    });
}

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
