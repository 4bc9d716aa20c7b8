// SPDX-License-Identifier: Apache-2.0
//
// route_experts (contract: core/ops/route_experts.hpp): probabilities in registers, then choices from a heap.
#include "core/ops/route_experts.hpp"
#include "backends/cpu/cpu_backend.hpp"
#include "backends/cpu/ops/k_best.hpp"
#include "backends/cpu/ops/softmax_row.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

namespace {

void sigmoid_row(const float* x, int64_t n, float* y) {
    const Vec one = broadcast(1.0f);
    for_each_vec(
        n, [&](int64_t i, int64_t count) { store_up_to(y + i, one / (one + exp(zero() - load_up_to(x + i, count))), count); });
}

// Routes rows, in memory of the thread.
class Router {
  public:
    Router(const ops::RouteExperts::Params& params, const float* bias, int64_t n_expert, float* memory)
        : params_(params), bias_(bias), n_expert_(n_expert), prob_(memory), rank_(prob_ + n_expert), score_(rank_ + n_expert) {
        number_ = reinterpret_cast<int32_t*>(score_ + params.n_group);
        best_groups_ = number_ + n_expert;
    }
    static int64_t memory_floats(int64_t n_expert, int64_t n_group) { return 3 * n_expert + 2 * n_group; }

    void route(const float* logits, int32_t* ids, float* weights) {
        if (params_.gate == ops::ExpertGate::softmax) softmax_row(logits, 1.0f, n_expert_, prob_);
        else sigmoid_row(logits, n_expert_, prob_);
        for (int64_t e = 0; e < n_expert_; ++e) rank_[e] = bias_ ? prob_[e] + bias_[e] : prob_[e];
        if (params_.n_group == params_.n_group_used) {
            k_best(rank_, n_expert_, params_.k, ids);
        } else {
            k_best(rank_, keep_best_groups(), params_.k, ids);
            for (int32_t i = 0; i < params_.k; ++i) ids[i] = number_[ids[i]];
        }
        double sum = static_cast<double>(params_.sum_eps);
        for (int32_t i = 0; i < params_.k; ++i) sum += static_cast<double>(prob_[ids[i]]);
        const double factor = static_cast<double>(params_.scale) / (params_.normalize != 0 ? sum : 1.0);
        for (int32_t i = 0; i < params_.k; ++i) weights[i] = static_cast<float>(static_cast<double>(prob_[ids[i]]) * factor);
    }

  private:
    // Moves the ranks of those groups to the front, in their order; returns how many there are. number_ says whose they are.
    int64_t keep_best_groups() {
        const int64_t size = n_expert_ / params_.n_group;
        for (int64_t group = 0; group < params_.n_group; ++group) {
            const float* ranks = rank_ + group * size;
            int32_t two[2];
            k_best(ranks, size, std::min<int64_t>(size, 2), two);
            score_[group] = size > 1 ? ranks[two[0]] + ranks[two[1]] : ranks[two[0]];
        }
        k_best(score_, params_.n_group, params_.n_group_used, best_groups_);
        std::sort(best_groups_, best_groups_ + params_.n_group_used);
        int64_t n = 0;
        for (int32_t i = 0; i < params_.n_group_used; ++i)
            for (int64_t e = best_groups_[i] * size; e < (best_groups_[i] + 1) * size; ++e, ++n) {
                rank_[n] = rank_[e];
                number_[n] = static_cast<int32_t>(e);
            }
        return n;
    }

    const ops::RouteExperts::Params& params_;
    const float* bias_;
    int64_t n_expert_;
    float *prob_, *rank_, *score_;
    int32_t *number_, *best_groups_;
};

}  // namespace

void route_experts(const ops::RouteExperts::In<Tensor>& in, const ops::RouteExperts::Params& params,
                   const ops::RouteExperts::Out<Tensor>& out, Context& context) {
    const int64_t n_expert = in.logits.extent(1);
    const float* bias = in.bias ? in.bias.elements<const float>() : nullptr;
    context.reserve_scratch(Router::memory_floats(n_expert, params.n_group));
    context.parallel_for(in.logits.extent(0), grain_of(n_expert * 32), [&](int64_t begin, int64_t end, int worker) {
        Router router(params, bias, n_expert, context.scratch(worker));
        for (int64_t t = begin; t < end; ++t)
            router.route(in.logits.row<const float>(t), out.ids.row<int32_t>(t), out.weights.row<float>(t));
    });
}

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
