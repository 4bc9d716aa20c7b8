// SPDX-License-Identifier: Apache-2.0
//
// /health: whether requests are answered. 503 while the server ends, and where the engine's thread does not move.
#include "server/llamacpp/endpoints.hpp"

namespace krait::server::llamacpp {
namespace {

// The longest step that is no defect: thousands of rows of a large model on a slow processor.
constexpr double kMaxStepSeconds = 120;

void health(Context& context, const ExchangePtr& exchange) {
    if (context.is_draining)
        return send_error(*exchange, {.status = 503, .message = "the server is ending", .param = {}, .code = "ending"});
    const auto figures = context.model.engine().measure();
    if (!figures) return send_error(*exchange, error_of(figures.failure()));
    if (figures->is_idle == 0 && figures->since_step > kMaxStepSeconds)
        return send_error(*exchange, {.status = 503, .message = "the engine is stuck", .param = {}, .code = "stuck"});
    send_json(*exchange, {{"status", "ok"}});
}

}  // namespace

void add_health(Router& router) {
    router.add("GET", "/health", health, true);
    router.add("GET", "/v1/health", health, true);
}

}  // namespace krait::server::llamacpp
