// SPDX-License-Identifier: Apache-2.0
#version 460
#extension GL_GOOGLE_include_directive : require
// Dispatch: a work group a row. The order of all experts is in one word each, which shared memory holds: 0 where an expert is no
// longer to be had, else 1 + order_key of its rank.
#include "backends/vulkan/ops/route_experts_params.h"
#include "backends/vulkan/shaders/exponential.glsl"
#include "backends/vulkan/shaders/order.glsl"
#include "backends/vulkan/shaders/reduce.glsl"

layout(constant_id = 2) const bool kSigmoid = false;
layout(constant_id = 3) const uint kMaxExperts = 64;
layout(constant_id = 4) const uint kMaxGroups = 1;
KRAIT_PARAMS(RouteExpertsParams);

shared uint ranked[kMaxExperts];
shared float ranks[kMaxExperts];  // those of all experts, while groups are chosen; then the weights of the chosen
shared uint group_ranked[kMaxGroups];
const uint kNone = 0xffffffffu;

// The denominator of softmax; largest: of the logits that are numbers. NaN where one of them is not.
float sum_of_exponentials(uint64_t logits, out float largest) {
    largest = uintBitsToFloat(0xff800000u);  // -infinity
    for (uint e = gl_LocalInvocationID.x; e < params.n_expert; e += kGroupSize) {
        const float v = F32(logits).at[e];
        if (!is_nan(v) && v > largest) largest = v;
    }
    largest = group_max(largest);
    float sum = 0.0;
    for (uint e = gl_LocalInvocationID.x; e < params.n_expert; e += kGroupSize) sum += exp_of(F32(logits).at[e] - largest);
    return group_sum(sum);
}

float probability(float logit, float largest, float sum) {
    return kSigmoid ? 1.0 / (1.0 + exp_of(-logit)) : exp_of(logit - largest) / sum;
}

// The sum of the two largest ranks of a group, or its only one; a NaN is the smaller.
float group_score(uint group, uint group_size) {
    uint first = group * group_size, second = kNone;
    for (uint e = group * group_size + 1u; e < (group + 1u) * group_size; ++e) {
        if (ranked[e] > ranked[first]) {
            second = first;
            first = e;
        } else if (second == kNone || ranked[e] > ranked[second]) {
            second = e;
        }
    }
    return second == kNone ? ranks[first] : ranks[first] + ranks[second];
}

void keep_best_groups() {
    const uint group_size = params.n_expert / params.n_group;
    barrier();
    for (uint g = gl_LocalInvocationID.x; g < params.n_group; g += kGroupSize)
        group_ranked[g] = order_key(floatBitsToUint(group_score(g, group_size)));
    barrier();
    for (uint g = gl_LocalInvocationID.x; g < params.n_group; g += kGroupSize) {
        uint before = 0u;
        for (uint other = 0; other < params.n_group; ++other)
            before += group_ranked[other] > group_ranked[g] || (group_ranked[other] == group_ranked[g] && other < g) ? 1u : 0u;
        if (before < params.n_group_used) continue;
        for (uint e = g * group_size; e < (g + 1u) * group_size; ++e) ranked[e] = 0u;
    }
    barrier();
}

void main() {
    const uint64_t row = group_index();
    if (row >= params.n_row) return;
    const uint64_t logits = row_address(params.logits, row), ids = row_address(params.ids, row),
                   weights = row_address(params.weights, row);
    float largest = 0.0, sum = 1.0;
    if (!kSigmoid) sum = sum_of_exponentials(logits, largest);
    for (uint e = gl_LocalInvocationID.x; e < params.n_expert; e += kGroupSize) {
        float rank = probability(F32(logits).at[e], largest, sum);
        if (params.bias != 0ul) rank += F32(params.bias).at[e];
        ranked[e] = 1u + order_key(floatBitsToUint(rank));
        if (kMaxGroups > 1u) ranks[e] = rank;
    }
    if (kMaxGroups > 1u) keep_best_groups();

    // Each lane knows the best of its own experts; the best of all lanes is taken, and its lane looks for its next.
    uint best = 0u, at = kNone;
    bool look = true;
    float total = 0.0;
    for (uint i = 0; i < params.k; ++i) {
        if (look) {
            best = 0u;
            at = kNone;
            for (uint e = gl_LocalInvocationID.x; e < params.n_expert; e += kGroupSize) {
                if (ranked[e] <= best) continue;
                best = ranked[e];
                at = e;
            }
        }
        const uint most = group_max(best), chosen = group_min(best == most ? at : kNone);
        const float weight = probability(F32(logits).at[chosen], largest, sum);
        total += weight;
        look = at == chosen;
        if (!look) continue;
        ranked[chosen] = 0u;
        ranks[i] = weight;
        U32(ids).at[i] = chosen;
    }
    barrier();
    for (uint i = gl_LocalInvocationID.x; i < params.k; i += kGroupSize) {
        const float weight = params.normalize != 0u ? ranks[i] / (total + params.sum_eps) : ranks[i];
        F32(weights).at[i] = weight * params.scale;
    }
}
