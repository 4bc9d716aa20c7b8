// SPDX-License-Identifier: Apache-2.0
//
// Rows of weights that are floating-point numbers (F32, F16, BF16) as registers of floats, exact.
//   Unpacker<F>::load(row, k), load_partial(row, k, n)   elements k .. k + kLanes, or the first n of them
//   unpack_row<F>(row, k0, count, out)                   floats k0 .. k0 + count of a row
#pragma once

#include <cstddef>

#include "backends/cpu/simd/vec.hpp"
#include "core/tensor/dtype.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

template <DType F>
struct Unpacker;

// Rows start where the file has them: 4- and 2-byte alignment is all that is sure.
template <>
struct Unpacker<DType::F32> {
    static const float* at(const std::byte* row, int64_t k) { return reinterpret_cast<const float*>(row) + k; }
    static Vec load(const std::byte* row, int64_t k) { return KRAIT_CPU_VARIANT::load(at(row, k)); }
    static Vec load_partial(const std::byte* row, int64_t k, int n) { return KRAIT_CPU_VARIANT::load_partial(at(row, k), n); }
};

template <>
struct Unpacker<DType::F16> {
    static const uint16_t* at(const std::byte* row, int64_t k) { return reinterpret_cast<const uint16_t*>(row) + k; }
    static Vec load(const std::byte* row, int64_t k) { return load_f16(at(row, k)); }
    static Vec load_partial(const std::byte* row, int64_t k, int n) { return load_f16_partial(at(row, k), n); }
};

template <>
struct Unpacker<DType::BF16> {
    static const uint16_t* at(const std::byte* row, int64_t k) { return reinterpret_cast<const uint16_t*>(row) + k; }
    static Vec load(const std::byte* row, int64_t k) { return load_bf16(at(row, k)); }
    static Vec load_partial(const std::byte* row, int64_t k, int n) { return load_bf16_partial(at(row, k), n); }
};

template <DType F>
inline void unpack_row(const std::byte* row, int64_t k0, int64_t count, float* out) {
    int64_t k = 0;
    for (; k + kLanes <= count; k += kLanes) store(out + k, Unpacker<F>::load(row, k0 + k));
    if (const int rest = static_cast<int>(count - k); rest > 0)
        store_partial(out + k, Unpacker<F>::load_partial(row, k0 + k, rest), rest);
}

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
