// SPDX-License-Identifier: Apache-2.0
//
// Element types and their facts, expanded from core/quant/formats.def.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace krait {

// Values are GGUF's type ids.
enum class DType : uint32_t {
#define KRAIT_FORMAT(id, Name, block_elems, block_bytes) Name = id,
#define KRAIT_INDEX_TYPE(id, Name, bytes) Name = id,
#include "core/quant/formats.def"
};

struct DTypeInfo {
    DType dtype;
    const char* name;
    int32_t block_elems;  // elements that one block covers; 1 for plain types
    int32_t block_bytes;
    bool is_weight_format;  // false for index types
};

inline constexpr DTypeInfo kDTypes[] = {
#define KRAIT_FORMAT(id, Name, block_elems, block_bytes) {DType::Name, #Name, block_elems, block_bytes, true},
#define KRAIT_INDEX_TYPE(id, Name, bytes) {DType::Name, #Name, 1, bytes, false},
#include "core/quant/formats.def"
};

// nullptr where Krait does not know the id.
constexpr const DTypeInfo* find_dtype(uint32_t id) {
    for (const DTypeInfo& info : kDTypes)
        if (static_cast<uint32_t>(info.dtype) == id) return &info;
    return nullptr;
}

constexpr const DTypeInfo& dtype_info(DType dtype) { return *find_dtype(static_cast<uint32_t>(dtype)); }
constexpr const char* dtype_name(DType dtype) { return dtype_info(dtype).name; }
constexpr bool is_quantized(DType dtype) { return dtype_info(dtype).block_elems > 1; }

// "q4_k" or "Q4_K".
constexpr std::optional<DType> parse_dtype(std::string_view text) {
    const auto upper = [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; };
    for (const DTypeInfo& info : kDTypes) {
        const std::string_view name = info.name;
        if (name.size() != text.size()) continue;
        bool same = true;
        for (size_t i = 0; i < name.size(); ++i) same = same && upper(name[i]) == upper(text[i]);
        if (same) return info.dtype;
    }
    return std::nullopt;
}

// Bytes of a row of n elements; n is a multiple of block_elems.
constexpr int64_t row_bytes(DType dtype, int64_t n) {
    const DTypeInfo& info = dtype_info(dtype);
    return n / info.block_elems * info.block_bytes;
}

}  // namespace krait
