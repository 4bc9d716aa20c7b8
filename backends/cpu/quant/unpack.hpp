// SPDX-License-Identifier: Apache-2.0
//
// Rows of weights as registers of floats, the same bits as core/quant/codec. Kernels take the format as a template parameter:
//   Unpacker<F>::kBlock                 elements that one unpacker covers (0: a plain format, see below)
//   Unpacker<F> u(block)                reads the scales of one block
//   u.at(g, i)                          elements 32 g + i .. + kLanes of the block; i is a multiple of kLanes below 32
//   Plain formats (F32, F16, BF16): static load(row, k) and load_partial(row, k, n): elements k .. k + kLanes of a row.
//   unpack_row<F>(row, k0, count, out)  floats k0 .. k0 + count of a row; k0 and count are whole blocks
//   with_format(dtype, f)               f.template operator()<F>() for the format that dtype says
#pragma once

#include "backends/cpu/quant/blocks_256.hpp"
#include "backends/cpu/quant/blocks_32.hpp"
#include "backends/cpu/quant/plain.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

template <DType F>
inline void unpack_row(const std::byte* row, int64_t k0, int64_t count, float* out) {
    using U = Unpacker<F>;
    if constexpr (U::kBlock == 0) {
        int64_t k = 0;
        for (; k + kLanes <= count; k += kLanes) store(out + k, U::load(row, k0 + k));
        if (k < count)
            store_partial(out + k, U::load_partial(row, k0 + k, static_cast<int>(count - k)), static_cast<int>(count - k));
    } else {
        const auto* block = reinterpret_cast<const typename U::Block*>(row) + k0 / U::kBlock;
        for (int64_t k = 0; k < count; k += U::kBlock, ++block) {
            const U u(*block);
            for (int g = 0; g < U::kBlock / 32; ++g)
                unroll<32 / kLanes>([&](auto i) __attribute__((always_inline)) {
                    store(out + k + g * 32 + i * kLanes, u.at(g, i * kLanes));
                });
        }
    }
}

template <class Body>
inline void with_format(DType dtype, Body&& body) {
    switch (dtype) {
// clang-format off
#define KRAIT_FORMAT(id, Name, block_elems, block_bytes) \
        case DType::Name: return body.template operator()<DType::Name>();
#include "core/quant/formats.def"
        // clang-format on
        case DType::I32: return;  // no weight format: no contract lets it come here
    }
}

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
