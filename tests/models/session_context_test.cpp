// SPDX-License-Identifier: Apache-2.0
//
// The context of a model with attention: how many tokens a sequence takes, what snapshots take of the pages, and states that
// were saved with another context or cache type.
#include <gtest/gtest.h>

#include "models/evaluation/perplexity.hpp"
#include "tests/golden/devices.hpp"
#include "tests/models/session_fixture.hpp"

namespace krait {
namespace {

constexpr const char* kHybrid = "hybrids/granite_moe_nope";

class SessionContext : public testing::Test {
  protected:
    static std::shared_ptr<const Model> load(DType cache = DType::F32) {
        auto model = Model::load(golden_model(kHybrid), {.device = "cpu", .cache = cache});
        EXPECT_TRUE(model) << model.error().message;
        return *model;
    }
    static Session session(const std::shared_ptr<const Model>& model, SessionOptions options) {
        auto created = Session::create(model, options);
        EXPECT_TRUE(created) << created.error().message;
        return std::move(*created);
    }
    static std::vector<int32_t> tokens(size_t n) {
        std::vector<int32_t> result(n);
        for (size_t i = 0; i < n; ++i) result[i] = static_cast<int32_t>(i * 7 % 50);
        return result;
    }
    static Result<void> read(Session& session, int32_t sequence, std::span<const int32_t> tokens) {
        return session.decode({{.sequence = sequence, .tokens = tokens}});
    }
    static int64_t room(const Session& session, int32_t sequence) { return session.room(sequence)->value(); }
};

// To the token, although memory comes in pages of 32.
TEST_F(SessionContext, IsAsLongAsWasAskedFor) {
    Session s = session(load(), {.max_sequences = 2, .max_sequence_tokens = 40});
    const auto all = tokens(41);
    ASSERT_TRUE(read(s, 0, std::span(all).first(39)));
    EXPECT_EQ(room(s, 0), 1);
    EXPECT_EQ(room(s, 1), 40);
    expect_error(read(s, 0, std::span(all).first(2)), ErrorCode::out_of_memory,
                 "sequence 0 has 39 tokens and 2 more are too many: its context is 40 tokens");
    ASSERT_TRUE(read(s, 0, std::span(all).first(1)));
    EXPECT_EQ(room(s, 0), 0);
    ASSERT_TRUE(read(s, 1, std::span(all).first(40)));
}

// A snapshot in the middle of a page keeps that page, and the sequence goes on in another one.
TEST_F(SessionContext, SnapshotsTakeNothingOfIt) {
    Session s = session(load(), {.max_snapshots = 6, .max_sequence_tokens = 96});
    const auto all = tokens(96);
    for (size_t first = 0; first < all.size(); first += 16) {
        ASSERT_TRUE(read(s, 0, std::span(all).subspan(first, 16))) << first;
        if (first + 16 == all.size()) break;
        ASSERT_TRUE(s.snapshot(0)) << first;
    }
    EXPECT_EQ(room(s, 0), 0);
}

TEST_F(SessionContext, SavedSequencesThatDoNotFit) {
    const auto model = load();
    Session s = session(model, {.max_sequence_tokens = 64}),
            small = session(model, {.max_cached_tokens = 96, .max_sequence_tokens = 33});
    ASSERT_TRUE(read(s, 0, tokens(34)));
    const auto saved = s.save(0);
    ASSERT_TRUE(saved);
    expect_error(small.restore(0, *saved), ErrorCode::out_of_memory,
                 "the saved sequence has 34 tokens, and the context of this session is 33");
    EXPECT_TRUE(small.tokens(0)->empty());

    const auto halves = load(DType::F16);
    Session other = session(halves, {.max_sequence_tokens = 64});
    expect_error(other.restore(0, *saved), ErrorCode::invalid_argument,
                 "keys and values of the sequence are F32, and this model keeps F16");
    expect_error(s.move_to(halves), ErrorCode::invalid_argument,
                 "keys and values of the sequence are F32, and this model keeps F16");
    EXPECT_EQ(s.tokens(0)->size(), 34u);
}

TEST_F(SessionContext, IsBelowThePositionsThatOperatorsTake) {
    const auto refused = Session::create(load(), {.max_sequence_tokens = (1 << 24) + 1});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().message, "a context of 16777217 tokens: 0 (the default) to 16777216 are possible");
}

// A window is longer than the context that sessions have unless asked.
TEST_F(SessionContext, OfPerplexityIsItsLongestWindow) {
    const EvaluationText text{.tokens = tokens(static_cast<size_t>(kDefaultCachedTokens) + 40), .prefix = {1}};
    PerplexityOptions options;
    options.windows.stream = true;
    const auto run = measure_perplexity(load(), text, options);
    ASSERT_TRUE(run) << run.error().message;
    EXPECT_EQ(run->nll.size(), text.tokens.size() - 1);
}

}  // namespace
}  // namespace krait
