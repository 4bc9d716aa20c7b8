// SPDX-License-Identifier: Apache-2.0
//
// F32, F16, BF16: one number an element. Interface: unpack.hpp.
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
    static constexpr int kBlock = 0;
    static const float* at(const std::byte* row, int64_t k) { return reinterpret_cast<const float*>(row) + k; }
    static Vec load(const std::byte* row, int64_t k) { return KRAIT_CPU_VARIANT::load(at(row, k)); }
    static Vec load_partial(const std::byte* row, int64_t k, int n) { return KRAIT_CPU_VARIANT::load_partial(at(row, k), n); }
};

template <>
struct Unpacker<DType::F16> {
    static constexpr int kBlock = 0;
    static const uint16_t* at(const std::byte* row, int64_t k) { return reinterpret_cast<const uint16_t*>(row) + k; }
    static Vec load(const std::byte* row, int64_t k) { return load_f16(at(row, k)); }
    static Vec load_partial(const std::byte* row, int64_t k, int n) { return load_f16_partial(at(row, k), n); }
};

template <>
struct Unpacker<DType::BF16> {
    static constexpr int kBlock = 0;
    static const uint16_t* at(const std::byte* row, int64_t k) { return reinterpret_cast<const uint16_t*>(row) + k; }
    static Vec load(const std::byte* row, int64_t k) { return load_bf16(at(row, k)); }
    static Vec load_partial(const std::byte* row, int64_t k, int n) { return load_bf16_partial(at(row, k), n); }
};

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
