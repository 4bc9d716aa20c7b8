// SPDX-License-Identifier: Apache-2.0
//
// The one source that includes Boost.Beast, whose parser is strict: two lengths that contradict each other, a length beside
// chunks, and bytes that no header may have are errors. What it lets pass and proxies read in different ways is refused here.
#include "server/http/connection.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <ctime>

#include "server/http/connection_exchange.hpp"

namespace krait::server {

namespace asio = boost::asio;
namespace http = boost::beast::http;

// Requests that are sent ahead, while the one in front of them is answered: more is not read from the socket.
constexpr size_t kMaxAheadBytes = size_t{64} << 10;
constexpr size_t kMaxTargetBytes = 8192;

class RequestParser : public http::request_parser<http::string_body> {};

Connection::Connection(asio::ip::tcp::socket socket, Connections& server) : socket_(std::move(socket)), server_(server) {}

Connection::~Connection() = default;

void Connection::start() {
    boost::system::error_code ignored;
    socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
    set_deadline(server_.limits.header_time);
    read();
}

void Connection::close_if_late(Clock::time_point now) {
    if (state_ == State::closed || now < deadline_) return;
    if (state_ != State::lingering) ++server_.figures.timed_out;
    if (state_ == State::reading && parser_) return refuse(408, "the request took too long");
    close();
}

void Connection::close_if_idle() {
    if (state_ == State::reading && !parser_) close();
}

void Connection::close() {
    if (state_ == State::closed) return;
    state_ = State::closed;
    set_received(0);
    boost::system::error_code ignored;
    socket_.close(ignored);
    const auto self = shared_from_this();  // the list may be the last to know it
    server_.all.erase(self);
    if (const auto exchange = std::move(exchange_)) exchange->tell_gone();
}

// One read is in progress in every state: it tells that the client has gone, also while an answer is being made.
void Connection::read() {
    if (is_reading_ || state_ == State::closed || (state_ == State::answering && in_.size() >= kMaxAheadBytes)) return;
    is_reading_ = true;
    socket_.async_read_some(asio::buffer(chunk_),
                            [self = shared_from_this()](const boost::system::error_code& error, size_t n) {
                                self->is_reading_ = false;
                                if (self->state_ == State::closed) return;
                                if (error) return self->close();
                                self->on_read(n);
                            });
}

void Connection::on_read(size_t n) {
    if (state_ != State::lingering) in_.append(chunk_.data(), n);
    if (state_ == State::reading) parse();
    read();
}

void Connection::parse() {
    if (!parser_) {  // the first bytes of a request
        parser_ = std::make_unique<RequestParser>();
        parser_->eager(true);
        parser_->header_limit(static_cast<uint32_t>(server_.limits.max_header_bytes));
        parser_->body_limit(server_.limits.max_body_bytes);
        set_deadline(server_.limits.header_time);
    }
    boost::system::error_code error;
    while (!in_.empty() && !parser_->is_done()) {
        const size_t n = parser_->put(asio::buffer(in_), error);
        in_.erase(0, n);
        if (error == http::error::need_more) break;
        if (error == http::error::body_limit)
            return refuse(413, fmt::format("the body is longer than {} bytes", server_.limits.max_body_bytes));
        if (error == http::error::header_limit || error == http::error::buffer_overflow)
            return refuse(431, fmt::format("the head of the request is longer than {} bytes", server_.limits.max_header_bytes));
        if (error) return refuse(400, fmt::format("no HTTP request: {}", error.message()));
        if (n == 0) break;
    }
    if (parser_->is_header_done() && !has_checked_head_) {
        check_head();
        if (state_ != State::reading) return;
    }
    if (parser_->is_done()) return handle();
    if (!parser_->is_header_done()) {
        if (in_.size() > server_.limits.max_header_bytes)
            return refuse(431, fmt::format("the head of the request is longer than {} bytes", server_.limits.max_header_bytes));
        return;
    }
    set_received(parser_->get().body().size());
    if (server_.received_bytes > server_.limits.max_received_bytes)
        refuse(503, "the server is receiving too many bytes of other requests: try again");
}

void Connection::check_head() {
    has_checked_head_ = true;
    set_deadline(server_.limits.body_time);
    const auto& head = parser_->get();
    if (head.target().size() > kMaxTargetBytes)
        return refuse(414, fmt::format("the address is longer than {} bytes", kMaxTargetBytes));
    if (head.count(http::field::host) > 1 || (head.version() == 11 && head.count(http::field::host) == 0))
        return refuse(400, "a request has one Host");
    const auto coding = head[http::field::transfer_encoding];
    if (head.count(http::field::transfer_encoding) > 0 &&
        (head.version() == 10 || head.count(http::field::transfer_encoding) > 1 || !boost::beast::iequals(coding, "chunked")))
        return refuse(501, "of transfer encodings there is chunked alone");
    if (head.count(http::field::transfer_encoding) > 0 && head.count(http::field::content_length) > 0)
        return refuse(400, "a body has a length or chunks, not both");
    const auto expected = head[http::field::expect];
    if (!expected.empty() && !boost::beast::iequals(expected, "100-continue"))
        return refuse(417, "of expectations there is 100-continue alone");
    if (!expected.empty() && !parser_->is_done()) write("HTTP/1.1 100 Continue\r\n\r\n");
}

void Connection::handle() {
    auto message = parser_->release();
    Request request;
    request.method = std::string(message.method_string());
    if (!parse_target({message.target().data(), message.target().size()}, request))
        return refuse(400, "the address of a request begins with '/' and is UTF-8");
    for (const auto& field : message) {
        std::string name(field.name_string());
        for (char& c : name) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
        request.headers.push_back({std::move(name), std::string(field.value())});
    }
    keeps_alive_ = message.keep_alive() && message.version() == 11;
    request.body = std::move(message.body());
    set_received(0);
    parser_.reset();
    state_ = State::answering;
    answer_ended_ = false;
    deadline_ = Clock::time_point::max();
    exchange_ = std::make_shared<ConnectionExchange>(shared_from_this(), std::move(request), message.version() == 11);
    server_.handler(exchange_);
}

void Connection::refuse(int status, std::string_view message) {
    ++server_.figures.malformed;
    set_received(0);
    keeps_alive_ = false;
    state_ = State::answering;
    answer_ended_ = true;
    const std::string body = fmt::format(R"({{"error":{{"message":"{}","type":"{}","param":null,"code":null}}}})", message,
                                         status >= 500 ? "server_error" : "invalid_request_error");
    write(fmt::format("HTTP/1.1 {} {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n{}\r\n{}",
                      status, reason_of(status), body.size(), status == 503 ? "Retry-After: 1\r\n" : "", body));
}

void Connection::write(std::string_view bytes) {
    if (state_ == State::closed) return;
    queued_ += bytes;
    flush();
}

void Connection::flush() {
    if (!out_.empty() || queued_.empty()) return;
    out_.swap(queued_);
    if (state_ == State::answering) set_deadline(server_.limits.write_time);
    on_written(0);
}

// Writes what is left of out_; a client that takes a part of it has the whole time again.
void Connection::on_written(size_t n) {
    out_.erase(0, n);
    if (!out_.empty()) {
        if (n > 0 && state_ == State::answering) set_deadline(server_.limits.write_time);
        socket_.async_write_some(asio::buffer(out_),
                                 [self = shared_from_this()](const boost::system::error_code& error, size_t written) {
                                     if (self->state_ == State::closed) return;
                                     if (error) return self->close();
                                     self->on_written(written);
                                 });
        return;
    }
    if (!queued_.empty()) return flush();
    if (state_ != State::answering) return;
    if (answer_ended_) return finish_answer();
    deadline_ = Clock::time_point::max();
    if (const auto exchange = exchange_) exchange->tell_room();
}

void Connection::finish_answer() {
    exchange_.reset();
    if (!keeps_alive_ || server_.is_ending) return linger();
    state_ = State::reading;
    has_checked_head_ = false;
    set_deadline(server_.limits.idle_time);
    if (!in_.empty()) parse();
    read();
}

// With bytes that nobody has read, closing would take the answer away from the client.
void Connection::linger() {
    state_ = State::lingering;
    in_.clear();
    boost::system::error_code ignored;
    socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
    set_deadline(server_.limits.linger_time);
    read();
}

void Connection::set_received(size_t bytes) {
    server_.received_bytes += bytes - received_bytes_;  // modulo 2^64
    received_bytes_ = bytes;
}

// ---- the answers ----

void ConnectionExchange::add_header(std::string name, std::string value) {
    headers_.push_back({std::move(name), std::move(value)});
}

void ConnectionExchange::write_head(const Response& response, bool is_whole) {
    status_ = response.status;
    if (!connection_) return;
    if (!is_whole && !is_chunked_) connection_->keeps_alive_ = false;
    std::string head = fmt::format("HTTP/1.1 {} {}\r\nDate: {:%a, %d %b %Y %H:%M:%S} GMT\r\n", response.status,
                                   reason_of(response.status), fmt::gmtime(std::time(nullptr)));
    if (!response.content_type.empty()) head += fmt::format("Content-Type: {}\r\n", response.content_type);
    if (is_whole && response.status != 204) head += fmt::format("Content-Length: {}\r\n", response.body.size());
    if (!is_whole && is_chunked_) head += "Transfer-Encoding: chunked\r\n";
    if (!connection_->keeps_alive_ || connection_->server_.is_ending) head += "Connection: close\r\n";
    const auto add = [&](const Header& header) { head += fmt::format("{}: {}\r\n", header.name, header.value); };
    std::for_each(headers_.begin(), headers_.end(), add);
    std::for_each(response.headers.begin(), response.headers.end(), add);
    head += "\r\n";
    if (is_whole && request_.method != "HEAD") head += response.body;
    connection_->queued_ += head;
}

void ConnectionExchange::send(Response response) {
    write_head(response, true);
    finish();
}

void ConnectionExchange::begin(Response head) {
    write_head(head, false);
    if (!head.body.empty()) return write(head.body);
    if (connection_) connection_->flush();
}

void ConnectionExchange::write(std::string_view part) {
    if (!connection_ || part.empty()) return;
    if (is_chunked_) connection_->queued_ += fmt::format("{:x}\r\n", part.size());
    connection_->queued_ += part;
    if (is_chunked_) connection_->queued_ += "\r\n";
    connection_->flush();
}

void ConnectionExchange::end() {
    if (connection_ && is_chunked_) connection_->queued_ += "0\r\n\r\n";
    finish();
}

// The last thing that happens here: nothing that was set is called again.
std::shared_ptr<Connection> ConnectionExchange::let_go() {
    gone_ = nullptr;
    room_ = nullptr;
    if (ended_) std::exchange(ended_, nullptr)();
    return std::move(connection_);
}

void ConnectionExchange::finish() {
    if (!connection_) return;
    const auto connection = let_go();
    connection->answer_ended_ = true;
    connection->flush();
    if (connection->out_.empty()) connection->finish_answer();  // all of it has been written
}

void ConnectionExchange::abort() {
    if (!connection_) return;
    let_go()->close();
}

bool ConnectionExchange::is_full() const {
    return connection_ && connection_->queued_.size() + connection_->out_.size() > connection_->server_.limits.max_queued_bytes;
}

void ConnectionExchange::on_gone(std::function<void()> gone) {
    gone_ = std::move(gone);
    if (!connection_ && gone_) std::exchange(gone_, nullptr)();
}

void ConnectionExchange::tell_gone() {
    const auto gone = std::exchange(gone_, nullptr);
    let_go();
    if (gone) gone();
}

void ConnectionExchange::tell_room() {
    if (const auto room = room_) room();
}

}  // namespace krait::server
