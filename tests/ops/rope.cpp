// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "tests/harness/case.hpp"

namespace krait::harness {
namespace {

using ops::Rope, ops::RopePairing, ops::RopeParams;

void evaluate(const Rope::In<Values>& in, const RopeParams& params, const Rope::Out<std::vector<double>*>& out) {
    const int64_t n_head = in.x.extent(1), head_dim = in.x.extent(2), half = params.n_rot / 2;
    const bool adjacent = params.pairing == RopePairing::adjacent;
    for (int64_t t = 0; t < in.x.extent(0); ++t)
        for (int64_t h = 0; h < n_head; ++h)
            for (int64_t e = 0; e < head_dim; ++e) {
                double& y = (*out.y)[static_cast<size_t>((t * n_head + h) * head_dim + e)];
                y = in.x.at(t, h * head_dim + e);
                if (e >= params.n_rot || in.positions.id(t) < 0) continue;
                const int64_t pair = adjacent ? e / 2 : e % half;
                const bool is_first = adjacent ? e % 2 == 0 : e < half;
                const int64_t other = adjacent ? e ^ 1 : (e + half) % params.n_rot;
                const double width = std::max(static_cast<double>(params.ramp_high) - params.ramp_low, 0.001);
                const double ramp = std::min(std::max((static_cast<double>(pair) - params.ramp_low) / width, 0.0), 1.0);
                double angle = in.positions.id(t) /
                               std::pow(static_cast<double>(params.base), 2.0 * static_cast<double>(pair) / params.n_rot);
                if (in.factors) angle /= in.factors.at(pair);
                angle *= (1 - ramp) + params.scale * ramp;
                const double x_other = in.x.at(t, h * head_dim + other);
                y = params.magnitude * (y * std::cos(angle) + (is_first ? -1 : 1) * x_other * std::sin(angle));
            }
}

using Cases = OpCases<Rope, evaluate>;

struct Shape {
    int64_t n_tok = 5, n_head = 2, head_dim = 32;
};

const std::vector<int32_t> kPlaces{0, 1, 4095, 131071, 1 << 20, (1 << 24) - 1, -1, 2, 77};

Case& add(Cases& op, const std::string& name, const Shape& shape, RopeParams params, bool with_factors = false,
          std::vector<int32_t> places = kPlaces) {
    std::vector<int32_t> positions;
    for (int64_t t = 0; t < shape.n_tok; ++t) positions.push_back(places[static_cast<size_t>(t) % places.size()]);
    Rope::In<Operand> in{
        .x = f32({shape.n_tok, shape.n_head, shape.head_dim}), .positions = index(std::move(positions)), .factors = {}};
    if (with_factors) in.factors = f32({params.n_rot / 2}, uniform(1, 8));
    Case& added = op.add(name, in, params);
    added.flops = static_cast<double>(shape.n_tok * shape.n_head * params.n_rot * 3);
    return added;
}

void add_both(Cases& op, const std::string& name, const Shape& shape, RopeParams params, bool with_factors = false) {
    for (const RopePairing pairing : {RopePairing::adjacent, RopePairing::halves}) {
        params.pairing = pairing;
        add(op, fmt::format("{}.{}", pairing == RopePairing::adjacent ? "adjacent" : "halves", name), shape, params,
            with_factors);
    }
}

void add_shapes(Cases& op) {
    for (const int64_t dim : {2, 6, 16, 32, 64, 80, 96, 128, 256})
        add_both(op, fmt::format("dim{}", dim), {9, 3, dim}, {.n_rot = static_cast<int32_t>(dim)});
    for (const auto& [dim, n_rot] : {std::pair<int64_t, int32_t>{64, 32}, {64, 2}, {128, 64}, {33, 30}, {96, 34}, {7, 6}})
        add_both(op, fmt::format("dim{}.rot{}", dim, n_rot), {9, 2, dim}, {.n_rot = n_rot});
    for (const int64_t n_tok : {0, 1, 2, 17, 65})
        for (const int64_t n_head : {1, 8, 12})
            add_both(op, fmt::format("t{}.h{}", n_tok, n_head), {n_tok, n_head, 64}, {.n_rot = 64});
    add_both(op, "padding", {8, 2, 32}, {.n_rot = 32});
    add(op, "halves.all_padding", {3, 2, 32}, {.n_rot = 32, .pairing = RopePairing::halves}, false, {-1});
    add(op, "halves.prompt", {512, 12, 64}, {.n_rot = 64, .pairing = RopePairing::halves}).heavy = true;
}

void add_angles(Cases& op) {
    const Shape shape{9, 2, 64};
    for (const float base : {100.0f, 10000.0f, 5e5f, 1e7f, 1e11f})
        add_both(op, fmt::format("base{}", base), shape, {.n_rot = 64, .base = base});
    add_both(op, "base1", shape, {.n_rot = 64, .base = 1.0f});  // every pair turns by p radians
    add_both(op, "factors", shape, {.n_rot = 64}, true);
    add_both(op, "factors.rot32", shape, {.n_rot = 32, .base = 5e5f}, true);
    for (const float scale : {0.25f, 0.125f, 2.0f})
        add_both(op, fmt::format("linear{}", scale), shape, {.n_rot = 64, .scale = scale});
    add_both(op, "yarn", shape, {.n_rot = 64, .scale = 0.25f, .ramp_low = 8.5f, .ramp_high = 20, .magnitude = 1.1386294f});
    add_both(op, "yarn.step", shape, {.n_rot = 64, .scale = 0.5f, .ramp_low = 10, .ramp_high = 10});
    add_both(op, "yarn.factors", shape, {.n_rot = 64, .scale = 0.25f, .ramp_low = 4, .ramp_high = 30.5f, .magnitude = 0.9f},
             true);
    add_both(op, "magnitude", shape, {.n_rot = 64, .magnitude = 1.5f});
}

void add_values(Cases& op) {
    const float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
    const auto with = [&](const char* name, Fill fill) {
        Case& of = add(op, name, {9, 2, 32}, {.n_rot = 16, .pairing = RopePairing::halves});
        of.in[0].fill = std::move(fill);
    };
    with("halves.large", normal(0, 1e30f));
    with("halves.tiny", normal(0, 1e-30f));
    with("halves.nan", normal().with({1, 3, nan}));
    with("halves.copied", normal().with({1, 20, inf}).with({6, 3, -inf}).with({6, 5, nan}));  // not turned: as it is
}

void add_wrong(Cases& op) {
    const auto wrong = [&](const char* name, Rope::In<Operand> in, RopeParams params, std::vector<std::string> words) {
        op.add_illegal(name, in, params, std::move(words));
    };
    const Operand x = f32({2, 3, 32}), positions = index({0, 1});
    wrong("position_end", {.x = x, .positions = index({0, 1 << 24}), .factors = {}}, {.n_rot = 32},
          {"positions[1] = 16777216", "0 to 16777215"});
    wrong("position_negative", {.x = x, .positions = index({-2, 0}), .factors = {}}, {.n_rot = 32}, {"positions[0] = -2"});
    wrong("positions_short", {.x = x, .positions = index({0}), .factors = {}}, {.n_rot = 32}, {"'positions'", "[2]"});
    wrong("positions_type", {.x = x, .positions = f32({2}), .factors = {}}, {.n_rot = 32}, {"'positions'", "I32"});
    wrong("x_rank", {.x = f32({2, 96}), .positions = positions, .factors = {}}, {.n_rot = 32}, {"'x'", "rank 3"});
    wrong("odd", {.x = x, .positions = positions, .factors = {}}, {.n_rot = 31}, {"n_rot 31", "even"});
    wrong("none", {.x = x, .positions = positions, .factors = {}}, {.n_rot = 0}, {"n_rot 0"});
    wrong("too_wide", {.x = x, .positions = positions, .factors = {}}, {.n_rot = 34}, {"n_rot 34", "32 elements"});
    wrong("pairing", {.x = x, .positions = positions, .factors = {}}, {.n_rot = 32, .pairing = static_cast<RopePairing>(2)},
          {"pairing 2"});
    wrong("base", {.x = x, .positions = positions, .factors = {}}, {.n_rot = 32, .base = 0}, {"base 0"});
    wrong("scale", {.x = x, .positions = positions, .factors = {}}, {.n_rot = 32, .scale = 0}, {"scale 0"});
    wrong("factors", {.x = x, .positions = positions, .factors = f32({32})}, {.n_rot = 32}, {"'factors'", "[16]"});
}

}  // namespace

void add_rope_cases(CaseList& list) {
    Cases op = list.op<Rope, evaluate>();
    add_shapes(op);
    add_angles(op);
    add_values(op);
    add_wrong(op);
}

}  // namespace krait::harness
