// SPDX-License-Identifier: Apache-2.0
//
// The state after a prefix, wherever it is kept: in one place or in several.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include "engine/outputs.hpp"
#include "models/memory/state_ref.hpp"

namespace krait::engine {

struct PrefixEntry {
    std::optional<Snapshot> snapshot;  // of the session
    std::vector<std::byte> saved;      // Session::save, in host memory
    std::filesystem::path file;        // empty: none
    uint64_t file_bytes = 0;
    std::shared_ptr<const KeptOutputs> outputs;  // after the last token; may be null
    int64_t n_use = 0;
    double clock = 0;       // of the cache, when it was used last
    uint64_t last_use = 0;  // ascending with time

    bool is_nowhere() const { return !snapshot && saved.empty() && file.empty(); }
};

}  // namespace krait::engine
