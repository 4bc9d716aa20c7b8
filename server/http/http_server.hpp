// SPDX-License-Identifier: Apache-2.0
//
// An HTTP/1.1 server on one thread, the loop's, which never waits for anything but its sockets. What it costs a client to keep
// it busy is bounded: sizes, connections, and the time of each part (HttpLimits).
//   auto http = HttpServer::open("127.0.0.1", 8080, {}, [](const std::shared_ptr<Exchange>& exchange) { ... });
//   http->run();   // until another thread, or the loop's own, calls stop()
#pragma once

#include <chrono>
#include <cstdint>
#include <krait/result.hpp>

#include "server/http/exchange.hpp"

namespace krait::server {

struct HttpLimits {
    size_t max_header_bytes = size_t{16} << 10;
    size_t max_body_bytes = size_t{32} << 20;
    size_t max_connections = 4096;  // one more is answered with 503
    // Of all bodies that are being received: one that does not fit is answered with 503.
    size_t max_received_bytes = size_t{256} << 20;
    size_t max_queued_bytes = size_t{128} << 10;    // of an answer, for a slow client, before the exchange is full
    std::chrono::milliseconds header_time{10'000};  // from the first byte of a request to the end of its head
    std::chrono::milliseconds body_time{60'000};
    std::chrono::milliseconds idle_time{75'000};   // of a connection between requests
    std::chrono::milliseconds write_time{30'000};  // without the client taking a byte of what is queued
    std::chrono::milliseconds linger_time{2'000};  // for a client to read an error before its connection is closed
};

struct HttpFigures {
    uint64_t connections = 0, answering = 0;  // now: all, and those that wait for an answer or a part of it
    uint64_t accepted = 0, refused = 0, timed_out = 0, malformed = 0;
};

class HttpServer {
  public:
    using Handler = std::function<void(const std::shared_ptr<Exchange>&)>;

    // port 0: any that is free. UNAVAILABLE where the address is taken; NOT_FOUND where there is no such host.
    static api::Result<std::unique_ptr<HttpServer>> open(const std::string& host, uint16_t port, const HttpLimits& limits,
                                                         Handler handler);
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;
    ~HttpServer();

    uint16_t port() const;
    bool is_loopback() const;

    void run();

    // From any thread; `task` runs on the loop's.
    void post(std::function<void()> task);
    void stop();

    // On the loop's thread, or before run().
    void after(std::chrono::milliseconds time, std::function<void()> task);
    void on_signals(std::vector<int> signals, std::function<void(int)> caught);
    void stop_accepting();     // and connections close after the answers that they wait for
    void close_connections();  // breaks them; tasks that were posted are not run after run() has ended
    HttpFigures figures() const;

  private:
    class Implementation;
    explicit HttpServer(std::unique_ptr<Implementation> implementation);
    std::unique_ptr<Implementation> implementation_;
};

}  // namespace krait::server
