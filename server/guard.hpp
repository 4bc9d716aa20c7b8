// SPDX-License-Identifier: Apache-2.0
//
// Who may ask: the Host that was meant, the web page that asks, the API key (docs/server.md has the threats).
#pragma once

#include <optional>

#include "server/error.hpp"
#include "server/http/exchange.hpp"

namespace krait::server {

class Guard {
  public:
    struct Options {
        std::vector<std::string> keys;     // none: nobody needs one
        std::vector<std::string> hosts;    // names that a request may be meant for, beside those of this machine's loopback
        std::vector<std::string> origins;  // of web pages that may ask; "*" = all
        bool is_loopback = true;           // bound to an address that only this machine reaches
    };
    explicit Guard(Options options) : options_(std::move(options)) {}

    // An error for a request that a web page sends which may not, or that was meant for another host.
    std::optional<Error> check_origin(const Request& request) const;
    // Headers by which the browser of an origin that may ask shows it the answer.
    std::vector<Header> origin_headers(const Request& request) const;
    // The number of the client's key, or -1 where none is needed.
    Result<int> check_key(const Request& request) const;

  private:
    bool is_allowed_host(std::string_view host) const;
    bool is_allowed_origin(const Request& request, std::string_view origin) const;
    Options options_;
};

// Without telling by its time how much of them is equal.
bool equal_in_constant_time(std::string_view given, std::string_view secret);

}  // namespace krait::server
