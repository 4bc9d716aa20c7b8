// SPDX-License-Identifier: Apache-2.0
//
// A device that fails at any moment (fault_backend.cpp) leaves what it must: an error that says so, a session that goes on
// after reset, restore or rollback, and nothing behind.
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <random>

#include "models/explain.hpp"
#include "models/profile/profile.hpp"
#include "models/session/session.hpp"
#include "tests/golden/npy.hpp"
#include "tests/main/paths.hpp"

namespace krait {
namespace {

constexpr int kFaults = 200;  // n runs from 1 to this

class FaultTest : public testing::Test {
  protected:
    static void SetUpTestSuite() { PluginRegistry::instance().add_folder(test::kFaultPlugin); }
    void SetUp() override {
        PluginRegistry::instance().set_log([this](krait_log_level level, const std::string& message) {
            if (level == KRAIT_LOG_ERROR) complaints_ += message + "\n";
        });
        auto session = Session::create(*load("cpu"));
        ASSERT_TRUE(session);
        ASSERT_TRUE(session->decode({{.sequence = 0, .tokens = prompt_}}));
        const auto logits = session->logits(0);
        expected_.assign(logits.begin(), logits.end());
    }
    void TearDown() override {
        PluginRegistry::instance().set_log({});
        EXPECT_EQ(complaints_, "") << "handles leaked";
    }

    static Result<std::shared_ptr<const Model>> load(const std::string& device, PlacementOptions placement = {}) {
        return Model::load("tests/golden/mamba.gguf", {.device = device, .placement = std::move(placement)});
    }
    // The first layer on the device with faults, the rest beside it.
    static Result<std::shared_ptr<const Model>> load_faulty(const std::string& fault) {
        return load("fault0:" + fault + ",cpu", {.layers = {1}});
    }

    void expect_right(Session& session, int32_t sequence) {
        const auto decoded = session.decode({{.sequence = sequence, .tokens = prompt_}});
        ASSERT_TRUE(decoded) << decoded.error().message;
        const auto logits = session.logits(0);
        EXPECT_LE(test::nmse(std::vector<float>(logits.begin(), logits.end()), expected_), 1e-9);
    }

    // Three snapshots are in use, of the three that there may be.
    void expect_refused_and_sound(Session& session) {
        const auto one_more = session.snapshot(1);
        ASSERT_FALSE(one_more);
        EXPECT_NE(one_more.error().message.find("at most 3 (max_snapshots), 3 are in use"), std::string::npos)
            << one_more.error().message;
        ASSERT_TRUE(session.reset(0));
        expect_right(session, 0);
    }

    static std::vector<int32_t> tokens(size_t n) {
        std::mt19937 random(11);
        std::vector<int32_t> tokens(n);
        for (int32_t& token : tokens) token = static_cast<int32_t>(random() % 101);
        return tokens;
    }

    std::vector<int32_t> prompt_ = tokens(130);  // long enough for a pipeline
    std::vector<float> expected_;
    std::string complaints_;
};

TEST_F(FaultTest, DeclinedNodesGoOnWithTheReason) {
    const auto model = load_faulty("declines=ssm_scan");
    ASSERT_TRUE(model) << model.error().message;
    EXPECT_EQ((*model)->placement().device_of("blk.0.scan"), 1);
    EXPECT_NE((*model)->placement().why("blk.0.scan").find("no ssm_scan, as it was asked to"), std::string::npos);
    const auto table = explain(**model, {.n_tok = 8, .n_seq = 1, .n_out = 1}, ExplainForm::table);
    ASSERT_TRUE(table);
    EXPECT_NE(table->find("no ssm_scan, as it was asked to"), std::string::npos) << *table;
    auto session = Session::create(*model);
    ASSERT_TRUE(session);
    expect_right(*session, 0);
}

TEST_F(FaultTest, NobodyElseTakesADeclinedNode) {
    const auto alone = load("fault0:declines=ssm_scan");
    ASSERT_FALSE(alone);
    EXPECT_EQ(alone.error().code, ErrorCode::unsupported);
    EXPECT_NE(alone.error().message.find("name a second device that takes it"), std::string::npos) << alone.error().message;
}

TEST_F(FaultTest, WithoutTopKThereAreLogits) {
    const auto model = load("fault0:declines=top_k");
    ASSERT_TRUE(model) << model.error().message;
    auto session = Session::create(*model);
    ASSERT_TRUE(session);
    const auto top = session->decode({{.sequence = 0, .tokens = prompt_, .want = WantLogits::top, .top_k = 3}});
    ASSERT_FALSE(top);
    EXPECT_EQ(top.error().code, ErrorCode::unsupported);
    EXPECT_NE(top.error().message.find("no device of this model has the operator top_k"), std::string::npos)
        << top.error().message;
    expect_right(*session, 0);
    // Another device that has it is enough.
    const auto two = load("fault0:declines=top_k,cpu", {.layers = {3, 0}});
    ASSERT_TRUE(two) << two.error().message;
    EXPECT_EQ((*two)->placement().device_of("top_k"), 1);
}

TEST_F(FaultTest, AnyAllocationMayFail) {
    int n_load = 0, n_session = 0, n_decode = 0;
    for (int n = 1; n <= kFaults; ++n) {
        SCOPED_TRACE(n);
        const auto model = load_faulty(fmt::format("fail_alloc={}", n));
        if (!model) {
            EXPECT_EQ(model.error().code, ErrorCode::out_of_memory) << model.error().message;
            EXPECT_NE(model.error().message.find("; give this device fewer layers, or name one more"), std::string::npos)
                << model.error().message;
            ++n_load;
            continue;
        }
        auto session = Session::create(*model, {.max_sequences = 2});
        if (!session) {
            EXPECT_EQ(session.error().code, ErrorCode::out_of_memory);
            ++n_session;
            session = Session::create(*model, {.max_sequences = 2});  // it fails once
            ASSERT_TRUE(session);
        }
        const int32_t token = 1;
        ASSERT_TRUE(session->reset(0));
        for (const auto& part : {std::span<const int32_t>(prompt_), std::span<const int32_t>(&token, 1)})
            if (const auto decoded = session->decode({{.sequence = 0, .tokens = part}}); !decoded) {
                EXPECT_EQ(decoded.error().code, ErrorCode::out_of_memory) << decoded.error().message;
                ++n_decode;
            }
        expect_right(*session, 1);  // a sequence that had no part in it
        ASSERT_TRUE(session->reset(0));
        expect_right(*session, 0);
    }
    EXPECT_GT(n_load, 5);
    EXPECT_GT(n_session, 1);
    EXPECT_GT(n_decode, 5);
}

TEST_F(FaultTest, AnyRunMayFail) {
    int n_failed = 0;
    for (int n = 1; n <= kFaults; ++n) {
        SCOPED_TRACE(n);
        const auto model = load_faulty(fmt::format("fail_run={}", n));
        ASSERT_TRUE(model) << model.error().message;
        auto session = Session::create(*model, {.max_sequences = 3});
        ASSERT_TRUE(session);
        // A pipeline of pieces first, then steps of one token, until the fault comes.
        const auto long_prompt = tokens(400);
        Result<void> decoded = session->decode({{.sequence = 0, .tokens = long_prompt}});
        size_t n_before = session->tokens(0)->size();
        for (size_t step = 0; decoded && step < static_cast<size_t>(kFaults); ++step) {
            n_before = session->tokens(0)->size();
            decoded = session->decode({{.sequence = 0, .tokens = std::span(prompt_).subspan(step % prompt_.size(), 1)}});
        }
        ASSERT_FALSE(decoded) << "the fault did not come";
        EXPECT_NE(decoded.error().message.find(fmt::format("run {} fails, as it was asked to", n)), std::string::npos)
            << decoded.error().message;
        ++n_failed;
        EXPECT_LE(n_before, session->tokens(0)->size());
        // A sequence that was half written does not go on; the others do, and so does this one after a reset.
        const int32_t token = 1;
        if (session->tokens(0)->size() > 0) {
            EXPECT_FALSE(session->decode({{.sequence = 0, .tokens = std::span(&token, 1)}}));
        }
        expect_right(*session, 2);
        ASSERT_TRUE(session->reset(0));
        expect_right(*session, 0);
    }
    EXPECT_EQ(n_failed, kFaults);
}

// In a run node by node it is the node's error, and what the nodes before it took is no run of the profile.
TEST_F(FaultTest, AnyNodeOfAProfiledRunMayFail) {
    for (const char* device : {"fault0:fail_run={}", "fault0:fail_run={},cpu"})
        for (int n = 1; n <= 60; ++n) {
            SCOPED_TRACE(fmt::format("{}, {}", device, n));
            const bool alone = std::string_view(device).find(',') == std::string_view::npos;
            const auto model = load(fmt::format(fmt::runtime(device), n),
                                    {.layers = alone ? std::vector<int64_t>{} : std::vector<int64_t>{1}});
            ASSERT_TRUE(model) << model.error().message;
            Profile profile((*model)->placement().labels());
            ProfileTrace trace;
            ProfileRecorder recorder(profile, ProfileRecorder::Runs::by_node, &trace);
            auto session = Session::create(*model, {.max_sequences = 2, .run_observer = &recorder});
            ASSERT_TRUE(session) << session.error().message;
            Result<void> decoded;
            int64_t n_done = 0;
            for (int step = 0; decoded && step < kFaults; ++step) {
                decoded = session->decode({{.sequence = 0, .tokens = std::span(prompt_).first(step == 0 ? 130 : 1)}});
                n_done += decoded.has_value();
            }
            ASSERT_FALSE(decoded) << "the fault did not come";
            EXPECT_NE(decoded.error().message.find(fmt::format("run {} fails, as it was asked to", n)), std::string::npos)
                << decoded.error().message;
            EXPECT_NE(decoded.error().message.find("node "), std::string::npos) << decoded.error().message;
            EXPECT_EQ(profile.phase(Phase::prompt).n_runs + profile.phase(Phase::decode).n_runs, n_done);
            expect_right(*session, 1);
            ASSERT_TRUE(session->reset(0));
            expect_right(*session, 0);
        }
}

// Snapshots outlive runs that fail, those that a run was to take leave no slot behind, and a sequence that was half written
// goes back.
TEST_F(FaultTest, SnapshotsOutliveFailedRuns) {
    const std::vector<size_t> places{40, 130}, at_30{30}, at_5{5};
    const auto first_ten = std::span(prompt_).first(10);
    for (const char* device : {"fault0:fail_run={}", "fault0:fail_run={},cpu"}) {
        for (int n = 2; n <= 40; ++n) {
            SCOPED_TRACE(fmt::format("{}, {}", device, n));
            const bool alone = std::string_view(device).find(',') == std::string_view::npos;
            const auto model = load(fmt::format(fmt::runtime(device), n),
                                    {.layers = alone ? std::vector<int64_t>{} : std::vector<int64_t>{1}});
            ASSERT_TRUE(model) << model.error().message;
            auto session = Session::create(*model, {.max_sequences = 2, .max_batch_tokens = 50, .max_snapshots = 3});
            ASSERT_TRUE(session);
            Result<void> decoded = session->decode({{.sequence = 0, .tokens = first_ten}});
            if (!decoded) continue;  // it came at once
            ASSERT_TRUE(session->snapshot(0));
            for (int step = 0; decoded && step < 50; ++step) {
                ASSERT_TRUE(session->rollback(0, 10));
                ASSERT_TRUE(session->reset(1));
                ASSERT_TRUE(session->fork(0, 1));
                decoded = session->decode({{.sequence = 0, .tokens = prompt_, .snapshots = places},
                                           {.sequence = 1, .tokens = prompt_, .want = WantLogits::top, .top_k = 4}});
            }
            ASSERT_FALSE(decoded) << "the fault did not come";
            EXPECT_TRUE(session->candidates(1).empty());
            ASSERT_TRUE(session->rollback(0, 10)) << "a sequence that is half written goes back too";
            ASSERT_TRUE(session->reset(1));
            ASSERT_TRUE(session->decode({{.sequence = 0, .tokens = std::span(prompt_).subspan(10), .snapshots = at_30}}));
            EXPECT_LE(test::nmse(test::copy_of(session->logits(0)), expected_), 1e-9) << "not the state of the snapshot";
            // All slots are there still: as many sequences and snapshots as there may be.
            ASSERT_TRUE(session->decode({{.sequence = 1, .tokens = first_ten, .snapshots = at_5}}));
            expect_refused_and_sound(*session);
        }
    }
}

// Where a state cannot be copied for a fork to go on, nothing has happened: they share it still, and go on when it can.
TEST_F(FaultTest, ForksThatCannotBeCopiedGoOnLater) {
    const auto first_ten = std::span(prompt_).first(10), rest = std::span(prompt_).subspan(10);
    int n_failed = 0;
    for (int n = 1;; ++n) {
        SCOPED_TRACE(n);
        const auto model = load(fmt::format("fault0:fail_copy={}", n));
        ASSERT_TRUE(model) << model.error().message;
        auto session = Session::create(*model, {.max_sequences = 3});
        ASSERT_TRUE(session);
        ASSERT_TRUE(session->decode({{.sequence = 0, .tokens = first_ten}}));
        ASSERT_TRUE(session->fork(0, 1));
        ASSERT_TRUE(session->fork(0, 2));
        const std::vector<SequenceInput> batch{
            {.sequence = 1, .tokens = rest}, {.sequence = 0, .tokens = rest}, {.sequence = 2, .tokens = first_ten}};
        auto decoded = session->decode(batch);
        if (!decoded) {
            ++n_failed;
            EXPECT_NE(decoded.error().message.find("fails, as it was asked to"), std::string::npos) << decoded.error().message;
            for (const int32_t sequence : {0, 1, 2}) EXPECT_EQ(session->tokens(sequence)->size(), 10u);
            decoded = session->decode(batch);
        }
        ASSERT_TRUE(decoded) << decoded.error().message;
        for (const size_t input : {0, 1}) EXPECT_LE(test::nmse(test::copy_of(session->logits(input)), expected_), 1e-9);
        ASSERT_TRUE(session->reset(2));
        expect_right(*session, 2);
        if (n > n_failed) break;
    }
    // Two of the three are copied, and each layer has two states.
    EXPECT_EQ(n_failed, 2 * 2 * static_cast<int>((*load("cpu"))->shape().n_layer));
}

// A chain that fails has not happened: the sequence goes on from where it was, with the tokens that it would have had.
TEST_F(FaultTest, AChainThatFailsHasNotHappened) {
    const std::span<const int32_t> few(prompt_.data(), 5);
    std::vector<Candidate> expected;
    {
        auto session = Session::create(*load("reference"));
        ASSERT_TRUE(session->decode({{.sequence = 0, .tokens = few}}));
        int32_t token = 1;
        for (int i = 0; i < 24; ++i) {
            ASSERT_TRUE(session->decode({{.sequence = 0, .tokens = {&token, 1}, .want = WantLogits::top, .top_k = 1}}));
            expected.push_back(session->candidates(0)[0]);
            token = expected.back().token;
        }
    }
    // Alone, where the device goes on by itself, and beside another one. The stop makes the last chain go back, and fail there
    // too.
    for (const char* device : {"fault0:fail_{}={}", "fault0:fail_{}={},cpu:portable"})
        for (const char* what : {"run", "write", "alloc"}) {
            int n_failed = 0;
            for (int n = 1; n <= 60; ++n) {
                SCOPED_TRACE(fmt::format("{}, {} {}", device, what, n));
                const bool alone = std::string_view(device).find(',') == std::string_view::npos;
                const auto model = load(fmt::format(fmt::runtime(device), what, n),
                                        {.layers = alone ? std::vector<int64_t>{} : std::vector<int64_t>{1}});
                if (!model) continue;
                auto session = Session::create(*model, {.max_chain = 8});
                if (!session || !session->decode({{.sequence = 0, .tokens = few}})) continue;
                const int32_t stop = expected[20].token;
                for (size_t done = 0; done < 21;) {
                    const int32_t token = done == 0 ? 1 : expected[done - 1].token;
                    const ChainInput input{.token = token, .n_tok = 8, .stops = std::span(&stop, done == 16 ? 1 : 0)};
                    const size_t n_tok = session->tokens(0)->size();
                    auto found = session->chain(input);
                    if (!found) {
                        ++n_failed;
                        EXPECT_NE(found.error().message.find("fails, as it was asked to"), std::string::npos);
                        EXPECT_EQ(session->tokens(0)->size(), n_tok);
                        EXPECT_TRUE(session->candidates(0).empty());
                        found = session->chain(input);  // it fails once
                    }
                    ASSERT_TRUE(found) << found.error().message;
                    for (const Candidate& candidate : *found) {
                        ASSERT_LT(done, expected.size());
                        EXPECT_EQ(candidate.token, expected[done++].token);
                    }
                    EXPECT_EQ(session->tokens(0)->size(), few.size() + done);
                }
            }
            EXPECT_GT(n_failed, what == std::string_view("alloc") ? 0 : 10) << device << ", " << what;
        }
}

// Inputs that a step shares with the one before it stand on the device already: a step of one sequence writes its token alone.
TEST_F(FaultTest, StepsWriteOnlyWhatIsNew) {
    for (const std::string device : {"fault0:fail_write=60", "fault0:fail_write=60,cpu:portable"}) {
        const auto model = load(device, {.layers = device.back() == '0' ? std::vector<int64_t>{} : std::vector<int64_t>{1}});
        ASSERT_TRUE(model) << model.error().message;
        auto session = Session::create(*model);
        ASSERT_TRUE(session);
        int n_steps = 0;
        for (; n_steps < 100; ++n_steps)
            if (!session->decode({{.sequence = 0, .tokens = std::span(prompt_).subspan(static_cast<size_t>(n_steps), 1)}}))
                break;
        EXPECT_GT(n_steps, 50) << device;
        EXPECT_LT(n_steps, 60) << device;
        // After the failure everything is written anew.
        ASSERT_TRUE(session->reset(0));
        expect_right(*session, 0);
    }
}

TEST_F(FaultTest, ALostDeviceLeavesWhatWasSaved) {
    const auto one = load("cpu");
    ASSERT_TRUE(one);
    auto elsewhere = Session::create(*one);
    ASSERT_TRUE(elsewhere);
    for (int n = 1; n <= kFaults; ++n) {
        SCOPED_TRACE(n);
        auto model = load_faulty(fmt::format("lose={}", n));
        ASSERT_TRUE(model) << model.error().message;
        auto session = Session::create(*model, {.max_sequences = 2});
        ASSERT_TRUE(session);
        // A run a step: the last before the device is lost leaves the state that is saved.
        const auto step = [&](int i) {
            const auto token = std::span(prompt_).subspan(static_cast<size_t>(i) % prompt_.size(), 1);
            return session->decode({{.sequence = 0, .tokens = token}});
        };
        for (int i = 1; i < n; ++i) ASSERT_TRUE(step(i));
        const auto saved = session->save(0);
        ASSERT_TRUE(saved) << saved.error().message;
        const auto decoded = step(n);
        ASSERT_FALSE(decoded);
        EXPECT_EQ(decoded.error().code, ErrorCode::device_lost) << decoded.error().message;
        EXPECT_FALSE(session->decode({{.sequence = 1, .tokens = prompt_}})) << "it stays lost";
        // A saved sequence goes on elsewhere.
        ASSERT_TRUE(elsewhere->restore(0, *saved));
        EXPECT_EQ(elsewhere->tokens(0)->size(), static_cast<size_t>(n - 1));
        EXPECT_TRUE(elsewhere->decode({{.sequence = 0, .tokens = std::span(prompt_).first(1)}}));
    }
}

// The second run (the second piece on the first device, or the first on the second) does not end before another has begun: one
// after the other, this fails.
TEST_F(FaultTest, DevicesWorkSideBySide) {
    const auto model = load("fault0:meet=2,fault0:meet=2", {.layers = {1}});
    ASSERT_TRUE(model) << model.error().message;
    auto session = Session::create(*model, {.max_sequences = 2});
    ASSERT_TRUE(session);
    const auto a = tokens(128), b = tokens(128);
    const auto decoded = session->decode({{.sequence = 0, .tokens = a}, {.sequence = 1, .tokens = b}});
    ASSERT_TRUE(decoded) << decoded.error().message;
    auto one = Session::create(*load("cpu"));
    ASSERT_TRUE(one->decode({{.sequence = 0, .tokens = b}}));
    const auto expected = one->logits(0), got = session->logits(1);
    EXPECT_LE(test::nmse(std::vector<float>(got.begin(), got.end()), std::vector<float>(expected.begin(), expected.end())),
              1e-9);
}

TEST_F(FaultTest, ADeviceThatCannotBeMeasuredGetsNoLayers) {
    const auto cache = std::filesystem::path(testing::TempDir()) / fmt::format("krait-faults-{}", getpid());
    setenv("XDG_CACHE_HOME", cache.c_str(), 1);
    const auto model = load("fault0:declines=mul_mat,cpu");
    ASSERT_TRUE(model) << model.error().message;
    const std::string& summary = (*model)->placement().summary();
    EXPECT_NE(summary.find("fault0 gets no layers, as it could not be measured"), std::string::npos) << summary;
    EXPECT_NE(summary.find("no mul_mat, as it was asked to"), std::string::npos) << summary;
    EXPECT_FALSE((*model)->placement().uses(0));
    const auto nobody = load("fault0:declines=mul_mat,fault0:declines=mul_mat");
    ASSERT_FALSE(nobody);
    EXPECT_EQ(nobody.error().message.rfind("no device could be measured", 0), 0u) << nobody.error().message;
    unsetenv("XDG_CACHE_HOME");
    std::filesystem::remove_all(cache);
    auto session = Session::create(*model);
    ASSERT_TRUE(session);
    expect_right(*session, 0);
}

}  // namespace
}  // namespace krait
