// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/case.hpp"

namespace krait::harness {
namespace {

void evaluate(const ops::Mul::In<Values>& in, const NoParams&, const ops::Mul::Out<std::vector<double>*>& out) {
    const int64_t n_row = in.a.extent(0), n_col = in.a.extent(1);
    for (int64_t t = 0; t < n_row; ++t)
        for (int64_t i = 0; i < n_col; ++i)
            (*out.y)[static_cast<size_t>(t * n_col + i)] = in.a.at(t, i) * in.b.at(in.b.extent(0) == 1 ? 0 : t, i);
}

}  // namespace

void add_mul_cases(CaseList& list) {
    auto op = list.op<ops::Mul, evaluate>();
    for (const int64_t n_row : {1, 2, 3, 5, 33})
        for (const int64_t n_col : {1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 64, 65, 130, 768, 2560}) {
            op.add(fmt::format("t{}.e{}", n_row, n_col), {.a = f32({n_row, n_col}), .b = f32({n_row, n_col})});
            op.add(fmt::format("t{}.e{}.one_row", n_row, n_col), {.a = f32({n_row, n_col}), .b = f32({1, n_col})});
        }
    const float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
    op.add("t0", {.a = f32({0, 9}), .b = f32({0, 9})});
    op.add("e0", {.a = f32({3, 0}), .b = f32({3, 0})});
    op.add("large", {.a = f32({512, 5120}), .b = f32({512, 5120})}).heavy = true;
    op.add("special_values",
           {.a = f32({2, 12}, cycle({0.0f, -0.0f, 1.0f, inf, -inf, 3e38f, 1e-38f, 1e-45f, -1e-45f, 1e19f, 7.0f, -7.0f})),
            .b = f32({2, 12}, cycle({-0.0f, -0.0f, -1.0f, 2.0f, 2.0f, 0.5f, 3e-38f, 1e-45f, 1e-45f, 1e19f, -7.0f, 7.0f}))});
    op.add("nan_stays", {.a = f32({4, 33}, normal().with({2, 5, nan})), .b = f32({4, 33}, normal().with({1, 30, nan}))});
    op.add_illegal("shape", {.a = f32({3, 8}), .b = f32({3, 9})}, {}, {"'b'", "[3, 8]"});
    op.add_illegal("rows", {.a = f32({3, 8}), .b = f32({2, 8})}, {}, {"'b'", "[1, 8]"});
    op.add_illegal("rank", {.a = f32({3, 2, 4}), .b = f32({3, 8})}, {}, {"'a'", "rank 2"});
    op.add_illegal("type", {.a = f32({3, 1}), .b = index_pairs({1, 2, 3, 4, 5, 6})}, {}, {"'b'", "I32"});
    op.add_illegal("missing", {.a = f32({3, 8})}, {}, {"'b'", "missing"});
}

}  // namespace krait::harness
