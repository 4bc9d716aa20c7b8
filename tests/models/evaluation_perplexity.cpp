// SPDX-License-Identifier: Apache-2.0
//
// Perplexity: every way of cutting and batching gives what reading token by token gives.
#include "models/evaluation/perplexity.hpp"

#include <numeric>

#include "tests/models/evaluation_fixture.hpp"

namespace krait::test {
namespace {

using PerplexityTest = EvaluationTest;

TEST(TextWindows, FollowOneAnotherAndAreScoredFromTheMidpoint) {
    const auto windows = cut_windows(25, {.context = 10});
    ASSERT_TRUE(windows) << windows.error().message;
    ASSERT_EQ(windows->size(), 2u) << "of the last 5 tokens none would be scored";
    EXPECT_EQ((*windows)[1].first, 10u);
    EXPECT_EQ((*windows)[1].n_context, 5u);
    EXPECT_EQ((*windows)[1].n_scored, 5u);
    EXPECT_EQ((*windows)[1].first_row, 5u);
    const auto longer = cut_windows(26, {.context = 10});
    ASSERT_TRUE(longer);
    ASSERT_EQ(longer->size(), 3u);
    EXPECT_EQ(longer->back().n_scored, 1u);
}

TEST(TextWindows, AStrideScoresEveryTokenOnce) {
    for (const size_t n_tok : {11u, 40u, 64u, 65u, 200u})
        for (const int64_t stride : {1, 3, 9}) {
            const auto windows = cut_windows(n_tok, {.context = 10, .stride = stride});
            ASSERT_TRUE(windows) << windows.error().message;
            size_t next = 10 - static_cast<size_t>(stride), row = 0;
            for (const Window& window : *windows) {
                EXPECT_EQ(window.first + window.n_context, next);
                EXPECT_EQ(window.first_row, row);
                EXPECT_LE(window.n_context + window.n_scored, 10u);
                next += window.n_scored;
                row += window.n_scored;
            }
            EXPECT_EQ(next, n_tok) << "stride " << stride;
        }
}

TEST(TextWindows, AStreamScoresAllButTheFirst) {
    const auto windows = cut_windows(1000, {.stream = true});
    ASSERT_TRUE(windows);
    ASSERT_EQ(windows->size(), 1u);
    EXPECT_EQ(windows->front().n_context, 1u);
    EXPECT_EQ(windows->front().n_scored, 999u);
}

TEST(TextWindows, RefuseWhatCannotBeCut) {
    expect_error(cut_windows(256, {.context = 512}), ErrorCode::invalid_argument,
                 "the text has 256 tokens; with context 512 the first 256 are only context, so at least 257 are needed");
    EXPECT_TRUE(cut_windows(257, {.context = 512}));
    expect_error(cut_windows(1, {.stream = true}), ErrorCode::invalid_argument, "the text has 1 tokens; at least 2");
    expect_error(cut_windows(0, {.context = 2}), ErrorCode::invalid_argument, "the text has 0 tokens");
    expect_error(cut_windows(100, {.context = 1}), ErrorCode::invalid_argument, "at least 2");
    expect_error(cut_windows(100, {.context = 10, .stride = 10}), ErrorCode::invalid_argument,
                 "a stride of 10: 1 to 9 are possible");
    expect_error(cut_windows(100, {.context = 10, .stride = -1}), ErrorCode::invalid_argument, "a stride of -1");
}

TEST_F(PerplexityTest, IsWhatReadingTokenByTokenGives) {
    const EvaluationText text = heldout(KRAIT_QUICK_TESTS ? 150 : 450);
    for (const WindowOptions& options : {WindowOptions{.context = 100}, WindowOptions{.context = 60, .stride = 20},
                                         WindowOptions{.stream = true}, WindowOptions{.context = 2}}) {
        const auto run = measure_perplexity(model_, text, {.windows = options, .batch = 3});
        ASSERT_TRUE(run) << run.error().message;
        const auto windows = cut_windows(text.tokens.size(), options);
        ASSERT_TRUE(windows);
        std::vector<double> expected;
        int64_t n_byte = 0;
        for (const Window& window : *windows) {
            const auto tokens = std::span(text.tokens).subspan(window.first, window.n_context + window.n_scored);
            const auto rows = read_one_by_one(tokens);
            for (size_t t = window.n_context; t < tokens.size(); ++t) {
                expected.push_back(-rows[t - 1][static_cast<size_t>(tokens[t])]);
                n_byte += static_cast<int64_t>(tokenizer_->token_bytes(tokens[t]).size());
            }
        }
        ASSERT_EQ(run->nll.size(), expected.size()) << to_string(options);
        for (size_t i = 0; i < expected.size(); ++i)
            ASSERT_NEAR(run->nll[i], expected[i], 2e-4) << to_string(options) << ", row " << i;
        EXPECT_EQ(run->n_byte, n_byte);
        const double mean = std::accumulate(expected.begin(), expected.end(), 0.0) / static_cast<double>(expected.size());
        const PerplexitySummary summary = summarize(*run);
        EXPECT_NEAR(summary.perplexity.value / std::exp(mean), 1, 1e-5) << to_string(options);
        EXPECT_NEAR(summary.bits_per_byte,
                    mean * static_cast<double>(expected.size()) / std::log(2.0) / static_cast<double>(n_byte), 1e-5);
    }
}

TEST_F(PerplexityTest, TheBatchDoesNotMatter) {
    const EvaluationText text = heldout(KRAIT_QUICK_TESTS ? 200 : 700);
    const auto measure = [&](int32_t batch) {
        return measure_perplexity(model_, text, {.windows = {.context = 64}, .batch = batch});
    };
    const auto alone = measure(1);
    ASSERT_TRUE(alone) << alone.error().message;
    for (const int32_t batch : {2, 5, 100}) {
        const auto together = measure(batch);
        ASSERT_TRUE(together) << together.error().message;
        ASSERT_EQ(together->nll.size(), alone->nll.size());
        EXPECT_EQ(together->n_read, alone->n_read);
        EXPECT_NEAR(summarize(*together).perplexity.value / summarize(*alone).perplexity.value, 1, 1e-6) << "batch " << batch;
    }
}

TEST_F(PerplexityTest, APrefixBeginsEveryWindow) {
    EvaluationText text = heldout(60);
    text.prefix = {0};  // end of text, as a model that wants one would begin
    const auto run = measure_perplexity(model_, text, {.windows = {.context = 30}});
    ASSERT_TRUE(run) << run.error().message;
    std::vector<int32_t> window{0};
    window.insert(window.end(), text.tokens.begin() + 30, text.tokens.end());
    const auto rows = read_one_by_one(window);
    ASSERT_EQ(run->nll.size(), 30u);
    for (size_t i = 0; i < 15; ++i)
        EXPECT_NEAR(run->nll[15 + i], -rows[15 + i][static_cast<size_t>(text.tokens[45 + i])], 2e-4);
}

TEST_F(PerplexityTest, RowsAndProgressAreComplete) {
    const EvaluationText text = heldout(100);
    std::vector<int> seen(60, 0);
    int64_t last = 0, total = 0;
    PerplexityOptions options{.windows = {.context = 80, .stride = 40}};
    options.progress = [&](int64_t done, int64_t all, double) {
        EXPECT_GT(done, last);
        last = done;
        total = all;
    };
    options.visit = [&](const ScoredToken& scored) -> Result<void> {
        ++seen.at(scored.row);
        EXPECT_EQ(scored.token, text.tokens[40 + scored.row]);
        EXPECT_EQ(scored.logits.size(), static_cast<size_t>(model_->n_token()));
        return {};
    };
    const auto run = measure_perplexity(model_, text, options);
    ASSERT_TRUE(run) << run.error().message;
    EXPECT_EQ(seen, std::vector<int>(60, 1));
    EXPECT_EQ(last, total);
    EXPECT_EQ(last, run->n_read);

    options.progress = nullptr;
    options.visit = [](const ScoredToken& scored) -> Result<void> {
        if (scored.row < 5) return {};
        return fail(ErrorCode::io, "the disk is full");
    };
    expect_error(measure_perplexity(model_, text, options), ErrorCode::io, "the disk is full");
}

TEST_F(PerplexityTest, BadInputAndCancelling) {
    EvaluationText text = heldout(50);
    expect_error(measure_perplexity(model_, text, {}), ErrorCode::invalid_argument, "at least 257 are needed");
    expect_error(measure_perplexity(model_, text, {.batch = 0}), ErrorCode::invalid_argument, "a batch of 0 windows");
    const std::atomic<bool> cancel{true};
    expect_error(measure_perplexity(model_, text, {.windows = {.stream = true}, .cancel = &cancel}), ErrorCode::cancelled,
                 "cancelled after 0 of 49 tokens");
    text.tokens[7] = model_->n_token();
    expect_error(measure_perplexity(model_, text, {.windows = {.stream = true}}), ErrorCode::invalid_argument, "at position 7");
}

}  // namespace
}  // namespace krait::test
