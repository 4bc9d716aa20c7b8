// SPDX-License-Identifier: Apache-2.0
//
// Chains: the tokens, the state and the results are those of single steps between which the host chooses.
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "formats/gguf/gguf_reader.hpp"
#include "models/sampler/sampler.hpp"
#include "tests/models/session_fixture.hpp"

namespace krait {
namespace {

using test::copy_of;

class ChainTest : public SessionTest {
  protected:
    // One token after another, as the host chooses them.
    std::vector<Candidate> step_by_step(Session& s, int32_t token, int n_tok, int32_t sequence = 0) const {
        std::vector<Candidate> found;
        for (int i = 0; i < n_tok; ++i) {
            const auto decoded =
                s.decode({{.sequence = sequence, .tokens = std::span(&token, 1), .want = WantLogits::top, .top_k = 1}});
            EXPECT_TRUE(decoded) << decoded.error().message;
            found.push_back(s.candidates(0)[0]);
            token = found.back().token;
        }
        return found;
    }
    static void expect_same(std::span<const Candidate> found, std::span<const Candidate> expected) {
        ASSERT_EQ(found.size(), expected.size());
        for (size_t i = 0; i < found.size(); ++i) {
            EXPECT_EQ(found[i].token, expected[i].token) << "token " << i;
            EXPECT_EQ(found[i].logit, expected[i].logit) << "token " << i;
        }
    }
    // Tokens, position, and the state to the last bit.
    static void expect_same_sequence(Session& a, Session& b, int32_t sequence = 0) {
        EXPECT_EQ(*a.position(sequence), *b.position(sequence));
        const auto saved_a = a.save(sequence), saved_b = b.save(sequence);
        ASSERT_TRUE(saved_a && saved_b);
        EXPECT_EQ(*saved_a, *saved_b);
    }
    Session chaining(int32_t max_chain, int32_t max_snapshots = 0) const {
        return session({.max_sequences = 2, .max_snapshots = max_snapshots, .max_chain = max_chain});
    }
};

TEST_P(ChainTest, SaysWhatSingleStepsSay) {
    const auto prompt = random_tokens(9, 3);
    for (const int32_t length : {1, 2, 5, 16}) {
        SCOPED_TRACE(length);
        Session by_steps = chaining(1), s = chaining(length);
        for (Session* each : {&by_steps, &s}) ASSERT_TRUE(each->decode({{.sequence = 0, .tokens = prompt}}));
        int32_t token = 7;
        for (int round = 0; round < 3; ++round) {
            const auto expected = step_by_step(by_steps, token, length);
            const auto found = s.chain({.sequence = 0, .token = token, .n_tok = 100});
            ASSERT_TRUE(found) << found.error().message;
            expect_same(*found, expected);
            expect_same(s.candidates(0), std::span(expected).last(1));
            EXPECT_TRUE(s.logits(0).empty());
            expect_same_sequence(s, by_steps);
            token = expected.back().token;
        }
        // The next decode gives what it would have given.
        ASSERT_TRUE(s.decode({{.sequence = 0, .tokens = prompt}}) && by_steps.decode({{.sequence = 0, .tokens = prompt}}));
        EXPECT_EQ(copy_of(s.logits(0)), copy_of(by_steps.logits(0)));
    }
}

TEST_P(ChainTest, EndsWhereTheTextEnds) {
    // A fresh sequence, and one with tokens; a stop at every place, the last one included.
    for (const size_t n_before : {0, 6}) {
        const auto prompt = random_tokens(n_before, 5);
        Session all = chaining(1);
        if (n_before > 0) {
            ASSERT_TRUE(all.decode({{.sequence = 0, .tokens = prompt}}));
        }
        const auto whole = step_by_step(all, 3, 8);
        for (size_t end = 0; end < whole.size(); ++end) {
            const auto is_it = [&](const Candidate& c) { return c.token == whole[end].token; };
            const auto n = static_cast<int>(std::find_if(whole.begin(), whole.end(), is_it) - whole.begin()) + 1;
            SCOPED_TRACE(fmt::format("after {} tokens, {} of 8", n_before, n));
            Session by_steps = chaining(1), s = chaining(8);
            for (Session* each : {&by_steps, &s}) {
                if (n_before > 0) {
                    ASSERT_TRUE(each->decode({{.sequence = 0, .tokens = prompt}}));
                }
            }
            const auto expected = step_by_step(by_steps, 3, n);
            const int32_t stops[] = {-1, whole[end].token};
            const auto found = s.chain({.sequence = 0, .token = 3, .n_tok = 8, .stops = stops});
            ASSERT_TRUE(found) << found.error().message;
            expect_same(*found, expected);
            expect_same(s.candidates(0), std::span(expected).last(1));
            expect_same_sequence(s, by_steps);
        }
    }
}

// A chain takes one state more than there are sequences, and gives it back; forks and snapshots stay what they are.
TEST_P(ChainTest, LeavesOtherStatesAlone) {
    const auto prompt = random_tokens(5, 9);
    Session by_steps = chaining(1, 1), s = chaining(4, 1);
    for (Session* each : {&by_steps, &s}) {
        ASSERT_TRUE(each->decode({{.sequence = 1, .tokens = prompt}}));
        ASSERT_TRUE(each->snapshot(1));
        ASSERT_TRUE(each->fork(1, 0));
    }
    for (int round = 0; round < 4; ++round) {
        const auto found = s.chain({.sequence = 0, .token = 2, .n_tok = 4});
        ASSERT_TRUE(found) << found.error().message;
        expect_same(*found, step_by_step(by_steps, 2, 4));
        ASSERT_TRUE(s.chain({.sequence = 1, .token = 4, .n_tok = round + 1}));
        step_by_step(by_steps, 4, round + 1, 1);
        for (const int32_t sequence : {0, 1}) expect_same_sequence(s, by_steps, sequence);
    }
    ASSERT_TRUE(s.rollback(0, prompt.size()) && by_steps.rollback(0, prompt.size()));
    expect_same_sequence(s, by_steps);
}

// A chain of one token is that token, however many candidates were wanted before it.
TEST_P(ChainTest, OneTokenAfterManyCandidates) {
    const auto tokens = random_tokens(5, 1);
    Session s = session();
    ASSERT_TRUE(s.decode({{.sequence = 0, .tokens = tokens, .want = WantLogits::top, .top_k = 5}}));
    const Candidate best = s.candidates(0)[0];
    const auto found = s.chain({.token = best.token, .n_tok = 4});
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_EQ(found->size(), 1u);
}

INSTANTIATE_TEST_SUITE_P(Models, ChainTest, every_model_and_device(), name_of_case);

TEST(Chain, WrongInputChangesNothing) {
    expect_error(
        []() -> Result<void> {
            KRAIT_TRY(const auto model, Model::load(golden_model("mamba"), {.device = "cpu"}));
            KRAIT_TRY(Session s, Session::create(model, {.max_chain = 0}));
            return {};
        }(),
        ErrorCode::invalid_argument, "chains of 0 tokens: 1 to 4096 are possible");
    const auto model = Model::load(golden_model("mamba"), {.device = "cpu"});
    for (const int32_t max_chain : {1, 4}) {
        auto s = Session::create(*model, {.max_chain = max_chain});
        ASSERT_TRUE(s);
        const auto refused = [&](const ChainInput& input, const std::string& words) {
            const auto chained = s->chain(input);
            ASSERT_FALSE(chained);
            EXPECT_EQ(chained.error().code, ErrorCode::invalid_argument);
            EXPECT_NE(chained.error().message.find(words), std::string::npos) << chained.error().message;
            EXPECT_TRUE(s->tokens(0)->empty());
            EXPECT_TRUE(s->candidates(0).empty());
        };
        refused({.token = 1, .n_tok = 0}, "a chain of 0 tokens: at least 1 is possible");
        refused({.token = 101, .n_tok = 2}, "token 101 at position 0 is out of range");
        refused({.sequence = 1, .token = 1, .n_tok = 2}, "there is no sequence 1");
        EXPECT_TRUE(s->chain({.token = 1, .n_tok = 2}));
    }
}

// Where several devices share the model the host stands between the steps; the tokens are the same.
TEST(Chain, GoesThroughSeveralDevices) {
    const auto alone = Model::load(golden_model("mamba"), {.device = "cpu"});
    auto two = Model::load(golden_model("mamba"), {.device = "cpu,reference", .placement = {.layers = {1}}});
    ASSERT_TRUE(two) << two.error().message;
    auto a = Session::create(*alone, {.max_chain = 6}), b = Session::create(*two, {.max_chain = 6});
    ASSERT_TRUE(a && b);
    const auto expected = a->chain({.token = 5, .n_tok = 6});
    ASSERT_TRUE(expected);
    const int32_t stop = (*expected)[3].token;
    for (const bool stops : {false, true}) {
        ASSERT_TRUE(a->reset(0) && b->reset(0));
        const ChainInput input{.token = 5, .n_tok = 6, .stops = std::span(&stop, stops ? 1 : 0)};
        const auto one = a->chain(input), other = b->chain(input);
        ASSERT_TRUE(one && other);
        ASSERT_EQ(one->size(), other->size());
        for (size_t i = 0; i < one->size(); ++i) EXPECT_EQ((*one)[i].token, (*other)[i].token);
        EXPECT_EQ(*a->position(0), *b->position(0));
        EXPECT_TRUE(std::ranges::equal(*a->tokens(0), *b->tokens(0)));
    }
}

// A token whose embedding is NaN breaks the numbers down in the middle of a chain: it ends there, and the sampler says so.
TEST(Chain, EndsWhereTheNumbersBreakDown) {
    auto whole = Session::create(*Model::load(golden_model("mamba2"), {.device = "cpu"}), {.max_chain = 8});
    ASSERT_TRUE(whole);
    const auto right = whole->chain({.token = 3, .n_tok = 8});
    ASSERT_TRUE(right);
    const auto is_repeated = [&](size_t at) {
        return (*right)[at].token == 3 || std::any_of(right->begin(), right->begin() + static_cast<ptrdiff_t>(at),
                                                      [&](const Candidate& c) { return c.token == (*right)[at].token; });
    };
    size_t broken = 1;  // a token that is new, with others before and behind it
    while (broken < 6 && is_repeated(broken)) ++broken;
    ASSERT_LT(broken, 6u);

    const auto path = std::filesystem::path(testing::TempDir()) / fmt::format("krait-broken-{}.gguf", ::getpid());
    std::filesystem::copy_file(golden_model("mamba2"), path, std::filesystem::copy_options::overwrite_existing);
    {
        auto file = GgufFile::open(path);
        ASSERT_TRUE(file);
        const uint64_t row = file->find_tensor("token_embd.weight")->file_offset +
                             static_cast<uint64_t>((*right)[broken].token) * 24 * sizeof(float);
        const float nan = std::numeric_limits<float>::quiet_NaN();
        std::fstream raw(path, std::ios::in | std::ios::out | std::ios::binary);
        raw.seekp(static_cast<std::streamoff>(row));
        raw.write(reinterpret_cast<const char*>(&nan), sizeof nan);
        ASSERT_TRUE(raw.good());
    }
    const auto model = Model::load(path, {.device = "cpu"});
    ASSERT_TRUE(model) << model.error().message;
    auto s = Session::create(*model, {.max_chain = 8}), by_steps = Session::create(*model);
    ASSERT_TRUE(s && by_steps);
    const auto found = s->chain({.token = 3, .n_tok = 8});
    ASSERT_TRUE(found) << found.error().message;
    ASSERT_EQ(found->size(), broken + 2);
    for (size_t i = 0; i <= broken; ++i) EXPECT_EQ((*found)[i].token, (*right)[i].token);
    auto sampler = Sampler::create({.temperature = 0});
    const auto n_token = static_cast<size_t>((*model)->n_token());
    EXPECT_TRUE(sampler->sample(found->first(1), n_token));
    const auto refused = sampler->sample(s->candidates(0), n_token);
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message.find("the model's numbers broke down"), std::string::npos) << refused.error().message;
    // The sequence stands where single steps would have left it.
    int32_t token = 3;
    for (size_t i = 0; i < found->size(); ++i) {
        ASSERT_TRUE(by_steps->decode({{.sequence = 0, .tokens = {&token, 1}, .want = WantLogits::top, .top_k = 1}}));
        token = by_steps->candidates(0)[0].token;
    }
    EXPECT_EQ(*s->save(0), *by_steps->save(0));
    std::filesystem::remove(path);
}

// Whoever watches sees each run of a chain, and no other.
TEST(Chain, AnObserverSeesEveryStep) {
    const auto model = Model::load(golden_model("mamba"), {.device = "cpu"});
    size_t n_seen = 0;
    auto s = Session::create(*model, {.max_chain = 4, .observer = [&](const auto&...) { ++n_seen; }});
    ASSERT_TRUE(s);
    ASSERT_TRUE(s->chain({.token = 5, .n_tok = 1}));
    const size_t of_one = n_seen;
    EXPECT_GT(of_one, 0u);
    ASSERT_TRUE(s->chain({.token = 5, .n_tok = 4}));
    EXPECT_EQ(n_seen, 5 * of_one);
}

}  // namespace
}  // namespace krait
