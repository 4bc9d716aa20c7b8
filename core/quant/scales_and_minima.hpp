// SPDX-License-Identifier: Apache-2.0
//
// Internal to the codec: the search for formats of 256 weights in J sub-blocks, value = (d * scale[j]) * q - (dmin * min[j]),
// scale, min and q unsigned. The steps are those of signed_scales.hpp, for pairs: each sub-block chooses among the scales
// next to its fitted one, with the fitted minimum and with the one that suits that very scale; d and dmin then solve 2 x 2
// equations. A block of positive weights may store a negative dmin, so that its sub-blocks start above 0.
#pragma once

#include "core/quant/signed_scales.hpp"

namespace krait {

template <int HighestQuant, int J, int HighestStored>
class ScaleAndMinimumSearch {
  public:
    struct Stored {
        uint16_t d = 0;
        uint16_t dmin = 0;
        int scale[J] = {};
        int minimum[J] = {};
        float error = std::numeric_limits<float>::infinity();
    };

    explicit ScaleAndMinimumSearch(const Samples<kSuperBlock>& samples) : samples_(samples) {
        search(1.0f);
        if (*std::min_element(samples.x, samples.x + kSuperBlock) > 0) search(-1.0f);
    }

    const Stored& best() const { return best_; }

  private:
    static constexpr int N = kSuperBlock / J;
    static constexpr float kTop = static_cast<float>(HighestStored);

    // x ~ d * a - dmin * b with a = scale * q and b = minimum: the sums of products over the whole block.
    struct Normal {
        double aa = 0, ab = 0, bb = 0, ax = 0, bx = 0;
        void add(const AffineMoments& sum, int scale, int minimum) {
            aa += scale * scale * sum.qq;
            ab += scale * minimum * sum.q;
            bb += minimum * minimum * sum.w;
            ax += scale * sum.xq;
            bx += minimum * sum.x;
        }
        // The best d and dmin; d alone where the two cannot be told apart.
        void solve(float& d, float& dmin) const {
            const double determinant = aa * bb - ab * ab;
            if (determinant > 1e-9 * aa * bb) {
                d = static_cast<float>((bb * ax - ab * bx) / determinant);
                dmin = static_cast<float>((ab * ax - aa * bx) / determinant);
            } else if (aa > 0) {
                d = static_cast<float>((ax + ab * static_cast<double>(dmin)) / aa);
            }
        }
    };

    const float* x(int j) const { return samples_.x + j * N; }
    const float* w(int j) const { return samples_.w + j * N; }

    // sign is that of dmin.
    void search(float sign) {
        visited_ = {};
        float scale = 0, minimum = 0;
        for (int j = 0; j < J; ++j) {
            fitted_[j] = fit_affine<HighestQuant, N>(x(j), w(j), sign < 0 ? MinimumSign::any : MinimumSign::not_negative);
            scale = std::max(scale, fitted_[j].scale);
            minimum = std::max(minimum, sign * fitted_[j].minimum);
        }
        for (const float shrink : {1.0f, 0.95f, 0.9f, 0.8f}) descend(scale / (kTop * shrink), sign * minimum / kTop);
        if (std::ldexp(std::max(scale, minimum), samples_.exponent) < kF16MinNormal * kTop)
            for (int stored = 1; stored < HighestStored; stored *= 2)
                descend(scale / static_cast<float>(stored), sign * minimum / static_cast<float>(stored));
    }

    void descend(float d, float dmin) {
        float previous = std::numeric_limits<float>::infinity();
        for (int round = 0; round < kDescentRounds; ++round) {
            Stored now;
            now.d = samples_.to_f16(d);
            now.dmin = samples_.to_f16(dmin);
            if (!visited_.add(now.d | static_cast<uint32_t>(now.dmin) << 16)) return;
            now.error = 0;
            d = samples_.from_f16(now.d);
            dmin = samples_.from_f16(now.dmin);
            Normal normal;
            for (int j = 0; j < J; ++j) {
                now.error += choose(j, d, dmin, now.scale[j], now.minimum[j]);
                const Affine used{d * static_cast<float>(now.scale[j]), dmin * static_cast<float>(now.minimum[j])};
                normal.add(affine_moments<HighestQuant, N>(x(j), w(j), used), now.scale[j], now.minimum[j]);
            }
            if (now.error < best_.error) best_ = now;
            if (!(now.error < previous)) return;
            previous = now.error;
            normal.solve(d, dmin);
        }
    }

    // The stored scale and minimum of least error, and that error.
    float choose(int j, float d, float dmin, int& scale, int& minimum) const {
        using Integer = UniformGrid<0, HighestStored>;
        const float inverse_dmin = safe_inverse(dmin);
        const int centre = Integer::index(fitted_[j].scale * safe_inverse(d));
        const int near = Integer::index(fitted_[j].minimum * inverse_dmin);
        float smallest_error = std::numeric_limits<float>::infinity();
        const auto consider = [&](int v, int m) {
            const Affine stored{d * static_cast<float>(v), dmin * static_cast<float>(m)};
            const float error = affine_error<HighestQuant, N>(x(j), w(j), stored);
            if (error >= smallest_error) return;
            smallest_error = error;
            scale = v;
            minimum = m;
        };
        for (int v = std::max(centre - 1, 0); v <= std::min(centre + 1, HighestStored); ++v) {
            consider(v, near);
            const Affine stored{d * static_cast<float>(v), dmin * static_cast<float>(near)};
            const AffineMoments sum = affine_moments<HighestQuant, N>(x(j), w(j), stored);
            const int suited =
                Integer::index(static_cast<float>(sum.minimum(static_cast<double>(stored.scale))) * inverse_dmin);
            if (suited != near) consider(v, suited);
        }
        return smallest_error;
    }

    const Samples<kSuperBlock>& samples_;
    Affine fitted_[J];
    Visited visited_;
    Stored best_;
};

}  // namespace krait
