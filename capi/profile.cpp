// SPDX-License-Identifier: Apache-2.0
//
// include/krait/profile.h.
#include "capi/profile.hpp"

using namespace krait;
using namespace krait::capi;

static_assert(static_cast<int>(Phase::prompt) == KRAIT_PHASE_PROMPT && static_cast<int>(Phase::decode) == KRAIT_PHASE_DECODE);

namespace {

constexpr uint64_t kMaxEvents = uint64_t{1} << 26;

Result<Phase> phase_of(const krait_phase& given) {
    const uint32_t number = number_of(given);
    if (number <= KRAIT_PHASE_DECODE) return static_cast<Phase>(number);
    return fail(ErrorCode::invalid_argument, "phase is {}; 0 and 1 exist", static_cast<int32_t>(number));
}

Result<krait_profile_group> group_of(const krait_profile_group& given) {
    const uint32_t number = number_of(given);
    if (number <= KRAIT_GROUP_OPERATOR) return static_cast<krait_profile_group>(number);
    return fail(ErrorCode::invalid_argument, "group is {}; 0 to 2 exist", static_cast<int32_t>(number));
}

int32_t layer_number(int32_t layer) {
    if (layer == graph::kEmbedding) return KRAIT_LAYER_EMBEDDING;
    return layer == graph::kHead ? KRAIT_LAYER_HEAD : layer;
}

const std::vector<NodeGroup>& groups_of(ProfileRecord& record, Phase phase, krait_profile_group group) {
    const PhaseProfile& sums = record.profile.phase(phase);
    auto& made = (group == KRAIT_GROUP_NAME ? record.by_name : record.by_operator)[static_cast<size_t>(phase)];
    if (made.n_runs != sums.n_runs) {
        made.groups = group == KRAIT_GROUP_NAME ? sums.by_name() : sums.by_operator();
        made.n_runs = sums.n_runs;
    }
    return made.groups;
}

// node: a NodeProfile or a NodeGroup.
template <class Node>
krait_profile_entry entry_of(const Node& node, int32_t layer) {
    krait_profile_entry entry KRAIT_PROFILE_ENTRY_INIT;
    entry.name = node.name.data();
    entry.name_size = node.name.size();
    entry.op = op_name(node.op);
    entry.layer = layer;
    entry.device = static_cast<uint32_t>(node.device);
    entry.n_call = static_cast<uint64_t>(node.totals.calls);
    entry.seconds = node.totals.seconds;
    entry.min_seconds = node.totals.min_seconds;
    entry.bytes_read = node.totals.bytes_read;
    entry.bytes_written = node.totals.bytes_written;
    entry.operations = node.totals.operations;
    return entry;
}

Result<krait_profile_entry> entry_at(ProfileRecord& record, Phase phase, krait_profile_group group, size_t index) {
    const auto missing = [&](size_t count) {
        return fail(ErrorCode::not_found, "there is no entry {}: the profile has {} of this phase and group", index, count);
    };
    if (group == KRAIT_GROUP_NODE) {
        const std::vector<NodeProfile>& nodes = record.profile.phase(phase).nodes;
        if (index >= nodes.size()) return missing(nodes.size());
        return entry_of(nodes[index], layer_number(nodes[index].layer));
    }
    const std::vector<NodeGroup>& groups = groups_of(record, phase, group);
    if (index >= groups.size()) return missing(groups.size());
    return entry_of(groups[index], KRAIT_LAYER_SEVERAL);
}

uint64_t nanoseconds(graph::Clock::time_point time) {
    return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count());
}

const ProfileTrace* trace_of(const krait_profile* profile) {
    return profile && profile->record->trace ? &*profile->record->trace : nullptr;
}

}  // namespace

krait_code krait_profile_create(const krait_model* model, const krait_profile_options* options, krait_profile** out,
                                krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(out, "out"));
        *out = nullptr;
        KRAIT_TRY(const Model* loaded, expect_loaded(model));
        KRAIT_TRY(const krait_profile_options given, complete(options, krait_profile_options KRAIT_PROFILE_OPTIONS_INIT));
        if (given.max_events > kMaxEvents)
            return fail(ErrorCode::invalid_argument, "max_events is {}; 0 to {} are possible", given.max_events, kMaxEvents);
        auto record = std::make_shared<ProfileRecord>(
            ProfileRecord{.model = model->loaded, .profile = Profile(loaded->placement().labels()), .trace = {}});
        if (given.max_events > 0) record->trace.emplace(static_cast<size_t>(given.max_events));
        *out = new krait_profile{std::move(record)};
        return {};
    });
}

void krait_profile_free(krait_profile* profile) { delete profile; }

void krait_profile_pause(krait_profile* profile, int is_paused) {
    if (profile) profile->record->profile.pause(is_paused != 0);
}

const char* krait_profile_device(const krait_profile* profile, size_t index) {
    return profile && index < profile->record->profile.devices().size() ? profile->record->profile.devices()[index].c_str()
                                                                        : nullptr;
}

krait_code krait_profile_phase(const krait_profile* profile, krait_phase phase, krait_phase_sums* out, krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(profile, "profile"));
        KRAIT_TRY(const Phase wanted, phase_of(phase));
        const PhaseProfile& found = profile->record->profile.phase(wanted);
        krait_phase_sums sums KRAIT_PHASE_SUMS_INIT;
        sums.n_run = static_cast<uint64_t>(found.n_runs);
        sums.n_tok = static_cast<uint64_t>(found.n_rows);
        sums.node_seconds = found.sum().seconds;
        sums.run_seconds = found.run_seconds;
        sums.n_plain_run = static_cast<uint64_t>(found.n_plain_runs);
        sums.plain_seconds = found.plain_seconds;
        return fill(out, sums);
    });
}

size_t krait_profile_entry_count(const krait_profile* profile, krait_phase phase, krait_profile_group group) {
    size_t count = 0;
    (void)guarded(nullptr, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(profile, "profile"));
        KRAIT_TRY(const Phase wanted, phase_of(phase));
        KRAIT_TRY(const krait_profile_group by, group_of(group));
        count = by == KRAIT_GROUP_NODE ? profile->record->profile.phase(wanted).nodes.size()
                                       : groups_of(*profile->record, wanted, by).size();
        return {};
    });
    return count;
}

krait_code krait_profile_entry_at(const krait_profile* profile, krait_phase phase, krait_profile_group group, size_t index,
                                  krait_profile_entry* out, krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(profile, "profile"));
        KRAIT_TRY(const Phase wanted, phase_of(phase));
        KRAIT_TRY(const krait_profile_group by, group_of(group));
        KRAIT_TRY(const krait_profile_entry entry, entry_at(*profile->record, wanted, by, index));
        return fill(out, entry);
    });
}

size_t krait_profile_event_count(const krait_profile* profile) {
    const ProfileTrace* trace = trace_of(profile);
    return trace ? trace->events().size() : 0;
}

uint64_t krait_profile_dropped_count(const krait_profile* profile) {
    const ProfileTrace* trace = trace_of(profile);
    return trace ? trace->n_dropped() : 0;
}

krait_code krait_profile_event_at(const krait_profile* profile, size_t index, krait_profile_event* out,
                                  krait_failure* failure) {
    return guarded(failure, [&]() -> Result<void> {
        KRAIT_CHECK(expect_given(profile, "profile"));
        const ProfileTrace* trace = trace_of(profile);
        if (const size_t count = krait_profile_event_count(profile); index >= count)
            return fail(ErrorCode::not_found, "there is no event {}: the profile has {}", index, count);
        const TraceEvent& event = trace->events()[index];
        const ProfileTrace::Node& node = trace->nodes()[event.node];
        krait_profile_event found KRAIT_PROFILE_EVENT_INIT;
        found.name = node.name.data();
        found.name_size = node.name.size();
        found.op = op_name(node.op);
        found.layer = layer_number(node.layer);
        found.device = event.device;
        found.phase = event.is_decode ? KRAIT_PHASE_DECODE : KRAIT_PHASE_PROMPT;
        found.run = event.run;
        found.start_ns = nanoseconds(event.start);
        found.end_ns = nanoseconds(event.end);
        found.bytes = event.bytes;
        return fill(out, found);
    });
}
