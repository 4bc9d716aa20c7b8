// SPDX-License-Identifier: Apache-2.0
//
// A C++ host: one prompt read once, forked into three sequences that go on together, each in its own way.
//   host_cpp [model.gguf [device]]
#include <array>
#include <cstdio>
#include <cstdlib>
#include <krait/krait.hpp>

namespace kr = krait::api;

template <class T>
T value_or_exit(kr::Result<T> result) {
    if (result) return std::move(*result);
    std::fprintf(stderr, "%s\n", result.failure().message.c_str());
    std::exit(1);
}

int main(int argc, char** argv) {
    constexpr int kSequences = 3;
    const kr::Model model = value_or_exit(kr::Model::load(argc > 1 ? argv[1] : "", argc > 2 ? argv[2] : ""));
    krait_session_options options = KRAIT_SESSION_OPTIONS_INIT;
    options.max_sequences = kSequences;
    kr::Session session = value_or_exit(kr::Session::create(model, options));

    std::array<std::vector<int32_t>, kSequences> texts;
    std::vector<kr::Sampler> samplers;
    texts.fill(value_or_exit(model.tokenize("She opened the letter and", KRAIT_TOKENIZE_BEGIN)));
    value_or_exit(session.decode(texts[0]));
    for (int s = 0; s < kSequences; ++s) {
        krait_sampler_options sampling = KRAIT_SAMPLER_OPTIONS_INIT;
        sampling.seed = static_cast<uint64_t>(s) + 1;
        samplers.push_back(value_or_exit(kr::Sampler::create(sampling)));
        if (s > 0) value_or_exit(session.fork(0, s));
        texts[s].push_back(value_or_exit(session.sample(samplers[s])));
    }
    for (int step = 0; step < 24; ++step) {
        std::array<krait_batch_item, kSequences> batch;
        for (int s = 0; s < kSequences; ++s)
            batch[s] = kr::Session::item_of(std::span(&texts[s].back(), 1), s, KRAIT_WANT_LAST);
        value_or_exit(session.decode(batch));
        for (int s = 0; s < kSequences; ++s)
            texts[s].push_back(value_or_exit(session.sample(samplers[s], static_cast<size_t>(s))));
    }
    for (const auto& text : texts) std::printf("%s\n", value_or_exit(model.detokenize(text)).c_str());
}
