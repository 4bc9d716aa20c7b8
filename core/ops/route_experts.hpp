// SPDX-License-Identifier: Apache-2.0
//
// route_experts: which experts each row goes to, and with what weight (Shazeer et al. 2017; sigmoid gates, the bias that
// chooses and groups: DeepSeek-V3, arXiv 2412.19437, section 2.1.2). For row t with logits over E experts:
//   prob    = softmax(logits) or sigmoid(logits), over all E;  rank = prob + bias                      bias absent: 0
//   groups of E / n_group experts in a row: the n_group_used best count, by the sum of their two largest ranks (or only one)
//   ids     = the k largest by rank among those, largest first;  weight[i] = prob[ids[i]]
//   weight /= sum of the k weights + sum_eps, where `normalize`;  weight *= scale
//   logits f32 [T, E] · bias f32 [E]? · params: 1 <= k <= E / n_group * n_group_used, n_group divides E -> ids i32 [T, k],
//   weights f32 [T, k]
// Equal ranks, and equal groups, come in the order of their numbers; NaN counts as smaller than everything. So ids are always k
// different experts; a NaN logit makes the weights of its row NaN with softmax, and its own with sigmoid. With softmax so does
// +infinity, and a row of -infinity alone. A backend may compute in float32: ranks that are nearer to each other than that
// rounds may change places.
#pragma once

#include "core/ops/op_spec.hpp"

namespace krait::ops {

enum class ExpertGate : int32_t { softmax = 0, sigmoid = 1 };

struct RouteExpertsParams {
    int32_t k = 1;
    ExpertGate gate = ExpertGate::softmax;
    int32_t normalize = 0;
    float sum_eps = 0.0f;
    float scale = 1.0f;
    int32_t n_group = 1, n_group_used = 1;
};

struct RouteExperts {
    using Params = RouteExpertsParams;
    KRAIT_INPUTS((logits, kValue), (bias, optional(kVector)))
    KRAIT_OUTPUTS((ids, kValue), (weights, kValue))

    static Result<void> infer(const In<const TensorDesc*>& in, const Params& params, Out<TensorDesc>& out) {
        KRAIT_CHECK(expect_f32("logits", *in.logits, 2));
        const int64_t n_tok = in.logits->extent[0], n_expert = in.logits->extent[1];
        if (in.bias) KRAIT_CHECK(expect_f32("bias", *in.bias, {n_expert}));
        const auto bad = ErrorCode::invalid_argument;
        if (params.n_group < 1 || n_expert % params.n_group != 0 || params.n_group_used < 1 ||
            params.n_group_used > params.n_group)
            return fail(bad, "{} of {} groups of {} experts: groups must divide the experts", params.n_group_used,
                        params.n_group, n_expert);
        const int64_t n_choice = n_expert / params.n_group * params.n_group_used;
        if (params.k < 1 || params.k > n_choice) return fail(bad, "k = {}: a row chooses among {} experts", params.k, n_choice);
        if (params.gate != ExpertGate::softmax && params.gate != ExpertGate::sigmoid)
            return fail(bad, "gate {}: 0 (softmax) and 1 (sigmoid) exist", static_cast<int32_t>(params.gate));
        if (!(params.sum_eps >= 0)) return fail(bad, "sum_eps {} must not be below 0", params.sum_eps);
        out.ids = make_desc(DType::I32, {n_tok, params.k});
        out.weights = make_desc(DType::F32, {n_tok, params.k});
        return {};
    }
};

}  // namespace krait::ops
