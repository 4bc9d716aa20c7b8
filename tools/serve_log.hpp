// SPDX-License-Identifier: Apache-2.0
//
// Requests of a server as lines on standard error, for people or as JSON.
#pragma once

#include <string>

#include "server/server.hpp"

namespace krait::tools {

// format: "text", "json" or "none", for which the function is empty.
std::function<void(const server::RequestRecord&)> request_log(const std::string& format);

}  // namespace krait::tools
