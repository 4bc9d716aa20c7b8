// SPDX-License-Identifier: Apache-2.0
//
// The endpoints of Anthropic's API. Each function adds those of one source.
#pragma once

#include "server/router.hpp"

namespace krait::server::anthropic {

void add_messages(Router& router);  // /v1/messages, /v1/messages/count_tokens

}  // namespace krait::server::anthropic
