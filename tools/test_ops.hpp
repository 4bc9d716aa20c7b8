// SPDX-License-Identifier: Apache-2.0
//
// krait test-ops: runs the op tests on a device, without a test framework.
#pragma once

#include "tools/command.hpp"

namespace krait::tools {

void add_test_ops_command(Command& program);

}  // namespace krait::tools
