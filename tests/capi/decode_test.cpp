// SPDX-License-Identifier: Apache-2.0
//
// Decoding in the C API: progress and its end, hidden states, log-probabilities, figures, sizes of structs.
#include <gtest/gtest.h>
#include <krait/krait.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <krait/krait.hpp>
#include <numeric>

#include "tests/capi/value.hpp"

namespace kr = krait::api;

namespace {

using krait::test::value;

std::vector<int32_t> some_tokens(size_t n) {
    std::vector<int32_t> tokens(n);
    for (size_t i = 0; i < n; ++i) tokens[i] = static_cast<int32_t>(1 + i * 7 % 100);
    return tokens;
}

kr::Session session_of(const kr::Model& model, int32_t max_batch_tokens) {
    krait_session_options options = KRAIT_SESSION_OPTIONS_INIT;
    options.max_batch_tokens = max_batch_tokens;
    return value(kr::Session::create(model, options));
}

TEST(CApiDecode, ProgressIsToldAndMayEndTheCall) {
    const kr::Model model = value(kr::Model::load());
    kr::Session session = session_of(model, 8);
    const auto tokens = some_tokens(30);
    const krait_batch_item item = kr::Session::item_of(tokens, 0, KRAIT_WANT_LAST);
    std::vector<uint64_t> told;
    value(session.decode(std::span(&item, 1), [&](uint64_t done, uint64_t total) {
        EXPECT_EQ(total, 30u);
        told.push_back(done);
        return true;
    }));
    EXPECT_EQ(told, (std::vector<uint64_t>{8, 16, 24, 30}));
    const auto expected = value(session.logits());
    const std::vector<float> before(expected.begin(), expected.end());

    value(session.reset());
    const auto ended = session.decode(std::span(&item, 1), [](uint64_t done, uint64_t) { return done < 16; });
    ASSERT_FALSE(ended);
    EXPECT_EQ(ended.failure().code, KRAIT_CANCELLED);
    EXPECT_EQ(ended.failure().message, "cancelled after 16 of 30 tokens");
    EXPECT_EQ(value(session.length()), 16u);
    value(session.decode(std::span(tokens).subspan(16)));  // and it can continue
    const auto after = value(session.logits());
    EXPECT_TRUE(std::equal(before.begin(), before.end(), after.begin(), after.end()));

    krait_decode_options options = KRAIT_DECODE_OPTIONS_INIT;
    options.struct_size = 0;
    EXPECT_EQ(krait_session_decode(session.get(), &item, 1, &options, nullptr), KRAIT_INVALID_ARGUMENT);
}

TEST(CApiDecode, HiddenStatesAreHandedOut) {
    const kr::Model model = value(kr::Model::load());
    kr::Session session = session_of(model, 512);
    const auto tokens = some_tokens(5);
    const auto decode = [&](krait_hidden hidden) {
        value(session.reset());
        krait_batch_item item = kr::Session::item_of(tokens, 0, KRAIT_WANT_NONE);
        item.hidden = hidden;
        value(session.decode(std::span(&item, 1)));
    };
    const auto width = static_cast<size_t>(model.d_model());
    const auto copy = [&](size_t row) {
        const auto found = value(session.hidden(0, row));
        EXPECT_EQ(found.size(), width);
        return std::vector<float>(found.begin(), found.end());
    };
    decode(KRAIT_HIDDEN_ALL);
    std::vector<double> sum(width, 0.0);
    for (size_t row = 0; row < tokens.size(); ++row) {
        const auto one = copy(row);
        for (size_t i = 0; i < width; ++i) sum[i] += static_cast<double>(one[i]);
    }
    const auto last_of_all = copy(4);
    EXPECT_EQ(session.hidden(0, 5).failure().code, KRAIT_NOT_FOUND);
    EXPECT_EQ(session.hidden(1, 0).failure().code, KRAIT_NOT_FOUND);
    EXPECT_EQ(session.logits().failure().code, KRAIT_NOT_FOUND);
    decode(KRAIT_HIDDEN_LAST);
    const auto last = copy(0);
    decode(KRAIT_HIDDEN_MEAN);
    const auto mean = copy(0);
    for (size_t i = 0; i < width; ++i) {
        EXPECT_NEAR(last[i], last_of_all[i], 1e-4f * (1 + std::abs(last[i]))) << i;
        EXPECT_NEAR(mean[i], sum[i] / 5, 1e-4 * (1 + std::abs(sum[i]))) << i;
    }
    decode(KRAIT_HIDDEN_NONE);
    EXPECT_EQ(session.hidden().failure().code, KRAIT_NOT_FOUND);
    const float* values = nullptr;
    size_t size = 0;
    EXPECT_EQ(krait_session_hidden(nullptr, 0, 0, &values, &size, nullptr), KRAIT_INVALID_ARGUMENT);
    EXPECT_EQ(krait_session_hidden(session.get(), 0, 0, nullptr, &size, nullptr), KRAIT_INVALID_ARGUMENT);
    EXPECT_EQ(krait_session_hidden(session.get(), 0, 0, &values, nullptr, nullptr), KRAIT_INVALID_ARGUMENT);
}

TEST(CApiDecode, LogProbabilitiesOfAPrompt) {
    const kr::Model model = value(kr::Model::load());
    kr::Session session = session_of(model, 512);
    const auto tokens = value(model.tokenize("It was a fine day"));
    value(session.decode(tokens, 0, KRAIT_WANT_ALL));
    std::vector<int32_t> every(static_cast<size_t>(model.n_token()));
    std::iota(every.begin(), every.end(), 0);
    for (size_t row = 0; row + 1 < tokens.size(); ++row) {
        const auto all = value(session.logprobs(every, 0, row));
        double sum = 0;
        for (const double logprob : all) sum += std::exp(logprob);
        EXPECT_NEAR(sum, 1.0, 1e-9) << "row " << row;
        const int32_t next = tokens[row + 1];
        EXPECT_EQ(value(session.logprobs(std::span(&next, 1), 0, row))[0], all[static_cast<size_t>(next)]);
        const auto logits = value(session.logits(0, row));
        EXPECT_NEAR(all[1] - all[2], static_cast<double>(logits[1]) - static_cast<double>(logits[2]), 1e-12);
    }
    const int32_t wrong = static_cast<int32_t>(model.n_token());
    EXPECT_EQ(session.logprobs(std::span(&wrong, 1)).failure().code, KRAIT_INVALID_ARGUMENT);
    EXPECT_EQ(session.logprobs({}).failure().code, KRAIT_INVALID_ARGUMENT);
    EXPECT_EQ(session.logprobs(std::span(&tokens[0], 1), 0, tokens.size()).failure().code, KRAIT_NOT_FOUND);
    double logprob = 0;
    EXPECT_EQ(krait_session_logprobs(nullptr, 0, 0, tokens.data(), 1, &logprob, nullptr), KRAIT_INVALID_ARGUMENT);
    EXPECT_EQ(krait_session_logprobs(session.get(), 0, 0, nullptr, 1, &logprob, nullptr), KRAIT_INVALID_ARGUMENT);
    EXPECT_EQ(krait_session_logprobs(session.get(), 0, 0, tokens.data(), 1, nullptr, nullptr), KRAIT_INVALID_ARGUMENT);
}

TEST(CApiDecode, FiguresCountWhatWasDone) {
    const kr::Model model = value(kr::Model::load());
    kr::Session session = session_of(model, 512);
    const krait_session_figures fresh = value(session.measure());
    EXPECT_EQ(fresh.n_decode, 0u);
    EXPECT_EQ(fresh.n_tok, 0u);
    EXPECT_GE(fresh.state_bytes, model.state_bytes());
    value(session.decode(some_tokens(12)));
    value(session.chain(1, 1));
    (void)session.decode(some_tokens(0));  // fails, and does not count
    const krait_session_figures figures = value(session.measure());
    EXPECT_EQ(figures.n_decode, 2u);
    EXPECT_EQ(figures.n_tok, 13u);
    EXPECT_GT(figures.seconds, 0.0);
    EXPECT_GE(figures.n_program, 1u);
    EXPECT_GT(figures.value_bytes, 0u);
    EXPECT_EQ(figures.n_arena, 1u);
    EXPECT_EQ(figures.n_bound_again, 0u);
    krait_session_figures out = KRAIT_SESSION_FIGURES_INIT;
    EXPECT_EQ(krait_session_measure(nullptr, &out, nullptr), KRAIT_INVALID_ARGUMENT);
    EXPECT_EQ(krait_session_measure(session.get(), nullptr, nullptr), KRAIT_INVALID_ARGUMENT);
    out.struct_size = sizeof out + 1;
    EXPECT_EQ(krait_session_measure(session.get(), &out, nullptr), KRAIT_INVALID_ARGUMENT);
}

// Prompts of 20 to 31 tokens share one shape where shapes are rounded up.
TEST(CApiDecode, ExactShapesCompileMore) {
    const kr::Model model = value(kr::Model::load());
    uint64_t n_program[2] = {};
    for (const int exact : {0, 1}) {
        krait_session_options options = KRAIT_SESSION_OPTIONS_INIT;
        options.exact_shapes = exact;
        kr::Session session = value(kr::Session::create(model, options));
        for (size_t n = 20; n < 32; ++n) value(session.decode(some_tokens(n)));
        n_program[exact] = value(session.measure()).n_program;
    }
    EXPECT_EQ(n_program[1], 12u);
    EXPECT_LE(n_program[0], 2u);
}

// As an application sees it that was built before `hidden` existed: its items are smaller.
TEST(CApiDecode, ItemsMayBeOlderButNotNewer) {
    constexpr size_t kOld = offsetof(krait_batch_item, top_k);
    const kr::Model model = value(kr::Model::load());
    krait_session_options options = KRAIT_SESSION_OPTIONS_INIT;
    options.max_sequences = 2;
    kr::Session session = value(kr::Session::create(model, options));
    const auto first = some_tokens(3), second = some_tokens(5);
    std::vector<std::byte> bytes(2 * kOld);
    for (size_t i = 0; i < 2; ++i) {
        krait_batch_item item = kr::Session::item_of(i == 0 ? first : second, static_cast<int32_t>(i), KRAIT_WANT_LAST);
        item.struct_size = kOld;
        std::memcpy(bytes.data() + i * kOld, &item, kOld);
    }
    const auto* items = reinterpret_cast<const krait_batch_item*>(bytes.data());
    krait_failure failure{};
    ASSERT_EQ(krait_session_decode(session.get(), items, 2, nullptr, &failure), KRAIT_OK) << failure.message;
    EXPECT_EQ(value(session.length(0)), 3u);
    EXPECT_EQ(value(session.length(1)), 5u);

    krait_batch_item item = kr::Session::item_of(first, 0, KRAIT_WANT_LAST);
    for (const size_t wrong : {size_t{0}, sizeof item + 8, offsetof(krait_batch_item, hidden), sizeof(size_t) + 1}) {
        item.struct_size = wrong;
        EXPECT_EQ(krait_session_decode(session.get(), &item, 1, nullptr, &failure), KRAIT_INVALID_ARGUMENT);
        EXPECT_EQ(std::strncmp(failure.message, "items[0].struct_size is ", 24), 0) << failure.message;
    }
    krait_batch_item mixed[2] = {kr::Session::item_of(first, 0, KRAIT_WANT_LAST),
                                 kr::Session::item_of(second, 1, KRAIT_WANT_LAST)};
    mixed[1].struct_size = kOld;
    EXPECT_EQ(krait_session_decode(session.get(), mixed, 2, nullptr, &failure), KRAIT_INVALID_ARGUMENT);
    EXPECT_NE(std::strstr(failure.message, "items[1].struct_size"), nullptr) << failure.message;
    const int unknown = 4;
    item = kr::Session::item_of(first, 0, KRAIT_WANT_LAST);
    std::memcpy(&item.hidden, &unknown, sizeof item.hidden);
    EXPECT_EQ(session.decode(std::span(&item, 1)).failure().message, "items[0].hidden is 4; 0 to 3 exist");
}

}  // namespace
