// SPDX-License-Identifier: Apache-2.0
//
// The files of a profile that `krait run` and `krait bench` write where tools/profile_options.hpp asks for them.
#pragma once

#include <span>

#include "bench/profile_report.hpp"
#include "tools/profile_options.hpp"

namespace krait::tools {

bench::ProfileForm table_of(const ProfileOptions& options);
uint64_t max_events_of(const ProfileOptions& options);  // of each profile: 0 where no trace is wanted
// The events of all profiles; warns where some were dropped.
api::Status write_trace(const ProfileOptions& options, std::span<const api::Profile* const> profiles);
// The profile of a run, with what it is of.
api::Status write_json(const ProfileOptions& options, const api::Profile& profile, const api::Model& model);

}  // namespace krait::tools
