// SPDX-License-Identifier: Apache-2.0
//
// A request and a response of HTTP/1.1 as plain data.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace krait::server {

struct Header {
    std::string name, value;
};

// "a=1&b=%20" as decoded pairs, in their order.
using Query = std::vector<std::pair<std::string, std::string>>;

struct Request {
    std::string method;
    std::string path;  // decoded, begins with '/'
    Query query;
    std::vector<Header> headers;  // names in lower case
    std::string body;
    // The value of the first header of that name, in lower case; nullptr where there is none.
    const std::string* header(std::string_view name) const;
    const std::string* parameter(std::string_view name) const;  // of the query
};

struct Response {
    int status = 200;
    std::string content_type;
    std::string body;
    std::vector<Header> headers;  // others than those of content and connection
};

// "Not Found"; "Unknown" for a status without a name.
std::string_view reason_of(int status);

// "/a%20b?x=1" into path and query. false: no such target ("*", a whole address, a broken '%', a NUL, not UTF-8).
bool parse_target(std::string_view target, Request& request);

}  // namespace krait::server
