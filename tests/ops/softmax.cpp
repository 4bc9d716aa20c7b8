// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "tests/harness/case.hpp"

namespace krait::harness {
namespace {

void evaluate(const ops::Softmax::In<Values>& in, const ops::SoftmaxParams& params,
              const ops::Softmax::Out<std::vector<double>*>& out) {
    const int64_t n_col = in.x.extent(1);
    for (int64_t t = 0; t < in.x.extent(0); ++t) {
        double largest = -HUGE_VAL, sum = 0;
        for (int64_t i = 0; i < n_col; ++i) largest = std::max(largest, in.x.at(t, i) * static_cast<double>(params.scale));
        const auto e = [&](int64_t i) { return std::exp(in.x.at(t, i) * static_cast<double>(params.scale) - largest); };
        for (int64_t i = 0; i < n_col; ++i) sum += e(i);
        for (int64_t i = 0; i < n_col; ++i) (*out.y)[static_cast<size_t>(t * n_col + i)] = e(i) / sum;
    }
}

}  // namespace

void add_softmax_cases(CaseList& list) {
    auto op = list.op<ops::Softmax, evaluate>();
    for (const int64_t n_row : {1, 3, 17})
        for (const int64_t n_col : {1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 64, 65, 257, 2048}) {
            op.add(fmt::format("t{}.v{}", n_row, n_col), {.x = f32({n_row, n_col}, normal(0, 3))});
            op.add(fmt::format("t{}.v{}.warm", n_row, n_col), {.x = f32({n_row, n_col}, normal(0, 3))}, {0.7f});
        }
    const float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
    for (const float scale : {0.01f, 0.5f, 1.25f, 5.0f, -1.0f, 0.0f})
        op.add(fmt::format("scale{:g}", scale), {.x = f32({3, 40}, normal(0, 2))}, {scale});
    op.add("equal", {.x = f32({3, 40}, all(7))});
    op.add("large_values", {.x = f32({3, 40}, normal(1e4f, 3))});
    op.add("huge_values", {.x = f32({3, 40}, cycle({1e30f, 0, -1e30f}))});
    op.add("wide", {.x = f32({3, 40}, uniform(-90, 90))}, {0.4f});
    op.add("steep", {.x = f32({3, 40}, cycle({50, 0, -50}))}, {30.0f});  // exp(30 * 50) is beyond double
    op.add("one_peak", {.x = f32({3, 40}, all(-200).with({Patch::kAll, 17, 0}))});
    op.add("masked",
           {.x = f32({3, 40}, normal().with({Patch::kAll, 0, -inf}).with({Patch::kAll, 17, -inf}).with({1, 39, -inf}))});
    op.add("masked_but_one", {.x = f32({3, 40}, all(-inf).with({Patch::kAll, 39, -3}))});
    op.add("all_masked_row", {.x = f32({5, 40}, normal().with({2, Patch::kAll, -inf}))});
    op.add("nan_stays", {.x = f32({5, 40}, normal().with({2, 17, nan}).with({4, 0, nan}))});
    op.add("t0", {.x = f32({0, 9})});
    op.add("vocabulary", {.x = f32({2, 50280}, normal(0, 3))});
    op.add_illegal("rank", {.x = f32({8})}, {}, {"'x'", "rank 2"});
    op.add_illegal("missing", {}, {}, {"'x'", "missing"});
}

}  // namespace krait::harness
