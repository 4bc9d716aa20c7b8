// SPDX-License-Identifier: Apache-2.0
//
// The vocabulary that a GGUF file carries (keys tokenizer.ggml.*). A model generates from token ids alone, so nothing in these
// keys is an error of the file: what cannot be used is left out, and said.
#pragma once

#include "formats/model_source.hpp"
#include "models/loading/weights.hpp"
#include "text/tokenizer/tokenizer.hpp"

namespace krait {

struct GgufVocabulary {
    Result<Tokenizer> tokenizer;  // the error says why there is no text, only ids; not_found where the file has no tokenizer
    std::vector<int32_t> ends;    // the tokens that end a text, ascending; known without a usable tokenizer too
    size_t n_token = 0;           // how many tokens the file names; 0 where it does not say
    std::vector<std::string> warnings;  // sentences for the user: what is wrong, and what was made of it
};

// progress: called every few ms with 0 of the bytes of all tensors. Where it ends the load, the error of the tokenizer is
// `cancelled`.
GgufVocabulary read_vocabulary(const ModelSource& file, const LoadProgress& progress = {});

}  // namespace krait
