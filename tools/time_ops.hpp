// SPDX-License-Identifier: Apache-2.0
//
// krait test-ops --perf: how long cases take on a device, beside the ceilings of this machine. As a table, a line as soon as it
// is known, or as JSON.
#pragma once

#include <atomic>
#include <nlohmann/json.hpp>

#include "tests/harness/perf.hpp"

namespace krait::tools {

struct TimeOptions {
    uint64_t cold_bytes = 0;                    // as harness::measure's
    bool as_json = false;                       // nothing is printed
    const std::atomic<bool>* cancel = nullptr;  // asked before each case; the result is then `cancelled`
};

struct TimedOps {
    nlohmann::ordered_json json;  // {"device", "ceilings"?, "cases": [{"op", "case", "us", ...} or {"op", "case", "error"}]}
    bool failed = false;          // a case neither ran nor was declined
};

Result<TimedOps> time_ops(const std::shared_ptr<Device>& device, const std::string& spec,
                          const std::vector<const harness::Case*>& cases, const TimeOptions& options);

}  // namespace krait::tools
