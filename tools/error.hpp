// SPDX-License-Identifier: Apache-2.0
//
// Between the errors of the C++ library and the failures of the tools. For sources of tools/ and commands that use the C++
// library; headers of those on include/krait see failures alone (tools/result.hpp).
#pragma once

#include "bench/api_result.hpp"
#include "tools/result.hpp"

namespace krait::tools {

using bench::error_of;
using bench::failure_of;
using bench::from_api;
using bench::to_api;

}  // namespace krait::tools
