// SPDX-License-Identifier: Apache-2.0
//
// Whether a family can have a device that "auto" would take, found out without loading its drivers: these may be large, come
// with software devices only, and stay in memory for good (Mesa's driver for processors is LLVM: 60 MB).
#pragma once

#include <string_view>

namespace krait {

// False only where that is sure: a family of GPUs on a system that has no node of any.
bool may_have_auto_devices(std::string_view family);

}  // namespace krait
