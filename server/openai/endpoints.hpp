// SPDX-License-Identifier: Apache-2.0
//
// OpenAI's endpoints. Each function adds those of one source.
#pragma once

#include "server/router.hpp"

namespace krait::server::openai {

void add_chat_completions(Router& router);  // /v1/chat/completions
void add_completions(Router& router);       // /v1/completions
void add_embeddings(Router& router);        // /v1/embeddings
void add_models(Router& router);            // /v1/models, /v1/models/{name}

}  // namespace krait::server::openai
