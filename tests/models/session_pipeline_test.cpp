// SPDX-License-Identifier: Apache-2.0
//
// Long batches on several devices go through them as a pipeline: the results are those of one device, and what was done is
// known whatever happens.
#include <fmt/ranges.h>

#include <random>

#include "models/session/session.hpp"
#include "tests/golden/npy.hpp"

namespace krait {
namespace {

std::shared_ptr<const Model> load(const std::string& name, const std::string& device, PlacementOptions placement = {}) {
    auto model = Model::load("tests/golden/" + name + ".gguf", {.device = device, .placement = std::move(placement)});
    EXPECT_TRUE(model) << model.error().message;
    return *model;
}

std::vector<int32_t> random_tokens(size_t n, uint32_t seed) {
    std::mt19937 random(seed);
    std::vector<int32_t> tokens(n);
    for (int32_t& token : tokens) token = static_cast<int32_t>(random() % 101);
    return tokens;
}

using test::copy_of;

class PipelineTest : public testing::TestWithParam<std::string> {};

TEST_P(PipelineTest, SaysWhatOneDeviceSays) {
    const auto one = load(GetParam(), "reference"), several = load(GetParam(), "reference,reference", {.layers = {1}});
    ASSERT_EQ(several->n_used_devices(), 2u);
    auto expected = Session::create(one, {.max_sequences = 3}), got = Session::create(several, {.max_sequences = 3});
    ASSERT_TRUE(expected && got);
    const auto a = random_tokens(211, 1), b = random_tokens(77, 2), c = random_tokens(150, 3);
    const std::vector<SequenceInput> batch{{.sequence = 1, .tokens = a, .want = WantLogits::last},
                                           {.sequence = 0, .tokens = b, .want = WantLogits::all},
                                           {.sequence = 2, .tokens = c, .want = WantLogits::none}};
    for (int round = 0; round < 2; ++round) {  // the second goes on where the first ended, with graphs that are known
        ASSERT_TRUE(expected->decode(batch));
        int64_t last = 0;
        const auto decoded = got->decode(batch, {.cancel = nullptr, .progress = [&](int64_t done, int64_t total) {
                                                     EXPECT_EQ(total, 438);
                                                     EXPECT_GT(done, last);
                                                     last = done;
                                                 }});
        ASSERT_TRUE(decoded) << decoded.error().message;
        EXPECT_EQ(last, 438);
        EXPECT_LE(test::nmse(copy_of(got->logits(0)), copy_of(expected->logits(0))), 1e-10);
        for (size_t row = 0; row < b.size(); ++row)
            EXPECT_LE(test::nmse(copy_of(got->logits(1, row)), copy_of(expected->logits(1, row))), 1e-10);
        EXPECT_TRUE(got->logits(2).empty());
    }
    // Forks in the pipeline: both write, one slot is read.
    for (Session* session : {&*expected, &*got}) {
        ASSERT_TRUE(session->fork(2, 0));
        ASSERT_TRUE(session->decode({{.sequence = 0, .tokens = a}, {.sequence = 2, .tokens = b}}));
    }
    EXPECT_LE(test::nmse(copy_of(got->logits(0)), copy_of(expected->logits(0))), 1e-10);
    EXPECT_LE(test::nmse(copy_of(got->logits(1)), copy_of(expected->logits(1))), 1e-10);
    EXPECT_EQ(got->tokens(0)->size(), 2 * c.size() + a.size());
}

TEST_P(PipelineTest, KeepsStatesAndChoosesTokensOnTheWay) {
    const auto one = load(GetParam(), "reference"), several = load(GetParam(), "reference,reference", {.layers = {1}});
    const SessionOptions options{.max_sequences = 2, .max_snapshots = 3};
    auto expected = Session::create(one, options), got = Session::create(several, options);
    ASSERT_TRUE(expected && got);
    const auto a = random_tokens(211, 1), b = random_tokens(77, 2);
    const std::vector<size_t> of_a{32, 150}, of_b{77};
    for (Session* session : {&*expected, &*got}) {
        const auto decoded =
            session->decode({{.sequence = 0, .tokens = a, .want = WantLogits::top, .top_k = 4, .snapshots = of_a},
                             {.sequence = 1, .tokens = b, .want = WantLogits::top, .top_k = 2, .snapshots = of_b}});
        ASSERT_TRUE(decoded) << decoded.error().message;
    }
    for (const size_t input : {size_t{0}, size_t{1}}) {
        ASSERT_EQ(got->candidates(input).size(), input == 0 ? 4u : 2u);
        for (size_t i = 0; i < got->candidates(input).size(); ++i)
            EXPECT_EQ(got->candidates(input)[i].token, expected->candidates(input)[i].token) << input << ", place " << i;
    }
    for (const size_t place : {size_t{150}, size_t{32}}) {
        for (Session* session : {&*expected, &*got}) {
            ASSERT_TRUE(session->rollback(0, place));
            ASSERT_TRUE(session->decode({{.sequence = 0, .tokens = std::span(b).first(3)}}));
        }
        EXPECT_LE(test::nmse(copy_of(got->logits(0)), copy_of(expected->logits(0))), 1e-10) << "after " << place;
    }
}

TEST_P(PipelineTest, CancellingKeepsWhatWasRead) {
    const auto model = load(GetParam(), "reference,cpu,reference", {.split = {1, 1, 1}});
    auto session = Session::create(model);
    ASSERT_TRUE(session);
    const auto tokens = random_tokens(900, 4);
    std::atomic<bool> cancel{false};
    const auto decoded = session->decode({{.sequence = 0, .tokens = tokens}},
                                         {.cancel = &cancel, .progress = [&](int64_t, int64_t) { cancel = true; }});
    ASSERT_FALSE(decoded);
    EXPECT_EQ(decoded.error().code, ErrorCode::cancelled);
    const size_t n_done = session->tokens(0)->size();
    EXPECT_GT(n_done, 0u);
    EXPECT_LT(n_done, tokens.size());
    EXPECT_EQ(decoded.error().message, fmt::format("cancelled after {} of 900 tokens", n_done));
    // It goes on from there, and arrives where one device does.
    ASSERT_TRUE(session->decode({{.sequence = 0, .tokens = std::span(tokens).subspan(n_done)}}));
    auto one = Session::create(load(GetParam(), "reference"));
    ASSERT_TRUE(one->decode({{.sequence = 0, .tokens = tokens}}));
    EXPECT_LE(test::nmse(copy_of(session->logits(0)), copy_of(one->logits(0))), 1e-9);
}

// An exception of the application reaches it, with nothing left pending: tokens that were read count, and the session goes on.
TEST_P(PipelineTest, ExceptionsOfTheApplicationPassThrough) {
    auto session = Session::create(load(GetParam(), "reference,cpu,reference", {.split = {1, 1, 1}}));
    ASSERT_TRUE(session);
    const auto tokens = random_tokens(900, 4);
    struct Thrown {};
    EXPECT_THROW((void)session->decode({{.sequence = 0, .tokens = tokens}},
                                       {.cancel = nullptr, .progress = [](int64_t, int64_t) { throw Thrown{}; }}),
                 Thrown);
    const size_t n_done = session->tokens(0)->size();
    EXPECT_GT(n_done, 0u);
    EXPECT_LT(n_done, tokens.size());
    const auto decoded = session->decode({{.sequence = 0, .tokens = std::span(tokens).subspan(n_done)}});
    ASSERT_TRUE(decoded) << decoded.error().message;
    auto one = Session::create(load(GetParam(), "reference"));
    ASSERT_TRUE(one->decode({{.sequence = 0, .tokens = tokens}}));
    EXPECT_LE(test::nmse(copy_of(session->logits(0)), copy_of(one->logits(0))), 1e-9);
}

// An observer of one device, which throws in the middle of a model: the sequence says that it is broken, slots are not lost.
TEST_P(PipelineTest, ExceptionsOfObserversPassThrough) {
    struct Thrown {};
    bool throws = true;
    auto session = Session::create(load(GetParam(), "cpu"), {.max_sequences = 1, .observer = [&](const Activations&) {
                                                                 if (throws) throw Thrown{};
                                                             }});
    ASSERT_TRUE(session);
    const auto tokens = random_tokens(6, 11);
    const auto decode = [&] { return session->decode({{.sequence = 0, .tokens = tokens}}); };
    for (int i = 0; i < 3; ++i) EXPECT_THROW((void)decode(), Thrown);
    throws = false;
    ASSERT_TRUE(decode()) << "a slot was lost";
    throws = true;
    EXPECT_THROW((void)decode(), Thrown);
    throws = false;
    EXPECT_FALSE(decode()) << "its state may have moved on";
    ASSERT_TRUE(session->reset(0));
    EXPECT_TRUE(decode());
}

// A step of many sequences is one run, which reads the weights once: progress is told once.
TEST_P(PipelineTest, StepsAreNotCut) {
    constexpr int32_t kSequences = 100;
    auto session = Session::create(load(GetParam(), "cpu,cpu", {.layers = {1}}), {.max_sequences = kSequences});
    ASSERT_TRUE(session);
    const auto tokens = random_tokens(kSequences, 9);
    std::vector<SequenceInput> step;
    for (int32_t i = 0; i < kSequences; ++i)
        step.push_back({.sequence = i, .tokens = std::span(tokens).subspan(static_cast<size_t>(i), 1)});
    int n_told = 0;
    ASSERT_TRUE(session->decode(step, {.cancel = nullptr, .progress = [&](int64_t, int64_t) { ++n_told; }}));
    EXPECT_EQ(n_told, 1);
    // A prompt of as many tokens is cut.
    ASSERT_TRUE(session->decode(std::vector<SequenceInput>{{.sequence = 0, .tokens = tokens}},
                                {.cancel = nullptr, .progress = [&](int64_t, int64_t) { ++n_told; }}));
    EXPECT_EQ(n_told, 1 + 4);
}

// An observer sees the operands of every product, wherever it runs.
TEST_P(PipelineTest, ObserversSeeEveryDevice) {
    const auto tokens = random_tokens(90, 6);
    const auto seen_by = [&](const std::shared_ptr<const Model>& model) {
        std::map<std::string, std::vector<float>, std::less<>> seen;
        auto session = Session::create(model, {.max_batch_tokens = 40, .observer = [&](const Activations& x) {
                                                   auto& rows = seen[std::string(x.weight)];
                                                   for (int64_t r = 0; r < x.n_row; ++r)
                                                       rows.insert(rows.end(), x.row(r).begin(), x.row(r).end());
                                               }});
        EXPECT_TRUE(session);
        EXPECT_TRUE(session->decode({{.sequence = 0, .tokens = tokens}}));
        return seen;
    };
    const auto one = seen_by(load(GetParam(), "reference"));
    const auto several =
        seen_by(load(GetParam(), "reference,reference", {.layers = {1}, .rules = {{"ssm_out", "reference#2"}}}));
    ASSERT_EQ(one.size(), several.size());
    for (const auto& [name, rows] : one) EXPECT_LE(test::nmse(several.at(name), rows), 1e-10) << name;
}

// The weights of a session's model, and the states of its sequences, go to other devices in the middle of a text.
TEST_P(PipelineTest, SessionsMove) {
    const auto one = load(GetParam(), "reference"), several = load(GetParam(), "cpu,reference", {.layers = {2}});
    auto stays = Session::create(one, {.max_sequences = 4}), moves = Session::create(several, {.max_sequences = 4});
    const auto a = random_tokens(50, 7), b = random_tokens(20, 8);
    for (Session* session : {&*stays, &*moves}) {
        ASSERT_TRUE(session->decode({{.sequence = 0, .tokens = a}, {.sequence = 3, .tokens = b}}));
        ASSERT_TRUE(session->fork(0, 1));
    }
    const auto before = moves->save(0);
    const auto moved = moves->move_to(load(GetParam(), "reference,cpu,cpu", {.split = {1, 1, 1}}));
    ASSERT_TRUE(moved) << moved.error().message;
    EXPECT_EQ(*moves->save(0), *before);
    EXPECT_EQ(*moves->save(1), *before);
    EXPECT_EQ(moves->tokens(2)->size(), 0u);
    for (Session* session : {&*stays, &*moves})
        ASSERT_TRUE(
            session->decode({{.sequence = 1, .tokens = b}, {.sequence = 2, .tokens = a}, {.sequence = 3, .tokens = a}}));
    for (size_t i = 0; i < 3; ++i)
        EXPECT_LE(test::nmse(copy_of(moves->logits(i)), copy_of(stays->logits(i))), 1e-9) << "input " << i;
    EXPECT_EQ(*moves->save(0), *before) << "a fork has a state of its own";
    const auto other = load(GetParam() == "mamba" ? "mamba2" : "mamba", "cpu");
    EXPECT_FALSE(moves->move_to(other)) << "another model";
}

INSTANTIATE_TEST_SUITE_P(Models, PipelineTest, testing::Values("mamba", "falcon_mamba", "mamba2"));

}  // namespace
}  // namespace krait
