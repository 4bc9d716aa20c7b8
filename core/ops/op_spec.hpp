// SPDX-License-Identifier: Apache-2.0
//
// The parts of a contract in core/ops. Each op is a struct krait::ops::<Type> with
//   KRAIT_INPUTS(...), KRAIT_OUTPUTS(...)   its operands with their kinds (core/ops/operands.hpp):
//                                        template <class T> struct In / Out by name, and OperandSpec kIn[], kOut[] as data
//   struct Params                        POD that crosses the ABI; NoParams where there is none
//   static Result<void> infer(In<const TensorDesc*>, Params, Out<TensorDesc>&)   checks shapes and types of the inputs
//                                        and gives those of the outputs; absent operands are nullptr
#pragma once

#include <bit>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>

#include "core/ops/operands.hpp"
#include "core/tensor/tensor_desc.hpp"

namespace krait {

struct NoParams {};

// Bytes of an operator's Params in a node; 0 where it has none.
template <class Op>
inline constexpr uint32_t kParamsSize = std::is_same_v<typename Op::Params, NoParams> ? 0 : sizeof(typename Op::Params);

// A node has room for parameters of this size.
inline constexpr uint32_t kMaxParamsBytes = 64;

namespace ops {

// An array of operands as the struct that names them.
template <template <class> class Named, class T, size_t N>
Named<T> as_named(const std::array<T, N>& operands) {
    static_assert(std::is_trivially_copyable_v<T> && sizeof(Named<T>) <= sizeof(operands));
    Named<T> named;
    std::memcpy(static_cast<void*>(&named), operands.data(), sizeof named);
    return named;
}

Result<void> expect(bool ok, std::string_view operand, const TensorDesc& got, std::string_view wanted);

// f32, of the given rank.
Result<void> expect_f32(std::string_view operand, const TensorDesc& t, uint32_t rank);

// f32, of exactly this shape.
Result<void> expect_f32(std::string_view operand, const TensorDesc& t, std::initializer_list<int64_t> extents);

Result<void> expect_i32(std::string_view operand, const TensorDesc& t, std::initializer_list<int64_t> extents);

// Values of an index operand: rows of another operand, which has n_rows.
Result<void> check_rows(std::string_view index, std::span<const int32_t> values, std::string_view of, int64_t n_rows);

}  // namespace ops
}  // namespace krait
