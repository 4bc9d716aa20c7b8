// SPDX-License-Identifier: Apache-2.0
//
// copy (contract: core/ops/copy.hpp): rows of the first extent, whose insides are contiguous.
#include "core/ops/copy.hpp"
#include "backends/cpu/cpu_backend.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

void copy(const ops::Copy::In<Tensor>& in, const ops::Copy::Params&, const ops::Copy::Out<Tensor>& out, Context& context) {
    static_assert(sizeof(float) == sizeof(int32_t));
    const int64_t inner = in.x.inner_count();
    context.parallel_for(in.x.extent(0), grain_of(inner), [&](int64_t begin, int64_t end, int) {
        for (int64_t t = begin; t < end; ++t)
            std::memcpy(out.y.row<std::byte>(t), in.x.row<const std::byte>(t), static_cast<size_t>(inner) * sizeof(float));
    });
}

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
