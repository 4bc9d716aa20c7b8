// SPDX-License-Identifier: Apache-2.0
//
// Internal to the codec: the search for formats of 256 weights in J sub-blocks, value = (d * scale[j]) * level, scale signed.
//   1. fit every sub-block by itself, its scale a real number (scale_fit.hpp)
//   2. guess d so that the largest scale is about the largest stored integer of either sign
//   3. round d to f16; each sub-block takes, among the integers next to its fitted scale, the one of least error, its weights
//      re-assigned to their best levels: that is the error of what will be decoded
//   4. with all integers fixed, d has a least squares solution: take it and repeat from 3 while the error falls
// The best of all that was seen wins.
#pragma once

#include "core/quant/scale_fit.hpp"

namespace krait {

inline constexpr int kSuperBlock = 256;
// Below 2^-14 an f16 has fewer than 11 bits, and rounding may ruin d: more guesses then, with smaller stored integers.
inline constexpr float kF16MinNormal = 0x1p-14f;
inline constexpr int kDescentRounds = 4;

// The stored scales that a search has been at: what follows from one is the same again, and need not be computed twice.
class Visited {
  public:
    // False where it was there before. What does not fit is forgotten.
    bool add(uint32_t scales) {
        for (int i = 0; i < count_; ++i)
            if (seen_[i] == scales) return false;
        if (count_ < kMax) seen_[count_++] = scales;
        return true;
    }

  private:
    static constexpr int kMax = 64;
    uint32_t seen_[kMax];
    int count_ = 0;
};

template <class Grid, int J, int Lowest, int Highest>
class SignedScaleSearch {
  public:
    struct Stored {
        uint16_t d = 0;
        int scale[J] = {};
        float error = std::numeric_limits<float>::infinity();
    };

    explicit SignedScaleSearch(const Samples<kSuperBlock>& samples) : samples_(samples) {
        float extreme = 0;
        for (int j = 0; j < J; ++j) {
            fitted_[j] = fit_scale<Grid, N>(x(j), w(j));
            if (std::fabs(fitted_[j]) > std::fabs(extreme)) extreme = fitted_[j];
        }
        if (extreme == 0) return;  // all weights are 0, and so is best_
        for (const float end : {static_cast<float>(Lowest), static_cast<float>(Highest)})
            for (const float shrink : {1.0f, 0.95f, 0.9f}) descend(extreme / (end * shrink));
        if (std::fabs(std::ldexp(extreme, samples.exponent)) < kF16MinNormal * static_cast<float>(-Lowest))
            for (int stored = 1; stored < Highest; stored *= 2) descend(extreme / static_cast<float>(stored));
    }

    const Stored& best() const { return best_; }

  private:
    static constexpr int N = kSuperBlock / J;

    const float* x(int j) const { return samples_.x + j * N; }
    const float* w(int j) const { return samples_.w + j * N; }

    void descend(float d) {
        float previous = std::numeric_limits<float>::infinity();
        for (int round = 0; round < kDescentRounds; ++round) {
            Stored now;
            now.d = samples_.to_f16(d);
            if (!visited_.add(now.d)) return;
            now.error = 0;
            const float used = samples_.from_f16(now.d);
            double xl = 0, ll = 0;  // of x against scale * level, over the whole block
            for (int j = 0; j < J; ++j) {
                now.error += choose_scale(j, used, now.scale[j]);
                const float v = static_cast<float>(now.scale[j]);
                const ScaleMoments moments = scale_moments<Grid, N>(x(j), w(j), safe_inverse(used * v));
                xl += static_cast<double>(moments.xl * v);
                ll += static_cast<double>(moments.ll * v * v);
            }
            if (now.error < best_.error) best_ = now;
            if (!(now.error < previous) || !(ll > 0)) return;
            previous = now.error;
            d = static_cast<float>(xl / ll);
        }
    }

    // The stored scale of least error, and that error.
    float choose_scale(int j, float d, int& scale) const {
        const int centre = UniformGrid<Lowest, Highest>::index(fitted_[j] * safe_inverse(d));
        float smallest_error = std::numeric_limits<float>::infinity();
        for (int v = std::max(centre - 1, Lowest); v <= std::min(centre + 1, Highest); ++v) {
            const float error = scale_error<Grid, N>(x(j), w(j), d * static_cast<float>(v));
            if (error < smallest_error) {
                smallest_error = error;
                scale = v;
            }
        }
        return smallest_error;
    }

    const Samples<kSuperBlock>& samples_;
    float fitted_[J];
    Visited visited_;
    Stored best_;
};

}  // namespace krait
