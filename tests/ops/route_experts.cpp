// SPDX-License-Identifier: Apache-2.0
//
// Ranks that a case does not make equal on purpose lie far enough apart for any float32 kernel to put them into the same order.
#include <cmath>
#include <limits>

#include "tests/harness/case.hpp"

namespace krait::harness {
namespace {

// Whether `a` comes before `b`, each with its place among the others.
bool comes_before(double a, int64_t at_a, double b, int64_t at_b) {
    if (std::isnan(a) || std::isnan(b)) return std::isnan(a) == std::isnan(b) ? at_a < at_b : std::isnan(b);
    return a != b ? a > b : at_a < at_b;
}

// How many of `values` come before the one at `at`.
int64_t place_of(const std::vector<double>& values, size_t at) {
    int64_t place = 0;
    for (size_t i = 0; i < values.size(); ++i)
        place += comes_before(values[i], static_cast<int64_t>(i), values[at], static_cast<int64_t>(at));
    return place;
}

std::vector<double> gates_of(const Values& logits, int64_t t, ops::ExpertGate gate) {
    std::vector<double> gates;
    double sum = 0, largest = -std::numeric_limits<double>::infinity();
    for (int64_t e = 0; e < logits.extent(1); ++e) largest = std::fmax(largest, logits.at(t, e));
    for (int64_t e = 0; e < logits.extent(1); ++e) {
        const double x = logits.at(t, e);
        gates.push_back(gate == ops::ExpertGate::softmax ? std::exp(x - largest) : 1 / (1 + std::exp(-x)));
        sum += gates.back();
    }
    for (double& g : gates)
        if (gate == ops::ExpertGate::softmax) g /= sum;
    return gates;
}

// A group counts by the sum of its two largest ranks.
double score_of(const double* ranks, int64_t size) {
    const std::vector<double> group(ranks, ranks + size);
    double score = 0;
    for (size_t e = 0; e < group.size(); ++e)
        if (place_of(group, e) < 2) score += group[e];
    return score;
}

void evaluate(const ops::RouteExperts::In<Values>& in, const ops::RouteExpertsParams& params,
              const ops::RouteExperts::Out<std::vector<double>*>& out) {
    const int64_t n_expert = in.logits.extent(1), group_size = n_expert / params.n_group;
    for (int64_t t = 0; t < in.logits.extent(0); ++t) {
        const std::vector<double> prob = gates_of(in.logits, t, params.gate);
        std::vector<double> rank, score;
        for (int64_t e = 0; e < n_expert; ++e) rank.push_back(prob[static_cast<size_t>(e)] + (in.bias ? in.bias.at(e) : 0));
        for (int64_t g = 0; g < params.n_group; ++g) score.push_back(score_of(rank.data() + g * group_size, group_size));

        std::vector<double> candidates;
        std::vector<int64_t> experts;
        for (int64_t e = 0; e < n_expert; ++e) {
            if (place_of(score, static_cast<size_t>(e / group_size)) >= params.n_group_used) continue;
            candidates.push_back(rank[static_cast<size_t>(e)]);
            experts.push_back(e);
        }
        const auto first = static_cast<size_t>(t * params.k);
        double sum = params.sum_eps;
        for (size_t c = 0; c < candidates.size(); ++c) {
            const int64_t place = place_of(candidates, c);
            if (place >= params.k) continue;
            const double weight = prob[static_cast<size_t>(experts[c])];
            (*out.ids)[first + static_cast<size_t>(place)] = static_cast<double>(experts[c]);
            (*out.weights)[first + static_cast<size_t>(place)] = weight * static_cast<double>(params.scale);
            sum += weight;
        }
        for (int32_t i = 0; params.normalize != 0 && i < params.k; ++i) (*out.weights)[first + static_cast<size_t>(i)] /= sum;
    }
}

// Numbers of -4 to 4, of which no two within 1021 of each other are equal; the smallest distance of two is 1 / 128.
Fill apart(float offset = 0) {
    constexpr int kPrime = 1021;
    std::vector<float> values;
    for (int i = 0; i < kPrime; ++i) values.push_back(offset + static_cast<float>(i * 613 % kPrime) / 128 - 4);
    return cycle(values);
}

constexpr ops::ExpertGate kSoftmax = ops::ExpertGate::softmax, kSigmoid = ops::ExpertGate::sigmoid;

}  // namespace

void add_route_experts_cases(CaseList& list) {
    auto op = list.op<ops::RouteExperts, evaluate>();
    const float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
    for (const ops::ExpertGate gate : {kSoftmax, kSigmoid}) {
        const std::string name = gate == kSoftmax ? "softmax" : "sigmoid";
        const auto add = [&](const std::string& what, Operand logits, ops::RouteExpertsParams params, Operand bias = {}) {
            params.gate = gate;
            op.add(name + "." + what, {.logits = std::move(logits), .bias = std::move(bias)}, params);
        };
        for (const int32_t n_expert : {1, 2, 7, 8, 15, 16, 17, 33, 64, 100, 128, 512, 1024}) {
            for (const int32_t k : {1, 2, 3, 6, 8, 22})
                if (k < n_expert)
                    add(fmt::format("t3.e{}.k{}", n_expert, k), f32({3, n_expert}, apart()), {.k = k, .normalize = k % 2});
            add(fmt::format("t2.e{}.all", n_expert), f32({2, n_expert}, apart()), {.k = n_expert});
        }
        for (const int64_t n_tok : {0, 1, 2, 5, 33, 300}) add(fmt::format("t{}", n_tok), f32({n_tok, 64}, apart()), {.k = 6});

        // Equal ranks come in the order of their numbers.
        const Fill ties = cycle({1, 3, 2, 3, 0, 3, 1, 2, 2});
        for (const int32_t k : {1, 2, 4, 8, 33}) add(fmt::format("ties.k{}", k), f32({3, 33}, ties), {.k = k});
        add("equal", f32({3, 64}, all(-2)), {.k = 6, .normalize = 1});
        add("signed_zeros", f32({2, 16}, cycle({-0.0f, 0.0f})), {.k = 5});
        add("ties.groups", f32({3, 32}, all(0.5f)), {.k = 6, .n_group = 8, .n_group_used = 3});

        add("normalize", f32({5, 64}, apart()), {.k = 6, .normalize = 1});
        add("normalize.eps", f32({5, 64}, apart()), {.k = 6, .normalize = 1, .sum_eps = 0.25f});
        add("scale", f32({5, 64}, apart()), {.k = 6, .normalize = 1, .sum_eps = 1e-20f, .scale = 2.5f});
        for (const float scale : {0.0f, -1.0f, 5.0f})
            add(fmt::format("scale{:g}", scale), f32({5, 33}, apart()), {.k = 4, .scale = scale});

        // The bias chooses, the weights are without it.
        add("bias", f32({7, 64}, apart()), {.k = 6, .normalize = 1}, f32({64}, apart()));
        add("bias.tie", f32({3, 64}, all(1)), {.k = 3}, f32({64}, cycle({0, 0, 0.25f})));
        add("bias.decides", f32({5, 40}, apart()), {.k = 3}, f32({40}, all(0).with({39, 0, 10}).with({4, 0, 20})));
        add("bias.excludes", f32({5, 16}, apart()), {.k = 15}, f32({16}, all(0).with({3, 0, -inf})));
        add("bias.infinite", f32({5, 16}, apart()), {.k = 4}, f32({16}, all(0).with({9, 0, inf}).with({2, 0, inf})));
        add("bias.nan", f32({5, 16}, apart()), {.k = 16}, f32({16}, all(0).with({9, 0, nan}).with({2, 0, -inf})));

        struct Groups {
            int32_t n_expert, n_group, n_used, k;
        };
        for (const Groups g : {Groups{64, 8, 3, 6}, Groups{64, 8, 1, 8}, Groups{64, 8, 8, 22}, Groups{64, 64, 10, 10},
                               Groups{64, 32, 4, 8}, Groups{12, 3, 2, 8}, Groups{9, 3, 2, 1}, Groups{21, 3, 1, 7},
                               Groups{256, 8, 4, 8}, Groups{512, 2, 1, 22}, Groups{1, 1, 1, 1}}) {
            const std::string shape = fmt::format("e{}.g{}of{}.k{}", g.n_expert, g.n_used, g.n_group, g.k);
            const ops::RouteExpertsParams params{
                .k = g.k, .normalize = 1, .sum_eps = 1e-20f, .n_group = g.n_group, .n_group_used = g.n_used};
            add("groups." + shape, f32({5, g.n_expert}, apart()), params);
            add("groups.bias." + shape, f32({5, g.n_expert}, apart()), params, f32({g.n_expert}, apart(0.3f)));
        }
        // The largest rank of all lies in a group whose two largest are less than another's.
        add("groups.by_two",
            f32({2, 16}, all(0).with({Patch::kAll, 5, 2}).with({Patch::kAll, 9, 1.5f}).with({Patch::kAll, 10, 1.5f})),
            {.k = 3, .n_group = 4, .n_group_used = 1});

        add("huge", f32({3, 40}, cycle({1e30f, 0, -1e30f})), {.k = 20});
        add("huge.one", f32({3, 40}, all(-1e30f).with({Patch::kAll, 17, 1e30f})), {.k = 6, .normalize = 1});
        add("offset", f32({3, 40}, apart(4)), {.k = 6});
        add("masked", f32({3, 40}, apart().with({Patch::kAll, 0, -inf}).with({1, 39, -inf})), {.k = 40});
        add("masked.but_one", f32({3, 40}, all(-inf).with({Patch::kAll, 33, 1})), {.k = 3, .normalize = 1, .sum_eps = 1e-6f});
        add("masked.row", f32({3, 40}, apart().with({1, Patch::kAll, -inf})), {.k = 4});
        add("infinite", f32({3, 40}, apart().with({1, 30, inf})), {.k = 4});
        add("nan", f32({4, 40}, apart().with({2, 7, nan})), {.k = 6});
        add("nan.all_chosen", f32({4, 40}, apart().with({2, 7, nan}).with({2, 0, -inf})), {.k = 40});
        add("nan.row", f32({4, 40}, apart().with({2, Patch::kAll, nan})), {.k = 5, .normalize = 1});
        add("nan.groups", f32({4, 40}, apart().with({2, 7, nan}).with({2, 8, nan}).with({3, Patch::kAll, nan})),
            {.k = 8, .n_group = 20, .n_group_used = 19});
    }
    // Sums near 0: what sum_eps is for.
    const auto small = [&](const char* name, float sum_eps, float offset) {
        op.add(name, {.logits = f32({5, 64}, apart(offset))},
               {.k = 6, .gate = kSigmoid, .normalize = 1, .sum_eps = sum_eps, .scale = 2.5f});
    };
    small("small_sums.no_eps", 0, -40);
    small("small_sums.eps1e-20", 1e-20f, -44);
    small("small_sums.eps1e-6", 1e-6f, -14);
    op.add("zero_sum", {.logits = f32({5, 64}, all(-1e30f))}, {.k = 6, .gate = kSigmoid, .normalize = 1});
    op.add("zero_sum.eps", {.logits = f32({5, 64}, all(-1e30f))},
           {.k = 6, .gate = kSigmoid, .normalize = 1, .sum_eps = 1e-20f});

    const Operand logits = f32({3, 8});
    op.add_illegal("k0", {.logits = logits}, {.k = 0}, {"k = 0", "8 experts"});
    op.add_illegal("k9", {.logits = logits}, {.k = 9}, {"k = 9", "8 experts"});
    op.add_illegal("k_of_groups", {.logits = logits}, {.k = 5, .n_group = 4, .n_group_used = 2}, {"k = 5", "4 experts"});
    op.add_illegal("no_experts", {.logits = f32({3, 0})}, {}, {"k = 1", "0 experts"});
    op.add_illegal("groups", {.logits = logits}, {.n_group = 3, .n_group_used = 1}, {"3 groups", "8 experts", "divide"});
    op.add_illegal("groups0", {.logits = logits}, {.n_group = 0}, {"0 groups"});
    op.add_illegal("groups_used0", {.logits = logits}, {.n_group = 4, .n_group_used = 0}, {"0 of 4 groups"});
    op.add_illegal("groups_used5", {.logits = logits}, {.n_group = 4, .n_group_used = 5}, {"5 of 4 groups"});
    op.add_illegal("gate", {.logits = logits}, {.gate = static_cast<ops::ExpertGate>(2)}, {"gate 2", "softmax"});
    op.add_illegal("sum_eps", {.logits = logits}, {.sum_eps = -1}, {"sum_eps -1"});
    op.add_illegal("sum_eps_nan", {.logits = logits}, {.sum_eps = nan}, {"sum_eps nan"});
    op.add_illegal("rank", {.logits = f32({8})}, {}, {"'logits'", "rank 2"});
    op.add_illegal("bias", {.logits = logits, .bias = f32({7})}, {}, {"'bias'", "[8]"});
    op.add_illegal("missing", {}, {}, {"'logits'", "missing"});
}

}  // namespace krait::harness
