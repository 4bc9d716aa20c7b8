// SPDX-License-Identifier: Apache-2.0
//
// Ollama's endpoints, which write JSON lines. Each function adds those of one source.
#pragma once

#include "server/router.hpp"

namespace krait::server::ollama {

void add_generate(Router& router);  // /api/generate, /api/chat
void add_models(Router& router);    // /api/tags, /api/show, /api/ps, /api/version

}  // namespace krait::server::ollama
