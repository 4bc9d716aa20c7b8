// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "tests/harness/case.hpp"

namespace krait::harness {
namespace {

void evaluate(const ops::Argmax::In<Values>& in, const NoParams&, const ops::Argmax::Out<std::vector<double>*>& out) {
    for (int64_t t = 0; t < in.x.extent(0); ++t) {
        int64_t best = -1;
        for (int64_t i = 0; i < in.x.extent(1); ++i)
            if (!std::isnan(in.x.at(t, i)) && (best < 0 || in.x.at(t, i) > in.x.at(t, best))) best = i;
        (*out.y)[static_cast<size_t>(t)] = static_cast<double>(best < 0 ? 0 : best);
    }
}

}  // namespace

void add_argmax_cases(CaseList& list) {
    auto op = list.op<ops::Argmax, evaluate>();
    for (const int64_t n_row : {1, 2, 5, 17})
        for (const int64_t n_col : {1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 64, 65, 255, 257, 2048, 5000})
            op.add(fmt::format("t{}.v{}", n_row, n_col), {.x = f32({n_row, n_col})});
    const float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
    for (const int64_t at : {0, 1, 15, 16, 17, 98, 99}) {
        op.add(fmt::format("largest_at{}", at), {.x = f32({3, 100}, uniform(-1, 1).with({Patch::kAll, at, 5}))});
        op.add(fmt::format("nan_at{}", at), {.x = f32({3, 100}, uniform(-1, 1).with({Patch::kAll, at, nan}))});
        op.add(fmt::format("infinite_at{}", at), {.x = f32({3, 100}, uniform(-1, 1).with({Patch::kAll, at, inf}))});
        op.add(fmt::format("tie_with{}", at),
               {.x = f32({3, 100}, uniform(-1, 1).with({Patch::kAll, at, 5}).with({Patch::kAll, 50, 5}))});
        op.add(fmt::format("only_number_at{}", at), {.x = f32({3, 100}, all(nan).with({Patch::kAll, at, -inf}))});
    }
    op.add("all_equal", {.x = f32({3, 100}, all(-2))});
    op.add("all_nan", {.x = f32({3, 100}, all(nan))});
    op.add("all_minus_infinite", {.x = f32({3, 100}, all(-inf))});
    op.add("signed_zeros", {.x = f32({3, 100}, cycle({-0.0f, 0.0f, -1.0f}))});
    op.add("negative", {.x = f32({5, 77}, uniform(-100, -99))});
    op.add("few_levels", {.x = f32({9, 333}, cycle({1, 3, 2, 3, 0, 3, 1}))});
    op.add("nan_rows", {.x = f32({5, 50}, normal().with({1, Patch::kAll, nan}).with({3, Patch::kAll, nan}))});
    // The row behind it must not be looked at: what it begins with is as large as anything in a row of NaN.
    op.add("nan_row_before_minus_infinite",
           {.x = f32({4, 50}, all(-inf).with({0, Patch::kAll, nan}).with({2, Patch::kAll, nan}))});
    op.add("t0", {.x = f32({0, 9})});
    op.add("vocabulary", {.x = f32({4, 50280})});
    op.add_illegal("empty_row", {.x = f32({3, 0})}, {}, {"'x'", "at least 1"});
    op.add_illegal("rank", {.x = f32({8})}, {}, {"'x'", "rank 2"});
    op.add_illegal("missing", {}, {}, {"'x'", "missing"});
}

}  // namespace krait::harness
