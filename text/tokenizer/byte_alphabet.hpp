// SPDX-License-Identifier: Apache-2.0
//
// How vocabularies of byte-level BPE write bytes: as visible characters, one for each byte. The 188 bytes that Latin-1
// prints ('!'..'~', U+00A1..U+00AC, U+00AE..U+00FF) stand for themselves; the other 68, in order, are U+0100 and up.
// So " the" is written U+0120 "the", and a token never contains a blank.
// A. Radford et al., "Language Models are Unsupervised Multitask Learners", 2019 (section 2.2, and the code with it).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace krait {

// The character for a byte, in UTF-8.
[[nodiscard]] std::string byte_to_alphabet(uint8_t byte);

// The bytes that a token of the alphabet writes; nothing if a character is not of the alphabet.
[[nodiscard]] std::optional<std::string> alphabet_to_bytes(std::string_view text);

}  // namespace krait
