// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/ops/kv_write.cuh"

#include <algorithm>

#include "backends/cuda/ops/operands.hpp"
#include "core/ops/kv_write.hpp"

namespace krait::cuda {

template <class Element>
static void write_rows(const ops::KvWrite::In<Tensor>& in, Context& context) {
    const int64_t n_row = in.x.extent(0), n_col = in.x.extent(1);
    const auto rows = static_cast<uint32_t>(std::min<int64_t>(n_row, 65535));
    launch(context.stream, {.name = "kv_write", .grid = {blocks_for(n_col, kKvWriteSpan), rows}, .block = {kKvWriteBlock}},
           &kv_write_kernel<Element>, input_rows<uint32_t>(in.x), input_elements<int32_t>(in.rows),
           reinterpret_cast<Element*>(pool_of(in.cache).data()), n_row, n_col);
}

void kv_write(const ops::KvWrite::In<Tensor>& in, const ops::KvWrite::Params&, const ops::KvWrite::Out<Tensor>&,
              Context& context) {
    if (in.cache.dtype() == DType::F16) write_rows<uint16_t>(in, context);
    else write_rows<uint32_t>(in, context);
}

}  // namespace krait::cuda
