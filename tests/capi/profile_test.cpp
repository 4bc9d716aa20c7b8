// SPDX-License-Identifier: Apache-2.0
//
// Profiles in the C API: what sessions record, groups that add up, events, bad input. And what a model has to read and compute.
#include <gtest/gtest.h>
#include <krait/krait.h>

#include <cstddef>
#include <cstring>
#include <krait/krait.hpp>
#include <map>

#include "tests/capi/unknown_enum.hpp"
#include "tests/capi/value.hpp"

namespace kr = krait::api;

namespace {

using krait::test::value;

std::string name_of(const krait_profile_entry& entry) { return {entry.name, entry.name_size}; }

constexpr size_t kLayers = 8, kNodesOfALayer = 7;  // of the demo model

// A prompt of 6 tokens and two steps; its last logits.
std::vector<float> work(const kr::Model& model, krait_profile* profile, krait_profile_runs runs) {
    krait_session_options options = KRAIT_SESSION_OPTIONS_INIT;
    options.profile = profile;
    options.profile_runs = runs;
    kr::Session session = value(kr::Session::create(model, options));
    for (const std::vector<int32_t>& tokens : {std::vector<int32_t>{5, 8, 1, 90, 44, 3}, {7}, {12}})
        value(session.decode(tokens));
    const auto logits = value(session.logits());
    return {logits.begin(), logits.end()};
}

class CApiProfile : public testing::Test {
  protected:
    kr::Model model_ = value(kr::Model::load({}, "cpu"));
};

TEST_F(CApiProfile, NodesAndPlainRunsAreRecorded) {
    kr::Profile profile = value(kr::Profile::create(model_));
    EXPECT_EQ(profile.phase(KRAIT_PHASE_PROMPT).n_run, 0u) << "nothing yet";
    EXPECT_TRUE(profile.entries(KRAIT_PHASE_PROMPT, KRAIT_GROUP_OPERATOR).empty());
    const auto expected = work(model_, nullptr, KRAIT_PROFILE_NODES);
    EXPECT_EQ(work(model_, profile.get(), KRAIT_PROFILE_PLAIN), expected);
    EXPECT_EQ(work(model_, profile.get(), KRAIT_PROFILE_NODES), expected) << "the same bits, node by node";
    EXPECT_EQ(profile.devices(), std::vector<std::string>{"cpu"});

    const std::map<krait_phase, uint64_t> n_run{{KRAIT_PHASE_PROMPT, 1}, {KRAIT_PHASE_DECODE, 2}};
    for (const auto& [phase, n] : n_run) {
        const krait_phase_sums sums = profile.phase(phase);
        EXPECT_EQ(sums.n_run, n);
        EXPECT_EQ(sums.n_plain_run, n);
        EXPECT_EQ(sums.n_tok, phase == KRAIT_PHASE_PROMPT ? 6u : 2u);
        EXPECT_GT(sums.plain_seconds, 0);
        EXPECT_GT(sums.node_seconds, 0);
        EXPECT_GE(sums.run_seconds, sums.node_seconds);
        const auto nodes = profile.entries(phase, KRAIT_GROUP_NODE);
        ASSERT_GT(nodes.size(), kLayers * kNodesOfALayer);
        std::map<int32_t, size_t> n_in_layer;
        for (const krait_profile_entry& node : nodes) {
            ++n_in_layer[node.layer];
            EXPECT_EQ(node.n_call, n) << name_of(node);
            EXPECT_EQ(node.device, 0u);
            EXPECT_LE(node.min_seconds * static_cast<double>(n), node.seconds * (1 + 1e-12));
            EXPECT_GT(node.bytes_read + node.bytes_written, 0);
            EXPECT_EQ(node.operations > 0, !std::strcmp(node.op, "mul_mat") || !std::strcmp(node.op, "ssm_conv"));
        }
        EXPECT_EQ(n_in_layer.size(), kLayers + 2);
        EXPECT_EQ(n_in_layer[0], kNodesOfALayer);
        EXPECT_EQ(n_in_layer[KRAIT_LAYER_EMBEDDING], 1u);
        EXPECT_GE(n_in_layer[KRAIT_LAYER_HEAD], 1u);
    }
}

TEST_F(CApiProfile, GroupsHaveTheSameSums) {
    kr::Profile profile = value(kr::Profile::create(model_));
    for (uint64_t repetition = 1; repetition <= 2; ++repetition) {  // groups follow what was recorded later
        work(model_, profile.get(), KRAIT_PROFILE_NODES);
        for (const krait_phase phase : {KRAIT_PHASE_PROMPT, KRAIT_PHASE_DECODE}) {
            double bytes[3] = {}, seconds[3] = {}, operations[3] = {};
            uint64_t calls[3] = {};
            for (const auto group : {KRAIT_GROUP_NODE, KRAIT_GROUP_NAME, KRAIT_GROUP_OPERATOR}) {
                double last = 1e9;
                for (const krait_profile_entry& entry : profile.entries(phase, group)) {
                    bytes[group] += entry.bytes_read + entry.bytes_written;
                    seconds[group] += entry.seconds;
                    operations[group] += entry.operations;
                    calls[group] += entry.n_call;
                    if (group == KRAIT_GROUP_NODE) continue;
                    EXPECT_EQ(entry.layer, KRAIT_LAYER_SEVERAL);
                    EXPECT_LE(entry.seconds, last) << "the longest time first";
                    last = entry.seconds;
                    if (group == KRAIT_GROUP_OPERATOR) {
                        EXPECT_EQ(name_of(entry), entry.op);
                    }
                    if (name_of(entry) == "blk.*.scan") {
                        EXPECT_EQ(entry.n_call, repetition * kLayers * (phase == KRAIT_PHASE_PROMPT ? 1 : 2));
                    }
                }
            }
            for (const int group : {KRAIT_GROUP_NAME, KRAIT_GROUP_OPERATOR}) {
                EXPECT_EQ(calls[group], calls[KRAIT_GROUP_NODE]);
                EXPECT_DOUBLE_EQ(bytes[group], bytes[KRAIT_GROUP_NODE]);
                EXPECT_DOUBLE_EQ(operations[group], operations[KRAIT_GROUP_NODE]);
                EXPECT_NEAR(seconds[group], profile.phase(phase).node_seconds, 1e-9);
            }
        }
    }
}

TEST_F(CApiProfile, PausedRunsDoNotCount) {
    kr::Profile profile = value(kr::Profile::create(model_, 1000));
    profile.pause(true);
    work(model_, profile.get(), KRAIT_PROFILE_NODES);
    EXPECT_EQ(profile.phase(KRAIT_PHASE_DECODE).n_run, 0u);
    EXPECT_EQ(profile.event_count(), 0u);
    profile.pause(false);
    work(model_, profile.get(), KRAIT_PROFILE_NODES);
    EXPECT_EQ(profile.phase(KRAIT_PHASE_DECODE).n_run, 2u);
}

TEST_F(CApiProfile, EventsAreInTheOrderOfTime) {
    kr::Profile all = value(kr::Profile::create(model_, 1000)), some = value(kr::Profile::create(model_, 25));
    work(model_, all.get(), KRAIT_PROFILE_NODES);
    work(model_, some.get(), KRAIT_PROFILE_NODES);
    size_t n_call = 0;
    for (const krait_phase phase : {KRAIT_PHASE_PROMPT, KRAIT_PHASE_DECODE})
        for (const krait_profile_entry& node : all.entries(phase, KRAIT_GROUP_NODE)) n_call += node.n_call;
    ASSERT_EQ(all.event_count(), n_call) << "an event for each run of a node";
    EXPECT_EQ(all.dropped_count(), 0u);
    EXPECT_EQ(some.event_count(), 25u);
    EXPECT_EQ(some.dropped_count(), n_call - 25);
    uint64_t last_ns = 0;
    for (size_t i = 0; i < all.event_count(); ++i) {
        const krait_profile_event event = all.event(i);
        EXPECT_GE(event.start_ns, last_ns);
        EXPECT_GE(event.end_ns, event.start_ns);
        last_ns = event.end_ns;
        EXPECT_EQ(event.phase, event.run == 0 ? KRAIT_PHASE_PROMPT : KRAIT_PHASE_DECODE);
        EXPECT_GT(event.bytes, 0u);
    }
    EXPECT_EQ(all.event(0).layer, KRAIT_LAYER_EMBEDDING);
    EXPECT_STREQ(all.event(0).op, "get_rows");
    EXPECT_EQ(all.event(n_call - 1).run, 2u);
    EXPECT_GE(some.event(0).start_ns, last_ns) << "one clock for all profiles";
}

TEST_F(CApiProfile, AProfileAndItsSessionAreFreedInAnyOrder) {
    krait_session_options options = KRAIT_SESSION_OPTIONS_INIT;
    kr::Result<kr::Profile> profile = kr::Profile::create(model_);
    ASSERT_TRUE(profile);
    options.profile = profile->get();
    kr::Session session = value(kr::Session::create(model_, options));
    EXPECT_EQ(session.move_to(model_).failure().code, KRAIT_UNSUPPORTED);
    profile = kr::Failure{};  // frees it
    const int32_t token = 3;
    value(session.decode(std::span(&token, 1)));
}

void refused(krait_code code, krait_failure& failure, const char* words) {
    EXPECT_EQ(code, KRAIT_INVALID_ARGUMENT) << words;
    EXPECT_NE(std::strstr(failure.message, words), nullptr) << failure.message;
}

KRAIT_PASSES_UNKNOWN_ENUMS void refuses_unknown_enums(const krait_profile* profile) {
    krait_phase phase = KRAIT_PHASE_PROMPT;
    krait_profile_group group = KRAIT_GROUP_NODE;
    krait_phase_sums sums = KRAIT_PHASE_SUMS_INIT;
    krait_profile_entry entry = KRAIT_PROFILE_ENTRY_INIT;
    krait_failure failure{};
    const int unknown = 2;
    std::memcpy(&phase, &unknown, sizeof unknown);
    refused(krait_profile_phase(profile, phase, &sums, &failure), failure, "phase is 2; 0 and 1 exist");
    refused(krait_profile_entry_at(profile, phase, group, 0, &entry, &failure), failure, "phase is 2");
    EXPECT_EQ(krait_profile_entry_count(profile, phase, group), 0u);
    const int far = -1;
    std::memcpy(&group, &far, sizeof far);
    refused(krait_profile_entry_at(profile, KRAIT_PHASE_DECODE, group, 0, &entry, &failure), failure, "group is -1");
    EXPECT_EQ(krait_profile_entry_count(profile, KRAIT_PHASE_DECODE, group), 0u);
}

TEST_F(CApiProfile, BadInputIsRefused) {
    krait_failure failure{};
    krait_profile* out = nullptr;
    krait_profile_options options = KRAIT_PROFILE_OPTIONS_INIT;
    refused(krait_profile_create(nullptr, nullptr, &out, &failure), failure, "model is NULL");
    refused(krait_profile_create(model_.get(), nullptr, nullptr, &failure), failure, "out is NULL");
    for (const size_t size : {size_t{0}, sizeof options + 8}) {
        options.struct_size = size;
        refused(krait_profile_create(model_.get(), &options, &out, &failure), failure, "struct_size is ");
    }
    options = KRAIT_PROFILE_OPTIONS_INIT;
    options.max_events = (uint64_t{1} << 26) + 1;
    refused(krait_profile_create(model_.get(), &options, &out, &failure), failure, "max_events is 67108865; 0 to 67108864");
    EXPECT_EQ(out, nullptr);
    const kr::Model file = value(kr::Model::open());
    EXPECT_EQ(krait_profile_create(file.get(), nullptr, &out, nullptr), KRAIT_UNSUPPORTED);

    kr::Profile profile = value(kr::Profile::create(model_, 10));
    work(model_, profile.get(), KRAIT_PROFILE_NODES);
    const kr::Model other = value(kr::Model::load({}, "cpu"));
    krait_session_options session = KRAIT_SESSION_OPTIONS_INIT;
    session.profile = profile.get();
    EXPECT_EQ(kr::Session::create(other, session).failure().code, KRAIT_INVALID_ARGUMENT);
    const int unknown = 2;
    std::memcpy(&session.profile_runs, &unknown, sizeof unknown);
    EXPECT_EQ(kr::Session::create(model_, session).failure().message, "profile_runs is 2; 0 and 1 exist");

    krait_phase_sums sums = KRAIT_PHASE_SUMS_INIT;
    krait_profile_entry entry = KRAIT_PROFILE_ENTRY_INIT;
    krait_profile_event event = KRAIT_PROFILE_EVENT_INIT;
    krait_phase phase = KRAIT_PHASE_DECODE;
    krait_profile_group group = KRAIT_GROUP_NODE;
    refused(krait_profile_phase(nullptr, phase, &sums, &failure), failure, "profile is NULL");
    refused(krait_profile_phase(profile.get(), phase, nullptr, &failure), failure, "out is NULL");
    refused(krait_profile_entry_at(nullptr, phase, group, 0, &entry, &failure), failure, "profile is NULL");
    refused(krait_profile_entry_at(profile.get(), phase, group, 0, nullptr, &failure), failure, "out is NULL");
    refused(krait_profile_event_at(nullptr, 0, &event, &failure), failure, "profile is NULL");
    refused(krait_profile_event_at(profile.get(), 0, nullptr, &failure), failure, "out is NULL");
    for (const size_t wrong : {size_t{0}, size_t{1000}}) {
        sums.struct_size = entry.struct_size = event.struct_size = wrong;
        refused(krait_profile_phase(profile.get(), phase, &sums, &failure), failure, "out.struct_size is ");
        refused(krait_profile_entry_at(profile.get(), phase, group, 0, &entry, &failure), failure, "out.struct_size is ");
        refused(krait_profile_event_at(profile.get(), 0, &event, &failure), failure, "out.struct_size is ");
    }
    entry = KRAIT_PROFILE_ENTRY_INIT;
    event = KRAIT_PROFILE_EVENT_INIT;
    EXPECT_EQ(krait_profile_entry_at(profile.get(), phase, group, 10000, &entry, nullptr), KRAIT_NOT_FOUND);
    EXPECT_EQ(krait_profile_entry_at(profile.get(), phase, KRAIT_GROUP_OPERATOR, 100, &entry, nullptr), KRAIT_NOT_FOUND);
    EXPECT_EQ(krait_profile_event_at(profile.get(), 10, &event, nullptr), KRAIT_NOT_FOUND);
    refuses_unknown_enums(profile.get());
    EXPECT_EQ(krait_profile_entry_count(nullptr, KRAIT_PHASE_DECODE, KRAIT_GROUP_NODE), 0u);
    EXPECT_EQ(krait_profile_event_count(nullptr), 0u);
    EXPECT_EQ(krait_profile_dropped_count(nullptr), 0u);
    EXPECT_EQ(krait_profile_device(nullptr, 0), nullptr);
    EXPECT_EQ(krait_profile_device(profile.get(), 1), nullptr);
    krait_profile_pause(nullptr, 1);
    krait_profile_free(nullptr);
}

// As an application sees it that was built before profiles existed, and as one without events does.
TEST_F(CApiProfile, SessionsOfOlderApplicationsHaveNone) {
    kr::Profile profile = value(kr::Profile::create(model_));
    krait_session_options options = KRAIT_SESSION_OPTIONS_INIT;
    options.profile = profile.get();
    options.struct_size = offsetof(krait_session_options, profile);
    kr::Session session = value(kr::Session::create(model_, options));
    const int32_t token = 3;
    value(session.decode(std::span(&token, 1)));
    EXPECT_EQ(profile.phase(KRAIT_PHASE_DECODE).n_run, 0u);
    EXPECT_EQ(profile.event_count(), 0u);
    krait_profile_event event = KRAIT_PROFILE_EVENT_INIT;
    krait_failure failure{};
    EXPECT_EQ(krait_profile_event_at(profile.get(), 0, &event, &failure), KRAIT_NOT_FOUND);
    EXPECT_STREQ(failure.message, "there is no event 0: the profile has 0");
}

// The demo model: 8 layers, d_model 320, d_inner 640, d_state 16, d_conv 4, dt_rank 32, 4096 tokens, a tied head, all matrices
// Q8_0.
TEST_F(CApiProfile, WorkIsWhatAStepNeeds) {
    constexpr uint64_t kLayerWeights = 8 * (2 * 640 * 320 + 640 * 4 + (32 + 2 * 16) * 640 + 640 * 32 + 320 * 640);
    constexpr uint64_t kHeadWeights = 4096 * 320;
    constexpr uint64_t kState = 8 * (3 * 640 + 640 * 16) * 4;
    // Matrices at 34 bytes for 32; norms, conv, A, D and biases as F32.
    constexpr uint64_t kBytes =
        (kLayerWeights - 8 * 640 * 4 + kHeadWeights) * 34 / 32 + 4 * (8 * (320 + 640 * 4 + 640 + 640 + 640 * 16 + 640) + 320);
    const krait_work work = value(model_.work());
    EXPECT_EQ(work.weight_bytes, kBytes);
    EXPECT_EQ(work.head_bytes, kHeadWeights * 34 / 32);
    EXPECT_EQ(work.embedding_row_bytes, 320u * 34 / 32);
    EXPECT_EQ(work.layer_weights, kLayerWeights);
    EXPECT_EQ(work.head_weights, kHeadWeights);
    EXPECT_STREQ(work.type, "Q8_0");
    EXPECT_EQ(model_.state_bytes(), kState);

    krait_work out = KRAIT_WORK_INIT;
    EXPECT_EQ(krait_model_work(nullptr, &out, nullptr), KRAIT_INVALID_ARGUMENT);
    EXPECT_EQ(krait_model_work(model_.get(), nullptr, nullptr), KRAIT_INVALID_ARGUMENT);
    EXPECT_EQ(krait_model_work(value(kr::Model::open()).get(), &out, nullptr), KRAIT_UNSUPPORTED);
    for (const size_t size : {size_t{0}, sizeof out + 8}) {
        out.struct_size = size;
        EXPECT_EQ(krait_model_work(model_.get(), &out, nullptr), KRAIT_INVALID_ARGUMENT);
    }
}

}  // namespace
