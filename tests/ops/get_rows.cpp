// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/case.hpp"

namespace krait::harness {
namespace {

void evaluate(const ops::GetRows::In<Values>& in, const NoParams&, const ops::GetRows::Out<std::vector<double>*>& out) {
    const int64_t n_col = in.table.extent(1);
    for (int64_t t = 0; t < in.ids.extent(0); ++t)
        for (int64_t i = 0; i < n_col; ++i) (*out.y)[static_cast<size_t>(t * n_col + i)] = in.table.at(in.ids.id(t), i);
}

}  // namespace

void add_get_rows_cases(CaseList& list) {
    auto op = list.op<ops::GetRows, evaluate>();
    for (const DTypeInfo& format : kDTypes) {
        if (!format.is_weight_format) continue;
        const std::string name = format.name;
        const Fill fill = is_quantized(format.dtype) ? blocks() : normal();
        for (const int64_t n_blocks : {1, 2, 3, 10}) {
            const int64_t n_col = n_blocks * format.block_elems * (is_quantized(format.dtype) ? 1 : 17);
            op.add(fmt::format("{}.e{}", name, n_col),
                   {.table = weight(format.dtype, {11, n_col}, fill), .ids = index({3, 0, 10, 3, 7})});
            op.add(fmt::format("{}.e{}.one", name, n_col),
                   {.table = weight(format.dtype, {11, n_col}, fill), .ids = index({10})});
            op.add(fmt::format("{}.e{}.encoded", name, n_col),
                   {.table = weight(format.dtype, {5, n_col}), .ids = index({4, 4, 1, 0})});
        }
        op.add(name + ".repeated", {.table = weight(format.dtype, {3, 256}, fill), .ids = index(std::vector<int32_t>(40, 2))});
        op.add(name + ".one_row_table", {.table = weight(format.dtype, {1, 256}, fill), .ids = index({0, 0})});
        op.add(name + ".zero", {.table = weight(format.dtype, {3, 256}, all(0)), .ids = index({0, 2})});
        op.add(name + ".t0", {.table = weight(format.dtype, {3, 256}, fill), .ids = index({})});
    }
    for (const int64_t n_col : {1, 2, 3, 7, 8, 15, 16, 17, 33, 130, 2560}) {
        op.add(fmt::format("value.e{}", n_col), {.table = f32({9, n_col}), .ids = index({8, 0, 5, 5})});
        for (const DType dtype : {DType::F32, DType::F16, DType::BF16})
            op.add(fmt::format("{}.columns{}", dtype_name(dtype), n_col),
                   {.table = weight(dtype, {9, n_col}), .ids = index({8, 0, 5, 5})});
    }
    const float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
    for (const DType dtype : {DType::F32, DType::F16, DType::BF16})
        op.add(fmt::format("{}.special_values", dtype_name(dtype)),
               {.table = weight(dtype, {2, 8}, cycle({0.0f, -0.0f, inf, -inf, nan, 6e-8f, -6e-5f, 65504.0f})),
                .ids = index({1, 0})});
    op.add("value.nan_elsewhere", {.table = f32({5, 33}, normal().with({2, Patch::kAll, nan})), .ids = index({1, 3, 4})});
    op.add("vocabulary", {.table = weight(DType::Q4_K, {50280, 256}, blocks()), .ids = index({0, 50279, 25000})}).heavy = true;

    const Operand table = weight(DType::F32, {9, 8});
    op.add_illegal("id_end", {.table = table, .ids = index({1, 9})}, {}, {"ids[1] = 9", "0 to 8"});
    op.add_illegal("id_negative", {.table = table, .ids = index({-1})}, {}, {"ids[0] = -1", "0 to 8"});
    op.add_illegal("id_huge", {.table = f32({9, 8}), .ids = index({0, 0, 0x7fffffff})}, {}, {"ids[2]", "0 to 8"});
    op.add_illegal("ids_type", {.table = table, .ids = f32({3})}, {}, {"'ids'", "I32"});
    op.add_illegal("ids_rank", {.table = table, .ids = index_pairs({1, 2})}, {}, {"'ids'"});
    op.add_illegal("table_rank", {.table = weight(DType::F32, {9}), .ids = index({1})}, {}, {"'table'"});
    op.add_illegal("blocks", {.table = weight(DType::Q8_0, {9, 48}), .ids = index({1})}, {}, {"48", "Q8_0", "32"});
    op.add_illegal("blocks_k", {.table = weight(DType::Q4_K, {9, 128}), .ids = index({1})}, {}, {"128", "Q4_K", "256"});
    op.add_illegal("quantized_value", {.table = {.desc = make_desc(DType::F16, {9, 8})}, .ids = index({1})}, {},
                   {"'table'", "F16"});
}

}  // namespace krait::harness
