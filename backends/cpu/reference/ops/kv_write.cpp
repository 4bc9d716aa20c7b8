// SPDX-License-Identifier: Apache-2.0
#include "core/ops/kv_write.hpp"

#include <cstring>

#include "backends/cpu/reference/kernels.hpp"
#include "core/quant/half.hpp"

namespace krait::reference {

void kv_write(const ops::KvWrite::In<Tensor>& in, const ops::KvWrite::Params&, const ops::KvWrite::Out<Tensor>&, Context&) {
    const plugin::host::MemoryPool& cache = plugin::host::memory_pool(in.cache);
    const std::span<const int32_t> rows = in.rows.index();
    plugin::value_or_throw(ops::check_rows_written("rows", rows, "cache", cache.n_rows()));
    for (size_t t = 0; t < rows.size(); ++t) {
        if (rows[t] < 0) continue;
        const float* x = in.x.row<const float>(static_cast<int64_t>(t));
        std::byte* row = cache.row(rows[t]);
        for (int64_t i = 0; i < in.x.extent(1); ++i) {
            if (in.cache.dtype() == DType::F32) {
                std::memcpy(row + i * int64_t{sizeof(float)}, &x[i], sizeof(float));
            } else {
                const uint16_t half = f32_to_f16(x[i]);
                std::memcpy(row + i * int64_t{sizeof half}, &half, sizeof half);
            }
        }
    }
}

}  // namespace krait::reference
