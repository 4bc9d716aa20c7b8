// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/case.hpp"

namespace krait::harness {
namespace {

void evaluate(const ops::Concat::In<Values>& in, const NoParams&, const ops::Concat::Out<std::vector<double>*>& out) {
    size_t i = 0;
    for (int64_t t = 0; t < in.a.extent(0); ++t) {
        for (int64_t k = 0; k < in.a.extent(1); ++k) (*out.y)[i++] = in.a.at(t, k);
        for (int64_t k = 0; k < in.b.extent(1); ++k) (*out.y)[i++] = in.b.at(t, k);
    }
}

}  // namespace

void add_concat_cases(CaseList& list) {
    auto op = list.op<ops::Concat, evaluate>();
    for (const int64_t n_row : {1, 2, 3, 33})
        for (const int64_t n_a : {1, 3, 8, 16, 31, 130, 768})
            for (const int64_t n_b : {1, 4, 7, 16, 65, 768})
                op.add(fmt::format("t{}.a{}.b{}", n_row, n_a, n_b), {.a = f32({n_row, n_a}), .b = f32({n_row, n_b})});
    op.add("t3.a2560.b2560", {.a = f32({3, 2560}), .b = f32({3, 2560})});
    op.add("t3.a5.b2561", {.a = f32({3, 5}), .b = f32({3, 2561})});
    op.add("a0", {.a = f32({3, 0}), .b = f32({3, 9})});
    op.add("b0", {.a = f32({3, 9}), .b = f32({3, 0})});
    op.add("e0", {.a = f32({3, 0}), .b = f32({3, 0})});
    op.add("t0", {.a = f32({0, 9}), .b = f32({0, 5})});
    const float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
    const Fill special = cycle({0.0f, -0.0f, inf, -inf, nan, 1e-45f, -1e-45f, 3.4e38f});
    op.add("special_values", {.a = f32({3, 9}, special), .b = f32({3, 5}, special)});
    op.add("large", {.a = f32({512, 2560}), .b = f32({512, 2560})}).heavy = true;
    op.add_illegal("rows", {.a = f32({3, 8}), .b = f32({2, 8})}, {}, {"'b'", "[3, any]"});
    op.add_illegal("one_row", {.a = f32({3, 8}), .b = f32({1, 8})}, {}, {"'b'", "[3, any]"});
    op.add_illegal("rank_a", {.a = f32({3, 2, 4}), .b = f32({3, 8})}, {}, {"'a'", "rank 2"});
    op.add_illegal("rank_b", {.a = f32({3, 8}), .b = f32({3})}, {}, {"'b'", "rank 2"});
    op.add_illegal("type", {.a = f32({3, 1}), .b = index_pairs({1, 2, 3, 4, 5, 6})}, {}, {"'b'", "I32"});
    op.add_illegal("missing", {.a = f32({3, 8})}, {}, {"'b'", "missing"});
}

}  // namespace krait::harness
