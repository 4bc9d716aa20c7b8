// SPDX-License-Identifier: Apache-2.0
//
// Internal to the codec: sub-blocks of the formats with value = (d * scale[j]) * level, scale signed (super_blocks.hpp).
#pragma once

#include "core/quant/super_blocks.hpp"

namespace krait {

template <class Grid, int J, int Lowest, int Highest>
struct SignedScales {
    static constexpr int kSubBlocks = J;
    using Levels = Grid;
    static constexpr int kPasses = 1;
    static constexpr int kSums = 2;  // x times scale * level, and its square

    struct Fitted {
        float scale;
    };
    template <int W>
    struct Judged {
        alignas(64) float error[W], scale[W], minimum[W];
        double sums[kSums][W];
    };

    static bool needs(int, const Samples<kSuperBlock>&) { return true; }

    template <class Lanes>
    static void fit(int, const Lanes& samples, Fitted* fitted) {
        typename Lanes::Floats scale;
        fit_scale<Grid>(samples, scale);
        for (int lane = 0; lane < Lanes::kLanes; ++lane) fitted[lane] = {scale[lane]};
    }

    static void add_guesses(int, const Fitted* fitted, const Samples<kSuperBlock>& samples, Descents& descents) {
        float extreme = 0;
        for (int j = 0; j < J; ++j)
            if (std::fabs(fitted[j].scale) > std::fabs(extreme)) extreme = fitted[j].scale;
        if (extreme == 0) return;  // all weights are 0, and so is what is stored
        for (const float end : {static_cast<float>(Lowest), static_cast<float>(Highest)})
            for (const float shrink : {1.0f, 0.95f, 0.9f}) descents.add_guess(extreme / (end * shrink), 0);
        if (std::fabs(samples.unscaled(extreme)) < kF16MinNormal * static_cast<float>(-Lowest))
            for (int stored = 1; stored < Highest; stored *= 2) descents.add_guess(extreme / static_cast<float>(stored), 0);
    }

    // For every lane the stored scale of least error, and that error.
    template <class Lanes>
    static void judge(const Lanes& samples, const Fitted* fitted, const float* d, const float*, Judged<Lanes::kLanes>& to) {
        using Isa = typename Lanes::Isa;
        using Floats = typename Lanes::Floats;
        using Integer = UniformGrid<Lowest, Highest>;
        const Floats zero{};
        const Floats infinity = zero + std::numeric_limits<float>::infinity();
        Floats ds, inverse, centre, scale{}, smallest_error = infinity, error;
        load(d, ds);
        load(fitted, centre);
        safe_inverses<Isa>(ds, inverse);
        centre = centre * inverse;
        Integer::template snap<Isa>(centre);
        for (const float step : {-1.0f, 0.0f, 1.0f}) {
            Floats v = centre + step;
            Integer::template snap<Isa>(v);  // at an end of the range the same number twice
            scale_error<Grid>(samples, ds * v, error);
            Isa::choose(error, smallest_error, v, scale, scale);
            Isa::choose(error, smallest_error, error, smallest_error, smallest_error);
        }
        store(smallest_error, to.error);
        store(scale, to.scale);
    }

    // The sums that proceed() takes, of what was judged.
    template <class Lanes>
    static void sum(const Lanes& samples, const Fitted*, const float* d, const float*, Judged<Lanes::kLanes>& judged) {
        using Isa = typename Lanes::Isa;
        using Floats = typename Lanes::Floats;
        Floats ds, scale, inverse;
        load(d, ds);
        load(judged.scale, scale);
        safe_inverses<Isa>(ds * scale, inverse);
        ScaleMoments<Isa> moments;
        scale_moments<Grid>(samples, inverse, moments);
        const Floats xl = moments.xl * scale, ll = moments.ll * scale * scale;
        for (int lane = 0; lane < Lanes::kLanes; ++lane) {
            judged.sums[0][lane] = static_cast<double>(xl[lane]);
            judged.sums[1][lane] = static_cast<double>(ll[lane]);
        }
    }

    static void proceed(const double* sums, Descents& descents) {
        if (sums[1] > 0) descents.proceed(static_cast<float>(sums[0] / sums[1]), 0);
        else descents.stop();
    }
};

}  // namespace krait
