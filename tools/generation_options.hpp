// SPDX-License-Identifier: Apache-2.0
//
// The options of commands that generate text, krait run and krait chat: how tokens are chosen, and where a text ends.
#pragma once

#include <krait/session.hpp>
#include <optional>
#include <string>
#include <vector>

#include "tools/command.hpp"

namespace krait::tools {

struct GenerationOptions {
    std::vector<std::string> stops;
    int64_t n_predict = 256;  // maximum number of tokens; -1 = until the end
    int32_t batch = 512;
    int64_t context = 0;  // tokens of the session, where a model has attention; 0 = the library's default
    int32_t chain = 0;    // 0 = as the device is best used
    bool ignore_eos = false, no_timings = false;
    krait_sampler_options sampling = KRAIT_SAMPLER_OPTIONS_INIT;

    // Most are added by add, those that choose tokens by add_sampling: the order of a command's help.
    void add(Command& command);
    void add_sampling(Command& command);

    // To be called first: stop texts are checked before a model is loaded, which may take long. A sampler with a seed of chance
    // where none was given.
    api::Result<api::Sampler> create_sampler();
    // For one sequence. max_snapshots: of the session. Sets *max_chain.
    api::Result<api::Session> create_session(const api::Model& model, const api::Sampler& sampler, int32_t max_snapshots,
                                             int32_t* max_chain) const;
    // The tokens that end what is generated. A control token leaves no trace in the text, so as a stop text it is found by its
    // id.
    std::vector<int32_t> ends(const api::Model& model) const;

  private:
    const Option* seed_ = nullptr;
};

}  // namespace krait::tools
