// SPDX-License-Identifier: Apache-2.0
//
// The options for profiles that `krait run` and `krait bench` share.
#pragma once

#include <string>

#include "tools/command.hpp"

namespace krait::tools {

struct ProfileOptions {
    std::string form;   // --profile: "operators" or "nodes"; empty = no tables
    std::string json;   // --profile-json; empty = no file
    std::string trace;  // --profile-trace; empty = no file

    void add(Command& command);       // --profile, --profile-trace
    void add_json(Command& command);  // --profile-json
    bool are_given() const { return !form.empty() || !json.empty() || !trace.empty(); }
    // Whether the files can be written, before there is something to write; `input` is none of them.
    // explains: --explain is given.
    api::Status check(const std::string& input, bool explains) const;
};

}  // namespace krait::tools
