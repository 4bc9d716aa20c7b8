// SPDX-License-Identifier: Apache-2.0
//
// A client's connection: reads one request after the other, and writes their answers. Only sources of server/http/ include it.
#pragma once

#define BOOST_ASIO_NO_DEPRECATED
#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <unordered_set>

#include "server/http/http_server.hpp"

namespace krait::server {

class Connection;

// All connections of a server, and the facts that they share.
struct Connections {
    HttpLimits limits;
    HttpServer::Handler handler;
    HttpFigures figures;
    size_t received_bytes = 0;  // of bodies on their way
    bool is_ending = false;     // no connection is kept for another request
    std::unordered_set<std::shared_ptr<Connection>> all;
};

class ConnectionExchange;
class RequestParser;

class Connection : public std::enable_shared_from_this<Connection> {
  public:
    using Clock = std::chrono::steady_clock;

    Connection(boost::asio::ip::tcp::socket socket, Connections& server);
    ~Connection();
    void start();
    void close_if_late(Clock::time_point now);  // called now and then
    void close_if_idle();                       // between two requests
    void close();
    bool is_answering() const { return state_ == State::answering; }

  private:
    friend class ConnectionExchange;
    enum class State { reading, answering, lingering, closed };

    void read();
    void on_read(size_t n);
    void parse();
    void check_head();
    void handle();
    void refuse(int status, std::string_view message);  // what was no request; the connection ends after it
    void write(std::string_view bytes);
    void flush();
    void on_written(size_t n);
    void finish_answer();
    void linger();
    void set_deadline(std::chrono::milliseconds time) { deadline_ = Clock::now() + time; }
    void set_received(size_t bytes);

    boost::asio::ip::tcp::socket socket_;
    Connections& server_;
    std::unique_ptr<RequestParser> parser_;
    std::shared_ptr<ConnectionExchange> exchange_;  // of the request that is being answered
    State state_ = State::reading;
    std::array<char, 4096> chunk_{};  // what is being read
    std::string in_;                  // read and not parsed
    std::string queued_, out_;        // to be written next, and what is being written
    size_t received_bytes_ = 0;       // of the body on its way
    bool is_reading_ = false, has_checked_head_ = false, keeps_alive_ = true, answer_ended_ = false;
    Clock::time_point deadline_ = Clock::time_point::max();
};

}  // namespace krait::server
