// SPDX-License-Identifier: Apache-2.0
#include "engine/prefix/prefix_tree.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace krait::engine {
namespace {

using Tokens = std::vector<int32_t>;

std::vector<size_t> lengths(const PrefixTree::Match& match) {
    std::vector<size_t> lengths;
    for (const PrefixNode* node : match.path)
        if (node->entry) lengths.push_back(node->n_tok);
    return lengths;
}

TEST(PrefixTree, FindsThePrefixesOfAPrompt) {
    PrefixTree tree;
    tree.insert(Tokens{1, 2, 3, 4, 5, 6});
    tree.insert(Tokens{1, 2});
    tree.insert(Tokens{1, 2, 3, 9});
    tree.insert(Tokens{7});
    const auto match = tree.match(Tokens{1, 2, 3, 9, 9, 9});
    EXPECT_EQ(match.n_common, 4u);
    EXPECT_EQ(lengths(match), (std::vector<size_t>{2, 4}));
    const auto middle = tree.match(Tokens{1, 2, 3, 4, 5, 0});
    EXPECT_EQ(middle.n_common, 5u) << "in the middle of a label";
    EXPECT_EQ(lengths(middle), (std::vector<size_t>{2}));
    EXPECT_EQ(tree.match(Tokens{8, 1}).n_common, 0u);
    EXPECT_EQ(tree.match(Tokens{}).n_common, 0u);
}

TEST(PrefixTree, TokensSavedAreThoseBehindTheEntryAbove) {
    PrefixTree tree;
    PrefixNode& leaf = tree.insert(Tokens{1, 2, 3, 4, 5, 6});
    EXPECT_EQ(PrefixTree::tokens_saved(leaf), 6u);
    PrefixNode& upper = tree.insert(Tokens{1, 2});
    EXPECT_EQ(PrefixTree::tokens_saved(leaf), 4u);
    tree.evict(upper);
    EXPECT_EQ(PrefixTree::tokens_saved(leaf), 6u);
    const auto match = tree.match(Tokens{1, 2, 3});
    ASSERT_EQ(match.path.size(), 1u);
    EXPECT_TRUE(match.path[0]->evicted) << "it is remembered that something was there";
    tree.insert(Tokens{1, 2});
    EXPECT_FALSE(tree.match(Tokens{1, 2}).path[0]->evicted);
}

TEST(PrefixTree, OfWhatWasEvictedTheOldestIsForgotten) {
    PrefixTree tree;
    for (int32_t i = 0; i < static_cast<int32_t>(PrefixTree::kMaxEvicted) + 3; ++i) tree.evict(tree.insert(Tokens{i, i}));
    EXPECT_EQ(tree.match(Tokens{2, 2}).n_common, 0u);
    EXPECT_EQ(tree.match(Tokens{3, 3}).n_common, 2u);
    EXPECT_TRUE(tree.entries().empty());
}

// Against a set of prefixes.
TEST(PrefixTree, RandomChanges) {
    std::mt19937 random(1);
    PrefixTree tree;
    std::set<Tokens> there;
    const auto any = [&] {
        Tokens tokens(1 + random() % 7);
        for (int32_t& token : tokens) token = static_cast<int32_t>(random() % 3);
        return tokens;
    };
    for (int step = 0; step < 20000; ++step) {
        const Tokens tokens = any();
        if (random() % 2 == 0) {
            PrefixNode& node = tree.insert(tokens);
            ASSERT_EQ(PrefixTree::tokens_of(node), tokens);
            there.insert(tokens);
        } else if (!tree.entries().empty()) {
            PrefixNode& node = *tree.entries()[random() % tree.entries().size()];
            there.erase(PrefixTree::tokens_of(node));
            random() % 2 == 0 ? tree.evict(node) : tree.remove(node);
        }
        ASSERT_EQ(tree.entries().size(), there.size());
        const Tokens prompt = any();
        std::vector<size_t> expected;
        for (size_t n = 1; n <= prompt.size(); ++n)
            if (there.count(Tokens(prompt.begin(), prompt.begin() + static_cast<ptrdiff_t>(n)))) expected.push_back(n);
        ASSERT_EQ(lengths(tree.match(prompt)), expected);
    }
}

}  // namespace
}  // namespace krait::engine
