// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <numeric>

#include "tests/harness/case.hpp"

namespace krait::harness {
namespace {

void evaluate(const ops::TopK::In<Values>& in, const ops::TopKParams& params, const ops::TopK::Out<std::vector<double>*>& out) {
    for (int64_t t = 0; t < in.x.extent(0); ++t) {
        std::vector<int64_t> order(static_cast<size_t>(in.x.extent(1)));
        std::iota(order.begin(), order.end(), 0);
        std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
            const double va = in.x.at(t, a), vb = in.x.at(t, b);
            return std::isnan(va) != std::isnan(vb) ? std::isnan(vb) : va > vb;
        });
        for (int64_t j = 0; j < params.k; ++j) {
            const auto at = static_cast<size_t>(t * params.k + j);
            (*out.values)[at] = in.x.at(t, order[static_cast<size_t>(j)]);
            (*out.indices)[at] = static_cast<double>(order[static_cast<size_t>(j)]);
        }
    }
}

}  // namespace

void add_top_k_cases(CaseList& list) {
    auto op = list.op<ops::TopK, evaluate>();
    for (const int32_t n_row : {1, 3})
        for (const int32_t n_col : {1, 2, 7, 16, 17, 33, 64, 100, 257, 1000})
            for (const int32_t k : {1, 2, 3, 8, 40, 64, 100}) {
                if (k > n_col) continue;
                op.add(fmt::format("t{}.v{}.k{}", n_row, n_col, k), {.x = f32({n_row, n_col})}, {k});
                op.add(fmt::format("t{}.v{}.k{}.ties", n_row, n_col, k),
                       {.x = f32({n_row, n_col}, cycle({1, 3, 2, 3, 0, 3, 1, 2, 2}))}, {k});
            }
    const float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
    op.add("all", {.x = f32({3, 129})}, {129});
    op.add("all_equal", {.x = f32({3, 100}, all(-2))}, {7});
    op.add("nan_last", {.x = f32({2, 8}, cycle({nan, 1, nan, -inf, 5, inf, nan, 0}))}, {8});
    op.add("nan_many", {.x = f32({2, 60}, all(nan).with({Patch::kAll, 33, 1}).with({Patch::kAll, 7, -inf}))}, {5});
    op.add("signed_zeros", {.x = f32({3, 9}, cycle({-0.0f, 0.0f, -1.0f}))}, {9});
    op.add("rising", {.x = f32({1, 6}, cycle({1, 2, 3, 4, 5, 6}))}, {4});
    op.add("falling", {.x = f32({1, 6}, cycle({6, 5, 4, 3, 2, 1}))}, {4});
    op.add("t0", {.x = f32({0, 9})}, {3});
    op.add("vocabulary", {.x = f32({2, 50280})}, {40});
    op.add("vocabulary.greedy", {.x = f32({3, 50280})}, {1});
    // Around the sizes where kernels change their ways, and rows that defeat a guess from a few of their elements.
    for (const int32_t k : {127, 128, 129, 256, 257}) op.add(fmt::format("v3000.k{}", k), {.x = f32({2, 3000})}, {k});
    op.add("vocabulary.k1000", {.x = f32({2, 50280})}, {1000});
    op.add("vocabulary.k6000.ties", {.x = f32({1, 50280}, cycle({1, 3, 2, 3, 0, 3, 1, 2, 2}))}, {6000});
    op.add("v5000.all", {.x = f32({1, 5000})}, {5000});
    op.add("many_equal", {.x = f32({2, 3000}, all(-2))}, {7});
    op.add("many_largest", {.x = f32({2, 3000}, cycle({1, 3, 2, 3}))}, {40});
    op.add("few_numbers", {.x = f32({2, 3000}, all(nan).with({Patch::kAll, 2033, 1}).with({Patch::kAll, 7, -inf}))}, {5});
    op.add("one_stretch", {.x = f32({2, 3000}, cycle({0, 0, 0, 0, 0, 0, 0, 9}))}, {40});
    op.add_illegal("k0", {.x = f32({3, 8})}, {0}, {"k = 0"});
    op.add_illegal("k_large", {.x = f32({3, 8})}, {9}, {"k = 9", "8 elements"});
    op.add_illegal("k_negative", {.x = f32({3, 8})}, {-1}, {"k = -1"});
    op.add_illegal("rank", {.x = f32({8})}, {1}, {"'x'", "rank 2"});
}

}  // namespace krait::harness
