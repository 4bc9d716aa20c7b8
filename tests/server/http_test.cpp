// SPDX-License-Identifier: Apache-2.0
//
// HTTP on bare sockets: what is refused, what a connection bears, and when it ends.
#include <atomic>
#include <future>
#include <thread>

#include "server/http/http_server.hpp"
#include "tests/server/raw_client.hpp"

namespace krait::server {
namespace {

using test::get;
using test::post;
using test::RawClient;

// Answers with what was asked: "METHOD path body".
class Http : public testing::Test {
  protected:
    void start(HttpLimits limits = {}) {
        auto opened = HttpServer::open("127.0.0.1", 0, limits, [this](const std::shared_ptr<Exchange>& exchange) {
            const Request& request = exchange->request();
            if (request.path == "/stream") return begin_stream(exchange);
            if (request.path == "/wait") return waiting_.push_back(exchange);
            exchange->send({.status = 200,
                            .content_type = "text/plain",
                            .body = request.method + " " + request.path + " " + std::to_string(request.body.size()),
                            .headers = {}});
        });
        ASSERT_TRUE(static_cast<bool>(opened)) << opened.failure().message;
        http_ = std::move(*opened);
        thread_ = std::thread([this] { http_->run(); });
    }
    void TearDown() override {
        if (!http_) return;
        http_->stop();
        thread_.join();
        waiting_.clear();
        stream_.reset();
        http_.reset();
    }
    RawClient client() const { return RawClient(http_->port()); }
    void expect_refused(const std::string& request, int status) const {
        RawClient client(http_->port());
        const auto response = client.ask(request);
        EXPECT_EQ(response.status, status) << request.substr(0, 200);
        EXPECT_NE(response.body.find("\"error\""), std::string::npos) << response.body;
        EXPECT_TRUE(client.is_closed());
    }
    // On the loop's thread.
    template <class Ask>
    auto on_loop(Ask ask) {
        std::promise<decltype(ask())> promise;
        http_->post([&] { promise.set_value(ask()); });
        return promise.get_future().get();
    }

    std::unique_ptr<HttpServer> http_;
    std::shared_ptr<Exchange> stream_;
    std::vector<std::shared_ptr<Exchange>> waiting_;
    std::atomic<int> n_gone_{0}, n_room_{0};

  private:
    void begin_stream(const std::shared_ptr<Exchange>& exchange) {
        stream_ = exchange;
        exchange->begin({.status = 200, .content_type = "text/event-stream", .body = "data: 0\n\n", .headers = {}});
        exchange->on_gone([this] { ++n_gone_; });
        exchange->on_room([this] { ++n_room_; });
    }
    std::thread thread_;
};

TEST_F(Http, AnswersOneRequestAfterTheOther) {
    start();
    RawClient client = this->client();
    for (int i = 0; i < 3; ++i) {
        const auto response = client.ask(post("/a", "12345"));
        EXPECT_EQ(response.status, 200);
        EXPECT_EQ(response.body, "POST /a 5");
        EXPECT_NE(response.head.find("Date: "), std::string::npos);
    }
}

TEST_F(Http, RequestsAreAnsweredInTheOrderInWhichTheyWereSentAhead) {
    start();
    RawClient client = this->client();
    std::string all;
    for (int i = 0; i < 300; ++i) all += i % 2 ? get("/" + std::to_string(i)) : post("/" + std::to_string(i), "abc");
    std::thread sender([&] { client.send(all); });
    for (int i = 0; i < 300; ++i)
        EXPECT_EQ(client.response().body, (i % 2 ? "GET /" : "POST /") + std::to_string(i) + (i % 2 ? " 0" : " 3"));
    sender.join();
}

TEST_F(Http, RequestsMayComeByteByByte) {
    start();
    RawClient client = this->client();
    for (const char c : post("/slow", "abc")) client.send({&c, 1});
    EXPECT_EQ(client.response().body, "POST /slow 3");
}

TEST_F(Http, BodiesMayComeInChunks) {
    start();
    RawClient client = this->client();
    EXPECT_EQ(
        client.ask("POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n").body,
        "POST /c 7");
    EXPECT_EQ(client.ask(get("/next")).body, "GET /next 0");
}

TEST_F(Http, ClientsThatAskWhetherToSendABodyAreTold) {
    start();
    RawClient client = this->client();
    client.send("POST /e HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    EXPECT_TRUE(client.wait_for("100 Continue"));
    EXPECT_EQ(client.ask("abc").body, "POST /e 3");
    expect_refused("POST /e HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: more\r\n\r\n", 417);
}

TEST_F(Http, AnswersToHeadHaveNoBody) {
    start();
    RawClient client = this->client();
    client.send("HEAD /h HTTP/1.1\r\nHost: a\r\n\r\n" + get("/next"));
    EXPECT_TRUE(client.wait_for("\r\n\r\nHTTP/1.1 200"));
}

TEST_F(Http, OldClientsAreAnsweredAndLeft) {
    start();
    RawClient client = this->client();
    EXPECT_EQ(client.ask("GET /old HTTP/1.0\r\n\r\n").body, "GET /old 0");
    EXPECT_TRUE(client.is_closed());
    RawClient streamed = this->client();
    streamed.send("GET /stream HTTP/1.0\r\n\r\n");
    ASSERT_TRUE(streamed.wait_for("\r\n\r\ndata: 0\n\n")) << "without chunks";
    http_->post([this] { stream_->end(); });
    EXPECT_TRUE(streamed.is_closed());
}

// Forms that a proxy may read as another request than the server does.
TEST_F(Http, RequestsWithTwoMeaningsAreRefused) {
    start();
    const std::string head = "POST / HTTP/1.1\r\nHost: a\r\n";
    expect_refused(head + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400);
    expect_refused(head + "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", 400);
    expect_refused(head + "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400);
    expect_refused(head + "Content-Length: 3, 4\r\n\r\nabcd", 400);
    expect_refused(head + "Content-Length: +3\r\n\r\nabc", 400);
    expect_refused(head + "Content-Length: -1\r\n\r\n", 400);
    expect_refused(head + "Content-Length: 0x3\r\n\r\nabc", 400);
    expect_refused(head + "Content-Length: 99999999999999999999999\r\n\r\n", 400);
    expect_refused(head + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501);
    expect_refused(head + "Transfer-Encoding: identity\r\n\r\n", 501);
    expect_refused(head + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400);
    expect_refused(head + "Transfer-Encoding: chunked\r\n\r\nZ\r\n\r\n", 400);
    expect_refused(head + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n\r\n", 400);
    expect_refused("POST / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400);
    expect_refused("GET / HTTP/1.1\r\n\r\n", 400);
    expect_refused("GET / HTTP/1.1\r\nHost: a\r\nBad Name: 1\r\n\r\n", 400);
    expect_refused(std::string("GET / HTTP/1.1\r\nHost: a\r\nx: a") + '\0' + "b\r\n\r\n", 400);
}

TEST_F(Http, WhatIsNoRequestIsRefused) {
    start();
    expect_refused("\x16\x03\x01\x02\r\n\r\n", 400);
    expect_refused("GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    expect_refused("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    expect_refused("GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    expect_refused("GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    expect_refused("GET /%ff HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    expect_refused("GET / HTTP/3.0\r\nHost: a\r\n\r\n", 400);
}

TEST_F(Http, WhatIsTooLargeIsRefused) {
    start({.max_header_bytes = 4096, .max_body_bytes = 1000});
    expect_refused("GET / HTTP/1.1\r\nHost: a\r\nx: " + std::string(5000, 'x') + "\r\n\r\n", 431);
    expect_refused("GET / HTTP/1.1\r\nHost: a\r\nx: " + std::string(5000, 'x'), 431);
    expect_refused(post("/", std::string(1001, 'x')), 413);
    expect_refused("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n", 413);
    std::string chunks = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (int i = 0; i < 20; ++i) chunks += "40\r\n" + std::string(64, 'x') + "\r\n";
    expect_refused(chunks, 413);
    RawClient client = this->client();
    EXPECT_EQ(client.ask(post("/", std::string(1000, 'x'))).status, 200);
}

TEST_F(Http, AClientReadsWhyItsLargeBodyIsRefused) {
    start({.max_body_bytes = 1000});
    RawClient client = this->client();
    std::thread sender([&] { client.send(post("/", std::string(size_t{20} << 20, 'x'))); });
    EXPECT_EQ(client.response().status, 413);
    sender.join();
}

TEST_F(Http, BodiesOnTheirWayShareABound) {
    start({.max_received_bytes = 10'000});
    RawClient first = client(), second = client();
    const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9000\r\n\r\n";
    ASSERT_TRUE(first.send(head + std::string(6000, 'x')));
    EXPECT_EQ(client().ask(get("/")).status, 200);
    EXPECT_EQ(second.ask(head + std::string(6000, 'x')).status, 503);
    EXPECT_EQ(first.ask(std::string(3000, 'x')).body, "POST / 9000");
    EXPECT_EQ(client().ask(head + std::string(9000, 'x')).status, 200) << "what is complete no longer counts";
}

TEST_F(Http, SlowClientsAreLeft) {
    const std::chrono::milliseconds time{50};
    start({.header_time = time, .body_time = time, .idle_time = time});
    EXPECT_EQ(client().ask("GET / HT").status, 408);
    EXPECT_EQ(client().ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc").status, 408);
    EXPECT_TRUE(client().is_closed()) << "that sends nothing";
    RawClient idle = client();
    EXPECT_EQ(idle.ask(get("/")).status, 200);
    EXPECT_TRUE(idle.is_closed());
    EXPECT_EQ(on_loop([&] { return http_->figures().timed_out; }), 4u);
}

TEST_F(Http, AClientThatDoesNotReadIsLeft) {
    start({.max_queued_bytes = 1000, .write_time = std::chrono::milliseconds(300)});
    RawClient client = this->client();
    ASSERT_TRUE(client.send(get("/stream")));
    ASSERT_TRUE(client.wait_for("data: 0"));
    const std::string part(size_t{1} << 20, 'x');
    // Buffers of the two sockets take some megabytes.
    EXPECT_TRUE(test::eventually([&] {
        http_->post([&] {
            if (!stream_->is_full()) stream_->write(part);
        });
        return n_gone_ == 1;
    }));
}

TEST_F(Http, AClientThatReadsMakesRoom) {
    start({.max_queued_bytes = 1000});
    RawClient client = this->client();
    ASSERT_TRUE(client.send(get("/stream")));
    ASSERT_TRUE(client.wait_for("data: 0"));
    n_room_ = 0;
    on_loop([&] { return stream_->write(std::string(size_t{8} << 20, 'x')), stream_->is_full(); });
    std::thread reader([&] { (void)client.response(); });
    EXPECT_TRUE(test::eventually([&] { return n_room_ > 0; }));
    EXPECT_FALSE(on_loop([&] { return stream_->is_full(); }));
    http_->post([this] { stream_->end(); });
    reader.join();
}

TEST_F(Http, StreamsTellWhenTheirClientHasGone) {
    start();
    RawClient client = this->client();
    ASSERT_TRUE(client.send(get("/stream")));
    ASSERT_TRUE(client.wait_for("data: 0"));
    client.close();
    EXPECT_TRUE(test::eventually([&] { return n_gone_ == 1; }));
    on_loop([&] { return stream_->write("data: 1\n\n"), stream_->end(), 0; });
    EXPECT_EQ(n_gone_, 1) << "once";
}

TEST_F(Http, AStreamThatIsAbortedHasNoEnd) {
    start();
    RawClient client = this->client();
    ASSERT_TRUE(client.send(get("/stream")));
    ASSERT_TRUE(client.wait_for("data: 0"));
    http_->post([this] { stream_->abort(); });
    const auto response = client.response();
    EXPECT_EQ(response.status, 200);
    EXPECT_FALSE(response.is_complete);
}

TEST_F(Http, OneConnectionMoreIsToldThatThereAreTooMany) {
    start({.max_connections = 3});
    std::vector<RawClient> clients;
    for (int i = 0; i < 3; ++i) {
        clients.push_back(client());
        EXPECT_EQ(clients.back().ask(get("/")).status, 200);
    }
    const auto refused = client().response();
    EXPECT_EQ(refused.status, 503);
    EXPECT_NE(refused.head.find("Retry-After: 1"), std::string::npos);
    clients.pop_back();
    EXPECT_TRUE(test::eventually([&] { return client().ask(get("/")).status == 200; }));
    EXPECT_GE(on_loop([&] { return http_->figures().refused; }), 1u);
}

TEST_F(Http, AfterTheEndOfAcceptingConnectionsCloseBehindTheirAnswers) {
    start();
    RawClient idle = client(), busy = client();
    EXPECT_EQ(idle.ask(get("/")).status, 200);
    ASSERT_TRUE(busy.send(get("/wait")));
    EXPECT_TRUE(test::eventually([&] { return on_loop([&] { return waiting_.size(); }) == 1; }));
    http_->post([this] { http_->stop_accepting(); });
    EXPECT_TRUE(idle.is_closed());
    http_->post([this] { waiting_.front()->send({.status = 200, .content_type = "a/b", .body = "done", .headers = {}}); });
    const auto response = busy.response();
    EXPECT_EQ(response.body, "done");
    EXPECT_NE(response.head.find("Connection: close"), std::string::npos);
    EXPECT_TRUE(busy.is_closed());
}

TEST(HttpAddress, WhatCannotBeListenedOnIsAnError) {
    const auto ignore = [](const std::shared_ptr<Exchange>&) {};
    auto first = HttpServer::open("127.0.0.1", 0, {}, ignore);
    ASSERT_TRUE(static_cast<bool>(first));
    EXPECT_TRUE((*first)->is_loopback());
    const auto taken = HttpServer::open("127.0.0.1", (*first)->port(), {}, ignore);
    ASSERT_FALSE(static_cast<bool>(taken));
    EXPECT_EQ(taken.failure().code, KRAIT_UNAVAILABLE);
    const auto nowhere = HttpServer::open("no.such.host.invalid", 0, {}, ignore);
    ASSERT_FALSE(static_cast<bool>(nowhere));
    EXPECT_EQ(nowhere.failure().code, KRAIT_NOT_FOUND);
}

}  // namespace
}  // namespace krait::server
