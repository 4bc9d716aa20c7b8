// SPDX-License-Identifier: Apache-2.0
//
// A trace of several profiles: one timeline, runs counted on, events that a profile dropped.
#include "bench/trace_file.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <krait/session.hpp>
#include <nlohmann/json.hpp>

namespace krait::bench {
namespace {

// Reads n_step tokens, one a step.
api::Profile profile_of(const api::Model& model, uint64_t max_events, int32_t n_step) {
    auto profile = api::Profile::create(model, max_events);
    EXPECT_TRUE(static_cast<bool>(profile)) << profile.failure().message;
    krait_session_options options = KRAIT_SESSION_OPTIONS_INIT;
    options.profile = profile->get();
    auto session = api::Session::create(model, options);
    EXPECT_TRUE(static_cast<bool>(session)) << session.failure().message;
    for (int32_t token = 1; token <= n_step; ++token) {
        const api::Status done = session->decode(std::span(&token, 1));
        EXPECT_TRUE(static_cast<bool>(done)) << done.failure().message;
    }
    return std::move(*profile);
}

TEST(TraceFile, ProfilesFollowEachOther) {
    const auto model = api::Model::load({}, "cpu");
    ASSERT_TRUE(static_cast<bool>(model)) << model.failure().message;
    const api::Profile none = profile_of(*model, 0, 1), first = profile_of(*model, 1000, 2), second = profile_of(*model, 25, 3);
    const size_t n_node = first.event_count() / 2;
    ASSERT_GT(n_node, 25u);
    const api::Profile* const profiles[] = {&none, &first, &second};
    const std::string path =
        (std::filesystem::path(testing::TempDir()) / fmt::format("krait-trace-{}.json", getpid())).string();
    const auto n_dropped = write_trace(profiles, path);
    ASSERT_TRUE(n_dropped) << n_dropped.error().message;
    EXPECT_EQ(*n_dropped, 3 * n_node - 25);
    std::ifstream stream(path);
    const auto json = nlohmann::json::parse(stream);
    std::filesystem::remove(path);
    EXPECT_EQ(json.at("otherData").at("dropped_events"), *n_dropped);
    const auto& events = json.at("traceEvents");
    ASSERT_EQ(events.size(), 1 + 2 * n_node + 25) << "the name of the device, and two profiles";
    EXPECT_EQ(events[0].at("args").at("name"), "cpu");
    EXPECT_EQ(events[1].at("ts"), 0);
    double end = 0;
    for (size_t i = 1; i < events.size(); ++i) {
        EXPECT_EQ(events[i].at("args").at("run"), i <= n_node ? 0 : i <= 2 * n_node ? 1 : 2) << i;
        EXPECT_EQ(events[i].at("args").at("phase"), "decode");
        EXPECT_GE(events[i].at("ts").get<double>(), end - 1e-3) << i;
        end = events[i].at("ts").get<double>() + events[i].at("dur").get<double>();
    }
}

TEST(TraceFile, WithoutEventsItIsJsonToo) {
    const auto model = api::Model::load({}, "cpu");
    ASSERT_TRUE(static_cast<bool>(model)) << model.failure().message;
    const api::Profile none = profile_of(*model, 10, 0);
    const api::Profile* const profiles[] = {&none};
    const std::string path =
        (std::filesystem::path(testing::TempDir()) / fmt::format("krait-trace-{}.json", getpid())).string();
    ASSERT_TRUE(write_trace(profiles, path));
    std::ifstream stream(path);
    EXPECT_EQ(nlohmann::json::parse(stream).at("traceEvents").size(), 1u);
    std::filesystem::remove(path);
    EXPECT_FALSE(write_trace(profiles, "no/such/folder/t.json"));
}

}  // namespace
}  // namespace krait::bench
