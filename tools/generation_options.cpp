// SPDX-License-Identifier: Apache-2.0
#include "tools/generation_options.hpp"

#include <random>

namespace krait::tools {

constexpr int32_t kMaxChain = 4096;  // of krait_session_options

void GenerationOptions::add(Command& command) {
    command.option("-n,--n-predict", n_predict, "maximum number of tokens to write; -1 = until the end of text")
        .show_default()
        .in_range(-1, INT64_MAX);
    command.option("--ignore-eos", ignore_eos, "go on after the end of text, of a turn and of a message");
    command.option("--stop", stops, "end before this text is written; may be repeated").value_name("TEXT");
    command
        .option("-c,--context", context,
                "context of a model with attention: maximum number of tokens of prompt and answer together (default: 4096)")
        .in_range(1, 1 << 24)
        .value_name("N");
    command.option("-b,--batch", batch, "maximum number of tokens of a prompt in one run").show_default().in_range(1, 1 << 20);
    command
        .option("--chain", chain,
                "maximum number of tokens that the device chooses on its own where one candidate decides: temperature 0 or "
                "top-k 1, no penalty (default: 16 where one GPU has the whole model, else 1)")
        .in_range(1, kMaxChain)
        .value_name("N");
    command.option("--no-timings", no_timings, "print no figures at the end");
}

void GenerationOptions::add_sampling(Command& command) {
    constexpr const char* kGroup = "Sampling";
    seed_ = &command
                 .option("-s,--seed", sampling.seed,
                         "the same seed, model and device write the same text (default: another one every time)")
                 .in_range()
                 .group(kGroup);
    command.option("--temperature", sampling.temperature, "0 = always the most likely token").show_default().group(kGroup);
    command.option("--top-k", sampling.top_k, "only the k most likely; 0 = all").show_default().group(kGroup);
    command.option("--top-p", sampling.top_p, "only the most likely that together have this probability; 1 = all")
        .show_default()
        .group(kGroup);
    command.option("--min-p", sampling.min_p, "only those at least this times as likely as the most likely; 0 = all")
        .show_default()
        .group(kGroup);
    command.option("--repetition-penalty", sampling.repetition_penalty, "above 1: what was said lately is less likely")
        .show_default()
        .group(kGroup);
    command.option("--repetition-window", sampling.repetition_window, "how many tokens count as lately")
        .show_default()
        .group(kGroup);
}

api::Result<api::Sampler> GenerationOptions::create_sampler() {
    if (!seed_ || !seed_->given()) sampling.seed = std::random_device()();
    TOOLS_TRY(api::Sampler sampler, api::Sampler::create(sampling));
    for (size_t i = 0; i < stops.size(); ++i)
        if (stops[i].empty()) return failure(KRAIT_INVALID_ARGUMENT, "stop text {} of {} is empty", i + 1, stops.size());
    return sampler;
}

// One token at a time where several candidates count, or where there is no memory for the second state that chains take and
// they were not asked for.
api::Result<api::Session> GenerationOptions::create_session(const api::Model& model, const api::Sampler& sampler,
                                                            int32_t max_snapshots, int32_t* max_chain) const {
    *max_chain = sampler.needs() != 1 ? 1 : chain > 0 ? chain : model.chain_length();
    krait_session_options options = KRAIT_SESSION_OPTIONS_INIT;
    options.max_batch_tokens = batch;
    options.max_chain = *max_chain;
    options.max_snapshots = max_snapshots;
    options.max_sequence_tokens = context;
    api::Result<api::Session> session = api::Session::create(model, options);
    if (session || session.failure().code != KRAIT_OUT_OF_MEMORY || chain != 0 || *max_chain == 1) return session;
    options.max_chain = *max_chain = 1;
    return api::Session::create(model, options);
}

std::vector<int32_t> GenerationOptions::ends(const api::Model& model) const {
    std::vector<int32_t> ends;
    if (!ignore_eos) ends = model.ends();
    for (const std::string& stop : stops)
        if (const auto token = model.token(stop); token && model.is_control(*token)) ends.push_back(*token);
    return ends;
}

}  // namespace krait::tools
