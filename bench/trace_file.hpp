// SPDX-License-Identifier: Apache-2.0
//
// A trace as a file that chrome://tracing and ui.perfetto.dev open (Trace Event Format, JSON object): for each run of a node
// one complete event ("ph": "X"); pid = the device, ts = microseconds since the first one began, dur = microseconds.
// "otherData" says how many events were dropped.
#pragma once

#include <filesystem>
#include <krait/profile.hpp>
#include <span>

#include "core/base/result.hpp"

namespace krait::bench {

// The most events of a trace, and so max_events of each of its profiles: about 12 MiB of memory.
inline constexpr uint64_t kMaxTraceEvents = uint64_t{1} << 18;

// The first kMaxTraceEvents events of profiles that were recorded one after another, in sessions of one model; at least one
// profile. The file appears whole or not at all. Returns how many events were dropped.
Result<uint64_t> write_trace(std::span<const api::Profile* const> profiles, const std::filesystem::path& target);

}  // namespace krait::bench
