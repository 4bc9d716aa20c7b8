// SPDX-License-Identifier: Apache-2.0
#include "server/server.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>

#include "server/anthropic/endpoints.hpp"
#include "server/llamacpp/endpoints.hpp"
#include "server/ollama/endpoints.hpp"
#include "server/openai/endpoints.hpp"
#include "server/openapi/openapi.hpp"
#include "server/page/page.hpp"
#include "server/random.hpp"

namespace krait::server {
namespace {

constexpr size_t kMaxWaitingTasks = 4096;  // requests whose bodies are read and not parsed
constexpr std::chrono::milliseconds kDrainLookTime{50};

// A client's own, where it is short and plain; it comes back in the answer and in logs.
std::string request_id(const Request& request) {
    const std::string* given = request.header("x-request-id");
    const auto is_plain = [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' || c == '.';
    };
    constexpr size_t kMaxBytes = 128;
    if (given && !given->empty() && given->size() <= kMaxBytes && std::all_of(given->begin(), given->end(), is_plain))
        return *given;
    return "req-" + random_id();
}

}  // namespace

Server::Server(std::unique_ptr<ServedModel> model, ServerOptions options)
    : options_(std::move(options)), model_(std::move(model)) {
    anthropic::add_messages(router_);
    llamacpp::add_completion(router_);
    llamacpp::add_health(router_);
    llamacpp::add_metrics(router_);
    llamacpp::add_props(router_);
    llamacpp::add_slots(router_);
    llamacpp::add_text(router_);
    ollama::add_generate(router_);
    ollama::add_models(router_);
    openai::add_chat_completions(router_);
    openai::add_completions(router_);
    openai::add_embeddings(router_);
    openai::add_models(router_);
    add_openapi(router_);
    add_page(router_);
}

Server::~Server() {
    if (http_) http_->close_connections();  // cancels what they wait for
}

api::Result<std::unique_ptr<Server>> Server::create(std::unique_ptr<ServedModel> model, ServerOptions options) {
    std::unique_ptr<Server> server(new Server(std::move(model), std::move(options)));
    const ServerOptions& set = server->options_;
    auto http = HttpServer::open(set.host, set.port, set.limits,
                                 [raw = server.get()](const ExchangePtr& exchange) { raw->handle(exchange); });
    if (!http) return http.failure();
    server->http_ = std::move(*http);
    const bool is_loopback = server->http_->is_loopback();
    if (!is_loopback && set.keys.empty())
        return api::Failure{KRAIT_INVALID_ARGUMENT,
                            fmt::format("other machines reach {}: give API keys, or listen on 127.0.0.1", set.host)};
    server->guard_.reset(
        new Guard({.keys = set.keys, .hosts = set.allowed_hosts, .origins = set.cors_origins, .is_loopback = is_loopback}));
    server->work_ = std::make_unique<WorkQueue>(set.n_work_thread, kMaxWaitingTasks);
    server->evaluation_ = std::make_unique<WorkQueue>(1, kMaxWaitingTasks);
    server->evaluator_ = std::make_unique<Evaluator>(server->model_->model());
    server->context_.reset(new Context{.http = *server->http_,
                                       .model = *server->model_,
                                       .work = *server->work_,
                                       .evaluator = *server->evaluator_,
                                       .evaluation = *server->evaluation_,
                                       .metrics = server->metrics_,
                                       .max_answer_tokens = set.max_answer_tokens});
    return server;
}

std::string Server::url() const {
    const bool is_v6 = options_.host.find(':') != std::string::npos;
    return fmt::format("http://{}{}{}:{}", is_v6 ? "[" : "", options_.host, is_v6 ? "]" : "", port());
}

int Server::run() {
    http_->on_signals({SIGINT, SIGTERM}, [this](int signal) { end(signal); });
    http_->run();
    return signal_;
}

void Server::stop() { http_->stop(); }

void Server::end(int signal) {
    if (signal_ != 0) return http_->stop();
    signal_ = signal;
    context_->is_draining = true;
    drain_until_ = std::chrono::steady_clock::now() + options_.drain_time;
    stop_when_drained();
}

// Connections are accepted until then, so that those who ask after the server's health learn of it.
void Server::stop_when_drained() {
    const bool is_drained = metrics_.active_generations.value() == 0 && http_->figures().answering == 0;
    if (is_drained || std::chrono::steady_clock::now() >= drain_until_) return http_->stop();
    http_->after(kDrainLookTime, [this] { stop_when_drained(); });
}

void Server::watch(const ExchangePtr& exchange) {
    metrics_.requests.add(1);
    const std::string id = request_id(exchange->request());
    exchange->add_header("x-request-id", id);
    if (!options_.log) return;
    // The exchange owns the function, and has ended before it is gone.
    exchange->on_end([this, id, raw = exchange.get(), begin = std::chrono::steady_clock::now()] {
        const Request& request = raw->request();
        const std::chrono::duration<double> time = std::chrono::steady_clock::now() - begin;
        options_.log({id, request.method, request.path, raw->client(), raw->status(), time.count()});
    });
}

void Server::handle(const ExchangePtr& exchange) {
    watch(exchange);
    const Request& request = exchange->request();
    if (const auto error = guard_->check_origin(request)) return send_error(*exchange, *error);
    for (Header& header : guard_->origin_headers(request))
        exchange->add_header(std::move(header.name), std::move(header.value));
    const Router::Found found = router_.find(request);
    if (!found.endpoint && found.other_methods.empty())
        return send_error(
            *exchange,
            {.status = 404, .message = fmt::format("there is no endpoint {}", request.path), .param = {}, .code = "not_found"});
    if (!found.endpoint) {
        exchange->add_header("Allow", found.other_methods + ", OPTIONS");
        if (request.method == "OPTIONS") return exchange->send({.status = 204, .content_type = {}, .body = {}, .headers = {}});
        return send_error(*exchange, {.status = 405,
                                      .message = fmt::format("{} takes {}", request.path, found.other_methods),
                                      .param = {},
                                      .code = "method_not_allowed"});
    }
    if (!found.is_public) {
        const auto key = guard_->check_key(request);
        if (!key) return send_error(*exchange, key.error());
        if (*key >= 0) exchange->set_client(fmt::format("key {}", *key + 1));
    }
    (*found.endpoint)(*context_, exchange);
}

}  // namespace krait::server
