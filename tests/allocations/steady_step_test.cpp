// SPDX-License-Identifier: Apache-2.0
//
// A step of decoding that was seen before allocates nothing, in Krait and in its plugins: operator new of the whole process is
// counted, on one device and on several.
#include <gtest/gtest.h>

#include "models/session/session.hpp"
#include "tests/allocations/operator_new.hpp"

namespace krait {
namespace {

using test::n_allocations;

uint64_t allocations_of_steps(const std::string& device, const PlacementOptions& placement, int32_t n_seq,
                              WantLogits want = WantLogits::last) {
    const auto model = Model::load("tests/golden/mamba.gguf", {.device = device, .placement = placement});
    EXPECT_TRUE(model) << model.error().message;
    auto session = Session::create(*model, {.max_sequences = n_seq});
    EXPECT_TRUE(session) << session.error().message;
    std::vector<int32_t> tokens(static_cast<size_t>(n_seq));
    std::vector<SequenceInput> batch(tokens.size());
    const auto steps = [&](int n) {
        for (int step = 0; step < n; ++step) {
            for (size_t i = 0; i < batch.size(); ++i) {
                tokens[i] = static_cast<int32_t>((static_cast<size_t>(step) * 7 + i) % 100);
                batch[i] = {
                    .sequence = static_cast<int32_t>(i), .tokens = std::span(tokens).subspan(i, 1), .want = want, .top_k = 40};
            }
            const auto decoded = session->decode(batch);
            EXPECT_TRUE(decoded) << decoded.error().message;
        }
    };
    steps(8);
    const uint64_t before = n_allocations;
    steps(100);
    return n_allocations - before;
}

// Prompts of one length, through a pipeline of two devices.
TEST(SteadyStep, PipelinedPromptsAllocateNothing) {
    const auto model = Model::load("tests/golden/mamba.gguf", {.device = "cpu,cpu:portable", .placement = {.layers = {1}}});
    ASSERT_TRUE(model) << model.error().message;
    auto session = Session::create(*model);
    ASSERT_TRUE(session);
    const std::vector<int32_t> prompt(128, 7);
    const SequenceInput input{.sequence = 0, .tokens = prompt};
    // The list of a sequence's tokens has grown for a while: at 1152 tokens, to hold 2688.
    for (int i = 0; i < 10; ++i) ASSERT_TRUE(session->decode(std::span(&input, 1)));
    const uint64_t before = n_allocations;
    for (int i = 0; i < 10; ++i) ASSERT_TRUE(session->decode(std::span(&input, 1)));
    EXPECT_EQ(n_allocations - before, 0u);
}

TEST(SteadyStep, ChainsAllocateNothing) {
    for (const PlacementOptions& placement : {PlacementOptions{}, PlacementOptions{.layers = {1}}}) {
        const bool alone = placement.layers.empty();
        const auto model =
            Model::load("tests/golden/mamba.gguf", {.device = alone ? "cpu" : "cpu,cpu:portable", .placement = placement});
        ASSERT_TRUE(model) << model.error().message;
        auto session = Session::create(*model, {.max_chain = 8});
        ASSERT_TRUE(session);
        int32_t stop = -1;
        const auto chains = [&](int n) {
            for (int i = 0; i < n; ++i) {
                const auto found = session->chain({.token = 7, .n_tok = 8, .stops = {&stop, 1}});
                ASSERT_TRUE(found) << found.error().message;
                stop = i % 2 == 0 ? (*found)[found->size() / 2].token : -1;  // every other one goes back
            }
        };
        chains(4);
        const uint64_t before = n_allocations;
        chains(12);  // fewer tokens than a sequence has room for at first
        EXPECT_EQ(n_allocations - before, 0u);
    }
}

TEST(SteadyStep, TheCounterCounts) {
    const uint64_t before = n_allocations;
    const auto memory = std::make_unique<std::string>(1000, 'x');
    EXPECT_EQ(n_allocations - before, 2u);
    EXPECT_EQ(memory->size(), 1000u);
    const auto device = Device::open("cpu");
    ASSERT_TRUE(device);
    const uint64_t before_plugin = n_allocations;
    EXPECT_TRUE((*device)->create_buffer(KRAIT_BUFFER_DEVICE, 64));
    EXPECT_GT(n_allocations, before_plugin) << "what plugins allocate is counted too";
}

TEST(SteadyStep, OneDeviceAllocatesNothing) {
    EXPECT_EQ(allocations_of_steps("cpu", {}, 1), 0u);
    EXPECT_EQ(allocations_of_steps("cpu", {}, 5), 0u);
    EXPECT_EQ(allocations_of_steps("cpu", {}, 5, WantLogits::top), 0u);
}

TEST(SteadyStep, SeveralDevicesAllocateNothing) {
    EXPECT_EQ(allocations_of_steps("cpu,cpu:portable", {.layers = {1}}, 1), 0u);
    EXPECT_EQ(allocations_of_steps("cpu,cpu:portable", {.layers = {1}}, 3, WantLogits::top), 0u);
    EXPECT_EQ(allocations_of_steps("cpu,cpu,cpu:portable", {.split = {1, 1, 1}, .rules = {{"scan", "cpu#2"}}}, 4), 0u);
}

}  // namespace
}  // namespace krait
