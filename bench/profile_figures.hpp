// SPDX-License-Identifier: Apache-2.0
//
// Numbers and names of a profile that its tables, its JSON and its trace share.
#pragma once

#include <krait/profile.hpp>

namespace krait::bench {

inline constexpr krait_phase kPhases[] = {KRAIT_PHASE_PROMPT, KRAIT_PHASE_DECODE};
inline const char* phase_name(krait_phase phase) { return phase == KRAIT_PHASE_PROMPT ? "prompt" : "decode"; }

inline std::string name_of(const krait_profile_entry& entry) { return {entry.name, entry.name_size}; }

inline double mean_seconds(const krait_profile_entry& entry) {
    return entry.n_call > 0 ? entry.seconds / static_cast<double>(entry.n_call) : 0;
}
inline double bytes_of(const krait_profile_entry& entry) { return entry.bytes_read + entry.bytes_written; }
inline double bytes_per_second(const krait_profile_entry& entry) {
    return entry.seconds > 0 ? bytes_of(entry) / entry.seconds : 0;
}
inline double operations_per_second(const krait_profile_entry& entry) {
    return entry.seconds > 0 ? entry.operations / entry.seconds : 0;
}
// The share of the seconds of all nodes: 0 to 1.
inline double share_of(const krait_profile_entry& entry, const krait_phase_sums& sums) {
    return sums.node_seconds > 0 ? entry.seconds / sums.node_seconds : 0;
}

}  // namespace krait::bench
