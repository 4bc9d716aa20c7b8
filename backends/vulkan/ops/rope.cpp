// SPDX-License-Identifier: Apache-2.0
#include "core/ops/rope.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "backends/vulkan/kernels.hpp"
#include "backends/vulkan/ops/rope_params.h"

namespace krait::vulkan {
namespace {

RopeAngle angle_of(const ops::RopeParams& op, int32_t pair, bool has_factors) {
    const double width = std::fmax(double{op.ramp_high} - double{op.ramp_low}, 0.001),
                 ramp = std::clamp((pair - double{op.ramp_low}) / width, 0.0, 1.0);
    const double turns =
        std::pow(double{op.base}, -2.0 * pair / op.n_rot) * (1 + (double{op.scale} - 1) * ramp) / (2 * std::numbers::pi);
    RopeAngle angle{};
    const double significand = has_factors ? std::frexp(turns, &angle.exponent) : turns - std::floor(turns);
    angle.word = static_cast<uint64_t>(std::ldexp(significand, 64));
    return angle;
}

}  // namespace

void rope(const ops::Rope::In<Tensor>& in, const ops::Rope::Params& op, const ops::Rope::Out<Tensor>& out, Recorder& recorder) {
    constexpr uint32_t kLanes = 64;
    const uint32_t heads = recorder.is_cpu() ? 16 : 4;  // a lane
    const auto n_tok = static_cast<uint64_t>(in.x.extent(0));
    RopeParams params{.x = rows(in.x), .y = rows(out.y), .positions = address(in.positions)};
    params.factors = address_or(in.factors, in.positions);
    params.n_head = static_cast<uint32_t>(in.x.extent(1));
    params.head_dim = static_cast<uint32_t>(in.x.extent(2));
    if (n_tok == 0 || params.n_head == 0) return;
    params.n_rot = static_cast<uint32_t>(op.n_rot);
    params.columns = (params.head_dim + 1) / 2;
    params.magnitude = op.magnitude;
    const uint64_t n_task = uint64_t{params.columns} * ((params.n_head + heads - 1) / heads);
    params.groups_per_row = static_cast<uint32_t>((n_task + kLanes - 1) / kLanes);
    params.n_groups = n_tok * params.groups_per_row;
    const bool has_factors{in.factors}, is_adjacent = op.pairing == ops::RopePairing::adjacent;
    std::vector<RopeAngle> angles;
    for (int32_t pair = 0; pair < op.n_rot / 2; ++pair) angles.push_back(angle_of(op, pair, has_factors));
    recorder.dispatch({shaders::rope, {kLanes, 1, heads, uint32_t{is_adjacent}, uint32_t{has_factors}}}, params,
                      recorder.groups(params.n_groups), std::as_bytes(std::span(angles)));
}

}  // namespace krait::vulkan
