// SPDX-License-Identifier: Apache-2.0
#include "core/ops/route_experts.hpp"

#include <algorithm>
#include <limits>
#include <numeric>

#include "backends/cpu/reference/kernels.hpp"

namespace krait::reference {
namespace {

std::vector<double> probabilities(const float* logits, int64_t n, ops::ExpertGate gate) {
    std::vector<double> prob(static_cast<size_t>(n));
    if (gate == ops::ExpertGate::sigmoid) {
        for (int64_t e = 0; e < n; ++e) prob[static_cast<size_t>(e)] = 1.0 / (1.0 + std::exp(-double(logits[e])));
        return prob;
    }
    double largest = -std::numeric_limits<double>::infinity(), sum = 0;
    for (int64_t e = 0; e < n; ++e) largest = std::fmax(largest, double(logits[e]));
    for (int64_t e = 0; e < n; ++e) sum += prob[static_cast<size_t>(e)] = std::exp(double(logits[e]) - largest);
    for (double& p : prob) p /= sum;
    return prob;
}

// Numbers from 0, the largest value first; NaN behind all others.
std::vector<int32_t> order_of(const std::vector<double>& values) {
    std::vector<int32_t> order(values.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
        const double x = values[static_cast<size_t>(a)], y = values[static_cast<size_t>(b)];
        return x > y || (std::isnan(y) && !std::isnan(x));
    });
    return order;
}

}  // namespace

void route_experts(const ops::RouteExperts::In<Tensor>& in, const ops::RouteExperts::Params& params,
                   const ops::RouteExperts::Out<Tensor>& out, Context&) {
    const int64_t n_expert = in.logits.extent(1), group_size = n_expert / params.n_group;
    for (int64_t t = 0; t < in.logits.extent(0); ++t) {
        const std::vector<double> prob = probabilities(in.logits.row<const float>(t), n_expert, params.gate);
        std::vector<double> rank = prob;
        for (int64_t e = 0; in.bias && e < n_expert; ++e)
            rank[static_cast<size_t>(e)] += double(in.bias.elements<const float>()[e]);
        std::vector<double> group_score;
        for (int64_t g = 0; g < params.n_group; ++g) {
            const std::vector<double> ranks(rank.begin() + g * group_size, rank.begin() + (g + 1) * group_size);
            const std::vector<int32_t> best = order_of(ranks);
            group_score.push_back(ranks[static_cast<size_t>(best[0])] +
                                  (group_size > 1 ? ranks[static_cast<size_t>(best[1])] : 0.0));
        }
        const std::vector<int32_t> groups = order_of(group_score);
        std::vector<bool> counts(static_cast<size_t>(params.n_group), false);
        for (int32_t g = 0; g < params.n_group_used; ++g) counts[static_cast<size_t>(groups[static_cast<size_t>(g)])] = true;
        std::vector<int32_t> chosen;
        for (const int32_t e : order_of(rank))
            if (counts[static_cast<size_t>(e / group_size)] && static_cast<int32_t>(chosen.size()) < params.k)
                chosen.push_back(e);
        double sum = params.sum_eps;
        for (const int32_t e : chosen) sum += prob[static_cast<size_t>(e)];
        for (size_t i = 0; i < chosen.size(); ++i) {
            const double weight = prob[static_cast<size_t>(chosen[i])] / (params.normalize != 0 ? sum : 1.0);
            out.ids.row<int32_t>(t)[i] = chosen[i];
            out.weights.row<float>(t)[i] = static_cast<float>(weight * double(params.scale));
        }
    }
}

}  // namespace krait::reference
