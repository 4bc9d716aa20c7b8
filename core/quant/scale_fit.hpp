// SPDX-License-Identifier: Apache-2.0
//
// Internal to the codec: the least squares searches over one sub-block of N samples.
//   fit_scale   s that minimises sum w (x - s * level)^2, each x taking its best level of a grid
//   fit_affine  s >= 0 and m that minimise sum w (x - (s * q - m))^2, q in 0..Highest
// For fixed quants the best s (and m) is a closed formula; for fixed s (and m) the best quants are the nearest ones.
// Alternating the two finds a local minimum, so both searches start from many first guesses and keep the best.
#pragma once

#include "core/quant/lanes.hpp"
#include "core/quant/samples.hpp"

namespace krait {

// The whole numbers Lowest..Highest; index(t) is the nearest to t, and is the quant itself.
template <int Lowest, int Highest>
struct UniformGrid {
    static constexpr float kLowest = static_cast<float>(Lowest);
    static constexpr float kHighest = static_cast<float>(Highest);

    static constexpr float kRounder = 12582912.0f;  // 1.5 * 2^23: a sum with it has no bits below 1, so it rounds

    static int index(float t) { return static_cast<int>((std::clamp(t, kLowest, kHighest) + kRounder) - kRounder); }
    static void snap(Lanes& t) {
        const Lanes zero{};
        t = t < kLowest ? zero + kLowest : t;
        t = t > kHighest ? zero + kHighest : t;
        t = (t + kRounder) - kRounder;
    }
};

// sum w (x - s * level)^2 with each x at its best level.
template <class Grid, int N>
float scale_error(const float* x, const float* w, float s) {
    const float inverse = safe_inverse(s);
    Lanes sum{}, xs, ws;
    for (int i = 0; i < N; i += kLanes) {
        load_lanes(x + i, xs);
        load_lanes(w + i, ws);
        Lanes level = xs * inverse;
        Grid::snap(level);
        const Lanes e = xs - s * level;
        sum += ws * e * e;
    }
    return sum_of_lanes(sum);
}

// For the quants that 1 / inverse gives: sum w x level and sum w level^2, whose quotient is the best scale for them, and
// whose gain xl^2 / ll is how much that scale takes off sum w x^2.
struct ScaleMoments {
    float xl, ll;
    float scale() const { return ll > 0 ? xl / ll : 0.0f; }
    float gain() const { return ll > 0 ? xl * xl / ll : 0.0f; }
};
template <class Grid, int N>
ScaleMoments scale_moments(const float* x, const float* w, float inverse) {
    Lanes xl{}, ll{}, xs, ws;
    for (int i = 0; i < N; i += kLanes) {
        load_lanes(x + i, xs);
        load_lanes(w + i, ws);
        Lanes level = xs * inverse;
        Grid::snap(level);
        xl += ws * xs * level;
        ll += ws * level * level;
    }
    return {sum_of_lanes(xl), sum_of_lanes(ll)};
}

template <class Grid, int N>
float fit_scale(const float* x, const float* w) {
    float extreme = 0;
    for (int i = 0; i < N; ++i)
        if (std::fabs(x[i]) > std::fabs(extreme)) extreme = x[i];
    if (extreme == 0) return 0.0f;
    ScaleMoments best{0, 0};
    // First guesses: the extreme lands beyond, at, or inside either end of the grid.
    constexpr int kGuesses = 10;
    for (int guess = 0; guess < 2 * kGuesses; ++guess) {
        const float end = guess < kGuesses ? Grid::kLowest : Grid::kHighest;
        const float reach = 0.7f + 0.06f * static_cast<float>(guess % kGuesses);  // 0.7 .. 1.24
        ScaleMoments moments = scale_moments<Grid, N>(x, w, end * reach / extreme);
        if (moments.ll > 0) moments = scale_moments<Grid, N>(x, w, safe_inverse(moments.scale()));
        if (moments.gain() > best.gain()) best = moments;
    }
    for (int round = 0; round < 3 && best.ll > 0; ++round) {
        const ScaleMoments moments = scale_moments<Grid, N>(x, w, safe_inverse(best.scale()));
        if (!(moments.gain() > best.gain())) break;
        best = moments;
    }
    return best.scale();
}

// The f16 of least error among the nearest to `scale` and its two neighbours. They differ in earnest where f16 is subnormal.
template <class Grid, int N>
uint16_t stored_scale(const Samples<N>& samples, float scale) {
    const uint16_t nearest = samples.to_f16(scale);
    uint16_t best = nearest;
    float smallest_error = scale_error<Grid, N>(samples.x, samples.w, samples.from_f16(nearest));
    for (const int step : {-1, 1}) {
        const auto magnitude = (nearest & 0x7FFF) + step;
        if (magnitude < 0 || magnitude > kF16MaxBits) continue;
        const auto bits = static_cast<uint16_t>((nearest & 0x8000) | magnitude);
        const float error = scale_error<Grid, N>(samples.x, samples.w, samples.from_f16(bits));
        if (error < smallest_error) {
            smallest_error = error;
            best = bits;
        }
    }
    return best;
}

// x ~ scale * q - minimum
struct Affine {
    float scale = 0;
    float minimum = 0;
};
enum class MinimumSign { any, not_negative };

template <int Highest, int N>
float affine_error(const float* x, const float* w, Affine fit) {
    const float inverse = safe_inverse(fit.scale);
    Lanes sum{}, xs, ws;
    for (int i = 0; i < N; i += kLanes) {
        load_lanes(x + i, xs);
        load_lanes(w + i, ws);
        Lanes q = (xs + fit.minimum) * inverse;
        UniformGrid<0, Highest>::snap(q);
        const Lanes e = xs - (fit.scale * q - fit.minimum);
        sum += ws * e * e;
    }
    return sum_of_lanes(sum);
}

// Sums over the quants q that `fit` gives: of w, w x, w q, w q^2 and w x q. In double, because differences of them count.
struct AffineMoments {
    double w, x, q, qq, xq;
    // The best minimum for these quants and a given scale.
    double minimum(double scale) const { return (scale * q - x) / w; }
};
template <int Highest, int N>
AffineMoments affine_moments(const float* x, const float* w, Affine fit) {
    const float inverse = safe_inverse(fit.scale);
    Lanes sum_w{}, sum_x{}, sum_q{}, sum_qq{}, sum_xq{}, xs, ws;
    for (int i = 0; i < N; i += kLanes) {
        load_lanes(x + i, xs);
        load_lanes(w + i, ws);
        Lanes q = (xs + fit.minimum) * inverse;
        UniformGrid<0, Highest>::snap(q);
        const Lanes weighted_q = ws * q;
        sum_w += ws;
        sum_x += ws * xs;
        sum_q += weighted_q;
        sum_qq += weighted_q * q;
        sum_xq += weighted_q * xs;
    }
    const auto total = [](const Lanes& sum) { return static_cast<double>(sum_of_lanes(sum)); };
    return {total(sum_w), total(sum_x), total(sum_q), total(sum_qq), total(sum_xq)};
}

// The best scale and minimum for the quants that `fit` gives.
template <int Highest, int N>
Affine refit_affine(const float* x, const float* w, Affine fit, MinimumSign sign) {
    const AffineMoments sum = affine_moments<Highest, N>(x, w, fit);
    const double determinant = sum.w * sum.qq - sum.q * sum.q;
    double scale = determinant > 0 ? (sum.w * sum.xq - sum.x * sum.q) / determinant : 0.0;
    double minimum = sum.minimum(scale);
    if (minimum < 0 && sign == MinimumSign::not_negative) {
        minimum = 0;
        scale = sum.qq > 0 ? sum.xq / sum.qq : 0.0;
    }
    return {static_cast<float>(std::max(scale, 0.0)), static_cast<float>(minimum)};
}

template <int Highest, int N>
Affine fit_affine(const float* x, const float* w, MinimumSign sign) {
    float low = *std::min_element(x, x + N);
    const float high = *std::max_element(x, x + N);
    if (sign == MinimumSign::not_negative) low = std::min(low, 0.0f);
    Affine best{(high - low) / static_cast<float>(Highest), -low};
    float best_error = affine_error<Highest, N>(x, w, best);
    if (high == low) return best;
    // First guesses: ranges shrunk about their middle, and shifted to either side.
    for (const float shrink : {1.0f, 0.95f, 0.9f, 0.85f, 0.8f, 0.7f, 0.6f})
        for (const float shift : {0.0f, -0.5f, 0.5f}) {
            if (shrink == 1.0f && shift != 0.0f) continue;
            const float slack = (1 - shrink) * (high - low);
            Affine fit{shrink * (high - low) / static_cast<float>(Highest), -(low + (0.5f + shift) * slack)};
            if (sign == MinimumSign::not_negative && fit.minimum < 0) fit.minimum = 0;
            for (int round = 0; round < 2; ++round) fit = refit_affine<Highest, N>(x, w, fit, sign);
            const float error = affine_error<Highest, N>(x, w, fit);
            if (error < best_error) {
                best = fit;
                best_error = error;
            }
        }
    for (int round = 0; round < 3; ++round) {
        const Affine fit = refit_affine<Highest, N>(x, w, best, sign);
        const float error = affine_error<Highest, N>(x, w, fit);
        if (!(error < best_error)) break;
        best = fit;
        best_error = error;
    }
    return best;
}

}  // namespace krait
