// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/case.hpp"

namespace krait::harness {
namespace {

void evaluate(const ops::Copy::In<Values>& in, const NoParams&, const ops::Copy::Out<std::vector<double>*>& out) {
    for (size_t i = 0; i < out.y->size(); ++i)
        (*out.y)[i] = in.x.f.empty() ? in.x.id(static_cast<int64_t>(i)) : in.x.at(static_cast<int64_t>(i));
}

}  // namespace

void add_copy_cases(CaseList& list) {
    auto op = list.op<ops::Copy, evaluate>();
    for (const int64_t n_row : {1, 2, 3, 33})
        for (const int64_t n_col : {1, 2, 3, 7, 8, 15, 16, 17, 31, 33, 64, 65, 130, 768, 2560})
            op.add(fmt::format("t{}.e{}", n_row, n_col), {.x = f32({n_row, n_col})});
    for (const int64_t n : {1, 2, 7, 16, 33, 1000}) op.add(fmt::format("rank1.{}", n), {.x = f32({n})});
    for (const int64_t inner : {1, 3, 16})
        for (const int64_t n_head : {1, 2, 5, 24})
            op.add(fmt::format("rank3.{}x{}", n_head, inner), {.x = f32({7, n_head, inner})});
    op.add("rank4", {.x = f32({3, 2, 5, 7})});
    op.add("i32.rank1", {.x = index({5, -1, 0, 1 << 30, -(1 << 30), 7, 8})});
    op.add("i32.pairs", {.x = index_pairs({1, -1, 3, 4, 5, 6})});
    const float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
    op.add("special_values", {.x = f32({3, 8}, cycle({0.0f, -0.0f, inf, -inf, nan, 1e-45f, -1e-45f, 3.4e38f}))});
    op.add("t0", {.x = f32({0, 9})});
    op.add("e0", {.x = f32({3, 0})});
    op.add("large", {.x = f32({512, 5120})}).heavy = true;
    op.add_illegal("missing", {}, {}, {"'x'", "missing"});
    op.add_illegal("type", {.x = {.desc = make_desc(DType::F16, {3, 8})}}, {}, {"'x'", "F32 or I32"});
    op.add_illegal("constant", {.x = weight(DType::F32, {3, 8})}, {}, {"'x'", "constant"});
}

}  // namespace krait::harness
