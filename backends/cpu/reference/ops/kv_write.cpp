// SPDX-License-Identifier: Apache-2.0
#include "core/ops/kv_write.hpp"

#include <cstring>

#include "backends/cpu/reference/kernels.hpp"

namespace krait::reference {

void kv_write(const ops::KvWrite::In<Tensor>& in, const ops::KvWrite::Params& params, const ops::KvWrite::Out<Tensor>&,
              Context&) {
    const plugin::host::MemoryPool& cache = plugin::host::memory_pool(in.cache);
    const std::span<const int32_t> rows = in.rows.index();
    plugin::value_or_throw(ops::check_rows_written("rows", rows, "cache", cache.n_rows()));
    const auto n_col = static_cast<size_t>(in.x.extent(1));
    const int64_t offset = row_bytes(in.cache.dtype(), params.column);
    for (size_t t = 0; t < rows.size(); ++t) {
        if (rows[t] < 0) continue;
        const float* x = in.x.row<const float>(static_cast<int64_t>(t));
        std::byte* to = cache.row(rows[t]) + offset;
        if (in.cache.dtype() == DType::F32) std::memcpy(to, x, n_col * sizeof(float));  // a NaN keeps its bits
        else encode_row(in.cache.dtype(), {x, n_col}, to);
    }
}

}  // namespace krait::reference
