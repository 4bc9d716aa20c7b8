// SPDX-License-Identifier: Apache-2.0
//
// A server: a model, its endpoints, and who may use them.
//   auto server = Server::create(std::move(model), options);
//   (*server)->run();   // until SIGINT, SIGTERM or stop()
#pragma once

#include "server/context.hpp"
#include "server/guard.hpp"
#include "server/router.hpp"

namespace krait::server {

// A request that was answered, or whose client went: for a log. Prompts and answers are not in it.
struct RequestRecord {
    std::string id, method, path, client;
    int status = 0;  // 0: no answer had begun
    double seconds = 0;
};

struct ServerOptions {
    std::string host = "127.0.0.1";
    uint16_t port = 8080;  // 0: any that is free
    HttpLimits limits;
    std::vector<std::string> keys, allowed_hosts, cors_origins;
    int64_t max_answer_tokens = 4096;
    size_t n_work_thread = 2;
    std::chrono::seconds drain_time{30};            // for answers in progress, after a signal
    std::function<void(const RequestRecord&)> log;  // on the loop's thread
};

class Server {
  public:
    // INVALID_ARGUMENT for an address that others reach, without a key.
    static api::Result<std::unique_ptr<Server>> create(std::unique_ptr<ServedModel> model, ServerOptions options);
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    ~Server();

    uint16_t port() const { return http_->port(); }
    std::string url() const;
    const ServedModel& model() const { return *model_; }

    // Answers requests. The first SIGINT or SIGTERM lets answers end that have begun, as long as drain_time allows; the second
    // one does not wait. Gives the number of the signal that ended it; 0: stop().
    int run();
    void stop();  // from any thread; does not wait for answers

  private:
    Server(std::unique_ptr<ServedModel> model, ServerOptions options);
    void handle(const ExchangePtr& exchange);
    void watch(const ExchangePtr& exchange);
    void end(int signal);
    void stop_when_drained();

    const ServerOptions options_;
    std::unique_ptr<const Guard> guard_;
    Router router_;
    Metrics metrics_;
    std::unique_ptr<HttpServer> http_;  // answers that are left in it use what stands above
    std::unique_ptr<ServedModel> model_;
    std::unique_ptr<Evaluator> evaluator_;
    std::unique_ptr<Context> context_;
    std::unique_ptr<WorkQueue> work_, evaluation_;  // their threads use the others
    std::chrono::steady_clock::time_point drain_until_;
    int signal_ = 0;
};

}  // namespace krait::server
