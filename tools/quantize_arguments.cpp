// SPDX-License-Identifier: Apache-2.0
#include "tools/quantize_arguments.hpp"

#include "tools/command.hpp"

namespace krait::tools {

Option& QuantizeArguments::add(Command& command, std::string type_name, std::string_view more) {
    Option& added = command
                        .option(std::move(type_name), type,
                                fmt::format("format of the large matrices: {}; Q3_K_M, Q4_K_M, Q5_K_M: ssm_out one larger{}",
                                            weight_format_names(), more))
                        .value_name("TYPE")
                        .suggest(words_of(weight_format_names() + ", Q3_K_M, Q4_K_M, Q5_K_M"));
    command.option("--head", head, "format of head and tied embedding; else Q6_K at least")
        .value_name("TYPE")
        .suggest(words_of(weight_format_names()));
    command.option("--pure", pure, "every matrix in TYPE, but what --head says, as far as rows are whole blocks");
    return added;
}

}  // namespace krait::tools
