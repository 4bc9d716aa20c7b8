// SPDX-License-Identifier: Apache-2.0
//
// A law of the family "cpu" (backends/cpu/ops/multiply.hpp): a row of a product has the same bits whatever rows stand beside
// it, and of an expert those of a product with that expert's matrix. So a prompt read at once, a prompt in chunks and tokens
// one by one give the same text.
#include "tests/conformance/conformance_test.hpp"
#include "tests/harness/device_run.hpp"

namespace krait {
namespace {

using harness::BoundCase;
using harness::Case;
using harness::CaseData;

void no_formula(const ops::MulMat::In<harness::Values>&, const NoParams&, const ops::MulMat::Out<std::vector<double>*>&) {}

void no_experts(const ops::MulMatExperts::In<harness::Values>&, const NoParams&,
                const ops::MulMatExperts::Out<std::vector<double>*>&) {}

class RowLaws : public ConformanceTest {
  protected:
    static constexpr int64_t kMaxRows = 41, kOutputs = 35;

    // y of rows first .. first + n_tok of all.in[0], with the weights of `all`.
    std::vector<float> product(const harness::Resources& resources, const Case& of, const CaseData& all, int64_t first) {
        auto data = harness::materialize(of);
        EXPECT_TRUE(data) << data.error().message;
        if (!data) return {};
        const auto at = static_cast<ptrdiff_t>(first * inner_bytes(of.in[0].desc));
        data->in[0].assign(all.in[0].begin() + at, all.in[0].begin() + at + static_cast<ptrdiff_t>(data->in[0].size()));
        auto bound = BoundCase::create(resources, of, *data, harness::Layout::plain);
        EXPECT_TRUE(bound) << bound.error().message;
        if (!bound) return {};
        const auto observed = bound->run(*data);
        EXPECT_TRUE(observed) << observed.error().message;
        if (!observed) return {};
        return {observed->floats(0).begin(), observed->floats(0).end()};
    }

    void expect_same_rows(DType format, int64_t d_in) {
        harness::CaseList list;
        const auto of_rows = [&](int64_t n_tok) -> const Case& {
            return list.op<ops::MulMat, no_formula>().add(
                std::to_string(n_tok),
                {.x = harness::f32({n_tok, d_in}), .w = harness::weight(format, {kOutputs, d_in}, harness::blocks())});
        };
        const auto all = harness::materialize(of_rows(kMaxRows));
        ASSERT_TRUE(all) << all.error().message;
        const Case& single = of_rows(1);
        const auto resources = harness::Resources::create(device, single, *all, true);
        ASSERT_TRUE(resources) << resources.error().message;
        std::vector<float> one_by_one;
        for (int64_t t = 0; t < kMaxRows; ++t) {
            const auto row = product(*resources, single, *all, t);
            one_by_one.insert(one_by_one.end(), row.begin(), row.end());
        }
        ASSERT_EQ(one_by_one.size(), static_cast<size_t>(kMaxRows * kOutputs));
        for (const int64_t n_tok : {2, 3, 7, 8, 9, 16, 23, 25, 32, 41}) {
            const auto together = product(*resources, n_tok == kMaxRows ? *list.all()[0] : of_rows(n_tok), *all, 0);
            ASSERT_EQ(together.size(), static_cast<size_t>(n_tok * kOutputs));
            for (size_t i = 0; i < together.size(); ++i)
                ASSERT_EQ(together[i], one_by_one[i])
                    << "row " << i / kOutputs << " of " << n_tok << ", output " << i % kOutputs;
        }
    }
};

// Some experts with many rows, some with few, one with one; the last one has none.
int32_t expert_of(int64_t t, int64_t i) { return static_cast<int32_t>(i == 0 ? t % 9 == 4 : t == 7 ? 4 : 2 + t % 2); }

TEST_P(RowLaws, ProductsWithExpertsHaveTheBitsOfThoseWithTheirMatrices) {
    if (!GetParam().starts_with("cpu")) GTEST_SKIP() << "a law of the CPU variants alone";
    constexpr int64_t kExperts = 6, kTokens = 41, kUsed = 2;
    std::vector<int32_t> ids;
    for (int64_t r = 0; r < kTokens * kUsed; ++r) ids.push_back(expert_of(r / kUsed, r % kUsed));
    for (const DTypeInfo& format : kDTypes) {
        if (!format.is_weight_format) continue;
        SCOPED_TRACE(format.name);
        const int64_t d_in = format.block_elems == 256 ? 256 : 160;
        const auto matrix_bytes = static_cast<ptrdiff_t>(kOutputs * row_bytes(format.dtype, d_in));
        for (const bool own_rows : {false, true}) {
            harness::CaseList list;
            const auto x = own_rows ? harness::f32({kTokens, kUsed, d_in}) : harness::f32({kTokens, d_in});
            const Case& of = list.op<ops::MulMatExperts, no_experts>().add(
                "experts", {.x = x,
                            .w = harness::weight(format.dtype, {kExperts, kOutputs, d_in}, harness::blocks()),
                            .ids = harness::i32({kTokens, kUsed}, ids)});
            const auto data = harness::materialize(of);
            ASSERT_TRUE(data) << data.error().message;
            const auto resources = harness::Resources::create(device, of, *data, true);
            ASSERT_TRUE(resources) << resources.error().message;
            const auto together = product(*resources, of, *data, 0);
            ASSERT_EQ(together.size(), static_cast<size_t>(kTokens * kUsed * kOutputs));
            for (int32_t expert = 0; expert < kExperts; ++expert) {
                harness::CaseList matrices;
                const Case& one = matrices.op<ops::MulMat, no_formula>().add(
                    "one", {.x = harness::f32({1, d_in}), .w = harness::weight(format.dtype, {kOutputs, d_in})});
                auto rows = harness::materialize(one);
                ASSERT_TRUE(rows) << rows.error().message;
                const auto begin = data->in[1].begin() + expert * matrix_bytes;
                rows->in[0] = data->in[0];
                rows->in[1].assign(begin, begin + matrix_bytes);
                const auto matrix = harness::Resources::create(device, one, *rows, true);
                ASSERT_TRUE(matrix) << matrix.error().message;
                for (int64_t r = 0; r < kTokens * kUsed; ++r) {
                    if (ids[static_cast<size_t>(r)] != expert) continue;
                    const auto alone = product(*matrix, one, *rows, own_rows ? r : r / kUsed);
                    ASSERT_EQ(alone.size(), static_cast<size_t>(kOutputs));
                    for (int64_t n = 0; n < kOutputs; ++n)
                        ASSERT_EQ(together[static_cast<size_t>(r * kOutputs + n)], alone[static_cast<size_t>(n)])
                            << "row " << r << ", expert " << expert << ", output " << n;
                }
            }
        }
    }
}

TEST_P(RowLaws, ProductsWithQuantizedWeightsHaveTheBitsOfARowAlone) {
    if (!GetParam().starts_with("cpu")) GTEST_SKIP() << "a law of the CPU variants alone";
    for (const DTypeInfo& format : kDTypes) {
        if (!format.is_weight_format || !is_quantized(format.dtype)) continue;
        for (const int64_t d_in : {format.block_elems == 256 ? 256 : 160, 512}) {
            SCOPED_TRACE(std::string(format.name) + " of " + std::to_string(d_in));
            expect_same_rows(format.dtype, d_in);
        }
    }
}

KRAIT_ON_EVERY_DEVICE(RowLaws);

}  // namespace
}  // namespace krait
