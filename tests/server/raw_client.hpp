// SPDX-License-Identifier: Apache-2.0
//
// A client on a bare socket: it sends what no client's library would.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <string>
#include <string_view>
#include <utility>

namespace krait::server::test {

struct RawResponse {
    int status = 0;  // 0: the connection ended before there was one
    std::string head, body;
    bool is_complete = false;
};

class RawClient {
  public:
    explicit RawClient(uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        EXPECT_EQ(::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    }
    RawClient(RawClient&& other) noexcept : socket_(std::exchange(other.socket_, -1)), read_(std::move(other.read_)) {}
    RawClient& operator=(RawClient&&) = delete;
    ~RawClient() { close(); }

    void close() {
        if (socket_ >= 0) ::close(std::exchange(socket_, -1));
    }
    // false: the other side takes no more.
    bool send(std::string_view bytes) const {
        while (!bytes.empty()) {
            const ssize_t n = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (n <= 0) return false;
            bytes.remove_prefix(static_cast<size_t>(n));
        }
        return true;
    }
    // The next bytes; empty at the end of the connection, or after five seconds without any.
    std::string receive() const {
        pollfd waits{.fd = socket_, .events = POLLIN, .revents = 0};
        if (::poll(&waits, 1, 5000) <= 0) return {};
        std::string bytes(4096, '\0');
        const ssize_t n = ::recv(socket_, bytes.data(), bytes.size(), 0);
        bytes.resize(static_cast<size_t>(std::max<ssize_t>(n, 0)));
        return bytes;
    }
    // Until `text` was received; false where it is not.
    bool wait_for(std::string_view text) {
        while (read_.find(text) == std::string::npos) {
            const std::string more = receive();
            if (more.empty()) return false;
            read_ += more;
        }
        return true;
    }
    RawResponse response() {
        RawResponse response;
        if (!wait_for("\r\n\r\n")) return response;
        const size_t end = read_.find("\r\n\r\n") + 4;
        response.head = read_.substr(0, end);
        read_.erase(0, end);
        response.status = std::stoi(response.head.substr(9, 3));
        if (response.status == 100) return this->response();
        if (response.head.find("Transfer-Encoding: chunked") != std::string::npos) take_chunks(response);
        else take_length(response);
        return response;
    }
    RawResponse ask(std::string_view request) {
        send(request);
        return response();
    }
    bool is_closed() const { return receive().empty(); }

  private:
    void take_length(RawResponse& response) {
        const size_t at = response.head.find("Content-Length: ");
        const size_t size = at == std::string::npos ? 0 : std::stoul(response.head.substr(at + 16));
        while (read_.size() < size) {
            const std::string more = receive();
            if (more.empty()) break;
            read_ += more;
        }
        response.is_complete = read_.size() >= size;
        response.body = read_.substr(0, size);
        read_.erase(0, size);
    }
    void take_chunks(RawResponse& response) {
        for (;;) {
            if (!take_until_line()) return;
            const size_t size = std::stoul(read_, nullptr, 16), begin = read_.find("\r\n") + 2;
            while (read_.size() < begin + size + 2) {
                const std::string more = receive();
                if (more.empty()) return;
                read_ += more;
            }
            response.body += read_.substr(begin, size);
            read_.erase(0, begin + size + 2);
            if (size == 0) {
                response.is_complete = true;
                return;
            }
        }
    }
    bool take_until_line() { return wait_for("\r\n"); }

    int socket_;
    std::string read_;
};

// A POST with a body of JSON.
inline std::string post(std::string_view path, std::string_view body, std::string_view headers = {}) {
    return "POST " + std::string(path) +
           " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n" + std::string(headers) + "\r\n" + std::string(body);
}
inline std::string get(std::string_view path, std::string_view headers = {}) {
    return "GET " + std::string(path) + " HTTP/1.1\r\nHost: localhost\r\n" + std::string(headers) + "\r\n";
}

// Until `is_so()` or ten seconds have passed.
template <class Condition>
bool eventually(Condition is_so) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!is_so())
        if (std::chrono::steady_clock::now() > end) return false;
        else usleep(2000);
    return true;
}

}  // namespace krait::server::test
