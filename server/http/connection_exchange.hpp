// SPDX-License-Identifier: Apache-2.0
//
// A request of a connection, and how its answer is written there. Only sources of server/http/ include this.
#pragma once

#include "server/http/connection.hpp"

namespace krait::server {

class ConnectionExchange final : public Exchange {
  public:
    ConnectionExchange(std::shared_ptr<Connection> connection, Request request, bool is_chunked)
        : connection_(std::move(connection)), request_(std::move(request)), is_chunked_(is_chunked) {}

    const Request& request() const override { return request_; }
    void add_header(std::string name, std::string value) override;
    void send(Response response) override;
    void begin(Response head) override;
    void write(std::string_view part) override;
    void end() override;
    void abort() override;
    bool has_begun() const override { return status_ != 0; }
    bool is_full() const override;
    void on_room(std::function<void()> room) override { room_ = std::move(room); }
    void on_gone(std::function<void()> gone) override;
    void on_end(std::function<void()> ended) override { ended_ = std::move(ended); }
    int status() const override { return status_; }

    void tell_gone();
    void tell_room();

  private:
    void write_head(const Response& response, bool is_whole);
    void finish();
    std::shared_ptr<Connection> let_go();

    std::shared_ptr<Connection> connection_;  // until the answer has ended, or the client has gone
    const Request request_;
    const bool is_chunked_;  // HTTP/1.0 knows no chunks: the end of the connection ends the answer there
    std::vector<Header> headers_;
    std::function<void()> room_, gone_, ended_;
    int status_ = 0;
};

}  // namespace krait::server
