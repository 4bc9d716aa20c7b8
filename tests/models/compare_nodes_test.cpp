// SPDX-License-Identifier: Apache-2.0
//
// A model node by node on one device, compared with another: results and what nodes leave in memories of both layouts. The
// command `krait debug` shows it (tests/tools).
#include "models/debug/compare_nodes.hpp"

#include "tests/models/row_keeper.hpp"

namespace krait {
namespace {

TEST(CompareNodes, MemoriesOfBothLayoutsAreCompared) {
    const auto expected = test::row_keeper(true, "reference"), tested = test::row_keeper(true, "cpu");
    ASSERT_TRUE(expected) << expected.error().message;
    ASSERT_TRUE(tested) << tested.error().message;
    std::vector<int32_t> tokens(kRowsPerPage + 8);  // two pages
    for (size_t i = 0; i < tokens.size(); ++i) tokens[i] = static_cast<int32_t>(i * 7 % test::kKeeperVocab);
    std::map<std::string, std::vector<size_t>> memories;  // by node: how many values it left, after the prompt and the token
    const auto compared = compare_nodes(**expected, **tested, tokens, [&](const NodeDifference& difference) {
        EXPECT_EQ(difference.n_not_finite, 0) << difference.node;
        // A row that is rounded to F16 may be rounded to its neighbour, one in 2^11.
        EXPECT_LE(difference.error, difference.is_state ? 1e-6 : 1e-9) << difference.node << " " << difference.result;
        if (difference.is_state) memories[difference.node].push_back(difference.n_values);
        return true;
    });
    ASSERT_TRUE(compared) << compared.error().message;
    const size_t width = test::kKeeperWidth, n = tokens.size();
    const std::vector<size_t> rows{(n - 1) * width, n * width}, taps{2 * width, 2 * width};
    EXPECT_EQ(memories, (std::map<std::string, std::vector<size_t>>{{"blk.0.keys", rows},
                                                                    {"blk.0.conv", taps},
                                                                    {"blk.0.values", rows},
                                                                    {"blk.1.keys", rows},
                                                                    {"blk.1.conv", taps},
                                                                    {"blk.1.values", rows}}));
}

// Two nodes write columns of the same rows, and a third one reads them.
TEST(CompareNodes, AttentionFindsWhatOthersWrote) {
    for (const DType cache : {DType::F32, DType::F16}) {
        const std::string path = "tests/golden/hybrids/granite_moe_nope";
        const auto expected = Model::load(path, {.device = "reference", .cache = cache});
        const auto tested = Model::load(path, {.device = "cpu", .cache = cache});
        ASSERT_TRUE(expected) << expected.error().message;
        ASSERT_TRUE(tested) << tested.error().message;
        const std::vector<int32_t> tokens{1, 2, 3, 4, 5, 6, 7};
        std::map<OpId, int> seen;
        const auto compared = compare_nodes(**expected, **tested, tokens, [&](const NodeDifference& difference) {
            EXPECT_EQ(difference.n_not_finite, 0) << difference.node << " " << difference.result;
            EXPECT_LE(difference.error, difference.is_state ? 1e-6 : 1e-9) << difference.node << " " << difference.result;
            ++seen[difference.op];
            return true;
        });
        ASSERT_TRUE(compared) << compared.error().message;
        EXPECT_GE(seen[OpId::kv_write], 4);       // keys and values, after the prompt and after the token
        EXPECT_EQ(seen[OpId::attention] % 2, 0);  // the result alone: it writes no memory
        EXPECT_EQ(seen[OpId::kv_write], 2 * seen[OpId::attention]);
    }
}

}  // namespace
}  // namespace krait
