// SPDX-License-Identifier: Apache-2.0
//
// The handle behind krait_session: the session, and what its C functions keep between calls.
#pragma once

#include "capi/profile.hpp"
#include "models/session/session.hpp"

struct krait_session {
    std::shared_ptr<krait::capi::ProfileRecord> profile;  // into which it records; null = none
    std::unique_ptr<krait::ProfileRecorder> recorder;     // of the session, which borrows it
    krait::Session session;
    std::vector<krait::SequenceInput> batch = {};  // of the latest decode, kept so that a step allocates nothing
    uint64_t n_decode = 0, n_tok = 0;              // of calls that succeeded
    double seconds = 0;
};
