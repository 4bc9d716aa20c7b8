// SPDX-License-Identifier: Apache-2.0
#include "core/tensor/tensor_desc.hpp"

#include <fmt/format.h>

namespace krait {

TensorDesc make_desc(DType dtype, std::span<const int64_t> extents) {
    TensorDesc t{};
    t.dtype = static_cast<uint32_t>(dtype);
    t.rank = static_cast<uint32_t>(extents.size());
    for (uint32_t i = 0; i < KRAIT_MAX_RANK; ++i) t.extent[i] = i < t.rank ? extents[i] : 1;
    const DTypeInfo& info = dtype_info(dtype);
    int64_t stride = info.block_bytes;
    for (uint32_t i = KRAIT_MAX_RANK; i-- > 0;) {
        if (i >= t.rank) {
            t.stride[i] = 0;
            continue;
        }
        t.stride[i] = stride;
        stride = i + 1 == t.rank ? row_bytes(dtype, t.extent[i]) : stride * t.extent[i];
    }
    return t;
}

bool is_row_strided(const TensorDesc& t) {
    const DTypeInfo& info = dtype_info(dtype_of(t));
    int64_t expected = info.block_bytes;
    for (uint32_t i = t.rank; i-- > 0;) {
        if (i == 0 && t.rank > 1) return t.extent[0] <= 1 || t.stride[0] >= expected;
        if (t.extent[i] > 1 && t.stride[i] != expected) return false;
        expected = i + 1 == t.rank ? row_bytes(dtype_of(t), t.extent[i]) : expected * t.extent[i];
    }
    return true;
}

int64_t span_bytes(const TensorDesc& t) {
    if (element_count(t) == 0) return 0;
    int64_t bytes = row_bytes(dtype_of(t), last_extent(t));
    for (uint32_t i = 0; i + 1 < t.rank; ++i) bytes += (t.extent[i] - 1) * t.stride[i];
    return bytes;
}

std::string to_string(const TensorDesc& t) {
    std::string text = fmt::format("{} [", find_dtype(t.dtype) ? dtype_name(dtype_of(t)) : "?");
    for (uint32_t i = 0; i < t.rank; ++i) text += fmt::format("{}{}", i ? ", " : "", t.extent[i]);
    return text + "]";
}

Result<void> check_desc(const TensorDesc& t) {
    const DTypeInfo* info = find_dtype(t.dtype);
    if (!info) return fail(ErrorCode::invalid_argument, "unknown element type {}", t.dtype);
    if (t.rank < 1 || t.rank > KRAIT_MAX_RANK)
        return fail(ErrorCode::invalid_argument, "rank {} (1 to {} are possible)", t.rank, KRAIT_MAX_RANK);
    int64_t elements = 1;
    for (uint32_t i = 0; i < t.rank; ++i) {
        if (t.extent[i] < 0) return fail(ErrorCode::invalid_argument, "extent {} of dimension {} is negative", t.extent[i], i);
        // 2^58 elements: leaves room for 16 bytes an element in 62 bits.
        if (__builtin_mul_overflow(elements, t.extent[i], &elements) || elements > (int64_t{1} << 58))
            return fail(ErrorCode::invalid_argument, "the shape has more elements than can be addressed");
    }
    if (last_extent(t) % info->block_elems != 0)
        return fail(ErrorCode::invalid_argument, "a row of {} elements is not a whole number of {} blocks of {}",
                    last_extent(t), info->name, info->block_elems);
    return {};
}

}  // namespace krait
