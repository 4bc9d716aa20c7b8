// SPDX-License-Identifier: Apache-2.0
//
// Parts that the subcommands of `krait` share: how they are added, how they end, how they load a model.
#pragma once

#include <functional>
#include <krait/model.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tools/command_line/command_line.hpp"
#include "tools/input.hpp"
#include "tools/shown.hpp"

namespace krait::tools {

// Prints "krait: message" to stderr; gives the exit code that fits.
int report(const api::Failure& failure);

// The command's body: called when it was chosen, its failure reported.
void run_when_chosen(Command& command, std::function<api::Status()> body);

// "1 token", "2 tokens"
std::string counted(int64_t n, std::string_view noun);

// The files that have a tokenizer, for help: those that a model may be loaded with (krait_model_options.tokenizer).
inline constexpr std::string_view kTokenizerFiles = "tokenizer.json, tokenizer.model, rwkv_vocab*.txt or tokenizer.jsonl";

// Each adds one command.
void add_bench_command(Command& program);
void add_chat_command(Command& program);
void add_completion_command(Command& program);
void add_convert_command(Command& program);
void add_debug_command(Command& program);
void add_run_command(Command& program);
void add_devices_command(Command& program);
void add_gguf_command(Command& program);
void add_grammar_command(Command& program);
void add_hellaswag_command(Command& program);
void add_imatrix_command(Command& program);
void add_inspect_command(Command& program);
void add_logits_command(Command& program);
void add_make_random_command(Command& program);
void add_perplexity_command(Command& program);
void add_quantize_command(Command& program);
void add_serve_command(Command& program);  // where the server is built
void add_tokenize_command(Command& program);

Option& add_tokenizer_option(Command& command, std::string& path);

// [MODEL], --device and its threads, as every command that runs a model takes them.
struct ModelArguments {
    std::string path;  // empty = the demo model
    std::string device;
    std::optional<int> threads;
    std::string affinity;
    bool no_mmap = false;
    std::string tokenizer, type, cache_type;   // of krait_model_options; empty = not given
    std::optional<std::string> layers, split;  // as krait_model_options takes them, like the next two
    std::vector<std::string> place, max_memory;
    std::string explain;  // "table" or "dot": show the placement instead of running
    void add_path(Command& command);
    void add_device(Command& command);  // --device, --threads, --affinity, --no-mmap; --layers, --split, --place, --max-memory
    void add_cache_type(Command& command);  // --cache-type, which add_device() adds too
    void add_explain(Command& command);     // --explain
    // The device to open: --device or the default, with --threads and --affinity in it. Fails where it has one of the two
    // already.
    api::Result<std::string> device_spec() const;
    api::Result<api::Model> open() const;  // without weights
    api::Result<api::Model> load() const;  // with a progress bar on a terminal, and warnings printed
    // The model of the path with the placement that was asked for; device and progress are those of the options.
    api::Result<api::Model> load_with(krait_model_options options) const;
};

// --explain: prints how a model's nodes are placed for runs of n_tok tokens.
api::Status print_explanation(const api::Model& model, int32_t n_tok, const std::string& form);

// "1,2,3" as token ids; the error names the word that is none.
api::Result<std::vector<int32_t>> parse_tokens(std::string_view text);

// Tokens that begin with bos twice: a text that has it already got another one, which no model has seen.
bool begins_twice(const api::Model& model, std::span<const int32_t> tokens);

// The words of "F32, F16, BF16", to be suggested for an option: in lower case, as they are typed.
std::vector<std::string> words_of(std::string_view list);

}  // namespace krait::tools
