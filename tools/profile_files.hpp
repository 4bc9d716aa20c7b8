// SPDX-License-Identifier: Apache-2.0
//
// The files of a profile that `krait run` and `krait bench` write where tools/profile_options.hpp asks for them.
#pragma once

#include <memory>

#include "bench/profile_report.hpp"
#include "models/model.hpp"
#include "tools/profile_options.hpp"

namespace krait::tools {

bench::ProfileForm table_of(const ProfileOptions& options);
std::unique_ptr<ProfileTrace> new_trace(const ProfileOptions& options);  // nullptr where none is wanted
// Warns where events were dropped. `trace` may be nullptr.
Result<void> write_trace(const ProfileOptions& options, const ProfileTrace* trace, const std::vector<std::string>& devices);
// The profile of a run, with what it is of.
Result<void> write_json(const ProfileOptions& options, const Profile& profile, const Model& model);

}  // namespace krait::tools
