// SPDX-License-Identifier: Apache-2.0
//
// Internal to the codec: sub-blocks of the formats with value = (d * scale[j]) * q - (dmin * min[j]); scale, min and q unsigned
// (super_blocks.hpp). Each sub-block chooses among the scales next to its fitted one, with the fitted minimum and with the one
// that suits that very scale; d and dmin then solve 2 x 2 equations. A block of positive weights may store a negative dmin, so
// that its sub-blocks start above 0: a second pass for those looks for it.
#pragma once

#include "core/quant/affine_fit.hpp"
#include "core/quant/super_blocks.hpp"

namespace krait {

template <int HighestQuant, int J, int HighestStored>
struct ScalesAndMinima {
    static constexpr int kSubBlocks = J;
    using Levels = UniformGrid<0, HighestQuant>;
    static constexpr int kPasses = 2;  // dmin positive, dmin negative
    // x ~ d * a - dmin * b with a = scale * q and b = minimum: the sums of aa, ab, bb, ax and bx.
    static constexpr int kSums = 5;
    static constexpr float kTop = static_cast<float>(HighestStored);

    struct Fitted {
        float scale, minimum;
        float sum_w, sum_x;
    };
    template <int W>
    struct Judged {
        alignas(64) float error[W], scale[W], minimum[W];
        double sums[kSums][W];
    };

    static bool needs(int pass, const Samples<kSuperBlock>& samples) { return pass == 0 || samples.lowest > 0; }

    template <class Lanes>
    static void fit(int pass, const Lanes& samples, Fitted* fitted) {
        SampleSums<typename Lanes::Floats> sum;
        Affine<typename Lanes::Floats> best;
        sample_sums(samples, sum);
        fit_affine<HighestQuant>(samples, sum, pass == 0 ? MinimumSign::not_negative : MinimumSign::any, best);
        for (int lane = 0; lane < Lanes::kLanes; ++lane)
            fitted[lane] = {best.scale[lane], best.minimum[lane], sum.w[lane], sum.x[lane]};
    }

    static void add_guesses(int pass, const Fitted* fitted, const Samples<kSuperBlock>& samples, Descents& descents) {
        const float sign = pass == 0 ? 1.0f : -1.0f;
        float scale = 0, minimum = 0;
        for (int j = 0; j < J; ++j) {
            scale = std::max(scale, fitted[j].scale);
            minimum = std::max(minimum, sign * fitted[j].minimum);
        }
        for (const float shrink : {1.0f, 0.95f, 0.9f, 0.8f}) descents.add_guess(scale / (kTop * shrink), sign * minimum / kTop);
        if (samples.unscaled(std::max(scale, minimum)) < kF16MinNormal * kTop)
            for (int stored = 1; stored < HighestStored; stored *= 2)
                descents.add_guess(scale / static_cast<float>(stored), sign * minimum / static_cast<float>(stored));
    }

    template <float Fitted::*kField, class Floats>
    static void load_field(const Fitted* fitted, Floats& to) {
        alignas(Floats) float numbers[sizeof(Floats) / sizeof(float)];
        for (size_t lane = 0; lane < std::size(numbers); ++lane) numbers[lane] = fitted[lane].*kField;
        load(numbers, to);
    }
    template <class Floats>
    static void load_sums(const Fitted* fitted, SampleSums<Floats>& sum) {
        load_field<&Fitted::sum_w>(fitted, sum.w);
        load_field<&Fitted::sum_x>(fitted, sum.x);
    }

    // For every lane the stored scale and minimum of least error, and that error.
    template <class Lanes>
    static void judge(const Lanes& samples, const Fitted* fitted, const float* d, const float* dmin,
                      Judged<Lanes::kLanes>& to) {
        using Isa = typename Lanes::Isa;
        using Floats = typename Lanes::Floats;
        using Integer = UniformGrid<0, HighestStored>;
        const Floats zero{};
        Floats ds, dmins, inverse, inverse_dmin, centre, near;
        SampleSums<Floats> sum;
        load_field<&Fitted::scale>(fitted, centre);
        load_field<&Fitted::minimum>(fitted, near);
        load_sums(fitted, sum);
        load(d, ds);
        load(dmin, dmins);
        safe_inverses<Isa>(ds, inverse);
        safe_inverses<Isa>(dmins, inverse_dmin);
        centre = centre * inverse;
        Integer::template snap<Isa>(centre);
        near = near * inverse_dmin;
        Integer::template snap<Isa>(near);

        const Floats infinity = zero + std::numeric_limits<float>::infinity();
        Floats scale{}, minimum{}, smallest_error = infinity, error;
        AffineMoments<Floats> moments;
        Affine<Floats> stored;
        const auto consider = [&](const Floats& v, const Floats& m) {
            Isa::choose(error, smallest_error, v, scale, scale);
            Isa::choose(error, smallest_error, m, minimum, minimum);
            Isa::choose(error, smallest_error, error, smallest_error, smallest_error);
        };
        for (const float step : {-1.0f, 0.0f, 1.0f}) {
            Floats v = centre + step;
            Integer::template snap<Isa>(v);  // at an end of the range the same number twice
            stored.scale = ds * v;
            stored.minimum = dmins * near;
            affine_error_and_moments<HighestQuant>(samples, stored, error, moments);
            consider(v, near);
            Floats suited;
            best_minimum<Isa>(sum, moments, stored.scale, suited);
            suited = suited * inverse_dmin;
            Integer::template snap<Isa>(suited);
            if (!any_less<Isa>(suited, near) && !any_less<Isa>(near, suited)) continue;
            stored.minimum = dmins * suited;
            affine_error<HighestQuant>(samples, stored, error);
            consider(v, suited);
        }
        store(smallest_error, to.error);
        store(scale, to.scale);
        store(minimum, to.minimum);
    }

    // The sums that proceed() takes, of what was judged.
    template <class Lanes>
    static void sum(const Lanes& samples, const Fitted* fitted, const float* d, const float* dmin,
                    Judged<Lanes::kLanes>& judged) {
        using Isa = typename Lanes::Isa;
        using Floats = typename Lanes::Floats;
        Floats ds, dmins, scale, minimum;
        SampleSums<Floats> sum;
        load_sums(fitted, sum);
        load(d, ds);
        load(dmin, dmins);
        load(judged.scale, scale);
        load(judged.minimum, minimum);
        AffineMoments<Floats> moments;
        affine_moments<HighestQuant>(samples, {ds * scale, dmins * minimum}, moments);
        typename Isa::Doubles w[2], x[2], q[2], qq[2], xq[2], s[2], m[2];
        Isa::widen(sum.w, w);
        Isa::widen(sum.x, x);
        Isa::widen(moments.q, q);
        Isa::widen(moments.qq, qq);
        Isa::widen(moments.xq, xq);
        Isa::widen(scale, s);
        Isa::widen(minimum, m);
        for (int half = 0; half < 2; ++half) {
            const int at = half * Lanes::kLanes / 2;
            store(s[half] * s[half] * qq[half], judged.sums[0] + at);
            store(s[half] * m[half] * q[half], judged.sums[1] + at);
            store(m[half] * m[half] * w[half], judged.sums[2] + at);
            store(s[half] * xq[half], judged.sums[3] + at);
            store(m[half] * x[half], judged.sums[4] + at);
        }
    }

    // The best d and dmin; d alone where the two cannot be told apart.
    static void proceed(const double* sums, Descents& descents) {
        const double aa = sums[0], ab = sums[1], bb = sums[2], ax = sums[3], bx = sums[4];
        const double determinant = aa * bb - ab * ab;
        if (determinant > 1e-9 * aa * bb)
            descents.proceed(static_cast<float>((bb * ax - ab * bx) / determinant),
                             static_cast<float>((ab * ax - aa * bx) / determinant));
        else if (aa > 0)
            descents.proceed(static_cast<float>((ax + ab * static_cast<double>(descents.dmin)) / aa), descents.dmin);
        else descents.proceed(descents.d, descents.dmin);
    }
};

}  // namespace krait
