// SPDX-License-Identifier: Apache-2.0
//
// Internal to the codec: the least squares search for a scale and a minimum, by the method of scale_fit.hpp.
//   fit_affine  s >= 0 and m that minimise sum w (x - (s * q - m))^2, q in 0..Highest
#pragma once

#include "core/quant/scale_fit.hpp"

namespace krait {

// x ~ scale * q - minimum
template <class Floats>
struct Affine {
    Floats scale{}, minimum{};
};
enum class MinimumSign { any, not_negative };

// The sums that do not depend on a fit.
template <class Floats>
struct SampleSums {
    Floats w, x;  // sum w, sum w x
};
template <class Samples>
void sample_sums(const Samples& samples, SampleSums<typename Samples::Floats>& to) {
    using Floats = typename Samples::Floats;
    Floats sums[2];
    ordered_sums<Samples::kSamples>(sums, [&](int i, Floats(&term)[2]) {
        term[0] = Floats{} + 1.0f;
        load(samples.x[i], term[1]);
        samples.weigh(i, term[0]);
        samples.weigh(i, term[1]);
    });
    to.w = sums[0];
    to.x = sums[1];
}

// Sums over the quants q that a fit gives: of w q, w q^2 and w x q.
template <class Floats>
struct AffineMoments {
    Floats q, qq, xq;
};

template <int Highest, class Samples>
void affine_quants(const Samples& samples, int i, const Affine<typename Samples::Floats>& fit,
                   const typename Samples::Floats& inverse, typename Samples::Floats& x, typename Samples::Floats& q) {
    load(samples.x[i], x);
    q = (x + fit.minimum) * inverse;
    UniformGrid<0, Highest>::template snap<typename Samples::Isa>(q);
}

template <class Samples>
void affine_error_term(const Samples& samples, int i, const Affine<typename Samples::Floats>& fit,
                       const typename Samples::Floats& x, const typename Samples::Floats& q, typename Samples::Floats& term) {
    const typename Samples::Floats e = x - (fit.scale * q - fit.minimum);
    term = e;
    samples.weigh(i, term);
    term = term * e;
}

template <class Samples>
void affine_moment_terms(const Samples& samples, int i, const typename Samples::Floats& x, const typename Samples::Floats& q,
                         typename Samples::Floats* term) {
    typename Samples::Floats weighted_q = q;
    samples.weigh(i, weighted_q);
    term[0] = weighted_q;
    term[1] = weighted_q * q;
    term[2] = weighted_q * x;
}

// Sums of what terms(i, x, q, term) says of each sample x and the quant q that a fit gives it.
template <int Highest, class Samples, int kSums, class Terms>
void affine_sums(const Samples& samples, const Affine<typename Samples::Floats>& fit, typename Samples::Floats (&sums)[kSums],
                 const Terms& terms) {
    using Floats = typename Samples::Floats;
    Floats inverse;
    safe_inverses<typename Samples::Isa>(fit.scale, inverse);
    ordered_sums<Samples::kSamples>(sums, [&](int i, Floats(&term)[kSums]) {
        Floats x, q;
        affine_quants<Highest>(samples, i, fit, inverse, x, q);
        terms(i, x, q, term);
    });
}

template <int Highest, class Samples>
void affine_error(const Samples& samples, const Affine<typename Samples::Floats>& fit, typename Samples::Floats& error) {
    using Floats = typename Samples::Floats;
    Floats sums[1];
    affine_sums<Highest>(samples, fit, sums, [&](int i, const Floats& x, const Floats& q, Floats(&term)[1]) {
        affine_error_term(samples, i, fit, x, q, term[0]);
    });
    error = sums[0];
}

template <int Highest, class Samples>
void affine_moments(const Samples& samples, const Affine<typename Samples::Floats>& fit,
                    AffineMoments<typename Samples::Floats>& moments) {
    using Floats = typename Samples::Floats;
    Floats sums[3];
    affine_sums<Highest>(samples, fit, sums, [&](int i, const Floats& x, const Floats& q, Floats(&term)[3]) {
        affine_moment_terms(samples, i, x, q, term);
    });
    moments = {sums[0], sums[1], sums[2]};
}

// Both of the above, in one go over the samples.
template <int Highest, class Samples>
void affine_error_and_moments(const Samples& samples, const Affine<typename Samples::Floats>& fit,
                              typename Samples::Floats& error, AffineMoments<typename Samples::Floats>& moments) {
    using Floats = typename Samples::Floats;
    Floats sums[4];
    affine_sums<Highest>(samples, fit, sums, [&](int i, const Floats& x, const Floats& q, Floats(&term)[4]) {
        affine_moment_terms(samples, i, x, q, term);
        affine_error_term(samples, i, fit, x, q, term[3]);
    });
    moments = {sums[0], sums[1], sums[2]};
    error = sums[3];
}

// The best minimum for a given scale and the quants that `moments` is of. In double, because differences of sums count.
template <class Isa>
void best_minimum(const SampleSums<typename Isa::Floats>& sum, const AffineMoments<typename Isa::Floats>& moments,
                  const typename Isa::Floats& scale, typename Isa::Floats& minimum) {
    typename Isa::Doubles w[2], x[2], q[2], s[2], best[2];
    Isa::widen(sum.w, w);
    Isa::widen(sum.x, x);
    Isa::widen(moments.q, q);
    Isa::widen(scale, s);
    for (int half = 0; half < 2; ++half) best[half] = (s[half] * q[half] - x[half]) / w[half];
    Isa::narrow(best, minimum);
}

// The best scale and minimum for the quants that `fit` gives.
template <int Highest, class Samples>
void refit_affine(const Samples& samples, const SampleSums<typename Samples::Floats>& sum, MinimumSign sign,
                  Affine<typename Samples::Floats>& fit) {
    using Isa = typename Samples::Isa;
    using Doubles = typename Isa::Doubles;
    AffineMoments<typename Samples::Floats> moments;
    affine_moments<Highest>(samples, fit, moments);
    const Doubles zero{};
    Doubles w[2], x[2], q[2], qq[2], xq[2], scale[2], minimum[2];
    Isa::widen(sum.w, w);
    Isa::widen(sum.x, x);
    Isa::widen(moments.q, q);
    Isa::widen(moments.qq, qq);
    Isa::widen(moments.xq, xq);
    for (int half = 0; half < 2; ++half) {
        Doubles& s = scale[half];
        Doubles& m = minimum[half];
        const Doubles determinant = w[half] * qq[half] - q[half] * q[half];
        Isa::choose(zero, determinant, (w[half] * xq[half] - x[half] * q[half]) / determinant, zero, s);
        m = (s * q[half] - x[half]) / w[half];
        if (sign == MinimumSign::not_negative) {
            Doubles scale_alone;
            Isa::choose(zero, qq[half], xq[half] / qq[half], zero, scale_alone);
            Isa::choose(m, zero, scale_alone, s, s);
            Isa::choose(m, zero, zero, m, m);
        }
        Isa::choose(s, zero, zero, s, s);
    }
    Isa::narrow(scale, fit.scale);
    Isa::narrow(minimum, fit.minimum);
}

template <int Highest, class Samples>
void fit_affine(const Samples& samples, const SampleSums<typename Samples::Floats>& sum, MinimumSign sign,
                Affine<typename Samples::Floats>& best) {
    using Isa = typename Samples::Isa;
    using Floats = typename Samples::Floats;
    const Floats zero{};
    Floats low, high;
    load(samples.x[0], low);
    high = low;
    for (int i = 1; i < Samples::kSamples; ++i) {
        Floats x;
        load(samples.x[i], x);
        Isa::choose(x, low, x, low, low);
        Isa::choose(high, x, x, high, high);
    }
    if (sign == MinimumSign::not_negative) Isa::choose(zero, low, zero, low, low);
    const Floats width = high - low;
    best.scale = width / static_cast<float>(Highest);
    best.minimum = -low;
    Floats best_error, error;
    affine_error<Highest>(samples, best, best_error);
    Affine<Floats> fit;
    // The best of all that is tried wins; equal samples are met by the first.
    const auto keep_better = [&] {
        Isa::choose(low, high, error, best_error, error);
        const bool is_any_better = any_less<Isa>(error, best_error);
        Isa::choose(error, best_error, fit.scale, best.scale, best.scale);
        Isa::choose(error, best_error, fit.minimum, best.minimum, best.minimum);
        Isa::choose(error, best_error, error, best_error, best_error);
        return is_any_better;
    };
    // First guesses: ranges shrunk about their middle, and shifted to either side.
    for (const float shrink : {1.0f, 0.95f, 0.9f, 0.85f, 0.8f, 0.7f, 0.6f})
        for (const float shift : {0.0f, -0.5f, 0.5f}) {
            if (shrink == 1.0f && shift != 0.0f) continue;
            const Floats slack = (1 - shrink) * width;
            fit.scale = shrink * width / static_cast<float>(Highest);
            fit.minimum = -(low + (0.5f + shift) * slack);
            if (sign == MinimumSign::not_negative) Isa::choose(fit.minimum, zero, zero, fit.minimum, fit.minimum);
            for (int round = 0; round < 2; ++round) refit_affine<Highest>(samples, sum, sign, fit);
            affine_error<Highest>(samples, fit, error);
            keep_better();
        }
    for (int round = 0; round < 3; ++round) {
        fit = best;
        refit_affine<Highest>(samples, sum, sign, fit);
        affine_error<Highest>(samples, fit, error);
        if (!keep_better()) break;
    }
}

}  // namespace krait
