// SPDX-License-Identifier: Apache-2.0
#include "server/router.hpp"

namespace krait::server {

void Router::add(std::string_view method, std::string_view path, Endpoint endpoint, bool is_public) {
    routes_.push_back({std::string(method), std::string(path), std::move(endpoint), is_public});
}

static bool fits(std::string_view pattern, std::string_view path) {
    if (!pattern.ends_with('*')) return pattern == path;
    pattern.remove_suffix(1);
    return path.starts_with(pattern) && path.size() > pattern.size();
}

Router::Found Router::find(const Request& request) const {
    Found found;
    const std::string_view method = request.method == "HEAD" ? std::string_view("GET") : std::string_view(request.method);
    for (const Route& route : routes_) {
        if (!fits(route.path, request.path)) continue;
        if (route.method == method) return {.endpoint = &route.endpoint, .is_public = route.is_public, .other_methods = {}};
        found.other_methods += (found.other_methods.empty() ? "" : ", ") + route.method;
    }
    return found;
}

}  // namespace krait::server
