// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/ops/rope.cuh"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "backends/cuda/ops/operands.hpp"
#include "core/ops/rope.hpp"

namespace krait::cuda {

// By how many turns a pair goes on from place to place, without factors.
static double turns_of_place(const ops::RopeParams& params, int32_t pair) {
    const double low = params.ramp_low, width = std::fmax(static_cast<double>(params.ramp_high) - low, 0.001);
    const double ramp = std::clamp((pair - low) / width, 0.0, 1.0);
    const double frequency = std::pow(static_cast<double>(params.base), -2.0 * pair / params.n_rot);
    return frequency * (1 + (static_cast<double>(params.scale) - 1) * ramp) / (2 * std::numbers::pi);
}

void rope(const ops::Rope::In<Tensor>& in, const ops::Rope::Params& params, const ops::Rope::Out<Tensor>& out,
          Context& context) {
    RopeOperands op{};
    op.x = input_rows<float>(in.x);
    op.y = output_rows<float>(out.y);
    op.positions = input_elements<int32_t>(in.positions);
    op.factors = input_elements<float>(in.factors);
    op.n_row = in.x.extent(0);
    op.n_head = static_cast<int32_t>(in.x.extent(1));
    op.head_dim = static_cast<int32_t>(in.x.extent(2));
    op.n_rot = params.n_rot;
    op.adjacent = params.pairing == ops::RopePairing::adjacent;
    op.magnitude = params.magnitude;
    const int32_t n_pair = op.n_rot / 2, n_unit = n_pair + (op.head_dim - op.n_rot + 1) / 2;
    for (op.first_pair = 0; op.first_pair < n_unit; op.first_pair += op.n_unit) {
        // What is copied needs no turns: it goes with the last pairs.
        const bool last = op.first_pair + kRopePairs >= n_pair;
        op.n_unit = last ? n_unit - op.first_pair : kRopePairs;
        RopeTurns turns{};
        for (int32_t i = 0; i < kRopePairs && op.first_pair + i < n_pair; ++i)
            turns.of_place[i] = turns_of_place(params, op.first_pair + i);
        launch(context.stream,
               {.name = "rope",
                .grid = {blocks_for(op.n_unit, kRopeBlock), blocks_for(op.n_head, kRopeHeads),
                         static_cast<uint32_t>(std::min<int64_t>(op.n_row, 65535))},
                .block = {kRopeBlock}},
               &rope_kernel<>, op, turns);
    }
}

}  // namespace krait::cuda
