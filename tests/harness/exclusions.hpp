// SPDX-License-Identifier: Apache-2.0
//
// Cases that are known not to work, as data; everything else must pass on every device.
//   unsupported{reason}  comes from the device itself: supports() declines the node and says why. It is counted and reported,
//                        and it is a failure on the families that must run every op (the scheduler falls back on them).
//   xfail{reason}        stands in kExpectedFailures: a defect that is known. The case must fail; a pass fails the test, so
//                        that the entry is deleted with the defect.
#pragma once

#include <span>
#include <string_view>

#include "core/ops/op_list.hpp"

namespace krait::harness {

inline constexpr std::string_view kCompleteFamilies[] = {"reference", "cpu", "cuda", "cuda-host", "vulkan"};

struct ExpectedFailure {
    std::string_view device;  // glob over the device as named: "vulkan*"
    std::string_view op;
    std::string_view cases;  // glob
    std::string_view reason;
};

inline constexpr std::array<ExpectedFailure, 0> kExpectedFailures{};

}  // namespace krait::harness
