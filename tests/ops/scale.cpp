// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/case.hpp"

namespace krait::harness {
namespace {

void evaluate(const ops::Scale::In<Values>& in, const ops::ScaleParams& params,
              const ops::Scale::Out<std::vector<double>*>& out) {
    for (size_t i = 0; i < out.y->size(); ++i)
        (*out.y)[i] = in.x.at(static_cast<int64_t>(i)) * static_cast<double>(params.scale) + static_cast<double>(params.bias);
}

}  // namespace

void add_scale_cases(CaseList& list) {
    auto op = list.op<ops::Scale, evaluate>();
    for (const int64_t n_row : {1, 2, 5, 33})
        for (const int64_t n_col : {1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 64, 65, 130, 768, 2560}) {
            // Positive numbers: x * scale and bias do not cancel.
            op.add(fmt::format("t{}.e{}", n_row, n_col), {.x = f32({n_row, n_col}, uniform(0.1f, 2))}, {1.7f, 0.3f});
            op.add(fmt::format("t{}.e{}.no_bias", n_row, n_col), {.x = f32({n_row, n_col})}, {-0.37f, 0});
        }
    const float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
    op.add("identity", {.x = f32({3, 17})}, {});
    op.add("zero_scale", {.x = f32({3, 17})}, {0, 2.5f});
    op.add("infinite", {.x = f32({2, 9}, cycle({inf, -inf, 1.0f}))}, {2, 1});
    op.add("overflow", {.x = f32({2, 9}, cycle({3e38f, -3e38f, 1.0f}))}, {2, 0});
    op.add("tiny", {.x = f32({2, 9}, all(1e-30f))}, {3, 0});
    op.add("nan_stays", {.x = f32({4, 33}, normal().with({2, 5, nan}))}, {2, 1});
    op.add("t0", {.x = f32({0, 9})}, {2, 1});
    op.add("e0", {.x = f32({3, 0})}, {2, 1});
    op.add("large", {.x = f32({512, 5120})}, {2, 1}).heavy = true;
    op.add_illegal("rank", {.x = f32({8})}, {2, 1}, {"'x'", "rank 2"});
    op.add_illegal("type", {.x = index_pairs({1, 2})}, {2, 1}, {"'x'", "I32"});
    op.add_illegal("missing", {}, {2, 1}, {"'x'", "missing"});
}

}  // namespace krait::harness
