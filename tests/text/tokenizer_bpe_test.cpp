// SPDX-License-Identifier: Apache-2.0
//
// The heap of BytePairEncoder against the definition: look at all pairs, join the leftmost of the best rank, again.
#include <map>

#include "tests/text/tokenizer_fixture.hpp"
#include "text/tokenizer/bpe.hpp"

namespace krait::test {
namespace {

using Ids = std::vector<int32_t>;
using Rules = std::map<std::pair<int32_t, int32_t>, Merge>;

Ids by_definition(const Rules& rules, Ids row) {
    for (;;) {
        size_t best = row.size();
        int32_t best_rank = INT32_MAX;
        for (size_t i = 0; i + 1 < row.size(); ++i) {
            const auto rule = rules.find({row[i], row[i + 1]});
            if (rule != rules.end() && rule->second.rank < best_rank) best = i, best_rank = rule->second.rank;
        }
        if (best == row.size()) return row;
        row[best] = rules.at({row[best], row[best + 1]}).result;
        row.erase(row.begin() + static_cast<std::ptrdiff_t>(best) + 1);
    }
}

// Random merges over few tokens, so that everything overlaps; ranks in any order, unlike a trained vocabulary's.
TEST(BytePairEncoder, DoesWhatTheDefinitionDoes) {
    Random random(11);
    for (int round = 0; round < 300; ++round) {
        const int32_t n_letter = 2 + static_cast<int32_t>(random.next() % 4);
        int32_t n_token = n_letter;
        const int32_t n_merge = 1 + static_cast<int32_t>(random.next() % 40);
        Rules rules;
        MergeTable table(n_merge);
        std::vector<int32_t> ranks(n_merge);
        Ids lengths(n_letter, 1);  // how many letters a token is made of
        for (int32_t i = 0; i < n_merge; ++i) ranks[i] = i;
        if (round % 2 == 1) {
            for (int32_t i = n_merge - 1; i > 0; --i) std::swap(ranks[i], ranks[random.next() % static_cast<uint64_t>(i + 1)]);
        }
        for (int32_t i = 0; i < n_merge; ++i) {
            const auto pick = [&] { return static_cast<int32_t>(random.next() % static_cast<uint64_t>(n_token)); };
            const std::pair pair{pick(), pick()};
            const Merge merge{ranks[i], n_token};
            lengths.push_back(lengths[pair.first] + lengths[pair.second]);
            ASSERT_EQ(table.insert(pair.first, pair.second, merge), rules.emplace(pair, merge).second);
            ++n_token;
        }
        BytePairEncoder encoder;
        for (int i = 0; i < 20; ++i) {
            Ids row(random.next() % 50);
            for (int32_t& token : row) token = static_cast<int32_t>(random.next() % static_cast<uint64_t>(n_letter));
            Ids joined{-5};  // encode appends
            const auto find_merge = [&](const BytePairEncoder::Part& left, const BytePairEncoder::Part& right) {
                EXPECT_EQ(left.end - left.begin, lengths[left.token]);
                EXPECT_EQ(left.end, right.begin);
                EXPECT_EQ(right.end - right.begin, lengths[right.token]);
                return table.find(left.token, right.token);
            };
            encoder.encode(row, find_merge, joined);
            Ids expected = by_definition(rules, row);
            expected.insert(expected.begin(), -5);
            ASSERT_EQ(joined, expected) << "round " << round << ", row " << i;
        }
    }
}

TEST(MergeTable, FindsWhatWasInsertedAndNothingElse) {
    MergeTable table(5000);
    for (int32_t i = 0; i < 5000; ++i) ASSERT_TRUE(table.insert(i * 7, i % 13, {i, i + 1}));
    EXPECT_FALSE(table.insert(0, 0, {1, 1}));
    for (int32_t i = 0; i < 5000; ++i) {
        EXPECT_EQ(table.find(i * 7, i % 13).rank, i);
        EXPECT_EQ(table.find(i * 7, i % 13).result, i + 1);
        EXPECT_EQ(table.find(i * 7, i % 13 + 13).rank, -1);
        EXPECT_EQ(table.find(i * 7 + 1, i % 13).rank, -1);
    }
    EXPECT_EQ(MergeTable().find(0, 0).rank, -1);
}

}  // namespace
}  // namespace krait::test
