// SPDX-License-Identifier: Apache-2.0
//
// Internal to the codec: the search for formats of 256 weights in J sub-blocks with integers for scales (and minima).
//   1. fit every sub-block by itself, its scale (and minimum) a real number
//   2. guess d (and dmin) so that the largest scale is about the largest stored integer
//   3. round d to f16; each sub-block takes, among the integers next to its fitted scale, the one of least error, its weights
//      re-assigned to their best levels: that is the error of what will be decoded
//   4. with all integers fixed, d has a least squares solution: take it and repeat from 3 while the error falls
// The best of all that was seen wins. SignedScales (signed_scales.hpp) and ScalesAndMinima (scales_and_minima.hpp) say how a
// sub-block is fitted and judged; sub-blocks stand side by side in lanes, if there are enough lanes those of two super-blocks.
#pragma once

#include "core/quant/scale_fit.hpp"

namespace krait {

inline constexpr int kSuperBlock = 256;
// Below 2^-14 an f16 has fewer than 11 bits, and rounding may ruin d: more guesses then, with smaller stored integers.
inline constexpr float kF16MinNormal = 0x1p-14f;

// The scales and minima that a block stores beside its quants. Integers are floats here, as lanes compute with them.
template <int J>
struct StoredScales {
    uint16_t d = 0;
    uint16_t dmin = 0;
    float scale[J] = {};
    float minimum[J] = {};
    float error = std::numeric_limits<float>::infinity();
};

// d and dmin on their way down from the guesses, one after the other, at most kRounds steps each.
class Descents {
  public:
    void add_guess(float with_d, float with_dmin) { guesses_[n_guess_++] = {with_d, with_dmin}; }

    // The next stored scales to judge; false when there are none. Those that were judged before are left out: what follows from
    // them would be the same again.
    template <class Samples>
    bool next(const Samples& samples) {
        for (;; round_ = kRounds) {
            if (round_ == kRounds) {
                if (at_ == n_guess_) return false;
                wanted_ = guesses_[at_++];
                round_ = 0;
                previous_error_ = std::numeric_limits<float>::infinity();
            }
            d_bits = samples.to_f16(wanted_.d);
            dmin_bits = samples.to_f16(wanted_.dmin);
            if (is_new(d_bits | static_cast<uint32_t>(dmin_bits) << 16)) break;
        }
        d = samples.from_f16(d_bits);
        dmin = samples.from_f16(dmin_bits);
        return true;
    }
    // Takes the error at d and dmin. True where the descent goes on: then proceed() says where to, or stop().
    bool goes_on(float error) {
        const bool is_less = error < previous_error_;
        previous_error_ = error;
        round_ = is_less ? round_ + 1 : kRounds;
        return round_ < kRounds;
    }
    void proceed(float to_d, float to_dmin) { wanted_ = {to_d, to_dmin}; }
    void stop() { round_ = kRounds; }

    uint16_t d_bits = 0, dmin_bits = 0;
    float d = 0, dmin = 0;

  private:
    static constexpr int kRounds = 4, kMaxGuesses = 16;
    static constexpr int kMaxSeen = kMaxGuesses * kRounds;
    struct Wanted {
        float d, dmin;
    };

    bool is_new(uint32_t scales) {
        for (int i = 0; i < n_seen_; ++i)
            if (seen_[i] == scales) return false;
        seen_[n_seen_++] = scales;
        return true;
    }

    Wanted guesses_[kMaxGuesses], wanted_{};
    int n_guess_ = 0, at_ = 0, round_ = kRounds;
    float previous_error_ = 0;
    uint32_t seen_[kMaxSeen];
    int n_seen_ = 0;
};

// Searches the super-blocks of a row, and calls put(block, samples, scales) with the result of each.
// Search is SignedScales or ScalesAndMinima.
template <class Search, class Isa, bool HasImportance>
class SuperBlocks {
  public:
    template <class Put>
    void encode(const float* in, const float* importance, int64_t n_block, const Put& put) {
        for (int64_t first = 0; first < n_block; first += kBatch) {
            n_ = static_cast<int>(std::min<int64_t>(n_block - first, kBatch));
            for (int b = 0; b < n_; ++b) {
                const int64_t at = (first + b) * kSuperBlock;
                blocks_[b].samples.set(in + at, HasImportance ? importance + at : nullptr);
            }
            for (int pass = 0; pass < Search::kPasses; ++pass) fit(pass);
            descend([&](int b, const auto& best) { put(first + b, blocks_[b].samples, best); });
        }
    }

  private:
    static constexpr int J = Search::kSubBlocks, N = kSuperBlock / J, W = Isa::kLanes;
    static constexpr int kLanes = std::max(J, W), kSlots = kLanes / J, kVectors = kLanes / W;
    static constexpr int kBatch = 8;
    using Lanes = LaneSamples<Isa, N, HasImportance>;
    using Fitted = typename Search::Fitted;

    struct Block {
        Samples<kSuperBlock> samples;
        Fitted fitted[Search::kPasses][J];
    };
    // A super-block at work in J of the lanes.
    struct Slot {
        int block = -1;
        int pass = 0;
        Descents descents;
        StoredScales<J> best;
    };

    void fit(int pass) {
        bool is_needed = false;
        for (int b = 0; b < n_; ++b) is_needed = is_needed || Search::needs(pass, blocks_[b].samples);
        if (!is_needed) return;
        for (int first = 0; first < n_ * J; first += W) {
            Fitted fitted[W];
            for (int lane = 0; lane < W; ++lane) take(std::min(first + lane, n_ * J - 1), lane, lanes_[0]);
            Search::fit(pass, lanes_[0], fitted);
            for (int lane = 0; lane < W && first + lane < n_ * J; ++lane)
                blocks_[(first + lane) / J].fitted[pass][(first + lane) % J] = fitted[lane];
        }
    }
    void take(int sub_block, int lane, Lanes& lanes) {
        const Samples<kSuperBlock>& samples = blocks_[sub_block / J].samples;
        const int at = sub_block % J * N;
        lanes.set(lane, samples.x + at, samples.w + at);
    }

    template <class Put>
    void descend(const Put& put) {
        Slot slots[kSlots];
        int next_block = 0, n_busy = 0;
        // The slot's next scales to judge, if need be those of another pass or another block.
        const auto advance = [&](int s) {
            Slot& slot = slots[s];
            while (slot.block < 0 || !slot.descents.next(blocks_[slot.block].samples)) {
                if (slot.block >= 0 && slot.pass + 1 < Search::kPasses &&
                    Search::needs(slot.pass + 1, blocks_[slot.block].samples)) {
                    ++slot.pass;
                } else {
                    if (slot.block >= 0) put(slot.block, slot.best), --n_busy;
                    slot.block = -1;
                    if (next_block == n_) return;
                    slot.block = next_block++;
                    ++n_busy;
                    slot.pass = 0;
                    slot.best = {};
                    for (int j = 0; j < J; ++j) take(slot.block * J + j, (s * J + j) % W, lanes_[(s * J + j) / W]);
                }
                const Block& block = blocks_[slot.block];
                for (int j = 0; j < J; ++j) fitted_[s * J + j] = block.fitted[slot.pass][j];
                slot.descents = {};
                Search::add_guesses(slot.pass, block.fitted[slot.pass], block.samples, slot.descents);
            }
        };
        for (;;) {
            for (int s = 0; s < kSlots; ++s) advance(s);
            if (n_busy == 0) return;
            alignas(64) float d[kLanes], dmin[kLanes];
            for (int l = 0; l < kLanes; ++l) d[l] = slots[l / J].descents.d, dmin[l] = slots[l / J].descents.dmin;
            for (int v = 0; v < kVectors; ++v) Search::judge(lanes_[v], fitted_ + v * W, d + v * W, dmin + v * W, judged_[v]);
            bool goes_on[kSlots], does_any = false;
            for (int s = 0; s < kSlots; ++s) {
                goes_on[s] = slots[s].block >= 0 && conclude(s, slots[s]);
                does_any = does_any || goes_on[s];
            }
            if (!does_any) continue;
            for (int v = 0; v < kVectors; ++v) Search::sum(lanes_[v], fitted_ + v * W, d + v * W, dmin + v * W, judged_[v]);
            for (int s = 0; s < kSlots; ++s) {
                if (!goes_on[s]) continue;
                double sums[Search::kSums] = {};
                for (int j = 0; j < J; ++j)
                    for (int k = 0; k < Search::kSums; ++k) sums[k] += judged_[(s * J + j) / W].sums[k][(s * J + j) % W];
                Search::proceed(sums, slots[s].descents);
            }
        }
    }
    // Keeps what was judged where it is the best so far. Does the descent go on?
    bool conclude(int s, Slot& slot) {
        float error = 0;
        for (int j = 0; j < J; ++j) error += judged_[(s * J + j) / W].error[(s * J + j) % W];
        if (error < slot.best.error) {
            slot.best.error = error;
            slot.best.d = slot.descents.d_bits;
            slot.best.dmin = slot.descents.dmin_bits;
            for (int j = 0; j < J; ++j) {
                const int lane = s * J + j;
                slot.best.scale[j] = judged_[lane / W].scale[lane % W];
                slot.best.minimum[j] = judged_[lane / W].minimum[lane % W];
            }
        }
        return slot.descents.goes_on(error);
    }

    int n_ = 0;
    Block blocks_[kBatch];
    Lanes lanes_[kVectors];
    Fitted fitted_[kLanes] = {};
    typename Search::template Judged<W> judged_[kVectors];
};

}  // namespace krait
