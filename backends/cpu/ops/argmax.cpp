// SPDX-License-Identifier: Apache-2.0
//
// argmax (contract: core/ops/argmax.hpp): the largest value first, then where it stands first. A row of NaN finds nothing: 0.
#include <limits>

#include "backends/cpu/cpu_backend.hpp"
#include "core/ops/argmax.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

namespace {

int32_t argmax_row(const float* x, int64_t n_col) {
    // max(x, best) keeps best where x is NaN.
    Vec best = broadcast(-std::numeric_limits<float>::infinity());
    int64_t i = 0;
    for (; i + kLanes <= n_col; i += kLanes) best = max(load(x + i), best);
    float largest = highest(best);
    for (; i < n_col; ++i) largest = x[i] > largest ? x[i] : largest;

    const Vec wanted = broadcast(largest);
    for (i = 0; i + kLanes <= n_col; i += kLanes)
        if (const int lane = first_set(equal(load(x + i), wanted)); lane >= 0) return static_cast<int32_t>(i + lane);
    for (; i < n_col; ++i)
        if (x[i] == largest) return static_cast<int32_t>(i);
    return 0;
}

}  // namespace

void argmax(const ops::Argmax::In<Tensor>& in, const ops::Argmax::Params&, const ops::Argmax::Out<Tensor>& out,
            Context& context) {
    const int64_t n_col = in.x.extent(1);
    context.parallel_for(in.x.extent(0), grain_of(n_col), [&](int64_t begin, int64_t end, int) {
        for (int64_t t = begin; t < end; ++t) *out.y.row<int32_t>(t) = argmax_row(in.x.row<const float>(t), n_col);
    });
}

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
