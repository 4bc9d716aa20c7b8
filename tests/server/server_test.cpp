// SPDX-License-Identifier: Apache-2.0
//
// The server with the demo model, on bare sockets: what clients' libraries never send, and clients that leave.
#include <thread>

#include "server/server.hpp"
#include "tests/server/raw_client.hpp"

namespace krait::server {
namespace {

using test::get;
using test::post;
using test::RawClient;

class ServerTest : public testing::Test {
  protected:
    void start(ServerOptions options = {}, int32_t slots = 4, int64_t max_waiting = 512) {
        auto model = api::Model::load({}, "cpu:threads=1");
        ASSERT_TRUE(static_cast<bool>(model)) << model.failure().message;
        ServedModel::Options served;
        served.engine.max_sequences = slots;
        served.engine.max_waiting_requests = max_waiting;
        auto made = ServedModel::create(std::move(*model), served);
        ASSERT_TRUE(static_cast<bool>(made)) << made.failure().message;
        options.port = 0;
        auto server = Server::create(std::move(*made), std::move(options));
        ASSERT_TRUE(static_cast<bool>(server)) << server.failure().message;
        server_ = std::move(*server);
        thread_ = std::thread([this] { server_->run(); });
    }
    void TearDown() override {
        if (!thread_.joinable()) return;
        server_->stop();
        thread_.join();
    }
    RawClient client() const { return RawClient(server_->port()); }
    test::RawResponse ask(const std::string& request) const { return client().ask(request); }
    Json ask_json(const std::string& path, const std::string& body, int status = 200) const {
        const auto response = ask(post(path, body));
        EXPECT_EQ(response.status, status) << body.substr(0, 200) << " -> " << response.body;
        const auto parsed = parse_json(response.body);
        return parsed ? *parsed : Json::object();
    }
    double metric(const std::string& name) const {
        const std::string text = ask(get("/metrics")).body;
        const size_t at = text.find("\n" + name + " ");
        return at == std::string::npos ? -1 : std::stod(text.substr(at + name.size() + 2));
    }
    void expect_slots_free() const {
        EXPECT_TRUE(test::eventually([&] {
            return metric("krait_requests_active") == 0 && metric("krait_engine_running_requests") == 0 &&
                   metric("krait_engine_waiting_requests") == 0;
        }));
    }

    std::unique_ptr<Server> server_;
    std::thread thread_;
};

const std::string kLongStream = R"({"prompt":"The sea","stream":true,"max_tokens":4000,"ignore_eos":true})";
const std::string kLong = R"({"prompt":"The sea","max_tokens":4000,"ignore_eos":true})";

TEST_F(ServerTest, BadBodiesAreRefusedAndNothingElse) {
    start();
    const std::vector<std::pair<std::string, std::string>> bodies{
        {"", "no JSON"},
        {"[]", "object"},
        {"{", "no JSON"},
        {"{\"prompt\":\"\xff\"}", "no JSON"},
        {R"({"prompt":"a","temperature":NaN})", "no JSON"},
        {R"({"prompt":"a","temperature":1e999})", "no JSON"},
        {R"({"prompt":"a","temperature":1e300})", "temperature"},
        {R"({"prompt":"a","temperature":-1})", "temperature"},
        {R"({"prompt":"a","temperature":"hot"})", "temperature"},
        {R"({"prompt":"a","top_p":2})", "top_p"},
        {R"({"prompt":"a","max_tokens":1e300})", "max_tokens"},
        {R"({"prompt":"a","max_tokens":-1})", "max_tokens"},
        {R"({"prompt":"a","max_tokens":99999999999999999999})", "max_tokens"},
        {R"({"prompt":"a","n":0})", "n"},
        {R"({"prompt":"a","n":5})", "from 1 to 4"},
        {R"({"prompt":"a","stop":[""]})", "stop"},
        {R"({"prompt":"a","stop":[1]})", "stop"},
        {R"({"prompt":"a","stop":"\u0000"})", "stop"},
        {R"({"prompt":"a","stream":"yes"})", "stream"},
        {R"({"prompt":"a","stream_options":{"include_usage":3}})", "stream_options.include_usage"},
        {R"({"prompt":"a","seed":1.5})", "seed"},
        {R"({})", "prompt"},
        {R"({"prompt":""})", "prompt"},
        {R"({"prompt":[]})", "prompt"},
        {R"({"prompt":[[]]})", "prompt"},
        {R"({"prompt":[99999]})", "token ids"},
        {R"({"prompt":[-1]})", "token ids"},
        {R"({"prompt":[1.5]})", "token ids"},
        {R"({"prompt":[1,"a"]})", "token ids"},
        {R"({"prompt":{"a":1}})", "prompt"},
        {R"({"prompt":"a","logprobs":1})", "logprobs"},
        {R"({"prompt":"a","logit_bias":{"1":2}})", "logit_bias"},
        {R"({"prompt":"a","presence_penalty":0.5})", "presence_penalty"},
        {R"({"prompt":"a","response_format":{"type":"json_object"}})", "response_format"},
        {R"({"prompt":"a","best_of":2})", "best_of"},
        {R"({"prompt":"a","suffix":"z"})", "suffix"},
        {"{\"prompt\":" + std::string(200, '[') + std::string(200, ']') + "}", "inside each other"},
    };
    for (const auto& [body, words] : bodies) {
        const Json json = ask_json("/v1/completions", body, 400);
        ASSERT_TRUE(json.contains("error")) << body.substr(0, 100);
        EXPECT_EQ(json["error"]["type"], "invalid_request_error");
        EXPECT_NE(json["error"]["message"].get<std::string>().find(words), std::string::npos) << json.dump();
    }
    for (const char* body :
         {R"({})", R"({"messages":[]})", R"({"messages":[1]})", R"({"messages":[{}]})", R"({"messages":[{"role":"user"}]})",
          R"({"messages":[{"role":"user","content":3}]})", R"({"messages":[{"role":"user","content":[{"type":"image_url"}]}]})",
          R"({"messages":[{"role":"user","content":[{"type":"text"}]}]})",
          R"({"messages":[{"role":"user","content":"a"}],"tools":[{"type":"function"}]})",
          R"({"messages":[{"role":"user","content":"a"}],"logprobs":true})"})
        EXPECT_TRUE(ask_json("/v1/chat/completions", body, 400).contains("error")) << body;
    EXPECT_EQ(ask_json("/v1/completions", R"({"prompt":"a","model":"other"})", 404)["error"]["code"], "model_not_found");
    expect_slots_free();
}

TEST_F(ServerTest, PathsAndMethodsThatAreNotThere) {
    start();
    EXPECT_EQ(ask(get("/no/such")).status, 404);
    const auto wrong = ask(get("/v1/completions"));
    EXPECT_EQ(wrong.status, 405);
    EXPECT_NE(wrong.head.find("Allow: POST"), std::string::npos);
    EXPECT_EQ(ask("OPTIONS /v1/completions HTTP/1.1\r\nHost: localhost\r\n\r\n").status, 204);
    EXPECT_EQ(ask("GET /health HTTP/1.1\r\nHost: evil.example\r\n\r\n").status, 403);
    EXPECT_EQ(ask(post("/v1/completions", R"({"prompt":"a"})", "Origin: http://evil.example\r\n")).status, 403);
}

TEST_F(ServerTest, AStreamIsTheAnswerInParts) {
    start();
    const std::string body = R"("prompt":"The sea was","max_tokens":24,"seed":7,"temperature":0.9})";
    const Json whole = ask_json("/v1/completions", "{" + body);
    const auto streamed = ask(post("/v1/completions", R"({"stream":true,"stream_options":{"include_usage":true},)" + body));
    EXPECT_EQ(streamed.status, 200);
    EXPECT_TRUE(streamed.is_complete);
    std::string text;
    Json usage;
    int n_finish = 0;
    size_t at = 0;
    for (size_t end; (end = streamed.body.find("\n\n", at)) != std::string::npos; at = end + 2) {
        const std::string event = streamed.body.substr(at, end - at);
        ASSERT_TRUE(event.starts_with("data: ")) << event;
        if (event == "data: [DONE]") {
            EXPECT_EQ(end + 2, streamed.body.size()) << "the last event";
            continue;
        }
        const auto json = parse_json(event.substr(6));
        ASSERT_TRUE(json.has_value()) << event;
        if ((*json)["choices"].empty()) usage = (*json)["usage"];
        else {
            text += (*json)["choices"][0]["text"].get<std::string>();
            n_finish += (*json)["choices"][0]["finish_reason"].is_null() ? 0 : 1;
        }
    }
    EXPECT_EQ(text, whole["choices"][0]["text"].get<std::string>());
    EXPECT_EQ(n_finish, 1);
    EXPECT_EQ(usage["completion_tokens"], 24);
    EXPECT_EQ(usage["prompt_tokens"], whole["usage"]["prompt_tokens"]);
}

TEST_F(ServerTest, ClientsThatLeaveFreeTheirPlace) {
    start({}, 2);
    const auto leave_when = [&](const std::string& request, auto is_time) {
        RawClient client = this->client();
        ASSERT_TRUE(client.send(request));
        EXPECT_TRUE(test::eventually([&] { return is_time(client); })) << request.substr(0, 60);
        client.close();
        expect_slots_free();
    };
    const auto at_once = [](RawClient&) { return true; };
    const auto running = [&](RawClient&) { return metric("krait_engine_running_requests") > 0; };
    leave_when(post("/v1/completions", kLong).substr(0, 40), at_once);
    leave_when(post("/v1/completions", kLong), at_once);
    leave_when(post("/v1/completions", kLong), running);
    leave_when(post("/v1/completions", kLongStream), running);
    leave_when(post("/v1/completions", kLongStream), [](RawClient& client) { return client.wait_for("\"text\":"); });
    std::string long_prompt;
    for (int i = 0; i < 20000; ++i) long_prompt += "water and stone, ";
    leave_when(post("/v1/completions", R"({"max_tokens":4000,"prompt":")" + long_prompt + "\"}"), running);
    EXPECT_GE(metric("krait_requests_cancelled_total"), 4);
}

TEST_F(ServerTest, ClientsThatLeaveTheQueueFreeIt) {
    start({}, 1);
    RawClient running = client();
    ASSERT_TRUE(running.send(post("/v1/completions", kLongStream)));
    ASSERT_TRUE(running.wait_for("\"text\":"));
    {
        RawClient waiting = client();
        ASSERT_TRUE(waiting.send(post("/v1/completions", kLong)));
        EXPECT_TRUE(test::eventually([&] { return metric("krait_engine_waiting_requests") == 1; }));
    }
    EXPECT_TRUE(test::eventually([&] { return metric("krait_engine_waiting_requests") == 0; }));
    running.close();
    expect_slots_free();
}

TEST_F(ServerTest, AFullQueueIsTold) {
    start({}, 1, 1);
    RawClient running = client(), waiting = client();
    ASSERT_TRUE(running.send(post("/v1/completions", kLongStream)));
    ASSERT_TRUE(running.wait_for("\"text\":"));
    ASSERT_TRUE(waiting.send(post("/v1/completions", kLongStream)));
    EXPECT_TRUE(test::eventually([&] { return metric("krait_engine_waiting_requests") == 1; }));
    const auto refused = ask(post("/v1/completions", kLongStream));
    EXPECT_EQ(refused.status, 503) << "a plain error, as no stream has begun";
    EXPECT_NE(refused.head.find("Retry-After: 1"), std::string::npos);
    EXPECT_EQ(ask(get("/health")).status, 200);
}

// A client that takes nothing holds up its own answer, and no other.
TEST_F(ServerTest, ASlowReaderHoldsUpNobody) {
    ServerOptions options;
    options.limits.max_queued_bytes = 2000;
    options.max_answer_tokens = 1'000'000;
    start(std::move(options), 2);
    RawClient slow = client();
    ASSERT_TRUE(
        slow.send(post("/v1/completions", R"({"prompt":"The sea","stream":true,"max_tokens":1000000,"ignore_eos":true})")));
    ASSERT_TRUE(slow.wait_for("\"text\":"));
    const Json json = ask_json("/v1/completions", R"({"prompt":"A","max_tokens":30,"ignore_eos":true})");
    EXPECT_EQ(json["usage"]["completion_tokens"], 30);
    slow.close();
    expect_slots_free();
}

TEST_F(ServerTest, KeysAreNeededForAllButHealth) {
    ServerOptions options;
    options.keys = {"0123456789abcdef"};
    start(std::move(options));
    EXPECT_EQ(ask(get("/health")).status, 200);
    for (const char* path : {"/v1/models", "/metrics", "/props"}) EXPECT_EQ(ask(get(path)).status, 401) << path;
    const auto refused = ask(post("/v1/completions", R"({"prompt":"a"})"));
    EXPECT_EQ(refused.status, 401);
    EXPECT_NE(refused.head.find("WWW-Authenticate: Bearer"), std::string::npos);
    EXPECT_EQ(ask(get("/v1/models", "Authorization: Bearer 0123456789abcdef\r\n")).status, 200);
}

TEST_F(ServerTest, NobodyElseIsServedWithoutAKey) {
    auto model = api::Model::load({}, "cpu:threads=1");
    ASSERT_TRUE(static_cast<bool>(model));
    auto served = ServedModel::create(std::move(*model), {});
    ASSERT_TRUE(static_cast<bool>(served));
    ServerOptions options;
    options.host = "0.0.0.0";
    options.port = 0;
    const auto server = Server::create(std::move(*served), std::move(options));
    ASSERT_FALSE(static_cast<bool>(server));
    EXPECT_EQ(server.failure().code, KRAIT_INVALID_ARGUMENT);
}

TEST_F(ServerTest, RequestsAreLoggedWithoutTheirTexts) {
    std::vector<RequestRecord> records;
    ServerOptions options;
    options.log = [&](const RequestRecord& record) { records.push_back(record); };
    start(std::move(options));
    const auto response = ask(post("/tokenize", R"({"content":"secret"})", "x-request-id: mine-1\r\n"));
    EXPECT_NE(response.head.find("x-request-id: mine-1\r\n"), std::string::npos);
    const auto other = ask(get("/health", "x-request-id: b\xc3\xa4\r\n"));
    EXPECT_NE(other.head.find("x-request-id: req-"), std::string::npos) << "only plain ones come back";
    server_->stop();
    thread_.join();
    ASSERT_EQ(records.size(), 2u);
    EXPECT_EQ(records[0].id, "mine-1");
    EXPECT_EQ(records[0].path, "/tokenize");
    EXPECT_EQ(records[0].status, 200);
}

}  // namespace
}  // namespace krait::server
