// SPDX-License-Identifier: Apache-2.0
//
// `krait` as its users run it: a process, what it says and its exit code.
#pragma once

#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <string>

#include "tests/main/paths.hpp"

namespace krait::test {

struct Answer {
    int exit_code = -1;  // -1: it did not run, or was killed
    std::string text;
};

enum class Streams { output, output_and_errors };

// environment: assignments in front of the command, "KRAIT_DEVICE=cpu".
inline Answer run_krait(const std::string& arguments, Streams streams = Streams::output_and_errors,
                        const std::string& environment = "") {
    const std::string command = environment + " " + std::string(test::kCommand) + " " + arguments +
                                (streams == Streams::output_and_errors ? " 2>&1" : "");
    Answer answer;
    std::FILE* pipe = popen(command.c_str(), "r");
    if (!pipe) return answer;
    std::array<char, 4096> buffer;
    for (size_t n = 0; (n = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;) answer.text.append(buffer.data(), n);
    const int status = pclose(pipe);
    answer.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return answer;
}

}  // namespace krait::test
