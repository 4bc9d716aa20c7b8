// SPDX-License-Identifier: Apache-2.0
//
// A step of decoding that was seen before allocates nothing through the C API either.
#include <gtest/gtest.h>

#include <krait/krait.hpp>

#include "tests/allocations/operator_new.hpp"

namespace kr = krait::api;

namespace {

TEST(SteadyStep, TheCApiAllocatesNothing) {
    const auto model = kr::Model::load("tests/golden/mamba.gguf", "cpu");
    ASSERT_TRUE(model) << model.failure().message;
    krait_session_options options = KRAIT_SESSION_OPTIONS_INIT;
    options.max_sequences = 3;
    auto session = kr::Session::create(*model, options);
    ASSERT_TRUE(session) << session.failure().message;
    const int32_t token = 7;
    krait_batch_item items[3];
    for (int32_t s = 0; s < 3; ++s) {
        items[s] = kr::Session::item_of(std::span(&token, 1), s, KRAIT_WANT_TOP);
        items[s].top_k = 40;
    }
    uint64_t told = 0;
    krait_decode_options decode = KRAIT_DECODE_OPTIONS_INIT;
    decode.user = &told;
    decode.progress = [](void* user, uint64_t done, uint64_t) {
        *static_cast<uint64_t*>(user) += done;
        return 0;
    };
    krait_failure failure{};
    const auto steps = [&](int n) {
        for (int i = 0; i < n; ++i)
            EXPECT_EQ(krait_session_decode(session->get(), items, 3, &decode, &failure), KRAIT_OK) << failure.message;
    };
    steps(8);
    const uint64_t before = krait::test::n_allocations;
    steps(100);
    EXPECT_EQ(krait::test::n_allocations - before, 0u);
    EXPECT_EQ(told, 108u * 3);
    steps(600);
    EXPECT_LE(krait::test::n_allocations - before, 2u * 3) << "the lists of the sequences' tokens, which double";
}

}  // namespace
