// SPDX-License-Identifier: Apache-2.0
//
// Internal to the codec: writes blocks of 256 weights from what the search found.
#pragma once

#include "core/quant/encode_blocks.hpp"
#include "core/quant/super_blocks.hpp"

namespace krait {

template <class Block, class Search>
struct SuperBlockEncoder {
    template <class Isa>
    static void encode(const BlocksIn& in, unsigned char* out) {
        const auto put = [&](int64_t at, const Samples<kSuperBlock>& samples, const auto& found) {
            Block block{};
            fill<Isa>(samples, found, block);
            std::memcpy(out + at * static_cast<int64_t>(sizeof block), &block, sizeof block);
        };
        if (in.importance) SuperBlocks<Search, Isa, true>().encode(in.weights, in.importance, in.count, put);
        else SuperBlocks<Search, Isa, false>().encode(in.weights, nullptr, in.count, put);
    }

  private:
    static constexpr int J = Search::kSubBlocks, N = kSuperBlock / J;

    template <class Isa>
    static void fill(const Samples<kSuperBlock>& samples, const StoredScales<J>& found, Block& block) {
        block.d = found.d;
        const float d = samples.from_f16(found.d);
        float dmin = 0;
        if constexpr (requires { block.dmin; }) {
            block.dmin = found.dmin;
            dmin = samples.from_f16(found.dmin);
        }
        int quants[kSuperBlock];
        for (int j = 0; j < J; ++j) {
            set_scale(block, j, static_cast<int>(found.scale[j]));
            if constexpr (requires { block.dmin; }) set_min(block, j, static_cast<int>(found.minimum[j]));
            const float inverse = safe_inverse(d * found.scale[j]);
            const float minimum = dmin * found.minimum[j];
            for (int i = j * N; i < (j + 1) * N; i += Isa::kLanes) {
                typename Isa::Floats x;
                typename Isa::Ints q;
                load(samples.x + i, x);
                Search::Levels::index((x + minimum) * inverse, q);
                store(q, quants + i);
            }
        }
        for (int i = 0; i < kSuperBlock; ++i) set_quant(block, i, quants[i]);
    }
};

}  // namespace krait
