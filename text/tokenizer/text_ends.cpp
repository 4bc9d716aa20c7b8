// SPDX-License-Identifier: Apache-2.0
#include "text/tokenizer/text_ends.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace krait {
namespace {

// Names of families of models that are in use; each is the end of a text, a turn or a message wherever it is a control token.
constexpr std::array<std::string_view, 19> kNames{
    "</s>",                                     // Llama, Mistral, Nemotron
    "<eos>",                                    // Gemma
    "<|endoftext|>",                            // GPT-2, GPT-NeoX, Qwen
    "<|end_of_text|>",                          // Llama 3, Granite, Falcon-H1
    "<|im_end|>",                               // ChatML
    "<|eot_id|>",                               // Llama 3: of a turn
    "<|eom_id|>",                               // Llama 3: of a message that calls a tool
    "<|eot|>",                                  // Llama 4
    "<|eom|>",                                  // Llama 4
    "<end_of_turn>",                            // Gemma
    "<|end_of_turn|>",                          // OpenChat
    "<|end|>",                                  // Phi-3
    "<|endofturn|>",                            // HyperCLOVA
    "[EOS]",                                    // Kimi
    "[EOT]",                                    // Kimi
    "<EOT>",                                    // Code Llama
    "<end_of_utterance>",                       // SmolVLM
    "<|file_sep|>",                             // models of code: another file begins
    "<\uFF5Cend\u2581of\u2581sentence\uFF5C>",  // DeepSeek
};

}  // namespace

std::vector<int32_t> text_ends(const TokenizerSpec& spec) {
    std::vector<int32_t> ends;
    const auto add = [&](int64_t id) {
        if (spec.has_token(id)) ends.push_back(static_cast<int32_t>(id));
    };
    if (spec.eos) add(*spec.eos);
    for (const int64_t id : spec.ends) add(id);
    const size_t n_typed = std::min(spec.tokens.size(), spec.token_types.size());
    for (size_t id = 0; id < n_typed; ++id)
        if (spec.token_types[id] == static_cast<int32_t>(TokenType::control) &&
            std::find(kNames.begin(), kNames.end(), spec.tokens[id]) != kNames.end())
            add(static_cast<int64_t>(id));
    std::sort(ends.begin(), ends.end());
    ends.erase(std::unique(ends.begin(), ends.end()), ends.end());
    return ends;
}

}  // namespace krait
