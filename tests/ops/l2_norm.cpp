// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "tests/harness/case.hpp"

namespace krait::harness {
namespace {

void evaluate(const ops::L2Norm::In<Values>& in, const ops::L2NormParams& params,
              const ops::L2Norm::Out<std::vector<double>*>& out) {
    const int64_t width = in.x.extent(1), group = width / params.groups;
    for (int64_t t = 0; t < in.x.extent(0); ++t)
        for (int64_t i = 0; i < width; ++i) {
            const int64_t first = i / group * group;
            double squares = 0;
            for (int64_t k = first; k < first + group; ++k) squares += in.x.at(t, k) * in.x.at(t, k);
            (*out.y)[static_cast<size_t>(t * width + i)] = in.x.at(t, i) / std::sqrt(squares + static_cast<double>(params.eps));
        }
}

}  // namespace

void add_l2_norm_cases(CaseList& list) {
    auto op = list.op<ops::L2Norm, evaluate>();
    for (const int64_t n_row : {1, 3, 17})
        for (const int64_t width : {1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 65, 127, 128, 130, 768})
            op.add(fmt::format("t{}.e{}", n_row, width), {.x = f32({n_row, width})});
    op.add("e8192", {.x = f32({2, 8192})});
    for (const int32_t groups : {1, 2, 3, 4, 16, 48})
        for (const int64_t group : {1, 5, 17, 64, 128})
            op.add(fmt::format("groups{}.e{}", groups, group), {.x = f32({3, groups * group})}, {1e-6f, groups}).error_row =
                group;
    op.add("groups_differ", {.x = f32({3, 64}, normal().with({1, 5, 1000}))}, {1e-6f, 4}).error_row = 16;

    const float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
    for (const float size : {1e-36f, 1e-30f, 1e-20f, 1e-10f, 1e-4f, 1e-3f, 1e4f, 1e10f, 1e19f})
        for (const int64_t width : {1, 33, 768}) {
            op.add(fmt::format("size{:g}.e{}", size, width), {.x = f32({3, width}, uniform(-size, size))}, {0, 1});
            op.add(fmt::format("all{:g}.e{}", size, width), {.x = f32({3, width}, all(size))});
        }
    // Squares and eps that weigh about the same, and an eps that is not 0 beside squares that vanish.
    op.add("eps_of_squares", {.x = f32({3, 33}, all(2e-18f))}, {1e-34f, 1});
    op.add("tiny_eps", {.x = f32({3, 33}, uniform(-1e-36f, 1e-36f))}, {1e-31f, 1});
    op.add("large_eps", {.x = f32({3, 33})}, {10, 1});
    op.add("size1e19.e8192", {.x = f32({2, 8192}, all(1e19f))});
    op.add("size3e38", {.x = f32({2, 17}, all(3e38f))});
    op.add("rows_of_many_sizes",
           {.x = f32({5, 33}, normal().with({0, 1, 1e15f}).with({2, Patch::kAll, 1e-18f}).with({4, Patch::kAll, 0}))});
    for (const int64_t width : {1, 33, 768}) {
        op.add(fmt::format("zeros.e{}", width), {.x = f32({3, width}, all(0))});
        op.add(fmt::format("zeros_without_eps.e{}", width), {.x = f32({3, width}, normal().with({1, Patch::kAll, 0}))}, {0, 1});
    }
    for (const int64_t at : {0, 16, 32})
        op.add(fmt::format("nan_row_stays.{}", at), {.x = f32({5, 33}, normal().with({2, at, nan}))});
    op.add("nan_group_stays", {.x = f32({3, 32}, normal().with({1, 17, nan}))}, {1e-6f, 4});
    op.add("infinite_row_stays", {.x = f32({5, 33}, normal().with({2, 16, inf}))});
    op.add("infinite_eps", {.x = f32({3, 17})}, {inf, 1});
    op.add("t0", {.x = f32({0, 33})});
    op.add("e0", {.x = f32({3, 0})});
    op.add("large", {.x = f32({256, 4096})}, {1e-6f, 32}).heavy = true;
    op.add_illegal("groups", {.x = f32({3, 33})}, {1e-6f, 4}, {"4 groups", "33"});
    op.add_illegal("groups0", {.x = f32({3, 33})}, {1e-6f, 0}, {"0 groups"});
    op.add_illegal("groups_negative", {.x = f32({3, 33})}, {1e-6f, -1}, {"-1 groups"});
    op.add_illegal("eps", {.x = f32({3, 33})}, {-1e-6f, 1}, {"eps -1e-06", "below 0"});
    op.add_illegal("nan_eps", {.x = f32({3, 33})}, {nan, 1}, {"eps nan"});
    op.add_illegal("rank", {.x = f32({3, 2, 16})}, {}, {"'x'", "rank 2"});
    op.add_illegal("type", {.x = index_pairs({1, 2})}, {}, {"'x'", "I32"});
    op.add_illegal("missing", {}, {}, {"'x'", "missing"});
}

}  // namespace krait::harness
