// SPDX-License-Identifier: Apache-2.0
//
// Standard output and standard error, the one way to them for all commands. Nothing here throws or ends the process because a
// message is lost: what standard output could not take is remembered, and is told at the end by finish_output.
#pragma once

#include <fmt/core.h>

#include <initializer_list>
#include <string>
#include <string_view>

#include "tools/result.hpp"

namespace krait::tools {

// To be called before anything is opened. Of the three streams those that are closed become ones that cannot be read or
// written, so that no file takes their place; a write to a pipe that nobody reads, or beyond the limit of a file's size, is an
// error of that write.
void prepare_standard_streams();

// For people. Whatever a terminal would obey is escaped (core/base/printable.hpp), as names and texts of files come along here;
// a name that shall stay on its line goes through printable() or quote() besides.
void print_args(fmt::string_view text, fmt::format_args values);
template <class... T>
void print(fmt::format_string<T...> text, T&&... values) {
    print_args(text, fmt::make_format_args(values...));
}

// The same to standard error; a message that cannot be written there is lost.
void print_error_args(fmt::string_view text, fmt::format_args values);
template <class... T>
void print_error(fmt::format_string<T...> text, T&&... values) {
    print_error_args(text, fmt::make_format_args(values...));
}

// The report for people on a result that is written to a path. It goes to standard output, or to standard error where the
// result itself goes to standard output (/dev/stdout, /dev/fd/1, or the same pipe or file by another name), so that nothing
// follows it there. To be made before the result is written: a file may be replaced then.
class ResultReport {
  public:
    explicit ResultReport(const std::string& result_path);
    template <class... T>
    void print(fmt::format_string<T...> text, T&&... values) const {
        (to_errors_ ? print_error_args : print_args)(text, fmt::make_format_args(values...));
    }

  private:
    bool to_errors_;
};

// To standard output, what was asked for: a text exactly as it is, on a terminal made fit for it.
void write_text(std::string_view text);

bool output_is_terminal();

// Hands on what print and write_text have kept back. The error of the first write that failed; it is then not told again.
api::Status flush_output();

// Frames of a progress bar and the like, to the terminal behind standard error, with its control sequences.
void draw(std::string_view frame);

// Fails where `target` is one of the files that are read, by whatever path: it would be lost. Empty names, "-", pipes and
// devices are no files.
api::Status check_target(const std::string& target, std::initializer_list<std::string> inputs);

// For the end of main: gives exit_code, or 1 for a success whose output did not arrive, which it tells.
int finish_output(int exit_code);

}  // namespace krait::tools
