// SPDX-License-Identifier: Apache-2.0
//
// Kept prefixes: how much of a prompt comes from them, why not more, and that an answer has the bits of a cold run.
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/engine/engine_fixture.hpp"

namespace krait::engine {
namespace {

class PrefixTest : public testing::TestWithParam<std::string> {
  protected:
    void SetUp() override {
        const auto* info = testing::UnitTest::GetInstance()->current_test_info();
        std::string name = fmt::format("krait-prefixes-{}-{}", info->name(), ::getpid());
        std::replace(name.begin(), name.end(), '/', '-');
        folder_ = std::filesystem::path(testing::TempDir()) / name;
        std::filesystem::remove_all(folder_);
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    Engine engine(const PrefixOptions& prefixes = {}) {
        auto created = Engine::create(model_, {.max_sequences = 3, .prefixes = prefixes});
        EXPECT_TRUE(created) << created.error().message;
        return std::move(*created);
    }
    std::vector<int32_t> prompt(size_t n, uint32_t seed) const { return random_tokens(*model_, n, seed); }
    // Runs a request to its end, and compares it with a run alone and cold.
    Answer ask(Engine& engine, RequestOptions options) {
        if (options.max_tokens == kNoLimit) options.max_tokens = 5;
        auto request = engine.submit(options);
        EXPECT_TRUE(request) << request.error().message;
        Answer answer = take_all(*request);
        EXPECT_EQ(answer.tokens[0], alone(model_, options));
        return answer;
    }
    static std::vector<int32_t> join(std::initializer_list<std::vector<int32_t>> parts) {
        std::vector<int32_t> all;
        for (const auto& part : parts) all.insert(all.end(), part.begin(), part.end());
        return all;
    }
    size_t n_file() const {
        size_t n = 0;
        for ([[maybe_unused]] const auto& file : std::filesystem::directory_iterator(folder_)) ++n;
        return n;
    }

    std::shared_ptr<const Model> model_ = golden_model(GetParam());
    std::filesystem::path folder_;
};

TEST_P(PrefixTest, AWholePromptIsNotReadAgain) {
    Engine engine = this->engine();
    const RequestOptions options{.tokens = prompt(40, 1)};
    const Answer cold = ask(engine, options);
    EXPECT_EQ(cold.stats.reuse.reason, Reuse::Reason::no_common_prefix);
    EXPECT_EQ(cold.stats.reuse.text(), "no common prefix");
    const int64_t n_read = engine.stats().prompt_tokens;
    const Answer warm = ask(engine, options);
    EXPECT_EQ(warm.stats.reuse.cached_tokens, 40u);
    EXPECT_EQ(warm.stats.reuse.reason, Reuse::Reason::whole_prompt);
    EXPECT_EQ(warm.stats.reuse.text(), "");
    EXPECT_EQ(engine.stats().prompt_tokens, n_read) << "the candidates lie beside the state";
    // Another sampler needs more candidates than were kept, and reads the prompt.
    RequestOptions other = options;
    other.sampler.top_k = 0;
    ask(engine, other);
    EXPECT_GT(engine.stats().prompt_tokens, n_read);
    // Now all logits are there, which are enough for any.
    const int64_t n_now = engine.stats().prompt_tokens;
    other.sampler.top_k = 3;
    EXPECT_EQ(ask(engine, other).stats.reuse.cached_tokens, 40u);
    EXPECT_EQ(engine.stats().prompt_tokens, n_now);
}

// Prompts shorter than any place on their way have a snapshot too.
TEST_P(PrefixTest, ConversationsReuseEveryTurn) {
    Engine engine = this->engine();
    std::vector<int32_t> conversation = prompt(3, 1);
    size_t n_before = 0;
    for (uint32_t turn = 0; turn < 6; ++turn) {
        const Answer answer = ask(engine, {.tokens = conversation, .max_tokens = 7});
        if (turn > 0) {
            EXPECT_EQ(answer.stats.reuse.cached_tokens, n_before)
                << "all but the last token of the answer, which nobody has read";
            // It was the whole of what they have in common, as kept prefixes know it.
            EXPECT_EQ(answer.stats.reuse.reason, Reuse::Reason::end_of_common);
        }
        n_before = conversation.size() + 6;
        conversation = join({conversation, answer.tokens[0], prompt(4, 50 + turn)});
    }
}

// A third prompt with the same beginning finds a snapshot where the second one left the first.
TEST_P(PrefixTest, SnapshotsAreTakenWherePromptsPart) {
    Engine engine = this->engine();
    const auto system = prompt(90, 1);
    const auto with = [&](uint32_t seed) { return join({system, prompt(20, seed)}); };
    ask(engine, {.tokens = with(2)});
    const Answer second = ask(engine, {.tokens = with(3)});
    EXPECT_EQ(second.stats.reuse.cached_tokens, 64u);
    EXPECT_EQ(second.stats.reuse.common_tokens, 90u);
    EXPECT_EQ(second.stats.reuse.text(), "nearest snapshot at 64 of 90");
    const Answer third = ask(engine, {.tokens = with(4)});
    EXPECT_EQ(third.stats.reuse.cached_tokens, 90u);
    EXPECT_EQ(third.stats.reuse.text(), "common prefix of 90");
}

TEST_P(PrefixTest, EndsOfMessagesAreKept) {
    Engine engine = this->engine();
    const auto system = prompt(37, 1);
    ask(engine, {.tokens = join({system, prompt(20, 2)}), .message_ends = {37}});
    EXPECT_EQ(ask(engine, {.tokens = join({system, prompt(20, 3)})}).stats.reuse.cached_tokens, 37u);
}

TEST_P(PrefixTest, OthersMayNotWantIt) {
    Engine engine = this->engine();
    const auto tokens = prompt(30, 1);
    ask(engine, {.tokens = tokens, .keep = false});
    EXPECT_EQ(ask(engine, {.tokens = tokens}).stats.reuse.cached_tokens, 0u) << "it was not kept";
    const Answer answer = ask(engine, {.tokens = tokens, .reuse = false});
    EXPECT_EQ(answer.stats.reuse.cached_tokens, 0u);
    EXPECT_EQ(answer.stats.reuse.text(), "off");
    Engine without = this->engine({.max_snapshots = 0});
    ask(without, {.tokens = tokens});
    EXPECT_EQ(ask(without, {.tokens = tokens}).stats.reuse.reason, Reuse::Reason::off);
}

TEST_P(PrefixTest, WhatIsEvictedIsToldOrComesFromHostMemory) {
    for (const uint64_t host_bytes : {uint64_t{0}, uint64_t{64} << 20}) {
        Engine engine = this->engine({.max_snapshots = 2, .max_host_bytes = host_bytes});
        const auto first = prompt(40, 1);
        ask(engine, {.tokens = first});
        for (uint32_t i = 0; i < 4; ++i) ask(engine, {.tokens = prompt(50, 10 + i)});
        EXPECT_LE(engine.stats().snapshots, 2);
        const Answer again = ask(engine, {.tokens = first});
        if (host_bytes > 0) {
            EXPECT_EQ(again.stats.reuse.cached_tokens, 40u);
            EXPECT_GT(engine.stats().host_bytes, 0u);
            EXPECT_LE(engine.stats().host_bytes, host_bytes);
            EXPECT_EQ(engine.stats().evictions, 0);
        } else {
            EXPECT_EQ(again.stats.reuse.cached_tokens, 0u);
            EXPECT_EQ(again.stats.reuse.reason, Reuse::Reason::evicted);
            EXPECT_EQ(again.stats.reuse.text(), "evicted: nearest snapshot at 0 of 40");
            EXPECT_GT(engine.stats().evictions, 0);
        }
    }
}

TEST_P(PrefixTest, WhatIsUsedStays) {
    Engine engine = this->engine({.max_snapshots = 3});
    const auto used = prompt(40, 1);
    ask(engine, {.tokens = used});
    for (uint32_t i = 0; i < 8; ++i) {
        EXPECT_EQ(ask(engine, {.tokens = used}).stats.reuse.cached_tokens, 40u) << i;
        ask(engine, {.tokens = prompt(40, 100 + i), .max_tokens = 1});
    }
}

TEST_P(PrefixTest, FilesOutliveTheEngine) {
    const auto tokens = prompt(40, 1);
    const PrefixOptions options{.max_snapshots = 4, .folder = folder_};
    std::vector<int32_t> answer;
    {
        Engine engine = this->engine(options);
        answer = ask(engine, {.tokens = tokens}).tokens[0];
    }
    EXPECT_GT(n_file(), 0u);
    {
        Engine engine = this->engine(options);
        EXPECT_GT(engine.stats().folder_bytes, 0u);
        const Answer again = ask(engine, {.tokens = tokens});
        EXPECT_EQ(again.stats.reuse.cached_tokens, 40u);
        EXPECT_EQ(again.tokens[0], answer);
        EXPECT_EQ(engine.stats().prompt_tokens, 0);
    }
    // Damaged files, and those of others, are no prefixes.
    for (const auto& file : std::filesystem::directory_iterator(folder_)) {
        std::fstream bytes(file.path(), std::ios::in | std::ios::out | std::ios::binary);
        bytes.seekp(-20, std::ios::end);  // in the state: its checksum is looked at when it is needed
        bytes.put('x').put('y').put('z');
    }
    std::ofstream(folder_ / "notes.txt") << "not ours";
    {
        Engine engine = this->engine(options);
        const Answer again = ask(engine, {.tokens = tokens});
        EXPECT_EQ(again.stats.reuse.cached_tokens, 0u);
        EXPECT_EQ(again.tokens[0], answer);
    }
    for (const auto& file : std::filesystem::directory_iterator(folder_))
        if (file.path().extension() == ".prefix") std::filesystem::resize_file(file.path(), 60);
    { Engine engine = this->engine(options); }
    EXPECT_TRUE(std::filesystem::exists(folder_ / "notes.txt"));
    EXPECT_EQ(n_file(), 1u) << "what was cut short is gone";
}

TEST_P(PrefixTest, AFolderHasALimit) {
    uint64_t of_one = 0;
    {
        Engine engine = this->engine({.max_snapshots = 1, .folder = folder_});
        ask(engine, {.tokens = prompt(40, 1), .max_tokens = 0});
        ask(engine, {.tokens = prompt(40, 2), .max_tokens = 0});
        of_one = engine.stats().folder_bytes;
        EXPECT_GT(of_one, 0u) << "the first one made room";
    }
    std::filesystem::remove_all(folder_);
    {
        Engine engine = this->engine({.max_snapshots = 1, .folder = folder_, .max_folder_bytes = of_one * 5 / 2});
        for (uint32_t i = 0; i < 6; ++i) ask(engine, {.tokens = prompt(40, i), .max_tokens = 0});
        EXPECT_LE(engine.stats().folder_bytes, of_one * 5 / 2);
    }
    EXPECT_EQ(n_file(), 2u);
    Engine engine = this->engine({.max_snapshots = 1, .folder = folder_, .max_folder_bytes = of_one * 5 / 2});
    EXPECT_EQ(ask(engine, {.tokens = prompt(40, 5), .max_tokens = 0}).stats.reuse.cached_tokens, 40u) << "the latest are there";
}

TEST_P(PrefixTest, AFolderThatIsNoneIsAnError) {
    std::filesystem::create_directory(folder_);
    std::ofstream(folder_ / "file") << "x";
    const auto created = Engine::create(model_, {.prefixes = {.folder = folder_ / "file"}});
    ASSERT_FALSE(created);
    EXPECT_EQ(created.error().code, ErrorCode::io);
    const auto off = Engine::create(model_, {.prefixes = {.max_snapshots = 0, .folder = folder_}});
    ASSERT_FALSE(off);
    EXPECT_EQ(off.error().code, ErrorCode::invalid_argument);
}

INSTANTIATE_TEST_SUITE_P(Models, PrefixTest, testing::Values("mamba", "hybrids/granite_moe_nope"),
                         [](const auto& tested) { return tested.param == "mamba" ? "mamba" : "granite"; });

}  // namespace
}  // namespace krait::engine
