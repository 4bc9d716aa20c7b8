// SPDX-License-Identifier: Apache-2.0
//
// A trace as a file that chrome://tracing and ui.perfetto.dev open (Trace Event Format, JSON object): for each run of a node
// one complete event ("ph": "X"); pid = the device, ts = microseconds since the first one began, dur = microseconds.
// "otherData" says how many events were dropped.
#pragma once

#include <filesystem>
#include <span>
#include <string>

#include "core/base/result.hpp"
#include "models/profile/profile_trace.hpp"

namespace krait::bench {

// devices: their names, as TraceEvent::device counts them. The file appears whole or not at all.
Result<void> write_trace(const ProfileTrace& trace, std::span<const std::string> devices, const std::filesystem::path& target);

}  // namespace krait::bench
