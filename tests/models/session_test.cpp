// SPDX-License-Identifier: Apache-2.0
//
// Sessions: however tokens come, together or one by one, alone or among others, the logits are the same.
#include "tests/models/session_fixture.hpp"

namespace krait {
namespace {

using test::copy_of;

TEST_P(SessionTest, ChunksDoNotMatter) {
    const auto tokens = random_tokens(97, 1);
    const auto whole = all_logits(tokens, {97});
    EXPECT_LE(test::nmse(all_logits(tokens, {1}), whole), tolerance_) << "token by token";
    EXPECT_LE(test::nmse(all_logits(tokens, {2}), whole), tolerance_) << "two by two";
    EXPECT_LE(test::nmse(all_logits(tokens, {31, 1, 17, 40, 3}), whole), tolerance_) << "uneven";
    EXPECT_LE(test::nmse(all_logits(tokens, {97}, {.max_batch_tokens = 10}), whole), tolerance_) << "cut by the session";
}

TEST_P(SessionTest, NeighboursInABatchDoNotMatter) {
    constexpr int32_t kSequences = 4;
    const size_t lengths[kSequences] = {1, 33, 7, 18};
    std::vector<std::vector<int32_t>> prompts;
    for (int32_t s = 0; s < kSequences; ++s) prompts.push_back(random_tokens(lengths[s], 10 + static_cast<uint32_t>(s)));
    Session together = session({.max_sequences = kSequences, .max_batch_tokens = 20});  // prompts are cut across runs too
    const auto decoded = together.decode({{.sequence = 2, .tokens = prompts[2], .want = WantLogits::all},
                                          {.sequence = 0, .tokens = prompts[0]},
                                          {.sequence = 3, .tokens = prompts[3], .want = WantLogits::none},
                                          {.sequence = 1, .tokens = prompts[1], .want = WantLogits::all}});
    ASSERT_TRUE(decoded) << decoded.error().message;
    const auto expect_alone = [&](size_t input, size_t sequence) {
        const auto alone = all_logits(prompts[sequence], {100});
        const auto n_vocab = static_cast<size_t>(model_->shape().n_vocab);
        EXPECT_LE(test::nmse(copy_of(together.logits(input)),
                             std::vector<float>(alone.end() - static_cast<ptrdiff_t>(n_vocab), alone.end())),
                  tolerance_);
    };
    expect_alone(0, 2);
    expect_alone(1, 0);
    EXPECT_TRUE(together.logits(2).empty());
    expect_alone(3, 1);
    for (size_t row = 0; row < prompts[1].size(); ++row)
        EXPECT_EQ(together.logits(3, row).size(), static_cast<size_t>(model_->shape().n_vocab));
    EXPECT_TRUE(together.logits(3, prompts[1].size()).empty());

    // One more token each, in another order.
    const int32_t next = 5;
    const std::span<const int32_t> one(&next, 1);
    ASSERT_TRUE(together.decode({{.sequence = 3, .tokens = one}, {.sequence = 1, .tokens = one}}));
    auto longer = prompts[3];
    longer.push_back(next);
    const auto alone = all_logits(longer, {100});
    EXPECT_LE(test::nmse(copy_of(together.logits(0)), std::vector<float>(alone.end() - model_->shape().n_vocab, alone.end())),
              tolerance_);
}

TEST_P(SessionTest, ForksGoTheirOwnWays) {
    const auto tokens = random_tokens(20, 3);
    const auto left = random_tokens(6, 4), right = random_tokens(6, 5);
    Session s = session({.max_sequences = 3});
    ASSERT_TRUE(s.decode({{.sequence = 0, .tokens = tokens}}));
    ASSERT_TRUE(s.fork(0, 1));
    ASSERT_TRUE(s.fork(1, 2));
    // All three share one slot, and all three are written in one run.
    ASSERT_TRUE(s.decode({{.sequence = 0, .tokens = left}, {.sequence = 1, .tokens = right}, {.sequence = 2, .tokens = left}}));
    const auto first = copy_of(s.logits(0)), second = copy_of(s.logits(1)), third = copy_of(s.logits(2));
    EXPECT_EQ(first, third);
    auto path = tokens;
    path.insert(path.end(), right.begin(), right.end());
    const auto alone = all_logits(path, {100});
    EXPECT_LE(test::nmse(second, std::vector<float>(alone.end() - model_->shape().n_vocab, alone.end())), tolerance_);
    EXPECT_GT(test::nmse(first, second), 1e-6);
    ASSERT_EQ(s.tokens(1)->size(), 26u);
}

// A state for each sequence is enough: where forks need more for a run, states are copied before it, and nothing else changes.
TEST_P(SessionTest, ForksTakeNoMoreStatesThanThereAreSequences) {
    constexpr int32_t kSequences = 6;
    const uint64_t one = session().state_device_bytes();
    Session tight = session({.max_sequences = kSequences}), wide = session({.max_sequences = kSequences, .max_forks = 3});
    EXPECT_LE(tight.state_device_bytes(), kSequences * one);
    EXPECT_GT(wide.state_device_bytes(), tight.state_device_bytes());
    for (Session* s : {&tight, &wide}) {
        for (const int32_t pair : {0, 2, 4}) {
            ASSERT_TRUE(s->decode({{.sequence = pair, .tokens = random_tokens(9, static_cast<uint32_t>(pair))}}));
            ASSERT_TRUE(s->fork(pair, pair + 1));
        }
        std::vector<std::vector<int32_t>> next;
        std::vector<SequenceInput> batch;
        for (int32_t q = 0; q < kSequences; ++q) next.push_back(random_tokens(3, 20 + static_cast<uint32_t>(q)));
        for (int32_t q = 0; q < kSequences; ++q) batch.push_back({.sequence = q, .tokens = next[static_cast<size_t>(q)]});
        const auto decoded = s->decode(batch);
        ASSERT_TRUE(decoded) << decoded.error().message;
    }
    for (int32_t q = 0; q < kSequences; ++q)
        EXPECT_EQ(copy_of(tight.logits(static_cast<size_t>(q))), copy_of(wide.logits(static_cast<size_t>(q)))) << q;
    EXPECT_EQ(*tight.save(3), *wide.save(3));
}

TEST_P(SessionTest, SlotsAreNeverLost) {
    Session s = session({.max_sequences = 4});
    std::mt19937 random(9);
    const int32_t token = 7;
    for (int i = 0; i < 400; ++i) {
        const auto a = static_cast<int32_t>(random() % 4), b = static_cast<int32_t>(random() % 4);
        switch (random() % 4) {
            case 0: ASSERT_TRUE(s.fork(a, b)); break;
            case 1: ASSERT_TRUE(s.reset(a)); break;
            default: {
                std::vector<SequenceInput> batch;
                for (int32_t q = 0; q < 4; ++q)
                    if (random() % 2 || q == a) batch.push_back({.sequence = q, .tokens = std::span(&token, 1)});
                const auto decoded = s.decode(batch);
                ASSERT_TRUE(decoded) << "step " << i << ": " << decoded.error().message;
            }
        }
    }
}

TEST_P(SessionTest, ResetForgetsEverything) {
    const auto tokens = random_tokens(12, 6);
    Session s = session();
    ASSERT_TRUE(s.decode({{.sequence = 0, .tokens = random_tokens(30, 7)}}));
    ASSERT_TRUE(s.reset(0));
    EXPECT_TRUE(s.tokens(0)->empty());
    ASSERT_TRUE(s.decode({{.sequence = 0, .tokens = tokens}}));
    Session fresh = session();
    ASSERT_TRUE(fresh.decode({{.sequence = 0, .tokens = tokens}}));
    EXPECT_EQ(copy_of(s.logits(0)), copy_of(fresh.logits(0)));
}

TEST_P(SessionTest, SavedStatesGoOnElsewhere) {
    const auto tokens = random_tokens(25, 8);
    const int32_t next = 3;
    const std::span<const int32_t> one(&next, 1);
    Session s = session();
    ASSERT_TRUE(s.decode({{.sequence = 0, .tokens = tokens}}));
    const auto saved = s.save(0);
    ASSERT_TRUE(saved) << saved.error().message;
    ASSERT_TRUE(s.decode({{.sequence = 0, .tokens = one}}));
    const auto expected = copy_of(s.logits(0));

    Session other = session({.max_sequences = 2});
    ASSERT_TRUE(other.restore(1, *saved));
    EXPECT_EQ(other.tokens(1)->size(), tokens.size());
    EXPECT_EQ(*other.save(1), *saved) << "the state is bit-exact";
    ASSERT_TRUE(other.decode({{.sequence = 1, .tokens = one}}));
    EXPECT_EQ(copy_of(other.logits(0)), expected);

    const auto reference = load_golden_model(std::get<0>(GetParam()), "reference");
    ASSERT_TRUE(reference);
    auto elsewhere = Session::create(*reference);
    ASSERT_TRUE(elsewhere);
    ASSERT_TRUE(elsewhere->restore(0, *saved));
    EXPECT_EQ(*elsewhere->save(0), *saved) << "also by way of another backend";
    ASSERT_TRUE(elsewhere->decode({{.sequence = 0, .tokens = one}}));
    EXPECT_LE(test::nmse(copy_of(elsewhere->logits(0)), expected), 1e-9);
}

INSTANTIATE_TEST_SUITE_P(Models, SessionTest, every_model_and_device(), name_of_case);

// ---- what is refused: one model and device suffice ----------------------------------------------------------------------

class SessionErrors : public testing::Test {
  protected:
    void SetUp() override {
        auto model = Model::load(golden_model("mamba"), {.device = "cpu"});
        ASSERT_TRUE(model) << model.error().message;
        auto session = Session::create(*model, {.max_sequences = 2, .max_batch_tokens = 8});
        ASSERT_TRUE(session);
        session_.emplace(std::move(*session));
    }

    std::optional<Session> session_;
    std::vector<int32_t> tokens_{1, 2, 3};
};

TEST_F(SessionErrors, BadBatchesChangeNothing) {
    ASSERT_TRUE(session_->decode({{.sequence = 0, .tokens = tokens_}}));
    const auto before = session_->save(0);
    const std::vector<int32_t> too_large{1, 101}, negative{-1};
    expect_error(session_->decode({{.sequence = 0, .tokens = too_large}}), ErrorCode::invalid_argument,
                 "token 101 at position 1 is out of range: the vocabulary has 101 (0 to 100)");
    expect_error(session_->decode({{.sequence = 0, .tokens = negative}}), ErrorCode::invalid_argument,
                 "token -1 at position 0 is out of range");
    expect_error(session_->decode({{.sequence = 0, .tokens = {}}}), ErrorCode::invalid_argument, "sequence 0 has no tokens");
    expect_error(session_->decode({{.sequence = 2, .tokens = tokens_}}), ErrorCode::invalid_argument,
                 "there is no sequence 2: this session has 2");
    expect_error(session_->decode({{.sequence = 0, .tokens = tokens_}, {.sequence = 0, .tokens = tokens_}}),
                 ErrorCode::invalid_argument, "stands twice");
    expect_error(session_->decode(std::span<const SequenceInput>()), ErrorCode::invalid_argument, "a batch of no sequences");
    EXPECT_TRUE(session_->logits(0).empty()) << "logits of an earlier decode are gone";
    EXPECT_EQ(*session_->save(0), *before);
}

TEST_F(SessionErrors, CancellingKeepsWhatWasRead) {
    const std::vector<int32_t> prompt(40, 5);
    std::atomic<bool> cancel{false};
    const auto decoded =
        session_->decode({{.sequence = 0, .tokens = prompt}}, {.cancel = &cancel, .progress = [&](int64_t done, int64_t total) {
                                                                   EXPECT_EQ(total, 40);
                                                                   if (done >= 16) cancel = true;
                                                               }});
    expect_error(decoded, ErrorCode::cancelled, "cancelled after 16 of 40 tokens");
    EXPECT_EQ(session_->tokens(0)->size(), 16u);
    cancel = false;
    ASSERT_TRUE(
        session_->decode({{.sequence = 0, .tokens = std::span(prompt).subspan(16)}}, {.cancel = &cancel, .progress = {}}));
    EXPECT_EQ(session_->tokens(0)->size(), 40u);
}

TEST_F(SessionErrors, OptionsOutOfRange) {
    const auto model = Model::load(golden_model("mamba"), {.device = "cpu"});
    EXPECT_FALSE(Session::create(*model, {.max_sequences = 0}));
    EXPECT_FALSE(Session::create(*model, {.max_sequences = SessionOptions::kMaxSequences + 1}));
    EXPECT_FALSE(Session::create(*model, {.max_batch_tokens = 0}));
}

TEST_F(SessionErrors, DamagedStatesAreRefused) {
    ASSERT_TRUE(session_->decode({{.sequence = 0, .tokens = tokens_}}));
    const auto saved = session_->save(0);
    ASSERT_TRUE(saved);
    for (const size_t size : {size_t{0}, size_t{8}, size_t{55}, saved->size() / 2, saved->size() - 1})
        expect_error(session_->restore(1, std::span(*saved).first(size)), ErrorCode::corrupt_file,
                     size < 56 ? "at least 56 bytes" : "follow its header");
    for (size_t at = 0; at < saved->size(); at += 1 + saved->size() / 97) {
        auto damaged = *saved;
        damaged[at] ^= std::byte{0x40};
        const auto restored = session_->restore(1, damaged);
        EXPECT_FALSE(restored) << "byte " << at;
    }
    EXPECT_TRUE(session_->tokens(1)->empty());

    const auto other = Model::load(golden_model("falcon_mamba"), {.device = "cpu"});
    auto elsewhere = Session::create(*other);
    expect_error(elsewhere->restore(0, *saved), ErrorCode::invalid_argument, "belongs to another model");
}

}  // namespace
}  // namespace krait
