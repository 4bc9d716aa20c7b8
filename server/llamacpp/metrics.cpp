// SPDX-License-Identifier: Apache-2.0
//
// /metrics: what the server, its connections and its engine count, for Prometheus.
#include "server/metrics.hpp"

#include "server/llamacpp/endpoints.hpp"

namespace krait::server::llamacpp {
namespace {

void write_server(std::string& text, const Metrics& metrics, const HttpFigures& http) {
    const auto counter = [&](std::string_view name, std::string_view help, auto value) {
        write_metric(text, name, "counter", help, static_cast<double>(value));
    };
    const auto gauge = [&](std::string_view name, std::string_view help, auto value) {
        write_metric(text, name, "gauge", help, static_cast<double>(value));
    };
    counter("krait_http_requests_total", "Requests of all endpoints.", metrics.requests.value());
    gauge("krait_http_connections", "Connections that are open.", http.connections);
    counter("krait_http_connections_total", "Connections that were accepted.", http.accepted);
    counter("krait_http_connections_refused_total", "Connections for which there was no place.", http.refused);
    counter("krait_http_timeouts_total", "Connections that were closed for being slow or idle.", http.timed_out);
    counter("krait_http_malformed_total", "Requests that were no HTTP, or too large.", http.malformed);
    gauge("krait_requests_active", "Prompts that wait or are answered.", metrics.active_generations.value());
    counter("krait_requests_refused_total", "Prompts that the engine did not take.", metrics.refused_generations.value());
    counter("krait_requests_failed_total", "Prompts whose answer failed.", metrics.failed_generations.value());
    counter("krait_requests_cancelled_total", "Requests whose client left before the end.",
            metrics.cancelled_generations.value());
    counter("krait_prompt_tokens_total", "Tokens of prompts that were answered.", metrics.prompt_tokens.value());
    counter("krait_cached_tokens_total", "Tokens of them that came from kept prefixes.", metrics.cached_tokens.value());
    counter("krait_generated_tokens_total", "Tokens of answers.", metrics.generated_tokens.value());
    metrics.time_to_first_token.write(text, "krait_time_to_first_token_seconds", "From a request to its first token.");
    metrics.inter_token_latency.write(text, "krait_inter_token_seconds", "Between two tokens of a choice.");
    metrics.queue_time.write(text, "krait_queue_seconds", "From a request to its sequence.");
    metrics.end_to_end_time.write(text, "krait_request_seconds", "From a request to its end.");
}

void write_engine(std::string& text, const krait_engine_figures& engine) {
    const auto counter = [&](std::string_view name, std::string_view help, auto value) {
        write_metric(text, name, "counter", help, static_cast<double>(value));
    };
    const auto gauge = [&](std::string_view name, std::string_view help, auto value) {
        write_metric(text, name, "gauge", help, static_cast<double>(value));
    };
    gauge("krait_engine_waiting_requests", "Prompts without a sequence.", engine.waiting_requests);
    gauge("krait_engine_waiting_tokens", "Tokens of prompts that are not read yet.", engine.waiting_tokens);
    gauge("krait_engine_running_requests", "Prompts with a sequence.", engine.running_requests);
    counter("krait_engine_steps_total", "Steps.", engine.n_step);
    counter("krait_engine_step_seconds_total", "Time of all steps.", engine.step_seconds);
    counter("krait_engine_run_seconds_total", "The part of them in which the model computed.", engine.run_seconds);
    counter("krait_engine_prompt_tokens_total", "Tokens of prompts that were read.", engine.prompt_tokens);
    counter("krait_engine_decoded_tokens_total", "Tokens of answers that were read.", engine.decoded_tokens);
    counter("krait_prefix_lookups_total", "Prompts whose prefix was looked for.", engine.lookups);
    counter("krait_prefix_hits_total", "Prompts that continue from a kept prefix.", engine.hits);
    gauge("krait_prefix_snapshots", "Prefixes that are kept on the device.", engine.snapshots);
    counter("krait_prefix_evictions_total", "Prefixes that are kept no longer.", engine.evictions);
    gauge("krait_prefix_host_bytes", "Host memory of kept prefixes.", engine.host_bytes);
    gauge("krait_prefix_folder_bytes", "Files of kept prefixes.", engine.folder_bytes);
}

void metrics(Context& context, const ExchangePtr& exchange) {
    const auto engine = context.model.engine().measure();
    if (!engine) return send_error(*exchange, error_of(engine.failure()));
    std::string text;
    write_server(text, context.metrics, context.http.figures());
    write_engine(text, *engine);
    exchange->send({.status = 200, .content_type = "text/plain; version=0.0.4", .body = std::move(text), .headers = {}});
}

}  // namespace

void add_metrics(Router& router) { router.add("GET", "/metrics", metrics); }

}  // namespace krait::server::llamacpp
