// SPDX-License-Identifier: Apache-2.0
#include "server/guard.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace krait::server {
namespace {

std::string lower(std::string_view text) {
    std::string made(text);
    for (char& c : made) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    return made;
}

// "localhost:8080" -> "localhost", "[::1]:80" -> "[::1]"
std::string name_of_host(std::string_view host) {
    const size_t bracket = host.find(']');
    return lower(host.substr(0, host.find(':', bracket == std::string_view::npos ? 0 : bracket)));
}

bool is_loopback_name(std::string_view name) {
    return name == "localhost" || name == "[::1]" ||
           (name.starts_with("127.") && name.find_first_not_of("0123456789.") == std::string_view::npos);
}

bool holds(const std::vector<std::string>& list, std::string_view value) {
    return std::find(list.begin(), list.end(), value) != list.end();
}

}  // namespace

bool equal_in_constant_time(std::string_view given, std::string_view secret) {
    // The length of what was given is known to who gave it; that of the secret shows in no branch.
    volatile unsigned char difference = given.size() == secret.size() ? 0 : 1;
    for (size_t i = 0; i < given.size(); ++i) {
        const char other = secret.empty() ? '\0' : secret[i % secret.size()];
        difference = static_cast<unsigned char>(difference | (given[i] ^ other));
    }
    return difference == 0;
}

bool Guard::is_allowed_host(std::string_view host) const {
    const std::string name = name_of_host(host);
    if (holds(options_.hosts, name)) return true;
    // With keys, a page that gets the browser to ask here under its own name has none.
    return options_.is_loopback ? is_loopback_name(name) : options_.hosts.empty();
}

bool Guard::is_allowed_origin(const Request& request, std::string_view origin) const {
    if (holds(options_.origins, "*") || holds(options_.origins, origin)) return true;
    const std::string* host = request.header("host");
    return host && (origin == "http://" + *host || origin == "https://" + *host);
}

std::optional<Error> Guard::check_origin(const Request& request) const {
    const std::string* host = request.header("host");
    if (host && !is_allowed_host(*host))
        return Error{.status = 403,
                     .message = "the Host of the request is no name of this server; --allowed-host adds one",
                     .param = {},
                     .code = "host_not_allowed"};
    const std::string* origin = request.header("origin");
    if (origin && !is_allowed_origin(request, *origin))
        return Error{.status = 403,
                     .message = "pages of this origin may not use the server; --cors-origin allows one",
                     .param = {},
                     .code = "origin_not_allowed"};
    return std::nullopt;
}

std::vector<Header> Guard::origin_headers(const Request& request) const {
    const std::string* origin = request.header("origin");
    if (!origin || !(holds(options_.origins, "*") || holds(options_.origins, *origin))) return {};
    std::vector<Header> headers{{"Access-Control-Allow-Origin", *origin},
                                {"Vary", "Origin"},
                                {"Access-Control-Expose-Headers", "x-request-id, retry-after"}};
    if (request.method != "OPTIONS") return headers;
    headers.push_back({"Access-Control-Allow-Methods", "GET, POST, DELETE, OPTIONS"});
    headers.push_back({"Access-Control-Max-Age", "600"});
    if (const std::string* wanted = request.header("access-control-request-headers"))
        headers.push_back({"Access-Control-Allow-Headers", *wanted});
    return headers;
}

Result<int> Guard::check_key(const Request& request) const {
    if (options_.keys.empty()) return -1;
    std::string_view given;
    const std::string* authorization = request.header("authorization");
    if (authorization && lower(std::string_view(*authorization).substr(0, 7)) == "bearer ")
        given = std::string_view(*authorization).substr(7);
    else if (const std::string* key = request.header("x-api-key")) given = *key;
    int found = -1;
    for (size_t i = 0; i < options_.keys.size(); ++i)  // all of them, whichever it is
        if (equal_in_constant_time(given, options_.keys[i])) found = static_cast<int>(i);
    if (found >= 0) return found;
    return unexpected({.status = 401,
                       .message = given.empty() ? "an API key is needed: 'Authorization: Bearer KEY', or 'x-api-key: KEY'"
                                                : "the API key is none of this server's",
                       .param = {},
                       .code = "invalid_api_key"});
}

}  // namespace krait::server
