// SPDX-License-Identifier: Apache-2.0
//
// Cuts text into the pieces that merges must not cross: words with the blank before them, numbers, runs of signs.
// The rule with which a model was trained is part of the model; its name is `tokenizer.ggml.pre` in a GGUF file.
//
// Names and rules: pre_tokenizer_rules.cpp; docs/tokenizers.md explains them.
//
// Letters, numbers and punctuation are those of the Unicode version that PCRE2 was built with. Characters newer than that, or
// than the version a model was prepared with, may be cut otherwise than there; their bytes come through all the same.
// Regular expressions are PCRE2's, compiled to machine code where the machine allows it.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/result.hpp"

namespace krait {

class PreTokenizer {
  public:
    // Fails on an unknown name and lists the known ones.
    [[nodiscard]] static Result<PreTokenizer> create(std::string_view name);
    [[nodiscard]] static std::string supported();
    // A model with this rule begins its texts with bos, unless its file says otherwise. False for an unknown name.
    [[nodiscard]] static bool adds_bos(std::string_view name);

    // Appends the pieces of `text`, which must be valid UTF-8: views into it, none empty, together the whole of it.
    // Any number of threads at once.
    [[nodiscard]] Result<void> split(std::string_view text, std::vector<std::string_view>& pieces) const;

    // A piece that is a token as a whole is that token, whatever the merges would make of it.
    [[nodiscard]] bool whole_pieces_first() const;

    // The model has learned text in Unicode's normalization form C: it is brought to that form before it is cut (nfc.hpp).
    [[nodiscard]] bool wants_nfc() const;

  private:
    struct Compiled;
    explicit PreTokenizer(std::shared_ptr<const Compiled> compiled) : compiled_(std::move(compiled)) {}
    std::shared_ptr<const Compiled> compiled_;
};

}  // namespace krait
