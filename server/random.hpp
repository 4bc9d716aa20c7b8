// SPDX-License-Identifier: Apache-2.0
//
// Random numbers that are no secrets, on any thread: seeds of answers, names of answers and requests.
#pragma once

#include <cstdint>
#include <string>

namespace krait::server {

uint64_t random_number();
std::string random_id();  // 24 hexadecimal digits

}  // namespace krait::server
