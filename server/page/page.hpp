// SPDX-License-Identifier: Apache-2.0
//
// The page: a chat in the browser, made of plain files in this folder that are part of the binary.
#pragma once

#include "server/router.hpp"

namespace krait::server {

void add_page(Router& router);  // "/" and "/page/..."; needs no key, as it holds nothing

}  // namespace krait::server
