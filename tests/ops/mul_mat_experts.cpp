// SPDX-License-Identifier: Apache-2.0
//
// Formats x shapes x how rows are spread over experts. A result is judged for each row and expert by itself; few outputs get
// positive operands, as in mul_mat.cpp.
#include <limits>

#include "tests/harness/case.hpp"
#include "tests/harness/random.hpp"

namespace krait::harness {
namespace {

void evaluate(const ops::MulMatExperts::In<Values>& in, const NoParams&,
              const ops::MulMatExperts::Out<std::vector<double>*>& out) {
    const int64_t n_expert = in.w.extent(0), n_out = in.w.extent(1), n_in = in.w.extent(2), n_used = in.ids.extent(1);
    for (size_t at = 0; at < out.y->size(); ++at) {
        const int64_t pair = static_cast<int64_t>(at) / n_out, n = static_cast<int64_t>(at) % n_out;
        const int32_t expert = in.ids.id(pair);
        if (expert < 0 || expert >= n_expert) continue;
        const float* x = in.x.f.data() + (in.x.desc.rank == 3 ? pair : pair / n_used) * n_in;
        const float* w = in.w.f.data() + (expert * n_out + n) * n_in;
        double sum = 0;
        for (int64_t k = 0; k < n_in; ++k) sum += static_cast<double>(x[k]) * static_cast<double>(w[k]);
        (*out.y)[at] = sum;
    }
}

struct Shape {
    int64_t n_expert, n_tok, n_used, n_out, n_in;
    bool per_expert = false;  // x [T, I, K]
};

using Ids = std::vector<int32_t>;

// The experts of a row are neighbours, all of them different; where they begin is random.
Ids spread(const Shape& shape) {
    Random random(seed_of(fmt::format("{}.{}.{}", shape.n_expert, shape.n_tok, shape.n_used), 0));
    Ids ids;
    for (int64_t t = 0; t < shape.n_tok; ++t) {
        const int64_t first = random.below(shape.n_expert);
        for (int64_t i = 0; i < shape.n_used; ++i) ids.push_back(static_cast<int32_t>((first + i) % shape.n_expert));
    }
    return ids;
}

Ids repeated(const Shape& shape, const Ids& pattern) {
    Ids ids;
    for (size_t i = 0; i < static_cast<size_t>(shape.n_tok * shape.n_used); ++i) ids.push_back(pattern[i % pattern.size()]);
    return ids;
}

class MulMatExpertsCases {
  public:
    explicit MulMatExpertsCases(CaseList& list) : op_(list.op<ops::MulMatExperts, evaluate>()) {}

    Case& add(DType format, const Shape& shape, std::string_view extra = {}) {
        return add_routed(format, shape, spread(shape), extra);
    }
    Case& add_routed(DType format, const Shape& shape, Ids ids, std::string_view extra) {
        const bool single = shape.n_out < 7;
        return add_filled(format, shape, std::move(ids), single ? uniform(0.1f, 1) : normal(),
                          single                 ? uniform(0.05f, 1)
                          : is_quantized(format) ? blocks()
                                                 : normal(),
                          extra);
    }
    Case& add_filled(DType format, const Shape& s, Ids ids, Fill x, Fill w, std::string_view extra) {
        const auto activations =
            s.per_expert ? f32({s.n_tok, s.n_used, s.n_in}, std::move(x)) : f32({s.n_tok, s.n_in}, std::move(x));
        Case& added = op_.add(fmt::format("{}.e{}.t{}.i{}.n{}.k{}{}{}{}", dtype_name(format), s.n_expert, s.n_tok, s.n_used,
                                          s.n_out, s.n_in, s.per_expert ? ".x3" : "", extra.empty() ? "" : ".", extra),
                              {.x = activations,
                               .w = weight(format, {s.n_expert, s.n_out, s.n_in}, std::move(w)),
                               .ids = i32({s.n_tok, s.n_used}, std::move(ids))});
        added.flops = 2.0 * static_cast<double>(s.n_tok * s.n_used * s.n_out * s.n_in);
        added.error_row = s.n_out;
        return added;
    }
    void add_illegal(std::string name, const ops::MulMatExperts::In<Operand>& in, std::vector<std::string> words) {
        op_.add_illegal(std::move(name), in, {}, std::move(words));
    }

  private:
    OpCases<ops::MulMatExperts, evaluate> op_;
};

void add_format(MulMatExpertsCases& cases, const DTypeInfo& format) {
    const DType dtype = format.dtype;
    const bool quantized = is_quantized(dtype);
    const int64_t block = quantized ? format.block_elems : 32, short_row = block == 256 ? 256 : 96;
    const Fill weights = quantized ? blocks() : normal();
    const float nan = std::numeric_limits<float>::quiet_NaN();

    // Numbers of rows around every tile; some experts get many of them, some few, some none.
    for (const int64_t n_tok : {1, 2, 3, 4, 5, 8, 9, 17, 33, 64, 130})
        cases.add(dtype, {4, n_tok, 2, n_tok > 40 ? 17 : 33, short_row, n_tok % 2 == 1});
    for (const int64_t n_tok : {1, 6, 20, 67}) {
        const Shape shape{5, n_tok, 1, 19, short_row};
        cases.add_routed(dtype, shape, repeated(shape, {2}), "one_expert");
    }
    const Shape last{3, 7, 1, 17, short_row}, two{64, 20, 2, 16, block};
    cases.add_routed(dtype, last, repeated(last, {2}), "last_expert");
    cases.add_routed(dtype, two, repeated(two, {5, 63}), "two_of_many");
    // One expert has all rows, the other experts of a row differ; the same expert twice; all experts.
    const Shape hot{8, 24, 3, 20, block}, twice{4, 5, 2, 18, block, true};
    Ids ids = spread(hot);
    for (int64_t t = 0; t < hot.n_tok; ++t) ids[static_cast<size_t>(3 * t)] = 6;
    cases.add_routed(dtype, hot, ids, "one_takes_all");
    cases.add_routed(dtype, twice, repeated(twice, {1, 1, 3, 3}), "twice");
    cases.add(dtype, {5, 1, 5, 21, block}, "all_experts");
    cases.add(dtype, {5, 9, 5, 21, block, true}, "all_experts");
    // Ids that are nobody's, and nothing else.
    const Ids wild{-1, 1, 4, 3, std::numeric_limits<int32_t>::max(), 0, 2, std::numeric_limits<int32_t>::min(), 3};
    for (const int64_t n_tok : {1, 3, 25}) {
        const Shape shape{4, n_tok, 3, 20, block, n_tok == 3};
        cases.add_routed(dtype, shape, repeated(shape, wild), "out_of_range");
        cases.add_routed(dtype, shape, repeated(shape, {-1, 4, 5}), "none_in_range");
    }
    // Numbers of outputs, and one to three blocks of a row: no expert begins where a panel does.
    for (const int64_t n_out : {1, 7, 8, 15, 16, 31, 65}) cases.add(dtype, {3, 3, 2, n_out, block}, "outputs");
    for (const int64_t n_blocks : {2, 3})
        for (const int64_t n_tok : {1, 11}) cases.add(dtype, {3, n_tok, 2, 18, n_blocks * block}, "blocks");
    for (const int64_t n_tok : {1, 12}) cases.add(dtype, {3, n_tok, 2, 9, 2560});
    cases.add(dtype, {1, 1, 1, 33, 512}, "one_of_one");
    cases.add(dtype, {1, 40, 1, 33, 512}, "one_of_one");
    for (const int64_t n_tok : {1, 16}) {
        const Shape shape{4, n_tok, 2, 20, 512};
        // All in one element of a row: nothing hides it.
        cases.add_filled(dtype, shape, spread(shape), all(0).with({Patch::kAll, 511, 1}), weights, "last_only");
        cases.add_filled(dtype, shape, spread(shape), all(0).with({Patch::kAll, 0, 1}), weights, "first_only");
        cases.add_filled(dtype, shape, spread(shape), normal(), normal(0, 0.05f), "encoded");
    }
    // Experts far larger than others, so that what belongs to a neighbour shows.
    const Shape sizes{4, 10, 2, 20, 512};
    cases.add_filled(dtype, sizes, spread(sizes), uniform(0.1f, 1),
                     normal().with({1, Patch::kAll, 100}).with({3, Patch::kAll, -7}), "sizes");
    // NaN stays in the row of x that has one.
    const Shape bad{4, 6, 2, 20, 512}, bad_of_expert{4, 6, 2, 20, 512, true};
    cases.add_filled(dtype, bad, spread(bad), normal().with({2, 300, nan}), weights, "nan_row_stays");
    cases.add_filled(dtype, bad_of_expert, spread(bad_of_expert), normal().with({2, 512 + 300, nan}), weights, "nan_row_stays");
    cases.add(dtype, {4, 0, 2, 16, 512}, "no_rows");
    cases.add(dtype, {4, 3, 0, 16, 512}, "no_experts_used");
    // Wider than a cache tile in every direction.
    cases.add(dtype, {3, 70, 2, 130, 768}, "tiles");
}

}  // namespace

void add_mul_mat_experts_cases(CaseList& list) {
    MulMatExpertsCases cases(list);
    for (const DTypeInfo& format : kDTypes)
        if (format.is_weight_format) add_format(cases, format);

    // Rows that are no multiple of a vector.
    for (const int64_t n_tok : {1, 23}) {
        for (const DType dtype : {DType::F32, DType::F16, DType::BF16})
            for (const int64_t n_in : {1, 3, 7, 9, 17, 33, 80, 1000}) cases.add(dtype, {3, n_tok, 2, 23, n_in}, "remainder");
        for (const DType dtype : {DType::Q8_0, DType::Q4_0, DType::Q5_1, DType::IQ4_NL})
            cases.add(dtype, {3, n_tok, 2, 23, 160}, "remainder");
    }
    // Numbers of experts that models have, and more rows.
    for (const DType dtype : {DType::F32, DType::F16, DType::Q8_0, DType::Q4_K}) {
        const int64_t n_in = dtype == DType::Q4_K ? 256 : 64;
        for (const int64_t n_expert : {16, 64, 128, 512})
            for (const int64_t n_tok : {1, 40}) cases.add(dtype, {n_expert, n_tok, 6, 18, n_in, n_tok == 1}, "many_experts");
        cases.add(dtype, {62, 4, 62, 17, n_in, true}, "all_of_many");
        cases.add(dtype, {16, 300, 4, 24, n_in}, "prompt");
    }
    // For --perf: a step of decoding, a prompt whose experts are even, and one that goes to one expert alone.
    for (const DType dtype : {DType::Q8_0, DType::Q4_K}) {
        cases.add(dtype, {64, 1, 6, 512, 1536}, "up").heavy = true;
        cases.add(dtype, {64, 1, 6, 1536, 512, true}, "down").heavy = true;
        cases.add(dtype, {64, 64, 6, 96, 1536}, "prompt").heavy = true;
        const Shape one{4, 128, 1, 512, 1536};
        cases.add_routed(dtype, one, repeated(one, {1}), "one_expert").heavy = true;
    }

    const Operand x = f32({3, 64}), w = weight(DType::F32, {4, 5, 64}), ids = i32({3, 2}, {0, 1, 2, 3, 0, 1});
    cases.add_illegal("blocks.Q8_0", {.x = f32({3, 48}), .w = weight(DType::Q8_0, {4, 5, 48}), .ids = ids},
                      {"48", "Q8_0", "32"});
    cases.add_illegal("blocks.Q4_K", {.x = f32({3, 160}), .w = weight(DType::Q4_K, {4, 5, 160}), .ids = ids},
                      {"160", "Q4_K", "256"});
    cases.add_illegal("inner", {.x = x, .w = weight(DType::F32, {4, 5, 63}), .ids = ids}, {"'w'", "64"});
    cases.add_illegal("w_rank", {.x = x, .w = weight(DType::F32, {5, 64}), .ids = ids}, {"'w'", "n_expert"});
    cases.add_illegal("x_rank", {.x = f32({192}), .w = w, .ids = ids}, {"'x'", "rank 2"});
    cases.add_illegal("x_rows", {.x = f32({4, 64}), .w = w, .ids = ids}, {"'x'", "[3, 64]"});
    cases.add_illegal("x_used", {.x = f32({3, 3, 64}), .w = w, .ids = ids}, {"'x'", "[3, 2, 64]"});
    cases.add_illegal("ids_rank", {.x = x, .w = w, .ids = index({0, 1, 2})}, {"'ids'", "n_used"});
    cases.add_illegal("ids_type", {.x = x, .w = w, .ids = f32({3, 2})}, {"'ids'", "I32"});
    cases.add_illegal("no_weights", {.x = x, .ids = ids}, {"'w'", "missing"});
    cases.add_illegal("no_ids", {.x = x, .w = w}, {"'ids'", "missing"});
}

}  // namespace krait::harness
