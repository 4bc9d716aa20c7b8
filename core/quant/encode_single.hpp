// SPDX-License-Identifier: Apache-2.0
//
// Internal to the codec: encoders by search for blocks of 32 weights with one scale, and perhaps one minimum. As many blocks as
// there are lanes are searched side by side.
#pragma once

#include "core/quant/affine_fit.hpp"
#include "core/quant/encode_blocks.hpp"

namespace krait {

inline constexpr int kSingleBlock = 32;

// Calls search(lanes, samples, write) for the next blocks, as many as there are lanes; write(lane, block) puts a block at its
// place. A row's last blocks may leave lanes over: they repeat the last one.
template <class Block, class Isa, bool HasImportance>
class SingleBlocks {
  public:
    template <class Search>
    void encode(const BlocksIn& in, unsigned char* out, const Search& search) {
        for (int64_t first = 0; first < in.count; first += Isa::kLanes) {
            for (int lane = 0; lane < Isa::kLanes; ++lane) {
                const int64_t at = std::min(first + lane, in.count - 1) * kSingleBlock;
                samples_[lane].set(in.weights + at, HasImportance ? in.importance + at : nullptr);
                lanes_.set(lane, samples_[lane].x, samples_[lane].w);
            }
            Block blocks[Isa::kLanes] = {};
            search(lanes_, samples_, blocks);
            const int64_t n = std::min<int64_t>(in.count - first, Isa::kLanes);
            std::memcpy(out + first * static_cast<int64_t>(sizeof(Block)), blocks, static_cast<size_t>(n) * sizeof(Block));
        }
    }

  private:
    Samples<kSingleBlock> samples_[Isa::kLanes];
    LaneSamples<Isa, kSingleBlock, HasImportance> lanes_;
};

// The quants of a block, `low` taken off and multiplied by `inverse`.
template <class Grid, class Isa, class Block>
void set_quants(const Samples<kSingleBlock>& samples, float low, float inverse, Block& block) {
    int quants[kSingleBlock];
    for (int i = 0; i < kSingleBlock; i += Isa::kLanes) {
        typename Isa::Floats x;
        typename Isa::Ints q;
        load(samples.x + i, x);
        Grid::index((x - low) * inverse, q);
        store(q, quants + i);
    }
    for (int i = 0; i < kSingleBlock; ++i) set_quant(block, i, quants[i]);
}

// value = d * level
template <class Block, class Grid>
struct SingleScaleEncoder {
    template <class Isa>
    static void encode(const BlocksIn& in, unsigned char* out) {
        const auto search = [](const auto& lanes, const auto& samples, auto& blocks) {
            using Floats = typename Isa::Floats;
            Floats scale{}, error{}, stored{}, smallest_error{};
            fit_scale<Grid>(lanes, scale);
            // The f16 of least error among the nearest to `scale` and its two neighbours. They differ in earnest where f16 is
            // subnormal.
            uint16_t nearest[Isa::kLanes];
            for (int lane = 0; lane < Isa::kLanes; ++lane) nearest[lane] = samples[lane].to_f16(scale[lane]);
            for (const int step : {0, -1, 1}) {
                uint16_t bits[Isa::kLanes];
                for (int lane = 0; lane < Isa::kLanes; ++lane) {
                    const int magnitude = (nearest[lane] & 0x7FFF) + step;
                    const bool is_finite = magnitude >= 0 && magnitude <= kF16MaxBits;
                    bits[lane] = is_finite ? static_cast<uint16_t>((nearest[lane] & 0x8000) | magnitude) : nearest[lane];
                    stored[lane] = samples[lane].from_f16(bits[lane]);
                }
                scale_error<Grid>(lanes, stored, error);
                for (int lane = 0; lane < Isa::kLanes; ++lane) {
                    if (step != 0 && !(error[lane] < smallest_error[lane])) continue;
                    smallest_error[lane] = error[lane];
                    blocks[lane].d = bits[lane];
                }
            }
            for (int lane = 0; lane < Isa::kLanes; ++lane)
                set_quants<Grid, Isa>(samples[lane], 0, safe_inverse(samples[lane].from_f16(blocks[lane].d)), blocks[lane]);
        };
        if (in.importance) SingleBlocks<Block, Isa, true>().encode(in, out, search);
        else SingleBlocks<Block, Isa, false>().encode(in, out, search);
    }
};

// value = d * q + m, q in 0..Highest
template <class Block, int Highest>
struct ScaleAndMinimumEncoder {
    template <class Isa>
    static void encode(const BlocksIn& in, unsigned char* out) {
        SingleBlocks<Block, Isa, true>().encode(in, out, [](const auto& lanes, const auto& samples, auto& blocks) {
            using Floats = typename Isa::Floats;
            SampleSums<Floats> sum;
            Affine<Floats> fit;
            sample_sums(lanes, sum);
            fit_affine<Highest>(lanes, sum, MinimumSign::any, fit);
            for (int lane = 0; lane < Isa::kLanes; ++lane) {
                Block& block = blocks[lane];
                block.d = samples[lane].to_f16(fit.scale[lane]);
                block.m = samples[lane].to_f16(-fit.minimum[lane]);
                set_quants<UniformGrid<0, Highest>, Isa>(samples[lane], samples[lane].from_f16(block.m),
                                                         safe_inverse(samples[lane].from_f16(block.d)), block);
            }
        });
    }
};

}  // namespace krait
