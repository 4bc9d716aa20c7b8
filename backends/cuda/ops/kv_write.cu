// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/ops/kv_write.cuh"

#include <algorithm>

#include "backends/cuda/ops/operands.hpp"
#include "core/ops/kv_write.hpp"

namespace krait::cuda {

template <class Block>
static void write_rows(const ops::KvWrite::In<Tensor>& in, int64_t column, Context& context) {
    const int64_t n_row = in.x.extent(0), n_col = in.x.extent(1);
    const auto rows = static_cast<uint32_t>(std::min<int64_t>(n_row, 65535));
    const CacheRows cache{reinterpret_cast<char*>(pool_of(in.cache).data()), row_bytes(in.cache.dtype(), in.cache.extent(2)),
                          row_bytes(in.cache.dtype(), column)};
    launch(context.stream, {.name = "kv_write", .grid = {blocks_for(n_col, kKvWriteSpan), rows}, .block = {kKvWriteBlock}},
           &kv_write_kernel<Block>, input_rows<uint32_t>(in.x), input_elements<int32_t>(in.rows), cache, n_row, n_col);
}

void kv_write(const ops::KvWrite::In<Tensor>& in, const ops::KvWrite::Params& params, const ops::KvWrite::Out<Tensor>&,
              Context& context) {
    switch (in.cache.dtype()) {
        case DType::F16: return write_rows<BlockF16>(in, params.column, context);
        case DType::Q8_0: return write_rows<BlockQ8_0>(in, params.column, context);
        default: return write_rows<BlockF32>(in, params.column, context);
    }
}

}  // namespace krait::cuda
