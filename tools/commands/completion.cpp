// SPDX-License-Identifier: Apache-2.0
//
// krait completion: a script for a shell, so that Tab completes commands, options and their values.
#include "tools/command_line/completion.hpp"

#include "tools/command.hpp"
#include "tools/output.hpp"

namespace krait::tools {

void add_completion_command(Command& program) {
    Command& command = program.command("completion", "Write a script with which a shell completes commands and options");
    auto shell = std::make_shared<std::string>();
    command.option("shell", *shell, "bash, zsh or fish").required().value_name("SHELL").one_of({"bash", "zsh", "fish"});
    command.footer(
        "An installed krait has the scripts where the shells look for them.\n"
        "Examples:\n"
        "  krait completion bash > krait.bash                 then, in ~/.bashrc: source /path/to/krait.bash\n"
        "  krait completion zsh > _krait                      into a folder of $fpath\n"
        "  krait completion fish > krait.fish                 into ~/.config/fish/completions");
    command.body([&program, shell] {
        write_text(*shell == "bash"  ? bash_completion(program)
                   : *shell == "zsh" ? zsh_completion(program)
                                     : fish_completion(program));
        return kExitOk;
    });
}

}  // namespace krait::tools
