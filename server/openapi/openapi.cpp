// SPDX-License-Identifier: Apache-2.0
#include "server/openapi/openapi.hpp"

#include "server/embedded_file.hpp"

// KRAIT_OPENAPI_FILE: openapi.json, as a string literal, from CMakeLists.txt.
KRAIT_EMBEDDED_FILE(openapi, KRAIT_OPENAPI_FILE);

namespace krait::server {

void add_openapi(Router& router) {
    router.add(
        "GET", "/openapi.json",
        [](Context&, const ExchangePtr& exchange) {
            exchange->send({.status = 200,
                            .content_type = "application/json",
                            .body = std::string(krait_openapi_begin, krait_openapi_end),
                            .headers = {}});
        },
        true);
}

}  // namespace krait::server
