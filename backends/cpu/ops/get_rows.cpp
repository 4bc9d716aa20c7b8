// SPDX-License-Identifier: Apache-2.0
//
// get_rows (contract: core/ops/get_rows.hpp): one row decoded for each id. Embeddings that are the head as well lie in panels;
// a row of them is put together again first.
#include "core/ops/get_rows.hpp"
#include "backends/cpu/cpu_backend.hpp"
#include "backends/cpu/quant/packed_constant.hpp"
#include "backends/cpu/quant/plain.hpp"
#include "core/quant/codec.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

namespace {

struct Rows {
    const Tensor *table, *y;
    std::span<const int32_t> ids;
    int64_t n_col;
};

// body(id, out) for every id.
template <class Body>
void for_rows(const Rows& p, Context& context, Body&& body) {
    context.parallel_for(static_cast<int64_t>(p.ids.size()), grain_of(p.n_col * 4),
                         [&](int64_t begin, int64_t end, int worker) {
                             for (int64_t t = begin; t < end; ++t)
                                 body(p.ids[static_cast<size_t>(t)], p.y->row<float>(t), worker);
                         });
}

template <DType F>
void plain_rows(const Rows& p, Context& context) {
    for_rows(p, context,
             [&](int32_t id, float* out, int) { unpack_row<F>(p.table->row<const std::byte>(id), 0, p.n_col, out); });
}

void quantized_rows(const Rows& p, Context& context) {
    const DType dtype = p.table->dtype();
    const auto decoded = [&](const void* blocks, float* out) {
        decode_row(dtype, blocks, std::span(out, static_cast<size_t>(p.n_col)));
    };
    const auto* packed = dynamic_cast<const PackedConstant*>(p.table->buffer);
    if (!packed)
        return for_rows(p, context, [&](int32_t id, float* out, int) { decoded(p.table->row<const std::byte>(id), out); });
    context.reserve_scratch(row_bytes(dtype, p.n_col) / int64_t{sizeof(float)} + 1);
    for_rows(p, context, [&](int32_t id, float* out, int worker) {
        packed->restore_row(id, context.scratch(worker));
        decoded(context.scratch(worker), out);
    });
}

}  // namespace

void get_rows(const ops::GetRows::In<Tensor>& in, const ops::GetRows::Params&, const ops::GetRows::Out<Tensor>& out,
              Context& context) {
    const Rows p{&in.table, &out.y, in.ids.index(), in.table.extent(1)};
    switch (in.table.dtype()) {
        case DType::F32:  // moved, not computed: a signalling NaN keeps its bits
            return for_rows(p, context, [&](int32_t id, float* to, int) {
                std::memcpy(to, in.table.row<const std::byte>(id), static_cast<size_t>(p.n_col) * sizeof(float));
            });
        case DType::F16: return plain_rows<DType::F16>(p, context);
        case DType::BF16: return plain_rows<DType::BF16>(p, context);
        default: return quantized_rows(p, context);
    }
}

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
