// SPDX-License-Identifier: Apache-2.0
//
// Unicode's normalization form C: "e" and a combining acute accent become one character, as most text has it. Some tools write
// the two apart (file names of macOS, input methods for Korean and Vietnamese), and most models have never seen that.
// Unicode Standard Annex #15, "Unicode Normalization Forms".
#pragma once

#include <string>
#include <string_view>

namespace krait {

// True means that to_nfc would change nothing; costs a look at every byte.
[[nodiscard]] bool is_nfc_for_sure(std::string_view text);

// `text` must be valid UTF-8.
[[nodiscard]] std::string to_nfc(std::string_view text);

// Form D: all that can be taken apart is. The same condition.
[[nodiscard]] std::string to_nfd(std::string_view text);

}  // namespace krait
