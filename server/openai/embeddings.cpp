// SPDX-License-Identifier: Apache-2.0
//
// /v1/embeddings: texts as vectors of length 1, the mean of the model's last hidden states.
#include <fmt/format.h>

#include <cstring>

#include "server/base64.hpp"
#include "server/openai/endpoints.hpp"
#include "server/openai/prompts.hpp"
#include "server/request_fields.hpp"

namespace krait::server::openai {
namespace {

// Bytes of the numbers, the lowest first, as clients decode them.
std::string bytes_of(const std::vector<float>& values) {
    std::string bytes;
    for (const float value : values) {
        uint32_t bits = 0;
        std::memcpy(&bits, &value, sizeof bits);
        for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(bits >> shift & 0xff);
    }
    return bytes;
}

Result<Json> embed(const Context& context, const Request& request) {
    SERVER_TRY(const Json body, parse_json(request.body));
    Fields fields(body);
    check_model(fields, context.model);
    const std::string format = fields.text("encoding_format").value_or("float");
    if (format != "float" && format != "base64") fields.fail("encoding_format", "has to be float or base64");
    const int64_t size = context.model.model().d_model();
    if (fields.integer("dimensions", 1, INT32_MAX).value_or(size) != size)
        fields.fail(not_supported("dimensions", fmt::format("the embeddings of this model have {} numbers", size)));
    if (fields.error()) return unexpected(*fields.error());
    SERVER_TRY(const auto inputs, read_prompts(fields.find("input"), "input", context.model));
    Json list = Json::array();
    size_t n_tok = 0;
    for (const auto& tokens : inputs) {
        SERVER_TRY(const std::vector<float> embedding, context.evaluator.embed(tokens));
        n_tok += tokens.size();
        list.push_back({{"object", "embedding"},
                        {"index", list.size()},
                        {"embedding", format == "float" ? Json(embedding) : Json(base64(bytes_of(embedding)))}});
    }
    return Json{{"object", "list"},
                {"data", std::move(list)},
                {"model", context.model.name()},
                {"usage", {{"prompt_tokens", n_tok}, {"total_tokens", n_tok}}}};
}

}  // namespace

void add_embeddings(Router& router) {
    router.add("POST", "/v1/embeddings", [](Context& context, const ExchangePtr& exchange) {
        prepare_on(
            context.evaluation, context, exchange, [&context](const Request& request) { return embed(context, request); },
            [exchange](const Json& json) { send_json(*exchange, json); });
    });
}

}  // namespace krait::server::openai
