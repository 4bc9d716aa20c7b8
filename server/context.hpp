// SPDX-License-Identifier: Apache-2.0
//
// What endpoints work with, and how they do what would hold up the loop.
#pragma once

#include "server/error_response.hpp"
#include "server/evaluator.hpp"
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
    Evaluator& evaluator;  // on the one thread of the next
    WorkQueue& evaluation;
    Metrics& metrics;
    int64_t max_answer_tokens = 4096;  // of a choice
    bool is_draining = false;          // no new answers begin
};

// prepare(request) on a thread of the queue gives a Result; its value goes to go_on(value) on the loop's, an error to the
// client.
template <class Prepare, class GoOn>
void prepare_on(WorkQueue& queue, Context& context, const ExchangePtr& exchange, Prepare prepare, GoOn go_on) {
    const bool is_taken = queue.push([&context, exchange, prepare, go_on] {
        auto made = std::make_shared<decltype(prepare(exchange->request()))>(prepare(exchange->request()));
        context.http.post([exchange, made, go_on] {
            if (!*made) return send_error(*exchange, made->error());
            go_on(std::move(**made));
        });
    });
    if (!is_taken)
        send_error(*exchange, {.status = 503, .message = "too many requests wait: try again", .param = {}, .code = {}});
}

template <class Prepare, class GoOn>
void prepare_then(Context& context, const ExchangePtr& exchange, Prepare prepare, GoOn go_on) {
    prepare_on(context.work, context, exchange, std::move(prepare), std::move(go_on));
}

}  // namespace krait::server
