// SPDX-License-Identifier: Apache-2.0
//
// kv_write (contract: core/ops/kv_write.hpp): one row after another, rows shared among the threads.
#include "core/ops/kv_write.hpp"

#include <cstring>

#include "backends/cpu/cpu_backend.hpp"
#include "core/quant/codec.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

namespace {

void store_halves(const float* x, int64_t n, uint16_t* to) {
    int64_t i = 0;
    for (; i + kLanes <= n; i += kLanes) store_f16(to + i, load(x + i));
    for (; i < n; ++i) to[i] = narrow_f16(x[i]);
}

}  // namespace

void kv_write(const ops::KvWrite::In<Tensor>& in, const ops::KvWrite::Params& params, const ops::KvWrite::Out<Tensor>&,
              Context& context) {
    const plugin::host::MemoryPool& cache = plugin::host::memory_pool(in.cache);
    const std::span<const int32_t> rows = in.rows.index();
    const int64_t width = in.x.extent(1);
    const DType dtype = in.cache.dtype();
    const int64_t offset = row_bytes(dtype, params.column);
    context.parallel_for(static_cast<int64_t>(rows.size()), grain_of(width), [&](int64_t begin, int64_t end, int) {
        for (int64_t t = begin; t < end; ++t) {
            const int32_t row = rows[static_cast<size_t>(t)];
            if (row < 0) continue;
            const float* x = in.x.row<const float>(t);
            std::byte* to = cache.row(row) + offset;
            if (dtype == DType::F16) store_halves(x, width, reinterpret_cast<uint16_t*>(to));
            else if (dtype == DType::Q8_0) encode_row(dtype, {x, static_cast<size_t>(width)}, to);
            else std::memcpy(to, x, static_cast<size_t>(width) * sizeof(float));  // a NaN keeps its bits
        }
    });
}

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
