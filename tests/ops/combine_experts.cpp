// SPDX-License-Identifier: Apache-2.0
#include <limits>

#include "tests/harness/case.hpp"

namespace krait::harness {
namespace {

void evaluate(const ops::CombineExperts::In<Values>& in, const NoParams&,
              const ops::CombineExperts::Out<std::vector<double>*>& out) {
    const int64_t n_used = in.x.extent(1), width = in.x.extent(2);
    for (size_t at = 0; at < out.y->size(); ++at) {
        const int64_t t = static_cast<int64_t>(at) / width, n = static_cast<int64_t>(at) % width;
        double sum = 0;
        for (int64_t i = 0; i < n_used; ++i) sum += in.weights.at(t, i) * in.x.at(t, i * width + n);
        (*out.y)[at] = sum + (in.base ? in.base.at(t, n) : 0);
    }
}

}  // namespace

void add_combine_experts_cases(CaseList& list) {
    auto op = list.op<ops::CombineExperts, evaluate>();
    // Sums of few numbers of any sign may cancel to nearly nothing by chance: those get positive operands.
    const auto x = [](int64_t n_tok, int64_t n_used, int64_t width) {
        return f32({n_tok, n_used, width}, width < 7 ? uniform(0.1f, 1) : normal());
    };
    for (const int64_t n_tok : {1, 3})
        for (const int64_t n_used : {1, 2, 3, 6, 22})
            for (const int64_t width : {1, 3, 7, 8, 9, 15, 16, 17, 33, 130}) {
                const Operand weights = f32({n_tok, n_used}, uniform(0.05f, 1));
                const std::string shape = fmt::format("t{}.i{}.n{}", n_tok, n_used, width);
                op.add(shape, {.x = x(n_tok, n_used, width), .weights = weights});
                op.add(shape + ".base",
                       {.x = x(n_tok, n_used, width), .weights = weights, .base = f32({n_tok, width}, uniform(0.5f, 3))});
            }
    for (const int64_t n_tok : {2, 65, 300})
        op.add(fmt::format("t{}.i6.n1536", n_tok),
               {.x = x(n_tok, 6, 1536), .weights = f32({n_tok, 6}, uniform(0, 1)), .base = f32({n_tok, 1536})});
    const float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
    const Operand weights = f32({4, 3}, uniform(0.05f, 1));
    op.add("negative_weights", {.x = x(4, 3, 33), .weights = f32({4, 3}, uniform(-1, -0.05f))});
    op.add("zero_weights", {.x = x(4, 3, 33), .weights = f32({4, 3}, all(0)), .base = f32({4, 33})});
    op.add("zeros_of_no_expert", {.x = f32({4, 3, 33}, all(0)), .weights = weights});
    op.add("first_only", {.x = x(4, 3, 33), .weights = f32({4, 3}, cycle({1, 0, 0}))});
    op.add("last_only", {.x = x(4, 3, 33), .weights = f32({4, 3}, cycle({0, 0, 1}))});
    op.add("nan_in_x", {.x = f32({4, 3, 33}, normal().with({2, 40, nan})), .weights = weights});
    op.add("nan_in_weights", {.x = x(4, 3, 33), .weights = f32({4, 3}, uniform(0.05f, 1).with({1, 2, nan}))});
    op.add("nan_in_base", {.x = x(4, 3, 33), .weights = weights, .base = f32({4, 33}, normal().with({3, 0, nan}))});
    op.add("infinite", {.x = f32({4, 3, 33}, normal().with({2, 40, inf}).with({1, 32, -inf})), .weights = weights});
    op.add("zero_times_infinite",
           {.x = f32({4, 3, 33}, normal().with({2, 40, inf})), .weights = f32({4, 3}, cycle({1, 0, 1}))});
    op.add("large", {.x = f32({4, 3, 33}, normal(0, 1e30f)), .weights = weights, .base = f32({4, 33}, normal(0, 1e30f))});
    op.add("tiny", {.x = f32({4, 3, 33}, normal(0, 1e-18f)), .weights = f32({4, 3}, uniform(1e-15f, 2e-15f))});
    op.add("i0", {.x = f32({4, 0, 33}), .weights = f32({4, 0})});
    op.add("i0.base", {.x = f32({4, 0, 33}), .weights = f32({4, 0}), .base = f32({4, 33})});
    op.add("t0", {.x = f32({0, 6, 33}), .weights = f32({0, 6}), .base = f32({0, 33})});

    const Operand three = f32({4, 3, 33});
    op.add_illegal("rank", {.x = f32({4, 33}), .weights = weights}, {}, {"'x'", "rank 3"});
    op.add_illegal("weights", {.x = three, .weights = f32({4, 2})}, {}, {"'weights'", "[4, 3]"});
    op.add_illegal("weights_rows", {.x = three, .weights = f32({3, 3})}, {}, {"'weights'", "[4, 3]"});
    op.add_illegal("base", {.x = three, .weights = weights, .base = f32({4, 32})}, {}, {"'base'", "[4, 33]"});
    op.add_illegal("missing", {.x = three}, {}, {"'weights'", "missing"});
}

}  // namespace krait::harness
