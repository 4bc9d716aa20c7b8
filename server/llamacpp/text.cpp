// SPDX-License-Identifier: Apache-2.0
//
// /tokenize, /detokenize and /apply-template: text as the model reads it.
#include <fmt/format.h>

#include "server/fields.hpp"
#include "server/http/utf8.hpp"
#include "server/llamacpp/endpoints.hpp"
#include "server/openai/chat_messages.hpp"

namespace krait::server::llamacpp {
namespace {

// A text, or the numbers of its bytes where they are no text: a token may be a part of a character.
Json piece_json(const std::string& bytes) {
    if (is_utf8(bytes)) return bytes;
    Json list = Json::array();
    for (const char c : bytes) list.push_back(static_cast<unsigned char>(c));
    return list;
}

Result<Json> tokenize(const ServedModel& served, const Request& request) {
    SERVER_TRY(const Json body, parse_json(request.body));
    Fields fields(body);
    const auto content = fields.text("content");
    if (!content) fields.fail("content", "is missing");
    uint32_t flags = fields.boolean("add_special").value_or(false) ? KRAIT_TOKENIZE_BEGIN : KRAIT_TOKENIZE_PLAIN;
    if (fields.boolean("parse_special").value_or(true)) flags |= KRAIT_TOKENIZE_CONTROL;
    const bool with_pieces = fields.boolean("with_pieces").value_or(false);
    if (fields.error()) return unexpected(*fields.error());
    const auto tokens = served.model().tokenize(*content, flags);
    if (!tokens) return unexpected(error_of(tokens.failure()));
    if (!with_pieces) return Json{{"tokens", *tokens}};
    Json list = Json::array();
    for (const int32_t token : *tokens) {
        const auto piece = served.model().detokenize({&token, 1}, KRAIT_DETOKENIZE_CONTROL);
        if (!piece) return unexpected(error_of(piece.failure()));
        list.push_back({{"id", token}, {"piece", piece_json(*piece)}});
    }
    return Json{{"tokens", std::move(list)}};
}

Result<Json> detokenize(const ServedModel& served, const Request& request) {
    SERVER_TRY(const Json body, parse_json(request.body));
    Fields fields(body);
    const Json* list = fields.list("tokens");
    if (!list) fields.fail("tokens", "is missing");
    if (fields.error()) return unexpected(*fields.error());
    std::vector<int32_t> tokens;
    for (const Json& item : *list) {
        if (!item.is_number_unsigned() || item.get<uint64_t>() > INT32_MAX)
            return unexpected(bad_request("tokens", "has an item that is no token id"));
        tokens.push_back(item.get<int32_t>());
    }
    const auto text = served.model().detokenize(tokens, KRAIT_DETOKENIZE_CONTROL);
    if (!text) return unexpected(error_of(text.failure()));
    return Json{{"content", *text}};
}

Result<Json> apply_template(const ServedModel& served, const Request& request) {
    SERVER_TRY(const Json body, parse_json(request.body));
    SERVER_TRY(const Json variables, openai::read_chat_variables(body));
    SERVER_TRY(const ChatPrompt prompt, served.render(variables));
    return Json{{"prompt", prompt.text}};
}

void add(Router& router, std::string_view path, Result<Json> (*make)(const ServedModel&, const Request&)) {
    router.add("POST", path, [make](Context& context, const ExchangePtr& exchange) {
        prepare_then(
            context, exchange, [&context, make](const Request& request) { return make(context.model, request); },
            [exchange](const Json& json) { send_json(*exchange, json); });
    });
}

}  // namespace

void add_text(Router& router) {
    add(router, "/tokenize", tokenize);
    add(router, "/detokenize", detokenize);
    add(router, "/apply-template", apply_template);
}

}  // namespace krait::server::llamacpp
