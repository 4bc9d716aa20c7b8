// SPDX-License-Identifier: Apache-2.0
//
// The data that Tokenizer::create makes of a TokenizerSpec, and Tokenizer reads. For the tokenizer's own files.
#pragma once

#include <memory>

#include "text/tokenizer/kinds/kind.hpp"
#include "text/tokenizer/special_tokens.hpp"
#include "text/tokenizer/tokenizer.hpp"

namespace krait {

struct Tokenizer::Data {
    Data(Vocabulary tokens, const TokenizerSpec& spec, const KindEntry& entry);

    Vocabulary vocabulary;
    Result<std::unique_ptr<const TokenizerKind>> kind;  // the error: ids become text, but text no ids
    SpecialTokens special;
    bool add_bos = false, add_eos = false, add_sep = false;
    bool strips_blank = false;       // a whole text has one blank less than its tokens say
    bool strips_all_blanks = false;  // and no blanks at its beginning
};

}  // namespace krait
