// SPDX-License-Identifier: Apache-2.0
//
// rope (contract: core/ops/rope.hpp). Angles are counted in quarter turns. How far a pair turns from one place to the next is
// computed once a call, in double; the angle of a row, in double as well, loses its whole quarters before it becomes a float32.
// Cosine and sine of a row and pair serve all heads.
#include "core/ops/rope.hpp"

#include <cmath>
#include <numbers>

#include "backends/cpu/cpu_backend.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

namespace {

// The nearest whole number, ties to even, below 2^51 in magnitude: what is left of a sum of this size has no fraction.
inline double nearest(double x) {
    constexpr double kShift = 0x1.8p52;
    return (x + kShift) - kShift;
}

// sin and cos of r quarter turns, |r| <= 0.5: minimax fits (Lawson iteration, in f32), absolute error 8e-8.
inline Vec sin_quarters(Vec r) {
    const Vec z = r * r;
    Vec p = broadcast(-0.00460165785625577f);
    p = fma(p, z, broadcast(0.07968003302812576f));
    p = fma(p, z, broadcast(-0.6459634900093079f));
    p = fma(p, z, broadcast(1.5707963705062866f));
    return p * r;
}
inline Vec cos_quarters(Vec r) {
    const Vec z = r * r;
    Vec p = broadcast(0.000904021377209574f);
    p = fma(p, z, broadcast(-0.02086028829216957f));
    p = fma(p, z, broadcast(0.25366923213005066f));
    p = fma(p, z, broadcast(-1.2337005138397217f));
    return fma(p, z, broadcast(1.0f));
}

struct Problem {
    const Tensor *x, *y;
    ops::RopeParams params;
    int64_t n_head, head_dim, n_pair;
    const double* quarters;  // of each pair, from one place to the next
};

// Powers are computed for every kSteps-th pair, those between by products: their errors stay below 1e-15.
void find_quarters(const ops::RopeParams& params, const float* factors, double* quarters) {
    constexpr int32_t kSteps = 8;
    const double exponent = -2.0 / params.n_rot, ratio = std::pow(double(params.base), exponent);
    const double low = params.ramp_low, width = std::fmax(double(params.ramp_high) - low, 0.001);
    double power = 1;
    for (int32_t i = 0; i < params.n_rot / 2; ++i, power *= ratio) {
        if (i % kSteps == 0) power = std::pow(double(params.base), exponent * i);
        const double ramp = std::fmin(std::fmax((i - low) / width, 0.0), 1.0);
        quarters[i] =
            power / (factors ? double(factors[i]) : 1.0) * (1 + (double(params.scale) - 1) * ramp) * (2 / std::numbers::pi);
    }
}

// Of one place, times the magnitude: n_pair of each, or 2 n_pair where pairs are adjacent: cos, cos and -sin, sin.
void find_turns(const Problem& p, int32_t position, float* cosines, float* sines) {
    const bool adjacent = p.params.pairing == ops::RopePairing::adjacent;
    const Vec magnitude = broadcast(p.params.magnitude);
    for_each_vec(p.n_pair, [&](int64_t i, int64_t n) {
        float rest[kLanes] = {}, turned[kLanes] = {};
        for (int64_t k = 0; k < n; ++k) {
            const double angle = position * p.quarters[i + k], whole = nearest(angle);
            rest[k] = static_cast<float>(angle - whole);
            turned[k] = static_cast<float>(whole - 4 * nearest(whole / 4));  // -2 to 2
        }
        const Vec r = load(rest), quarter = load(turned), of_sin = sin_quarters(r), of_cos = cos_quarters(r);
        // One quarter on, (cos, sin) is (-sin, cos); two on, both change their signs.
        const Mask swaps = equal(abs(quarter), broadcast(1.0f)), is_half = equal(abs(quarter), broadcast(2.0f));
        Vec c = select(swaps, of_sin, of_cos), s = select(swaps, of_cos, of_sin);
        c = select(is_half, zero() - c, select(equal(quarter, broadcast(1.0f)), zero() - c, c)) * magnitude;
        s = select(is_half, zero() - s, select(equal(quarter, broadcast(-1.0f)), zero() - s, s)) * magnitude;
        if (!adjacent) {
            store_up_to(cosines + i, c, n);
            store_up_to(sines + i, s, n);
            return;
        }
        store(rest, c);
        store(turned, s);
        for (int64_t k = 0; k < n; ++k) {
            cosines[2 * (i + k)] = cosines[2 * (i + k) + 1] = rest[k];
            sines[2 * (i + k)] = -turned[k];
            sines[2 * (i + k) + 1] = turned[k];
        }
    });
}

void turn_head(const Problem& p, const float* x, const float* cosines, const float* sines, float* y) {
    if (p.params.pairing == ops::RopePairing::adjacent)
        for_each_vec(2 * p.n_pair, [&](int64_t i, int64_t n) {
            const Vec v = load_up_to(x + i, n);
            store_up_to(y + i, fma(v, load_up_to(cosines + i, n), swap_pairs(v) * load_up_to(sines + i, n)), n);
        });
    else
        for_each_vec(p.n_pair, [&](int64_t i, int64_t n) {
            const Vec a = load_up_to(x + i, n), b = load_up_to(x + p.n_pair + i, n);
            const Vec c = load_up_to(cosines + i, n), s = load_up_to(sines + i, n);
            store_up_to(y + i, fma(a, c, zero() - b * s), n);
            store_up_to(y + p.n_pair + i, fma(b, c, a * s), n);
        });
    std::memcpy(y + 2 * p.n_pair, x + 2 * p.n_pair, static_cast<size_t>(p.head_dim - 2 * p.n_pair) * sizeof(float));
}

}  // namespace

void rope(const ops::Rope::In<Tensor>& in, const ops::Rope::Params& params, const ops::Rope::Out<Tensor>& out,
          Context& context) {
    const int64_t n_pair = params.n_rot / 2;
    auto* quarters = reinterpret_cast<double*>(context.reserve_shared(n_pair * int64_t{sizeof(double)}));
    find_quarters(params, in.factors ? in.factors.elements<const float>() : nullptr, quarters);
    const Problem p{&in.x, &out.y, params, in.x.extent(1), in.x.extent(2), n_pair, quarters};
    const std::span<const int32_t> positions = in.positions.index();
    context.reserve_scratch(4 * n_pair);
    context.parallel_for(in.x.extent(0), grain_of(2 * p.n_head * p.head_dim + 16 * n_pair),
                         [&](int64_t begin, int64_t end, int worker) {
                             float* cosines = context.scratch(worker);
                             float* sines = cosines + 2 * n_pair;
                             for (int64_t t = begin; t < end; ++t) {
                                 const float* x = p.x->row<const float>(t);
                                 float* y = p.y->row<float>(t);
                                 const int32_t position = positions[static_cast<size_t>(t)];
                                 if (position < 0) {
                                     std::memcpy(y, x, static_cast<size_t>(p.n_head * p.head_dim) * sizeof(float));
                                     continue;
                                 }
                                 find_turns(p, position, cosines, sines);
                                 for (int64_t h = 0; h < p.n_head; ++h)
                                     turn_head(p, x + h * p.head_dim, cosines, sines, y + h * p.head_dim);
                             }
                         });
}

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
