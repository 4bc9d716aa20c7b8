// SPDX-License-Identifier: Apache-2.0
#include "tools/chat_template_file.hpp"

#include "tools/input.hpp"

namespace krait::tools {

api::Result<api::ChatTemplate> open_chat_template(const api::Model& model, const std::string& path) {
    if (path.empty()) return api::ChatTemplate::of(model);
    TOOLS_TRY(const std::string source, read_text(path));
    return api::ChatTemplate::parse(model, source);
}

}  // namespace krait::tools
