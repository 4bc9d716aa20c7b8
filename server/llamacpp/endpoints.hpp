// SPDX-License-Identifier: Apache-2.0
//
// Endpoints of llama.cpp's server. Each function adds those of one source.
#pragma once

#include "server/router.hpp"

namespace krait::server::llamacpp {

void add_completion(Router& router);  // /completion, /completions
void add_health(Router& router);      // /health, /v1/health
void add_metrics(Router& router);     // /metrics
void add_props(Router& router);       // /props
void add_slots(Router& router);       // /slots
void add_text(Router& router);        // /tokenize, /detokenize, /apply-template

}  // namespace krait::server::llamacpp
