// SPDX-License-Identifier: Apache-2.0
//
// Internal to the codec: the least squares search for one scale, over as many sub-blocks of N samples as there are lanes.
//   fit_scale   s that minimises sum w (x - s * level)^2, each x taking its best level of a grid
// For fixed levels the best s is a closed formula; for fixed s the best levels are the nearest ones. Alternating the two finds
// a local minimum, so the search starts from many first guesses and keeps the best.
#pragma once

#include "core/quant/lanes.hpp"
#include "core/quant/samples.hpp"

namespace krait {

// The samples of Isa::kLanes sub-blocks: sample i of them all stands together. Without importance w is 1, and not read: a
// product with 1 is the other factor, bit for bit.
template <class IsaType, int N, bool HasImportance>
struct LaneSamples {
    using Isa = IsaType;
    using Floats = typename Isa::Floats;
    static constexpr int kSamples = N;
    static constexpr int kLanes = Isa::kLanes;

    alignas(64) float x[N][kLanes];
    alignas(64) float w[HasImportance ? N : 1][kLanes];

    // Takes a sub-block into a lane.
    void set(int lane, const float* from_x, const float* from_w) {
        for (int i = 0; i < N; ++i) x[i][lane] = from_x[i];
        if constexpr (HasImportance)
            for (int i = 0; i < N; ++i) w[i][lane] = from_w[i];
    }
    void weigh(int i, Floats& value) const {
        if constexpr (HasImportance) {
            Floats ws;
            load(w[i], ws);
            value = ws * value;
        }
    }
};

// The whole numbers Lowest..Highest; index(t) is the nearest to t, and is the quant itself.
template <int Lowest, int Highest>
struct UniformGrid {
    static constexpr float kLowest = static_cast<float>(Lowest);
    static constexpr float kHighest = static_cast<float>(Highest);

    static constexpr float kRounder = 12582912.0f;  // 1.5 * 2^23: a sum with it has no bits below 1, so it rounds

    template <class Floats, class Ints>
    static void index(const Floats& t, Ints& to) {
        Floats whole = t;
        snap_bits<Ints>(whole);
        to = __builtin_convertvector(whole, Ints);
    }
    template <class Isa>
    static void snap(typename Isa::Floats& t) {
        snap_bits<typename Isa::Ints>(t);
    }

  private:
    template <class Ints, class Floats>
    static void snap_bits(Floats& t) {
        // The sum has the order of its bits as an integer, those of kRounder plus the number; negative sums are below all.
        constexpr int32_t kZero = __builtin_bit_cast(int32_t, kRounder);
        t = t + kRounder;
        Ints bits, low = Ints{} + (kZero + Lowest), high = Ints{} + (kZero + Highest);
        std::memcpy(&bits, &t, sizeof t);
        bits = bits < low ? low : bits;
        bits = bits > high ? high : bits;
        std::memcpy(&t, &bits, sizeof t);
        t = t - kRounder;
    }
};

// sum w (x - s * level)^2 with each x at its best level.
template <class Grid, class Samples>
void scale_error(const Samples& samples, const typename Samples::Floats& s, typename Samples::Floats& error) {
    using Isa = typename Samples::Isa;
    using Floats = typename Samples::Floats;
    Floats inverse, sums[1];
    safe_inverses<Isa>(s, inverse);
    ordered_sums<Samples::kSamples>(sums, [&](int i, Floats(&term)[1]) {
        Floats x;
        load(samples.x[i], x);
        Floats level = x * inverse;
        Grid::template snap<Isa>(level);
        const Floats e = x - s * level;
        Floats weighted = e;
        samples.weigh(i, weighted);
        term[0] = weighted * e;
    });
    error = sums[0];
}

// For the levels that 1 / inverse gives: xl = sum w x level and ll = sum w level^2, whose quotient is the best scale for them,
// and whose gain xl^2 / ll is how much that scale takes off sum w x^2.
template <class Isa>
struct ScaleMoments {
    using Floats = typename Isa::Floats;
    Floats xl{}, ll{};
    void scale(Floats& to) const {
        const Floats zero{};
        Isa::choose(zero, ll, xl / ll, zero, to);
    }
    void gain(Floats& to) const {
        const Floats zero{};
        Isa::choose(zero, ll, xl * xl / ll, zero, to);
    }
};
template <class Grid, class Samples>
void scale_moments(const Samples& samples, const typename Samples::Floats& inverse,
                   ScaleMoments<typename Samples::Isa>& moments) {
    using Isa = typename Samples::Isa;
    using Floats = typename Samples::Floats;
    Floats sums[2];
    ordered_sums<Samples::kSamples>(sums, [&](int i, Floats(&term)[2]) {
        Floats x;
        load(samples.x[i], x);
        Floats level = x * inverse;
        Grid::template snap<Isa>(level);
        Floats weighted_x = x, weighted_level = level;
        samples.weigh(i, weighted_x);
        samples.weigh(i, weighted_level);
        term[0] = weighted_x * level;
        term[1] = weighted_level * level;
    });
    moments.xl = sums[0];
    moments.ll = sums[1];
}

template <class Grid, class Samples>
void fit_scale(const Samples& samples, typename Samples::Floats& scale) {
    using Isa = typename Samples::Isa;
    using Floats = typename Samples::Floats;
    const Floats zero{};
    Floats extreme{}, magnitude{};
    for (int i = 0; i < Samples::kSamples; ++i) {
        Floats x;
        load(samples.x[i], x);
        Floats m;
        Isa::choose(x, zero, -x, x, m);
        Isa::choose(magnitude, m, x, extreme, extreme);
        Isa::choose(magnitude, m, m, magnitude, magnitude);
    }
    ScaleMoments<Isa> best, moments;
    Floats best_gain{}, gain, inverse;
    const auto keep_better = [&] {
        Isa::choose(best_gain, gain, moments.xl, best.xl, best.xl);
        Isa::choose(best_gain, gain, moments.ll, best.ll, best.ll);
        Isa::choose(best_gain, gain, gain, best_gain, best_gain);
    };
    // First guesses: the extreme lands beyond, at, or inside either end of the grid. A lane of zeros has no gain from any.
    constexpr int kGuesses = 10;
    for (int guess = 0; guess < 2 * kGuesses; ++guess) {
        const float end = guess < kGuesses ? Grid::kLowest : Grid::kHighest;
        const float reach = 0.7f + 0.06f * static_cast<float>(guess % kGuesses);  // 0.7 .. 1.24
        inverse = end * reach / extreme;
        ScaleMoments<Isa> first;
        for (int round = 0; round < 2; ++round) {
            first = moments;
            scale_moments<Grid>(samples, inverse, moments);
            moments.scale(scale);
            safe_inverses<Isa>(scale, inverse);
        }
        Isa::choose(zero, first.ll, moments.xl, first.xl, moments.xl);
        Isa::choose(zero, first.ll, moments.ll, first.ll, moments.ll);
        moments.gain(gain);
        keep_better();
    }
    for (int round = 0; round < 3; ++round) {
        best.scale(scale);
        safe_inverses<Isa>(scale, inverse);
        scale_moments<Grid>(samples, inverse, moments);
        moments.gain(gain);
        Isa::choose(zero, best.ll, gain, zero, gain);
        if (!any_less<Isa>(best_gain, gain)) break;
        keep_better();
    }
    best.scale(scale);
}

}  // namespace krait
