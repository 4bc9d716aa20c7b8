// SPDX-License-Identifier: Apache-2.0
//
// The options for profiles that `krait run` and `krait bench` share, and the files that are written.
#pragma once

#include <memory>
#include <string>

#include "bench/profile_report.hpp"
#include "tools/command.hpp"

namespace krait::tools {

struct ProfileOptions {
    std::string form;   // --profile: "operators" or "nodes"; empty = no tables
    std::string json;   // --profile-json; empty = no file
    std::string trace;  // --profile-trace; empty = no file

    void add(Command& command);       // --profile, --profile-trace
    void add_json(Command& command);  // --profile-json
    bool are_given() const { return !form.empty() || !json.empty() || !trace.empty(); }
    bench::ProfileForm table() const { return form == "nodes" ? bench::ProfileForm::nodes : bench::ProfileForm::operators; }
    // Whether the files can be written, before there is something to write; `input` is none of them.
    Result<void> check(const std::string& input) const;
    std::unique_ptr<ProfileTrace> new_trace() const;  // nullptr where none is wanted
    // Warns where events were dropped. `trace` may be nullptr.
    Result<void> write_trace(const ProfileTrace* trace, const std::vector<std::string>& devices) const;
    // The profile of a run, with what it is of.
    Result<void> write_json(const Profile& profile, const Model& model) const;
};

}  // namespace krait::tools
