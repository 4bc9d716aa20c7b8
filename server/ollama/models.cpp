// SPDX-License-Identifier: Apache-2.0
//
// /api/tags, /api/show, /api/ps and /api/version: what is served.
#include <fmt/format.h>

#include "server/ollama/endpoints.hpp"
#include "server/ollama/time.hpp"
#include "server/request_fields.hpp"

namespace krait::server::ollama {
namespace {

Json details_json(const ServedModel& served) {
    const auto work = served.model().work();
    return {{"format", "gguf"},
            {"family", served.model().architecture()},
            {"families", Json::array({served.model().architecture()})},
            {"parameter_size",
             fmt::format("{:.1f}M", work ? static_cast<double>(work->layer_weights + work->head_weights) / 1e6 : 0)},
            {"quantization_level", work ? work->type : "unknown"}};
}

Json model_json(const ServedModel& served) {
    return {{"name", served.name()},
            {"model", served.name()},
            {"modified_at", time_text(served.loaded_at())},
            {"size", served.model().weight_bytes()},
            {"digest", fmt::format("{:016x}", served.model().hash())},
            {"details", details_json(served)}};
}

void list(Context& context, const ExchangePtr& exchange) {
    send_json(*exchange, {{"models", Json::array({model_json(context.model)})}});
}

Result<Json> show(const ServedModel& served, const Request& request) {
    SERVER_TRY(const Json body, parse_json(request.body));
    Fields fields(body);
    check_model(fields, served);
    if (fields.error()) return unexpected(*fields.error());
    const api::Model& model = served.model();
    Json sizes{{"general.architecture", model.architecture()},
               {"general.parameter_count", model.work() ? model.work()->layer_weights + model.work()->head_weights : 0}};
    for (const api::Size& size : model.sizes()) sizes[fmt::format("{}.{}", model.architecture(), size.name)] = size.value;
    return Json{{"license", ""},
                {"modelfile", ""},
                {"parameters", ""},
                {"template", ""},
                {"details", details_json(served)},
                {"model_info", std::move(sizes)},
                {"capabilities", Json::array({"completion"})},
                {"modified_at", time_text(served.loaded_at())}};
}

}  // namespace

void add_models(Router& router) {
    router.add("GET", "/api/tags", list);
    router.add("GET", "/api/ps", list);
    router.add("GET", "/api/version", [](Context&, const ExchangePtr& exchange) {
        send_json(*exchange, {{"version", api::version()}});
    });
    router.add("POST", "/api/show", [](Context& context, const ExchangePtr& exchange) {
        prepare_then(
            context, exchange, [&context](const Request& request) { return show(context.model, request); },
            [exchange](const Json& json) { send_json(*exchange, json); });
    });
}

}  // namespace krait::server::ollama
