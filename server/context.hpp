// SPDX-License-Identifier: Apache-2.0
//
// What endpoints work with, and how they do what would hold up the loop.
#pragma once

#include "server/error_response.hpp"
#include "server/http/http_server.hpp"
#include "server/metrics.hpp"
#include "server/served_model.hpp"
#include "server/work_queue.hpp"

namespace krait::server {

using ExchangePtr = std::shared_ptr<Exchange>;

struct Context {
    HttpServer& http;
    ServedModel& model;
    WorkQueue& work;
    Metrics& metrics;
    int64_t max_answer_tokens = 4096;  // of a choice
    bool is_draining = false;          // no new answers begin
};

// prepare(request) on another thread gives a Result; its value goes to go_on(value) on the loop's, an error to the client.
template <class Prepare, class GoOn>
void prepare_then(Context& context, const ExchangePtr& exchange, Prepare prepare, GoOn go_on) {
    const bool is_taken = context.work.push([&context, exchange, prepare, go_on] {
        auto made = std::make_shared<decltype(prepare(exchange->request()))>(prepare(exchange->request()));
        context.http.post([exchange, made, go_on] {
            if (!*made) return send_error(*exchange, made->error());
            go_on(std::move(**made));
        });
    });
    if (!is_taken)
        send_error(*exchange, {.status = 503, .message = "too many requests wait: try again", .param = {}, .code = {}});
}

}  // namespace krait::server
