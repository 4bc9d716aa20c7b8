// SPDX-License-Identifier: Apache-2.0
//
// The tokenizer that a GGUF file carries (keys tokenizer.ggml.*).
#pragma once

#include "models/gguf/gguf_reader.hpp"
#include "models/tokenizer/tokenizer.hpp"

namespace krait {

// not_found where the file has none at all; other errors name the key that is wrong.
Result<Tokenizer> tokenizer_from_gguf(const GgufFile& file);

}  // namespace krait
