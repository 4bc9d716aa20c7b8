// SPDX-License-Identifier: Apache-2.0
#include "tools/command.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>

#include "core/base/environment.hpp"
#include "core/runtime/device_spec.hpp"
#include "tools/error.hpp"
#include "tools/interrupt.hpp"
#include "tools/log.hpp"
#include "tools/output.hpp"
#include "tools/progress_bar.hpp"

namespace krait::tools {

int report(const api::Failure& failure) {
    print_error("krait: {}\n", failure.message);
    switch (failure.code) {
        case KRAIT_INVALID_ARGUMENT:
        case KRAIT_NOT_FOUND:
        case KRAIT_CORRUPT_FILE:
        case KRAIT_UNSUPPORTED:
        case KRAIT_IO: return kExitBadInput;
        case KRAIT_CANCELLED: return kExitInterrupted;
        default: return kExitFailure;
    }
}

void run_when_chosen(Command& command, std::function<api::Status()> body) {
    command.body([body = std::move(body)] {
        const auto done = body();
        return done ? kExitOk : report(done.failure());
    });
}

std::string counted(int64_t n, std::string_view noun) { return fmt::format("{} {}{}", n, noun, n == 1 ? "" : "s"); }

Option& add_tokenizer_option(Command& command, std::string& path) {
    return command
        .option("--tokenizer", path,
                fmt::format("a folder with {}, or that file itself, instead of the model's own tokenizer", kTokenizerFiles))
        .path("PATH")
        .not_empty("a folder or a file");
}

void ModelArguments::add_path(Command& command) {
    command.option("model", path, "GGUF file or Hugging Face folder; without it the demo model that ships with krait")
        .path("MODEL")
        .not_empty("a file or a folder");
    add_tokenizer_option(command, tokenizer);
}

static void add_placement(Command& command, ModelArguments& arguments) {
    constexpr const char* kGroup = "Several devices";
    command.option("--layers", arguments.layers, "how many layers each device takes: 20,4").value_name("N,N").group(kGroup);
    command.option("--split", arguments.split, "how the layers are shared out: 3,1 = three quarters and one")
        .value_name("N,N")
        .group(kGroup);
    command
        .option("--place", arguments.place,
                R"(nodes whose name or weight matches go to a device: 'blk\.[0-9]+\.ssm_out=cpu'; may be repeated)")
        .value_name("REGEX=DEVICE")
        .group(kGroup);
    command
        .option(
            "--max-memory", arguments.max_memory,
            "maximum that a device holds of weights, one sequence's states and the values of a run: cuda0=8G; may be repeated")
        .value_name("DEVICE=SIZE")
        .group(kGroup);
}

void ModelArguments::add_device(Command& command) {
    command
        .option("-d,--device", device,
                "where to run: a name from 'krait devices', with variant and options where wanted "
                "(cpu:avx2:threads=2); 'auto' = the best one; several with ',' between them share the model. Default: "
                "$KRAIT_DEVICE where set, else auto")
        .value_name("DEVICE")
        .suggest({"auto", "cpu", "reference", "vulkan0", "cuda0"})
        .not_empty("a device");
    command.option("--threads", threads, "threads of the device 'cpu' (which it chooses, where the device is auto)")
        .value_name("N")
        .in_range(1, 1024);
    command
        .option("--affinity", affinity,
                "processors that threads of the device 'cpu' are tied to: a list like 0-1 or 0,2-3; 'spread' = a core for "
                "each; 'none' (default)")
        .value_name("LIST")
        .suggest({"none", "spread"})
        .not_empty("processors");
    command.option("--no-mmap", no_mmap,
                   "read the file, tensor by tensor, instead of mapping it: for a file that others may write into meanwhile");
    command
        .option("--type", type,
                "quantize the matrices while loading, to a type that krait quantize knows, like q4_k; of models in F32, F16 or "
                "BF16")
        .value_name("TYPE")
        .suggest(words_of("F16, Q8_0, Q6_K, Q5_K_M, Q4_K, Q4_K_M, Q3_K_M"))
        .not_empty("a type");
    add_cache_type(command);
    add_placement(command, *this);
}

void ModelArguments::add_cache_type(Command& command) {
    command
        .option("--cache-type", cache_type,
                "how keys and values are kept, where a model has attention: f16 (default), f32, q8_0")
        .value_name("TYPE")
        .suggest(words_of("F16, F32, Q8_0"))
        .not_empty("a type");
}

void ModelArguments::add_explain(Command& command) {
    // A flag, which takes no argument of its own: the model's path may stand behind it.
    command
        .flag_with_value(
            "--explain", explain, "table",
            "show where each node runs and why, and stop; --explain=dot draws it for Graphviz, --explain=table is the default")
        .one_of({"table", "dot"})
        .group("Several devices");
}

api::Status print_explanation(const api::Model& model, int32_t n_tok, const std::string& form) {
    TOOLS_TRY(const std::string text, model.explain(n_tok, form == "dot" ? KRAIT_EXPLAIN_DOT : KRAIT_EXPLAIN_TABLE));
    print("{}", text);
    return api::Done{};
}

// The value of --affinity as a device's option has it: with '+' for ',', which in a list of devices separates these. Nothing
// but processors passes: a ':' or a name would be read as an option or a device.
static api::Result<std::string> affinity_option(const std::string& text) {
    if (text == "none" || text == "spread") return text;
    const auto is_number = [](std::string_view word) {
        return !word.empty() && word.find_first_not_of("0123456789") == std::string_view::npos;
    };
    std::string list = text;
    std::replace(list.begin(), list.end(), ',', '+');
    for (std::string_view rest = list;;) {
        const std::string_view word = rest.substr(0, rest.find('+'));
        const size_t dash = word.find('-');
        if (!is_number(word.substr(0, dash)) || (dash != std::string_view::npos && !is_number(word.substr(dash + 1))))
            return failure(
                KRAIT_INVALID_ARGUMENT,
                "--affinity {}: '{}' is no processor; it takes a list like 0-1 or 0,2-3 (or 0+2-3), 'spread' or 'none'",
                printable(text), printable(word));
        if (word.size() == rest.size()) return list;
        rest.remove_prefix(word.size() + 1);
    }
}

api::Result<std::string> ModelArguments::device_spec() const {
    std::string spec = !device.empty() ? device : environment::device().value_or("auto");
    if (!threads && affinity.empty()) return spec;
    if (spec == "auto") spec = "cpu";
    if (split_device_list(spec).size() > 1)
        return failure(KRAIT_INVALID_ARGUMENT,
                       "--threads and --affinity are for one device; of several each has its own: cuda0,cpu:threads=2");
    const auto parsed = parse_device_spec(spec);
    if (!parsed) return failure_of(parsed.error());
    std::string options;
    const auto add = [&](std::string_view key, std::string_view value) -> api::Status {
        if ((":" + parsed->options).find(fmt::format(":{}=", key)) != std::string::npos)
            return failure(KRAIT_INVALID_ARGUMENT, "--{} {} is given, and the device '{}' has the option too: give one of them",
                           key, value, spec);
        options += fmt::format(":{}={}", key, value);
        return api::Done{};
    };
    if (threads) TOOLS_CHECK(add("threads", std::to_string(*threads)));
    if (!affinity.empty()) {
        TOOLS_TRY(const std::string processors, affinity_option(affinity));
        TOOLS_CHECK(add("affinity", processors));
    }
    return spec + options;
}

api::Result<api::Model> ModelArguments::load_with(krait_model_options options) const {
    std::vector<const char*> rules, limits;
    for (const std::string& rule : place) rules.push_back(rule.c_str());
    for (const std::string& limit : max_memory) limits.push_back(limit.c_str());
    options.layers = layers ? layers->c_str() : nullptr;
    options.split = split ? split->c_str() : nullptr;
    options.place = rules.data();
    options.n_place = rules.size();
    options.max_memory = limits.data();
    options.n_max_memory = limits.size();
    options.no_mmap = no_mmap ? 1 : 0;
    options.type = type.empty() ? nullptr : type.c_str();
    options.tokenizer = tokenizer.empty() ? nullptr : tokenizer.c_str();
    options.cache_type = cache_type.empty() ? nullptr : cache_type.c_str();
    return api::Model::load_with(path, options);
}

api::Result<api::Model> ModelArguments::open() const {
    krait_model_options options = KRAIT_MODEL_OPTIONS_INIT;
    options.no_weights = 1;
    return load_with(options);
}

api::Result<api::Model> ModelArguments::load() const {
    krait_model_options options = KRAIT_MODEL_OPTIONS_INIT;
    std::string spec;
    if (!device.empty() || threads || !affinity.empty()) {  // else the library asks the environment, and names it in its errors
        TOOLS_TRY(spec, device_spec());
        options.device = spec.c_str();
    }
    std::optional<ProgressBar> bar(std::in_place, "loading", ProgressBar::Unit::bytes);
    options.user = &*bar;
    options.progress = [](void* user, uint64_t done, uint64_t total) {
        static_cast<ProgressBar*>(user)->update(done, total);
        return is_interrupted() ? 1 : 0;
    };
    auto model = load_with(options);
    bar.reset();  // it is gone before the warnings are printed
    if (model)
        for (const std::string& warning : model->warnings()) print_warning(warning);
    return model;
}

api::Result<std::vector<int32_t>> parse_tokens(std::string_view text) {
    constexpr std::string_view kSpace = " \n\r\t";
    std::vector<int32_t> tokens;
    bool wants_id = false;  // behind a comma
    for (size_t at = text.find_first_not_of(kSpace); at < text.size(); at = text.find_first_not_of(kSpace, at)) {
        const size_t end = std::min(text.find_first_of(", \n\r\t", at), text.size());
        const std::string_view word = text.substr(at, end - at);
        if (word.empty() && (wants_id || tokens.empty()))
            return failure(KRAIT_INVALID_ARGUMENT,
                           "token id {} is missing: a comma stands in its place; ids look like 12,7,4001", tokens.size() + 1);
        wants_id = word.empty();
        at = wants_id ? at + 1 : end;
        if (wants_id) continue;
        int32_t token = 0;
        const auto [last, ec] = std::from_chars(word.data(), word.data() + word.size(), token);
        if (ec != std::errc{} || last != word.data() + word.size())
            return failure(KRAIT_INVALID_ARGUMENT,
                           "'{}' is no token id, and stands in the place of id {}; ids look like 12,7,4001", word,
                           tokens.size() + 1);
        tokens.push_back(token);
    }
    if (wants_id)
        return failure(KRAIT_INVALID_ARGUMENT, "token id {} is missing: the list ends with a comma; ids look like 12,7,4001",
                       tokens.size() + 1);
    return tokens;
}

bool begins_twice(const api::Model& model, std::span<const int32_t> tokens) {
    const int32_t bos = model.bos();
    return bos >= 0 && tokens.size() > 1 && tokens[0] == bos && tokens[1] == bos;
}

std::vector<std::string> words_of(std::string_view list) {
    std::vector<std::string> words;
    for (size_t from = 0; from < list.size();) {
        const size_t end = std::min(list.find(", ", from), list.size());
        std::string& word = words.emplace_back(list.substr(from, end - from));
        std::transform(word.begin(), word.end(), word.begin(), [](unsigned char c) { return std::tolower(c); });
        from = end + 2;
    }
    return words;
}

}  // namespace krait::tools
