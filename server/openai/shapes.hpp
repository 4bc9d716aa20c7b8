// SPDX-License-Identifier: Apache-2.0
//
// Parts of answers that completions and chats share.
#pragma once

#include "server/answer.hpp"

namespace krait::server::openai {

// What all chunks of an answer repeat.
struct AnswerHead {
    std::string id;      // "chatcmpl-..."
    std::string object;  // "chat.completion"
    std::string model;
    int64_t created = 0;  // seconds since 1970
    static AnswerHead make(std::string_view id_prefix, std::string_view object, const Context& context);
    Json json() const;
};

std::string_view finish_word(const ChoiceEnd& end);
Json usage_json(const AnswerFigures& figures);
// llama.cpp's figures, and how long the request waited and why no more of its prompt was cached.
Json timings_json(const AnswerFigures& figures);

// "data: {...}\n\n"
std::string event_of(const Json& json);
// The error of a stream that has begun.
std::string error_event(const Error& error);
// The last events of a stream: the usage where it is wanted, and "data: [DONE]".
std::string end_of_stream(const AnswerHead& head, bool includes_usage, const AnswerFigures& figures);
// An answer that is no stream: its choices, usage and timings.
Json whole_answer(const AnswerHead& head, Json choices, const AnswerFigures& figures);

}  // namespace krait::server::openai
