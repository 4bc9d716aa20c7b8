// SPDX-License-Identifier: Apache-2.0
//
// /v1/models: what is served.
#include <fmt/format.h>

#include "server/openai/endpoints.hpp"

namespace krait::server::openai {
namespace {

Json model_json(const ServedModel& served) {
    const api::Model& model = served.model();
    return {{"id", served.name()},
            {"object", "model"},
            {"created", served.loaded_at()},
            {"owned_by", "krait"},
            {"meta",
             {{"architecture", model.architecture()},
              {"n_vocab", model.n_vocab()},
              {"n_embd", model.d_model()},
              {"n_layer", model.n_layer()},
              {"size", model.weight_bytes()}}}};
}

void list(Context& context, const ExchangePtr& exchange) {
    send_json(*exchange, {{"object", "list"}, {"data", Json::array({model_json(context.model)})}});
}

void show(Context& context, const ExchangePtr& exchange) {
    const std::string name = exchange->request().path.substr(std::string_view("/v1/models/").size());
    if (name == context.model.name()) return send_json(*exchange, model_json(context.model));
    send_error(*exchange, {.status = 404,
                           .message = fmt::format("the model '{}' is not served here; '{}' is", name, context.model.name()),
                           .param = "model",
                           .code = "model_not_found"});
}

}  // namespace

void add_models(Router& router) {
    router.add("GET", "/v1/models", list);
    router.add("GET", "/v1/models/*", show);
}

}  // namespace krait::server::openai
