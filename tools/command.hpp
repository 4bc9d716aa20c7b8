// SPDX-License-Identifier: Apache-2.0
//
// What the subcommands of `krait` share: how they are added, how they end, how they load a model.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <string>

#include "core/base/format_bytes.hpp"
#include "models/model.hpp"

namespace krait::tools {

// 0 success · 1 it failed while it ran · 2 bad input: arguments, files, names · 130 stopped by Ctrl-C
inline constexpr int kExitOk = 0, kExitFailure = 1, kExitBadInput = 2, kExitInterrupted = 130;

// Prints "krait: message" to stderr; gives the exit code that fits.
int report(const Error& error);

// Runs when the subcommand was chosen; the result is the exit code.
using Command = std::function<int()>;

// The subcommand's body: called when it was chosen, its error reported.
void run_when_chosen(CLI::App& command, Command& chosen, std::function<Result<void>()> body);

// Takes whole decimal numbers from least to most and nothing else. CLI11 by itself makes 2^64 - 5 of -5 for an unsigned option,
// and the largest number there is of a larger one.
CLI::Validator whole_number(int64_t least = 0, uint64_t most = UINT64_MAX);

// "1 token", "2 tokens"
std::string counted(int64_t n, std::string_view noun);

// Each adds one subcommand to app and sets *chosen when it is called.
void add_bench_command(CLI::App& app, Command& chosen);
void add_run_command(CLI::App& app, Command& chosen);
void add_devices_command(CLI::App& app, Command& chosen);
void add_hellaswag_command(CLI::App& app, Command& chosen);
void add_imatrix_command(CLI::App& app, Command& chosen);
void add_inspect_command(CLI::App& app, Command& chosen);
void add_logits_command(CLI::App& app, Command& chosen);
void add_make_random_command(CLI::App& app, Command& chosen);
void add_perplexity_command(CLI::App& app, Command& chosen);
void add_quantize_command(CLI::App& app, Command& chosen);
void add_tokenize_command(CLI::App& app, Command& chosen);

// [MODEL], --device and its threads, as every command that runs a model takes them.
struct ModelArguments {
    std::string path;  // empty = the demo model
    std::string device;
    std::optional<int> threads;
    std::string affinity;
    PlacementTexts placement;
    std::string explain;  // "table" or "dot": show the placement instead of running
    void add_path(CLI::App& command);
    void add_device(CLI::App& command);   // --device, --threads, --affinity; --layers, --split, --place, --max-memory
    void add_explain(CLI::App& command);  // --explain
    // The device to open: --device or the default, with --threads and --affinity in it. Fails where it has one of the two already.
    Result<std::string> device_spec() const;
    Result<GgufFile> open() const;
    Result<std::shared_ptr<const Model>> load() const;  // with a progress bar on a terminal
};

// --explain: prints how a model's nodes are placed for runs of n_tok tokens.
Result<void> print_explanation(const Model& model, int64_t n_tok, const std::string& form);

// "1,2,3" as token ids; the error names the word that is none.
Result<std::vector<int32_t>> parse_tokens(std::string_view text);

// A whole file, or standard input for "-".
Result<std::string> read_text(const std::string& path);

}  // namespace krait::tools
