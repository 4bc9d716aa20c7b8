// SPDX-License-Identifier: Apache-2.0
//
// The record that a krait_profile shares with the sessions that record into it, so that either may be freed first.
#pragma once

#include "capi/api.hpp"
#include "models/profile/profile.hpp"

namespace krait::capi {

struct ProfileRecord {
    std::weak_ptr<const Model> model;  // for which it was made
    Profile profile;
    std::optional<ProfileTrace> trace;  // where events are kept

    // Entries of a group, made again when the phase has more runs than before.
    struct Groups {
        int64_t n_runs = -1;
        std::vector<NodeGroup> groups;
    };
    Groups by_name[2] = {}, by_operator[2] = {};  // by phase
};

}  // namespace krait::capi

struct krait_profile {
    std::shared_ptr<krait::capi::ProfileRecord> record;
};
