// SPDX-License-Identifier: Apache-2.0
//
// A device's thread of a pipeline gets no memory, neither for its run nor to say so: the process lives on, the caller is told
// as much, and the session goes on.
#include <gtest/gtest.h>

#include "models/session/session.hpp"
#include "tests/allocations/operator_new.hpp"
#include "tests/golden/npy.hpp"

namespace krait {
namespace {

TEST(NoMemory, PipelinesFailWithoutIt) {
    // The reference allocates in every run, the cpu in none that it has seen.
    const auto model = Model::load("tests/golden/mamba.gguf", {.device = "reference,cpu", .placement = {.layers = {1}}});
    ASSERT_TRUE(model) << model.error().message;
    auto session = Session::create(*model);
    ASSERT_TRUE(session);
    const std::vector<int32_t> prompt(128, 7);
    for (int i = 0; i < 4; ++i) {
        ASSERT_TRUE(session->decode({{.sequence = 0, .tokens = prompt}}));
        ASSERT_TRUE(session->reset(0));
    }
    Result<void> decoded;
    {
        const test::NoMemoryElsewhere none;
        decoded = session->decode({{.sequence = 0, .tokens = prompt}});
    }
    ASSERT_FALSE(decoded);
    EXPECT_EQ(decoded.error().code, ErrorCode::out_of_memory);
    EXPECT_EQ(decoded.error().message, "there is no memory for a run, or to say how it failed");
    ASSERT_TRUE(session->reset(0));
    const auto again = session->decode({{.sequence = 0, .tokens = prompt}});
    EXPECT_TRUE(again) << again.error().message;
}

// Whichever allocation of a decode fails: no results are left of it, no slot is lost, and what the sequence says it has read,
// its state has read.
TEST(NoMemory, AnyAllocationOfADecodeMayFail) {
    const auto model = Model::load("tests/golden/mamba.gguf", {.device = "reference"});
    ASSERT_TRUE(model) << model.error().message;
    const std::vector<int32_t> start{5, 6}, tokens{1, 2, 3, 4, 5, 6, 7};
    const std::vector<size_t> places{2, 7};
    const auto alone = [&](std::span<const int32_t> path) {
        auto session = Session::create(*model);
        EXPECT_TRUE(session->decode({{.sequence = 0, .tokens = path}}));
        return test::copy_of(session->logits(0));
    };
    uint64_t n = 1;
    for (bool has_come = true; has_come; n += n < 200 ? 1 : 7) {
        SCOPED_TRACE(n);
        ASSERT_LT(n, 20000u) << "it comes for ever";
        auto session = Session::create(*model, {.max_sequences = 3, .max_snapshots = 3});
        ASSERT_TRUE(session);
        ASSERT_TRUE(session->decode({{.sequence = 0, .tokens = start}}));
        ASSERT_TRUE(session->fork(0, 1));
        {
            const test::OneFails fault(n);
            Result<void> decoded;
            try {
                decoded = session->decode({{.sequence = 0, .tokens = tokens, .want = WantLogits::all, .snapshots = places},
                                           {.sequence = 2, .tokens = tokens, .want = WantLogits::top, .top_k = 3}});
            } catch (const std::bad_alloc&) {
                decoded = fail(ErrorCode::out_of_memory, "");
            }
            has_come = fault.has_come();
            ASSERT_TRUE(decoded || has_come) << decoded.error().message;
            if (!decoded) {
                EXPECT_TRUE(session->logits(0).empty());
                EXPECT_TRUE(session->candidates(1).empty());
            }
        }
        const int32_t next = 9;
        for (const int32_t sequence : {0, 1, 2}) {
            const auto read = test::copy_of(*session->tokens(sequence));
            if (!session->decode({{.sequence = sequence, .tokens = std::span(&next, 1)}})) continue;  // it says so
            auto path = read;
            path.push_back(next);
            EXPECT_LE(test::nmse(test::copy_of(session->logits(0)), alone(path)), 1e-9) << sequence;
        }
        for (const int32_t sequence : {0, 1, 2}) ASSERT_TRUE(session->reset(sequence));
        // Every slot is there: three sequences that are forks of one, all written, and three snapshots.
        ASSERT_TRUE(session->decode({{.sequence = 0, .tokens = tokens, .snapshots = places}}));
        ASSERT_TRUE(session->fork(0, 1));
        ASSERT_TRUE(session->fork(0, 2));
        const std::vector<size_t> one{1};
        const auto all = session->decode({{.sequence = 0, .tokens = tokens, .snapshots = one},
                                          {.sequence = 1, .tokens = tokens},
                                          {.sequence = 2, .tokens = tokens}});
        ASSERT_TRUE(all) << all.error().message;
    }
    EXPECT_GT(n, 100u) << "few were tried";
}

// The same of a chain, the first of a session and a later one: it has not happened, and comes as it would have when it is asked
// again.
TEST(NoMemory, AnyAllocationOfAChainMayFail) {
    const auto model = Model::load("tests/golden/mamba.gguf", {.device = "reference"});
    ASSERT_TRUE(model) << model.error().message;
    const std::vector<int32_t> start{5, 6};
    std::vector<int32_t> expected;
    // found has room for 4 tokens: the allocation that fails is none of this test's.
    const auto chain_into = [](Session& session, int32_t token, std::vector<int32_t>& found) {
        const auto chain = session.chain({.token = token, .n_tok = 4});
        if (chain)
            for (const Candidate& candidate : *chain) found.push_back(candidate.token);
    };
    const auto chained = [&](Session& session, int32_t token) {
        std::vector<int32_t> found;
        chain_into(session, token, found);
        return found;
    };
    const auto begin = [&] {
        auto session = Session::create(*model, {.max_chain = 4});
        EXPECT_TRUE(session->decode({{.sequence = 0, .tokens = start}}));
        return session;
    };
    {
        auto session = begin();
        for (int32_t token = 1; expected.size() < 8; token = expected.back()) {
            const auto found = chained(*session, token);
            ASSERT_EQ(found.size(), 4u);
            expected.insert(expected.end(), found.begin(), found.end());
        }
    }
    const std::vector<int32_t> first(expected.begin(), expected.begin() + 4), second(expected.begin() + 4, expected.end());
    for (const bool is_first : {true, false}) {
        uint64_t n = 1;
        for (bool has_come = true; has_come; n += n < 200 ? 1 : 7) {
            SCOPED_TRACE(n);
            ASSERT_LT(n, 20000u) << "it comes for ever";
            auto session = begin();
            if (!is_first) {
                ASSERT_EQ(chained(*session, 1), first);
            }
            const int32_t token = is_first ? 1 : first.back();
            const size_t n_read = session->tokens(0)->size();
            std::vector<int32_t> found;
            found.reserve(4);
            {
                const test::OneFails fault(n);
                try {
                    chain_into(*session, token, found);
                } catch (const std::bad_alloc&) {
                    found.clear();
                }
                has_come = fault.has_come();
            }
            if (found.empty()) {
                ASSERT_TRUE(has_come);
                EXPECT_EQ(session->tokens(0)->size(), n_read);
                EXPECT_TRUE(session->candidates(0).empty());
                found = chained(*session, token);
            }
            ASSERT_EQ(found, is_first ? first : second);
        }
        EXPECT_GT(n, 50u) << "few were tried";
    }
}

}  // namespace
}  // namespace krait
