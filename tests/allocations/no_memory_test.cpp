// SPDX-License-Identifier: Apache-2.0
//
// A run fails on a device's thread of a pipeline, and there is no memory to say how: the process lives on, the caller is told as
// much, and the session goes on. The device is the one of tests/faults.
#include <gtest/gtest.h>

#include "models/session.hpp"
#include "tests/allocations/operator_new.hpp"

namespace krait {
namespace {

TEST(NoMemory, PipelinesFailWithoutIt) {
    PluginRegistry::instance().add_folder(KRAIT_FAULT_PLUGIN);
    // Four pieces a prompt: the second piece of the fifth prompt fails, when all that a run needs is there.
    const auto model =
        Model::load("tests/golden/mamba.gguf", {.device = "fault0:fail_run=18,cpu", .placement = {.layers = {1}}});
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

}  // namespace
}  // namespace krait
