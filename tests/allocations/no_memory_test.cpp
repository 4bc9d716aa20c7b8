// SPDX-License-Identifier: Apache-2.0
//
// A device's thread of a pipeline gets no memory, neither for its run nor to say so: the process lives on, the caller is told as
// much, and the session goes on.
#include <gtest/gtest.h>

#include "models/session.hpp"
#include "tests/allocations/operator_new.hpp"

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

}  // namespace
}  // namespace krait
