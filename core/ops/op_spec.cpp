// SPDX-License-Identifier: Apache-2.0
#include "core/ops/op_spec.hpp"

#include <fmt/format.h>

namespace krait::ops {

Result<void> expect(bool ok, std::string_view operand, const TensorDesc& got, std::string_view wanted) {
    if (ok) return {};
    return fail(ErrorCode::invalid_argument, "operand '{}' is {}; it must be {}", operand, to_string(got), wanted);
}

Result<void> expect_f32(std::string_view operand, const TensorDesc& t, uint32_t rank) {
    return expect(dtype_of(t) == DType::F32 && t.rank == rank, operand, t, fmt::format("F32 of rank {}", rank));
}

Result<void> expect_f32(std::string_view operand, const TensorDesc& t, std::initializer_list<int64_t> extents) {
    const TensorDesc wanted = make_desc(DType::F32, extents);
    return expect(dtype_of(t) == DType::F32 && same_shape(t, wanted), operand, t, to_string(wanted));
}

Result<void> expect_i32(std::string_view operand, const TensorDesc& t, std::initializer_list<int64_t> extents) {
    const TensorDesc wanted = make_desc(DType::I32, extents);
    return expect(dtype_of(t) == DType::I32 && same_shape(t, wanted), operand, t, to_string(wanted));
}

Result<void> check_rows(std::string_view index, std::span<const int32_t> values, std::string_view of, int64_t n_rows) {
    for (size_t t = 0; t < values.size(); ++t)
        if (values[t] < 0 || values[t] >= n_rows)
            return fail(ErrorCode::invalid_argument, "{}[{}] = {}: the {} has rows 0 to {}", index, t, values[t], of,
                        n_rows - 1);
    return {};
}

}  // namespace krait::ops
