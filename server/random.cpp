// SPDX-License-Identifier: Apache-2.0
#include "server/random.hpp"

#include <fmt/format.h>

#include <random>

namespace krait::server {

uint64_t random_number() {
    thread_local std::mt19937_64 random = [] {
        std::random_device device;
        std::seed_seq seed{device(), device(), device(), device()};
        return std::mt19937_64(seed);
    }();
    return random();
}

std::string random_id() { return fmt::format("{:016x}{:08x}", random_number(), static_cast<uint32_t>(random_number())); }

}  // namespace krait::server
