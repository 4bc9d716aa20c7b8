// SPDX-License-Identifier: Apache-2.0
//
// route_experts: a block for each row. Probabilities are double, as experts must come in the order that the contract says, not
// in that of a rounding: E exponentials a row, nothing beside the product that gave the logits. A rank becomes a 64-bit key,
// larger key first; an expert counts those before it, and so knows its place. Grid: (rows).
#pragma once

#include "backends/cuda/kernels/rows.cuh"
#include "backends/cuda/kernels/warp.cuh"

namespace krait::cuda {

KRAIT_CONSTANT int kRouteBlock = 256;

struct RouteOperands {
    Rows<const float> logits;
    const float* bias;  // null: 0
    Rows<int32_t> ids;
    Rows<float> weights;
    int32_t n_expert, k, n_group, n_group_used;
    bool softmax, normalize;
    float sum_eps, scale;
};

// Shared memory of a block, one array behind the other: probabilities and keys of experts, scores of groups, whether they
// count, and the chosen experts.
struct RouteMemory {
    double* prob;
    uint64_t* key;
    uint64_t* group;
    int32_t* chosen;

    static constexpr size_t bytes(int64_t n_expert, int64_t n_group, int64_t k) {
        return static_cast<size_t>(n_expert) * (sizeof(double) + sizeof(uint64_t)) +
               static_cast<size_t>(n_group) * sizeof(uint64_t) + static_cast<size_t>(k) * sizeof(int32_t);
    }
    KRAIT_DEVICE RouteMemory(unsigned char* memory, const RouteOperands& op)
        : prob(reinterpret_cast<double*>(memory)),
          key(reinterpret_cast<uint64_t*>(prob + op.n_expert)),
          group(key + op.n_expert),
          chosen(reinterpret_cast<int32_t*>(group + op.n_group)) {}
};

// Ordered as the numbers are, NaN first of all; none is 0.
KRAIT_DEVICE uint64_t order_key(double value) {
    if (value != value) return 1;
    const uint64_t bits = double_bits(value + 0.0);  // -0 is +0
    return bits >> 63 != 0 ? ~bits : bits | 0x8000000000000000ull;
}

// Of keys[0, n), how many come before number i: those that are larger, and equal ones with a smaller number.
KRAIT_DEVICE int32_t place_of(const uint64_t* keys, int32_t n, int32_t i) {
    int32_t place = 0;
    for (int32_t other = 0; other < n; ++other) place += keys[other] > keys[i] || (keys[other] == keys[i] && other < i) ? 1 : 0;
    return place;
}

class Router {
  public:
    KRAIT_DEVICE Router(const RouteOperands& operands, const RouteMemory& shared) : op(operands), memory(shared) {}

    KRAIT_DEVICE void run(int64_t t) const {
        find_probabilities(op.logits.row(t));
        for (int32_t e = first(); e < op.n_expert; e += kRouteBlock) memory.key[e] = order_key(rank(e));
        block_barrier();
        if (op.n_group_used < op.n_group) leave_out_groups();
        for (int32_t e = first(); e < op.n_expert; e += kRouteBlock) {
            if (memory.key[e] == 0) continue;
            const int32_t place = place_of(memory.key, op.n_expert, e);
            if (place < op.k) memory.chosen[place] = e;
        }
        block_barrier();
        store(t);
    }

  private:
    KRAIT_DEVICE static int32_t first() { return static_cast<int32_t>(threadIdx.x); }
    KRAIT_DEVICE double rank(int32_t e) const {
        return op.bias ? memory.prob[e] + static_cast<double>(op.bias[e]) : memory.prob[e];
    }

    KRAIT_DEVICE void find_probabilities(const float* logits) const {
        if (!op.softmax) {
            for (int32_t e = first(); e < op.n_expert; e += kRouteBlock)
                memory.prob[e] = 1.0 / (1.0 + exp_double(-static_cast<double>(logits[e])));
            return;
        }
        KRAIT_SHARED(float, partial_largest, kRouteBlock / kWarpSize);
        KRAIT_SHARED(double, partial_sum, kRouteBlock / kWarpSize);
        float largest = -bits_float(0x7f800000u);
        for (int32_t e = first(); e < op.n_expert; e += kRouteBlock) largest = LargestOf()(largest, logits[e]);
        largest = reduce_block<kRouteBlock>(largest, partial_largest, LargestOf());
        double sum = 0;
        for (int32_t e = first(); e < op.n_expert; e += kRouteBlock) {
            const double prob = exp_double(static_cast<double>(logits[e]) - static_cast<double>(largest));
            memory.prob[e] = prob;
            sum += prob;
        }
        sum = reduce_block<kRouteBlock>(sum, partial_sum, SumOf());
        for (int32_t e = first(); e < op.n_expert; e += kRouteBlock) memory.prob[e] /= sum;
    }

    // Experts of groups that do not count get the key 0.
    KRAIT_DEVICE void leave_out_groups() const {
        const int32_t size = op.n_expert / op.n_group;
        for (int32_t g = first(); g < op.n_group; g += kRouteBlock) {
            uint64_t best = 0, second = 0;
            int32_t best_at = 0, second_at = 0;
            for (int32_t e = g * size; e < (g + 1) * size; ++e) {
                const uint64_t key = memory.key[e];
                if (key > best) second = best, second_at = best_at, best = key, best_at = e;
                else if (key > second) second = key, second_at = e;
            }
            memory.group[g] = order_key(size > 1 ? rank(best_at) + rank(second_at) : rank(best_at));
        }
        block_barrier();
        for (int32_t e = first(); e < op.n_expert; e += kRouteBlock)
            if (place_of(memory.group, op.n_group, e / size) >= op.n_group_used) memory.key[e] = 0;
        block_barrier();
    }

    KRAIT_DEVICE void store(int64_t t) const {
        double sum = op.sum_eps;
        if (op.normalize)
            for (int32_t i = 0; i < op.k; ++i) sum += memory.prob[memory.chosen[i]];
        for (int32_t i = first(); i < op.k; i += kRouteBlock) {
            const int32_t e = memory.chosen[i];
            const double weight = op.normalize ? memory.prob[e] / sum : memory.prob[e];
            op.ids.row(t)[i] = e;
            op.weights.row(t)[i] = static_cast<float>(weight * static_cast<double>(op.scale));
        }
    }

    const RouteOperands& op;
    const RouteMemory& memory;
};

template <int = 0>  // a template, so that several sources may include it
KRAIT_GLOBAL(kRouteBlock) route_experts_kernel(RouteOperands op) {
    KRAIT_DYNAMIC_SHARED(unsigned char, shared);
    wait_for_earlier_kernels();
    let_next_kernel_start();
    const RouteMemory memory(shared, op);
    Router(op, memory).run(blockIdx.x);
}

}  // namespace krait::cuda
