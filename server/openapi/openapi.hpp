// SPDX-License-Identifier: Apache-2.0
//
// The description of all endpoints, openapi.json in this folder, for programs that read such.
#pragma once

#include "server/router.hpp"

namespace krait::server {

void add_openapi(Router& router);  // /openapi.json; needs no key

}  // namespace krait::server
