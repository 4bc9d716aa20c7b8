// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "tests/harness/case.hpp"

namespace krait::harness {
namespace {

void evaluate(const ops::SiluMul::In<Values>& in, const NoParams&, const ops::SiluMul::Out<std::vector<double>*>& out) {
    for (size_t i = 0; i < out.y->size(); ++i) {
        const double a = in.a.at(static_cast<int64_t>(i)), b = in.b.at(static_cast<int64_t>(i));
        (*out.y)[i] = a / (1 + std::exp(-a)) * b;
    }
}

}  // namespace

void add_silu_mul_cases(CaseList& list) {
    auto op = list.op<ops::SiluMul, evaluate>();
    for (const int64_t n_row : {1, 2, 3, 5, 33})
        for (const int64_t n_col : {1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 64, 65, 130, 768, 2560})
            op.add(fmt::format("t{}.e{}", n_row, n_col), {.a = f32({n_row, n_col}, normal(0, 2)), .b = f32({n_row, n_col})});
    const float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
    // One number a row: each is judged by itself, small ones too.
    for (const float a : {-100.0f, -88.0f, -87.0f, -50.0f, -20.0f, -10.0f, -3.0f, -1.0f, -1e-3f, -1e-6f,
                          0.0f,    1e-6f,  1e-3f,  1.0f,   3.0f,   10.0f,  20.0f, 50.0f, 88.0f,  100.0f}) {
        // At -88 and below exp(-a) leaves float32: what is left of the product may round to 0 there.
        const Fill gate = a < -80 ? cycle({a, 1.0f}) : all(a);
        op.add(fmt::format("a{:g}", a), {.a = f32({3, 18}, gate), .b = f32({3, 18}, uniform(1, 2))});
    }
    op.add("infinite", {.a = f32({2, 9}, cycle({inf, 1.0f, -3.0f})), .b = f32({2, 9}, uniform(1, 2))});
    op.add("huge", {.a = f32({2, 9}, all(1e30f)), .b = f32({2, 9}, uniform(1, 2))});
    op.add("zero_gate", {.a = f32({2, 9}, all(0)), .b = f32({2, 9})});
    op.add("nan_stays", {.a = f32({4, 33}, normal().with({2, 5, nan})), .b = f32({4, 33}, normal().with({1, 30, nan}))});
    op.add("t0", {.a = f32({0, 9}), .b = f32({0, 9})});
    op.add("e0", {.a = f32({3, 0}), .b = f32({3, 0})});
    op.add("large", {.a = f32({256, 5120}), .b = f32({256, 5120})}).heavy = true;
    op.add_illegal("shape", {.a = f32({3, 8}), .b = f32({3, 9})}, {}, {"'b'", "[3, 8]"});
    op.add_illegal("one_row", {.a = f32({3, 8}), .b = f32({1, 8})}, {}, {"'b'", "[3, 8]"});
    op.add_illegal("rank", {.a = f32({8}), .b = f32({8})}, {}, {"'a'", "rank 2"});
    op.add_illegal("missing", {.a = f32({3, 8})}, {}, {"'b'", "missing"});
}

}  // namespace krait::harness
