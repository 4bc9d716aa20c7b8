// SPDX-License-Identifier: Apache-2.0
//
// The arguments that say how weights are quantized, of the commands that write models.
#pragma once

#include <string>
#include <string_view>

#include "models/quantize/recipe.hpp"
#include "tools/command_line/command_line.hpp"

namespace krait::tools {

struct QuantizeArguments {
    std::string type, head;
    bool pure = false;

    // type_name: "--type", or "type" where it is positional. more: behind the help of the type, whose option is returned.
    Option& add(Command& command, std::string type_name, std::string_view more = {});
    Result<QuantizeScheme> scheme() const { return parse_quantize_scheme(type, head, pure); }
};

}  // namespace krait::tools
