// SPDX-License-Identifier: Apache-2.0
//
// Rows of a cache (F32, F16, Q8_0) as registers of floats: the numbers of core/quant/codec.hpp, exact.
//   CacheRow<F>::load(row, k), load_partial(row, k, n)   elements k .. k + kLanes of a row, or the first n of them
// For Q8_0 k is a multiple of kLanes, and no register is partial: heads have whole blocks.
#pragma once

#include "backends/cpu/quant/plain.hpp"
#include "core/quant/blocks.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

template <DType F>
struct CacheRow : Unpacker<F> {};

template <>
struct CacheRow<DType::Q8_0> {
    static constexpr int64_t kBlock = 32;
    static Vec load(const std::byte* row, int64_t k) {
        static_assert(kBlock % kLanes == 0);
        const std::byte* block = row + k / kBlock * int64_t{sizeof(BlockQ8_0)};
        uint16_t d;
        std::memcpy(&d, block + offsetof(BlockQ8_0, d), sizeof d);
        // 8 bits times 11 bits: the product is exact
        return to_float(load_i8(reinterpret_cast<const int8_t*>(block) + offsetof(BlockQ8_0, qs) + k % kBlock)) *
               broadcast(widen_f16(d));
    }
    static Vec load_partial(const std::byte* row, int64_t k, int) { return load(row, k); }
};

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
