// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/case.hpp"

namespace krait::harness {
namespace {

void evaluate(const ops::ScaleAdd::In<Values>& in, const ops::ScaleAddParams& params,
              const ops::ScaleAdd::Out<std::vector<double>*>& out) {
    for (size_t i = 0; i < out.y->size(); ++i) {
        const auto k = static_cast<int64_t>(i);
        (*out.y)[i] = in.a.at(k) + static_cast<double>(params.scale) * in.b.at(k);
    }
}

}  // namespace

void add_scale_add_cases(CaseList& list) {
    auto op = list.op<ops::ScaleAdd, evaluate>();
    for (const int64_t n_row : {1, 2, 5, 33})
        for (const int64_t n_col : {1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 64, 65, 130, 768, 2560}) {
            // Numbers of one sign: a and scale * b do not cancel.
            const Operand a = f32({n_row, n_col}, uniform(0.1f, 2));
            op.add(fmt::format("t{}.e{}", n_row, n_col), {.a = a, .b = f32({n_row, n_col}, uniform(0.1f, 2))}, {0.22f});
            op.add(fmt::format("t{}.e{}.negative", n_row, n_col), {.a = a, .b = f32({n_row, n_col}, uniform(-2, -0.1f))},
                   {-1.7f});
        }
    const float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
    op.add("both_signs", {.a = f32({5, 130}), .b = f32({5, 130})}, {0.22f});
    op.add("one", {.a = f32({3, 33}), .b = f32({3, 33})}, {1});
    op.add("zero", {.a = f32({3, 33}), .b = f32({3, 33})}, {0});
    op.add("zero_of_infinity", {.a = f32({3, 33}), .b = f32({3, 33}, cycle({1, inf, -2}))}, {0});
    op.add("infinite_scale", {.a = f32({3, 33}), .b = f32({3, 33}, cycle({1, 0, -2}))}, {inf});
    op.add("nan_scale", {.a = f32({2, 9}), .b = f32({2, 9})}, {nan});
    op.add("infinite", {.a = f32({2, 9}, cycle({inf, -inf, 1.0f})), .b = f32({2, 9}, cycle({1, 2, inf, -inf}))}, {2});
    op.add("overflow", {.a = f32({2, 9}, cycle({3e38f, -3e38f, 1.0f})), .b = f32({2, 9}, cycle({1e38f, -1e38f, 2.0f}))}, {2});
    op.add("huge", {.a = f32({2, 9}, all(1e30f)), .b = f32({2, 9}, all(2e30f))}, {0.5f});
    op.add("tiny", {.a = f32({2, 9}, all(1e-30f)), .b = f32({2, 9}, all(1e-25f))}, {3e-5f});
    op.add("subnormals", {.a = f32({2, 9}, cycle({1e-40f, -1e-45f, 1})), .b = f32({2, 9}, cycle({-1e-42f, 1, 1e-45f}))}, {2});
    op.add("zeros", {.a = f32({2, 9}, cycle({0.0f, -0.0f})), .b = f32({2, 9}, cycle({-0.0f, -0.0f, 0.0f}))}, {2});
    op.add("nan_stays", {.a = f32({4, 33}, normal().with({2, 5, nan})), .b = f32({4, 33}, normal().with({1, 30, nan}))}, {2});
    op.add("t0", {.a = f32({0, 9}), .b = f32({0, 9})}, {2});
    op.add("e0", {.a = f32({3, 0}), .b = f32({3, 0})}, {2});
    op.add("large", {.a = f32({512, 5120}), .b = f32({512, 5120})}, {0.22f}).heavy = true;
    op.add_illegal("shape", {.a = f32({3, 8}), .b = f32({3, 9})}, {2}, {"'b'", "[3, 8]"});
    op.add_illegal("one_row", {.a = f32({3, 8}), .b = f32({1, 8})}, {2}, {"'b'", "[3, 8]"});
    op.add_illegal("rank", {.a = f32({8}), .b = f32({8})}, {2}, {"'a'", "rank 2"});
    op.add_illegal("type", {.a = index_pairs({1, 2}), .b = f32({1, 2})}, {2}, {"'a'", "I32"});
    op.add_illegal("missing", {.a = f32({3, 8})}, {2}, {"'b'", "missing"});
}

}  // namespace krait::harness
