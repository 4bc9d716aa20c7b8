// SPDX-License-Identifier: Apache-2.0
//
// Which endpoint answers a request.
#pragma once

#include "server/context.hpp"

namespace krait::server {

using Endpoint = std::function<void(Context& context, const ExchangePtr& exchange)>;

class Router {
  public:
    // path: "/v1/models", or "/v1/models/*" for all that lie below it. A GET also answers HEAD.
    void add(std::string_view method, std::string_view path, Endpoint endpoint, bool is_public = false);

    struct Found {
        const Endpoint* endpoint = nullptr;
        bool is_public = false;     // needs no key
        std::string other_methods;  // where none of the request's method is there: "GET, POST"; empty = no such path
    };
    Found find(const Request& request) const;

  private:
    struct Route {
        std::string method, path;
        Endpoint endpoint;
        bool is_public = false;
    };
    std::vector<Route> routes_;
};

}  // namespace krait::server
