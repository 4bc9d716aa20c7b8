// SPDX-License-Identifier: Apache-2.0
//
// Fields that completions and chats of OpenAI's API have in common, with those that vLLM and llama.cpp add (top_k, min_p,
// repetition_penalty, ignore_eos). What the engine has not is refused where it is asked for.
#pragma once

#include "server/fields.hpp"
#include "server/generation.hpp"

namespace krait::server {
struct Context;
}

namespace krait::server::openai {

struct GenerationFields {
    GenerationOptions options;  // without a prompt
    bool is_stream = false, includes_usage = false;
};

// default_max_tokens: of a choice, where the request has no number of its own. Errors are kept in fields.
GenerationFields read_generation_fields(Fields& fields, const Context& context, int64_t default_max_tokens);

}  // namespace krait::server::openai
