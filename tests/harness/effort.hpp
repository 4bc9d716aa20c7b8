// SPDX-License-Identifier: Apache-2.0
//
// How much of what takes long is tested. $KRAIT_TEST_EFFORT says it:
//   full      everything
//   sampled   where nothing is said: on a GPU that is emulated each case, and each model, runs in one of the ways that it can
//             (test_options.hpp), in another one for every seed; models are divided between three devices in a quarter of all
//             ways. $KRAIT_TEST_SEED is the seed; scripts/test.sh sets it to the commit
//   quick     as sampled, and nothing that takes long
// Cases are dealt out in groups, those of one weight format for instance: time goes into compiling kernels, and cases of a
// group share theirs. What fails is rerun by its own name, whatever the seed was.
#pragma once

#include <cstdlib>
#include <string>
#include <string_view>

#include "core/base/result.hpp"
#include "tests/harness/random.hpp"

namespace krait::harness {

struct Effort {
    bool sampled = true, quick = false;
    std::string seed;

    static Result<Effort> from_environment() {
        const auto value_of = [](const char* name) {
            const char* value = std::getenv(name);
            return std::string(value ? value : "");
        };
        const std::string effort = value_of("KRAIT_TEST_EFFORT");
        if (!effort.empty() && effort != "full" && effort != "sampled" && effort != "quick")
            return fail(ErrorCode::invalid_argument, "KRAIT_TEST_EFFORT={}: full, sampled or quick", effort);
        return Effort{.sampled = effort != "full", .quick = effort == "quick", .seed = value_of("KRAIT_TEST_SEED")};
    }

    // For those who cannot return an error: the op tests, which can, show one.
    static const Effort& current() {
        static const Effort known = from_environment().value_or(Effort{});
        return known;
    }

    // Whether the one with this index of n ways to run a group of cases is taken. One of them is, and groups in a row take
    // turns.
    bool takes(size_t group, size_t index, size_t n) const {
        return !sampled || n < 2 || (group + static_cast<size_t>(seed_of(seed) % n)) % n == index;
    }
};

}  // namespace krait::harness
