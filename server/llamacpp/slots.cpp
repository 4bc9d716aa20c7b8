// SPDX-License-Identifier: Apache-2.0
//
// /slots: how many answers are in progress, of how many. A slot here is a place in the engine, and no cache: prefixes are kept
// beside it, for all of them (docs/engine.md).
#include "server/llamacpp/endpoints.hpp"

namespace krait::server::llamacpp {
namespace {

void slots(Context& context, const ExchangePtr& exchange) {
    const auto figures = context.model.engine().measure();
    if (!figures) return send_error(*exchange, error_of(figures.failure()));
    const auto n_slot = static_cast<uint64_t>(context.model.max_sequences());
    const std::string* fails = exchange->request().parameter("fail_on_no_slot");
    if (fails && *fails == "1" && figures->running_requests >= n_slot)
        return send_error(*exchange, {.status = 503, .message = "no slot is free", .param = {}, .code = {}});
    Json list = Json::array();
    for (uint64_t i = 0; i < n_slot; ++i) list.push_back({{"id", i}, {"is_processing", i < figures->running_requests}});
    send_json(*exchange, list);
}

}  // namespace

void add_slots(Router& router) { router.add("GET", "/slots", slots); }

}  // namespace krait::server::llamacpp
