// SPDX-License-Identifier: Apache-2.0
//
// get_rows (contract: core/ops/get_rows.hpp): one row of blocks unpacked for each id.
#include "backends/cpu/cpu_backend.hpp"
#include "backends/cpu/quant/unpack.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

void get_rows(const ops::GetRows::In<Tensor>& in, const ops::GetRows::Params&, const ops::GetRows::Out<Tensor>& out,
              Context& context) {
    const int64_t n_col = in.table.extent(1);
    const std::span<const int32_t> ids = in.ids.index();
    with_format(in.table.dtype(), [&]<DType F>() {
        context.parallel_for(static_cast<int64_t>(ids.size()), grain_of(n_col * 4), [&](int64_t begin, int64_t end, int) {
            for (int64_t t = begin; t < end; ++t) {
                const std::byte* row = in.table.row<const std::byte>(ids[static_cast<size_t>(t)]);
                if constexpr (F == DType::F32)  // a signalling NaN keeps its bits
                    std::memcpy(out.y.row<float>(t), row, static_cast<size_t>(n_col) * sizeof(float));
                else unpack_row<F>(row, 0, n_col, out.y.row<float>(t));
            }
        });
    });
}

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
