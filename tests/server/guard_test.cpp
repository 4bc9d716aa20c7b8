// SPDX-License-Identifier: Apache-2.0
//
// Hosts, origins and keys.
#include <gtest/gtest.h>

#include "server/guard.hpp"

namespace krait::server {
namespace {

Request with(std::vector<Header> headers) {
    Request request;
    request.method = "POST";
    request.headers = std::move(headers);
    return request;
}

TEST(Guard, OnLoopbackARequestIsMeantForThisMachine) {
    const Guard guard({});
    for (const char* host : {"localhost", "localhost:8080", "LOCALHOST", "127.0.0.1:80", "127.1.2.3", "[::1]", "[::1]:8080"})
        EXPECT_FALSE(guard.check_origin(with({{"host", host}}))) << host;
    // A page whose name was made to stand for this machine (DNS rebinding).
    for (const char* host : {"evil.example", "evil.example:8080", "127.evil.example", "localhost.evil.example", "", "[::2]"}) {
        const auto error = guard.check_origin(with({{"host", host}}));
        ASSERT_TRUE(error) << host;
        EXPECT_EQ(error->status, 403);
    }
    EXPECT_FALSE(Guard({.keys = {}, .hosts = {"my.name"}, .origins = {}}).check_origin(with({{"host", "my.name:1"}})));
}

TEST(Guard, BeyondLoopbackTheKeyDecides) {
    const Guard open({.keys = {"k"}, .hosts = {}, .origins = {}, .is_loopback = false});
    EXPECT_FALSE(open.check_origin(with({{"host", "any.name"}})));
    const Guard named({.keys = {"k"}, .hosts = {"my.name"}, .origins = {}, .is_loopback = false});
    EXPECT_TRUE(named.check_origin(with({{"host", "any.name"}})));
}

TEST(Guard, PagesOfOtherOriginsAreRefused) {
    const Guard guard({.keys = {}, .hosts = {}, .origins = {"https://friend.example"}});
    EXPECT_FALSE(guard.check_origin(with({{"host", "localhost:80"}, {"origin", "http://localhost:80"}})));
    EXPECT_FALSE(guard.check_origin(with({{"host", "localhost:80"}, {"origin", "https://friend.example"}})));
    for (const char* origin : {"http://evil.example", "null", "http://localhost:81", "http://localhost"}) {
        const auto error = guard.check_origin(with({{"host", "localhost:80"}, {"origin", origin}}));
        ASSERT_TRUE(error) << origin;
        EXPECT_EQ(error->status, 403);
    }
}

TEST(Guard, HeadersAreForOriginsThatAreNamed) {
    const Guard guard({.keys = {}, .hosts = {}, .origins = {"https://friend.example"}});
    EXPECT_TRUE(guard.origin_headers(with({{"host", "localhost"}, {"origin", "http://localhost"}})).empty());
    const auto headers = guard.origin_headers(with({{"origin", "https://friend.example"}}));
    ASSERT_FALSE(headers.empty());
    EXPECT_EQ(headers[0].value, "https://friend.example");
    for (const Header& header : headers) EXPECT_NE(header.name, "Access-Control-Allow-Credentials");
}

TEST(Guard, KeysAreCompared) {
    const Guard guard({.keys = {"0123456789abcdef", "fedcba9876543210"}, .hosts = {}, .origins = {}});
    EXPECT_EQ(guard.check_key(with({{"authorization", "Bearer 0123456789abcdef"}})).value(), 0);
    EXPECT_EQ(guard.check_key(with({{"authorization", "bearer fedcba9876543210"}})).value(), 1);
    EXPECT_EQ(guard.check_key(with({{"x-api-key", "fedcba9876543210"}})).value(), 1);
    for (const auto& headers : std::vector<std::vector<Header>>{{},
                                                                {{"authorization", "Bearer 0123456789abcdeg"}},
                                                                {{"authorization", "Bearer 0123456789abcde"}},
                                                                {{"authorization", "Bearer 0123456789abcdef0123456789abcdef"}},
                                                                {{"authorization", "Bearer "}},
                                                                {{"authorization", "Basic 0123456789abcdef"}},
                                                                {{"x-api-key", ""}}}) {
        const auto key = guard.check_key(with(headers));
        ASSERT_FALSE(key.has_value());
        EXPECT_EQ(key.error().status, 401);
    }
    EXPECT_EQ(Guard({}).check_key(with({})).value(), -1);
}

TEST(Guard, ComparisonsLookAtEveryByte) {
    EXPECT_TRUE(equal_in_constant_time("abc", "abc"));
    EXPECT_FALSE(equal_in_constant_time("abd", "abc"));
    EXPECT_FALSE(equal_in_constant_time("ab", "abc"));
    EXPECT_FALSE(equal_in_constant_time("abcabc", "abc"));
    EXPECT_FALSE(equal_in_constant_time("", "abc"));
}

}  // namespace
}  // namespace krait::server
