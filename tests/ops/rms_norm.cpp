// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "tests/harness/case.hpp"

namespace krait::harness {
namespace {

void evaluate(const ops::RmsNorm::In<Values>& in, const ops::RmsNormParams& params,
              const ops::RmsNorm::Out<std::vector<double>*>& out) {
    const int64_t width = in.x.extent(1), group = width / params.groups;
    for (int64_t t = 0; t < in.x.extent(0); ++t)
        for (int64_t first = 0; first < width; first += group) {
            double squares = 0;
            for (int64_t i = first; i < first + group; ++i) squares += in.x.at(t, i) * in.x.at(t, i);
            const double root = std::sqrt(squares / static_cast<double>(group) + static_cast<double>(params.eps));
            for (int64_t i = first; i < first + group; ++i)
                (*out.y)[static_cast<size_t>(t * width + i)] = in.x.at(t, i) / root * (in.weight ? in.weight.at(i) : 1.0);
        }
}

}  // namespace

void add_rms_norm_cases(CaseList& list) {
    auto op = list.op<ops::RmsNorm, evaluate>();
    for (const int64_t n_row : {1, 3, 17})
        for (const int64_t width : {1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 65, 127, 130, 768, 1024, 2560}) {
            if (n_row == 17 && width > 200) continue;
            op.add(fmt::format("t{}.e{}", n_row, width), {.x = f32({n_row, width}), .weight = f32({width})}, {});
            op.add(fmt::format("t{}.e{}.plain", n_row, width), {.x = f32({n_row, width})}, {1e-6f, 1});
        }
    op.add("e8192", {.x = f32({2, 8192}), .weight = f32({8192})}, {});
    for (const int32_t groups : {1, 2, 3, 4, 8, 24, 48})
        for (const int64_t n_row : {1, 5}) {
            op.add(fmt::format("t{}.groups{}", n_row, groups), {.x = f32({n_row, 48}), .weight = f32({48})}, {1e-5f, groups})
                .error_row = 48 / groups;
            op.add(fmt::format("t{}.groups{}.wide", n_row, groups), {.x = f32({n_row, 816}), .weight = f32({816})},
                   {1e-5f, groups})
                .error_row = 816 / groups;
        }
    op.add("groups_differ", {.x = f32({3, 64}, normal().with({1, 5, 1000})), .weight = f32({64})}, {1e-5f, 4}).error_row = 16;

    const float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
    for (const float size : {1e-30f, 1e-20f, 1e-10f, 1e-4f, 1e-3f, 3e-3f, 1e4f, 1e10f, 1e19f})
        for (const int64_t width : {1, 33, 2560}) {
            op.add(fmt::format("size{:g}.e{}", size, width),
                   {.x = f32({3, width}, uniform(-size, size)), .weight = f32({width})}, {});
            op.add(fmt::format("all{:g}.e{}", size, width), {.x = f32({3, width}, all(size))}, {1e-5f, 1});
        }
    op.add("size1e19.e8192", {.x = f32({2, 8192}, all(1e19f)), .weight = f32({8192})}, {});
    for (const int64_t width : {1, 33, 768})
        op.add(fmt::format("zero.e{}", width), {.x = f32({3, width}, all(0)), .weight = f32({width})}, {});
    op.add("rows_of_many_sizes",
           {.x = f32({5, 33}, normal().with({0, 1, 1e15f}).with({2, Patch::kAll, 1e-18f}).with({4, Patch::kAll, 0})),
            .weight = f32({33})},
           {});
    op.add("large_eps", {.x = f32({3, 33}), .weight = f32({33})}, {10.0f, 1});
    op.add("zero_weight", {.x = f32({3, 33}), .weight = f32({33}, all(0))}, {});
    for (const int64_t at : {0, 16, 32})
        op.add(fmt::format("nan_row_stays.{}", at), {.x = f32({5, 33}, normal().with({2, at, nan})), .weight = f32({33})}, {});
    op.add("nan_group_stays", {.x = f32({3, 32}, normal().with({1, 17, nan})), .weight = f32({32})}, {1e-5f, 4});
    op.add("infinite_row_stays", {.x = f32({5, 33}, normal().with({2, 16, inf})), .weight = f32({33}, uniform(1, 2))}, {});
    op.add("t0", {.x = f32({0, 33}), .weight = f32({33})}, {});
    op.add("large", {.x = f32({256, 2560}), .weight = f32({2560})}, {}).heavy = true;
    op.add_illegal("weight", {.x = f32({3, 33}), .weight = f32({32})}, {}, {"'weight'", "[33]"});
    op.add_illegal("groups", {.x = f32({3, 33}), .weight = f32({33})}, {1e-5f, 4}, {"4 groups", "33"});
    op.add_illegal("groups0", {.x = f32({3, 33})}, {1e-5f, 0}, {"0 groups"});
    op.add_illegal("rank", {.x = f32({3, 2, 16})}, {}, {"'x'", "rank 2"});
    op.add_illegal("weight_type", {.x = f32({3, 32}), .weight = weight(DType::F16, {32})}, {}, {"'weight'", "F16"});
}

}  // namespace krait::harness
