// SPDX-License-Identifier: Apache-2.0
//
// One operand of a case: its type, its shape, and what its elements are filled with. Written by name, as a contract does:
//   {.x = f32({T, K}), .w = weight(DType::Q4_K, {N, K}), .bias = f32({N})}      an operand left out is absent
#pragma once

#include <initializer_list>
#include <vector>

#include "core/tensor/tensor_desc.hpp"

namespace krait::harness {

enum class FillKind : uint8_t {
    normal,   // mean a, standard deviation b
    uniform,  // a to b
    cycle,    // `values` over and over
    blocks,   // random bytes as blocks of the format, whose f16 scales are +-a/2 .. a, one in sixteen 0 (quantized formats)
    index,    // `ids`, one an element; other integers too
};

// Overwrites elements after filling: one index of the first extent, one element (counted flat) under it; kAll = every one.
struct Patch {
    static constexpr int64_t kAll = -1;
    int64_t row = kAll, column = kAll;
    float value = 0;
};

struct Fill {
    FillKind kind = FillKind::normal;
    float a = 0, b = 1;
    std::vector<float> values{};
    std::vector<Patch> patches{};

    Fill with(Patch patch) const {
        Fill fill = *this;
        fill.patches.push_back(patch);
        return fill;
    }
};

inline Fill normal(float mean = 0, float deviation = 1) { return {.kind = FillKind::normal, .a = mean, .b = deviation}; }
inline Fill uniform(float low, float high) { return {.kind = FillKind::uniform, .a = low, .b = high}; }
inline Fill cycle(std::vector<float> values) { return {.kind = FillKind::cycle, .values = std::move(values)}; }
inline Fill all(float value) { return cycle({value}); }
inline Fill blocks(float scale = 0.02f) { return {.kind = FillKind::blocks, .a = scale}; }

struct Operand {
    TensorDesc desc{};  // rank 0: absent
    Fill fill{};
    std::vector<int32_t> ids{};
    bool as_constant = false;  // for operands of OperandKind::table

    bool present() const { return desc.rank > 0; }
};

inline Operand f32(std::initializer_list<int64_t> extents, Fill fill = normal()) {
    return {.desc = make_desc(DType::F32, extents), .fill = std::move(fill)};
}
inline Operand weight(DType dtype, std::initializer_list<int64_t> extents, Fill fill = normal()) {
    return {.desc = make_desc(dtype, extents), .fill = std::move(fill), .as_constant = true};
}
inline Operand index(std::vector<int32_t> ids) {
    const auto n = static_cast<int64_t>(ids.size());
    return {.desc = make_desc(DType::I32, {n}), .fill = {.kind = FillKind::index}, .ids = std::move(ids)};
}
// [rows, columns] of an index: the pages of each sequence
inline Operand index_table(std::vector<int32_t> ids, int64_t rows, int64_t columns) {
    return {.desc = make_desc(DType::I32, {rows, columns}), .fill = {.kind = FillKind::index}, .ids = std::move(ids)};
}
// (row, slot) pairs
inline Operand index_pairs(std::vector<int32_t> ids) {
    const auto n = static_cast<int64_t>(ids.size() / 2);
    return {.desc = make_desc(DType::I32, {n, 2}), .fill = {.kind = FillKind::index}, .ids = std::move(ids)};
}
// Integers that an operator computes, so that a device may hold them anywhere: no index that the host checks.
inline Operand i32(std::initializer_list<int64_t> extents, std::vector<int32_t> values) {
    return {.desc = make_desc(DType::I32, extents), .fill = {.kind = FillKind::index}, .ids = std::move(values)};
}
// The pool of a run; a slot's extents follow n_slots.
inline Operand state(std::initializer_list<int64_t> extents, Fill fill = normal()) { return f32(extents, std::move(fill)); }
// Pages [n_pages, rows_per_page, columns]: rows that the run may read are filled, all others are NaN.
inline Operand pages(DType dtype, std::initializer_list<int64_t> extents, Fill fill = normal()) {
    return {.desc = make_desc(dtype, extents), .fill = std::move(fill)};
}

}  // namespace krait::harness
