// SPDX-License-Identifier: Apache-2.0
#include "server/http/http_server.hpp"

#include <fmt/format.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include "server/http/connection.hpp"

namespace krait::server {

namespace asio = boost::asio;
using asio::ip::tcp;

// Deadlines are looked at so often: seconds count, and a timer for each connection would cost more.
constexpr std::chrono::milliseconds kSweepTime{250};
// Where no more files can be opened, some have to be closed before the next client is taken.
constexpr std::chrono::milliseconds kTimeWithoutFiles{100};
// For a client for whom there is no place.
static std::string full_answer() {
    constexpr std::string_view kBody =
        R"({"error":{"message":"there are too many connections: try again","type":"server_error","param":null,"code":null}})";
    return fmt::format(
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 1\r\n"
        "Connection: close\r\nContent-Length: {}\r\n\r\n{}",
        kBody.size(), kBody);
}

class HttpServer::Implementation {
  public:
    Implementation(const HttpLimits& limits, Handler handler) {
        connections_.limits = limits;
        connections_.handler = std::move(handler);
    }

    api::Status listen(const std::string& host, uint16_t port) {
        boost::system::error_code error;
        tcp::resolver resolver(io_);
        const auto found = resolver.resolve(host, std::to_string(port), tcp::resolver::passive, error);
        if (error || found.empty())
            return api::Failure{KRAIT_NOT_FOUND,
                                fmt::format("there is no address '{}' to listen on: {}", host, error.message())};
        const tcp::endpoint endpoint = found.begin()->endpoint();
        acceptor_.open(endpoint.protocol(), error);
        if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
        if (!error) acceptor_.bind(endpoint, error);
        if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
        if (error)
            return api::Failure{KRAIT_UNAVAILABLE,
                                fmt::format("cannot listen on {}, port {}: {}", host, port, error.message())};
        local_ = acceptor_.local_endpoint(error);
        accept();
        sweep();
        return api::Done{};
    }

    asio::io_context io_{1};
    tcp::acceptor acceptor_{io_};
    tcp::endpoint local_;
    Connections connections_;

    void after(std::chrono::milliseconds time, std::function<void()> task) {
        auto timer = std::make_shared<asio::steady_timer>(io_, time);
        timer->async_wait([timer, task = std::move(task)](const boost::system::error_code& error) {
            if (!error) task();
        });
    }

    void stop_accepting() {
        boost::system::error_code ignored;
        acceptor_.close(ignored);
        connections_.is_ending = true;
        for (const auto& connection : copy_of_all()) connection->close_if_idle();
    }

    void close_all() {
        connections_.is_ending = true;
        for (const auto& connection : copy_of_all()) connection->close();
    }

  private:
    void accept() {
        acceptor_.async_accept([this](const boost::system::error_code& error, tcp::socket socket) {
            if (!acceptor_.is_open()) return;
            if (error) return after(kTimeWithoutFiles, [this] { accept(); });
            if (connections_.all.size() >= connections_.limits.max_connections) {
                ++connections_.figures.refused;
                boost::system::error_code ignored;
                socket.non_blocking(true, ignored);
                socket.write_some(asio::buffer(full_answer()), ignored);
            } else {
                ++connections_.figures.accepted;
                const auto connection = std::make_shared<Connection>(std::move(socket), connections_);
                connections_.all.insert(connection);
                connection->start();
            }
            accept();
        });
    }

    void sweep() {
        const auto now = Connection::Clock::now();
        for (const auto& connection : copy_of_all()) connection->close_if_late(now);
        after(kSweepTime, [this] { sweep(); });
    }

    // Closing one takes it from the list.
    std::vector<std::shared_ptr<Connection>> copy_of_all() const { return {connections_.all.begin(), connections_.all.end()}; }
};

HttpServer::HttpServer(std::unique_ptr<Implementation> implementation) : implementation_(std::move(implementation)) {}

HttpServer::~HttpServer() { close_connections(); }

api::Result<std::unique_ptr<HttpServer>> HttpServer::open(const std::string& host, uint16_t port, const HttpLimits& limits,
                                                          Handler handler) {
    auto implementation = std::make_unique<Implementation>(limits, std::move(handler));
    if (const auto done = implementation->listen(host, port); !done) return done.failure();
    return std::unique_ptr<HttpServer>(new HttpServer(std::move(implementation)));
}

uint16_t HttpServer::port() const { return implementation_->local_.port(); }

bool HttpServer::is_loopback() const { return implementation_->local_.address().is_loopback(); }

void HttpServer::run() { implementation_->io_.run(); }

void HttpServer::post(std::function<void()> task) { asio::post(implementation_->io_, std::move(task)); }

void HttpServer::stop() { implementation_->io_.stop(); }

void HttpServer::after(std::chrono::milliseconds time, std::function<void()> task) {
    implementation_->after(time, std::move(task));
}

void HttpServer::on_signals(std::vector<int> signals, std::function<void(int)> caught) {
    for (const int signal : signals) {
        const auto set = std::make_shared<asio::signal_set>(implementation_->io_, signal);
        // Waits again after each of them.
        const auto wait = std::make_shared<std::function<void()>>();
        *wait = [set, caught, weak = std::weak_ptr(wait)] {
            set->async_wait([set, caught, again = weak.lock()](const boost::system::error_code& error, int number) {
                if (error) return;
                caught(number);
                (*again)();
            });
        };
        (*wait)();
    }
}

void HttpServer::stop_accepting() { implementation_->stop_accepting(); }

void HttpServer::close_connections() { implementation_->close_all(); }

HttpFigures HttpServer::figures() const {
    HttpFigures figures = implementation_->connections_.figures;
    figures.connections = implementation_->connections_.all.size();
    for (const auto& connection : implementation_->connections_.all) figures.answering += connection->is_answering() ? 1 : 0;
    return figures;
}

}  // namespace krait::server
