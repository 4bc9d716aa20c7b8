// SPDX-License-Identifier: Apache-2.0
//
// A law of the family "cpu" (backends/cpu/ops/mul_mat_int8.hpp): a row of a product with quantized weights has the same bits
// whatever rows stand beside it. So a prompt read at once, a prompt in chunks and tokens one by one give the same text.
#include "tests/conformance/conformance_test.hpp"
#include "tests/harness/device_run.hpp"

namespace krait {
namespace {

using harness::BoundCase;
using harness::Case;
using harness::CaseData;

void no_formula(const ops::MulMat::In<harness::Values>&, const NoParams&, const ops::MulMat::Out<std::vector<double>*>&) {}

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
