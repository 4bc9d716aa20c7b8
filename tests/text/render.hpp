// SPDX-License-Identifier: Apache-2.0
//
// A template and its variables in one call, for tests; the clock stands at 2026-03-01 12:34:56, a Sunday.
#pragma once

#include <string>

#include "text/chat_template/chat_template.hpp"

namespace krait::test {

inline chat::RenderOptions render_options() {
    chat::RenderOptions options;
    options.now.tm_year = 126;
    options.now.tm_mon = 2;
    options.now.tm_mday = 1;
    options.now.tm_hour = 12;
    options.now.tm_min = 34;
    options.now.tm_sec = 56;
    options.now.tm_yday = 59;
    return options;
}

// json: an object of variables.
inline Result<chat::MarkedText> render(std::string_view source, std::string_view json = "{}",
                                       const chat::RenderOptions& options = render_options()) {
    KRAIT_TRY(const auto parsed, chat::ChatTemplate::parse(source));
    return parsed.render({.json = json, .texts = {}, .none = {}}, options);
}

}  // namespace krait::test
