// SPDX-License-Identifier: Apache-2.0
//
// Options of samplers, for those that are made by krait_sampler_create and those of an engine's requests.
#pragma once

#include <krait/sampler.h>

#include "models/sampler/sampler.hpp"

namespace krait::capi {

inline SamplerOptions options_of(const krait_sampler_options& given) {
    return {.temperature = given.temperature,
            .top_k = given.top_k,
            .top_p = given.top_p,
            .min_p = given.min_p,
            .repetition_penalty = given.repetition_penalty,
            .repetition_window = given.repetition_window,
            .seed = given.seed};
}

}  // namespace krait::capi
