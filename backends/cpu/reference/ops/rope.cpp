// SPDX-License-Identifier: Apache-2.0
#include "core/ops/rope.hpp"

#include <algorithm>

#include "backends/cpu/reference/kernels.hpp"
#include "core/ops/paged.hpp"

namespace krait::reference {

void rope(const ops::Rope::In<Tensor>& in, const ops::Rope::Params& params, const ops::Rope::Out<Tensor>& out, Context&) {
    const int64_t n_head = in.x.extent(1), head_dim = in.x.extent(2), n_pair = params.n_rot / 2;
    const std::span<const int32_t> positions = in.positions.index();
    plugin::value_or_throw(ops::check_positions("positions", positions));
    for (int64_t t = 0; t < in.x.extent(0); ++t) {
        const float* x = in.x.row<const float>(t);
        float* y = out.y.row<float>(t);
        std::copy_n(x, n_head * head_dim, y);
        const int32_t position = positions[static_cast<size_t>(t)];
        if (position < 0) continue;
        for (int64_t i = 0; i < n_pair; ++i) {
            const double low = params.ramp_low, width = std::fmax(double(params.ramp_high) - low, 0.001);
            const double ramp = std::fmin(std::fmax((double(i) - low) / width, 0.0), 1.0);
            const double factor = in.factors ? double(in.factors.elements<const float>()[i]) : 1.0;
            const double angle = position * std::pow(double(params.base), -2.0 * double(i) / params.n_rot) / factor *
                                 (1 + (double(params.scale) - 1) * ramp);
            const double c = params.magnitude * std::cos(angle), s = params.magnitude * std::sin(angle);
            const bool adjacent = params.pairing == ops::RopePairing::adjacent;
            const int64_t first = adjacent ? 2 * i : i, second = adjacent ? 2 * i + 1 : i + n_pair;
            for (int64_t h = 0; h < n_head; ++h) {
                const double a = x[h * head_dim + first], b = x[h * head_dim + second];
                y[h * head_dim + first] = static_cast<float>(a * c - b * s);
                y[h * head_dim + second] = static_cast<float>(a * s + b * c);
            }
        }
    }
}

}  // namespace krait::reference
