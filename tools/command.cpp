// SPDX-License-Identifier: Apache-2.0
#include "tools/command.hpp"
#include "tools/log.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>

#include "core/base/environment.hpp"
#include "core/base/printable.hpp"
#include "models/demo/demo_model.hpp"
#include "models/explain.hpp"
#include "tools/output.hpp"
#include "tools/progress_bar.hpp"

namespace krait::tools {

int report(const Error& error) {
    print_error("krait: {}\n", error.message);
    switch (error.code) {
        case ErrorCode::invalid_argument:
        case ErrorCode::not_found:
        case ErrorCode::corrupt_file:
        case ErrorCode::unsupported:
        case ErrorCode::io: return kExitBadInput;
        case ErrorCode::cancelled: return kExitInterrupted;
        default: return kExitFailure;
    }
}

void run_when_chosen(Command& command, std::function<Result<void>()> body) {
    command.body([body = std::move(body)] {
        const auto done = body();
        return done ? kExitOk : report(done.error());
    });
}

std::string counted(int64_t n, std::string_view noun) { return fmt::format("{} {}{}", n, noun, n == 1 ? "" : "s"); }

void ModelArguments::add_path(Command& command) {
    command.option("model", path, "GGUF file; without it the demo model that ships with krait")
        .path("MODEL")
        .not_empty("a file");
}

static void add_placement(Command& command, PlacementTexts& placement) {
    constexpr const char* kGroup = "Several devices";
    command.option("--layers", placement.layers, "how many layers each device takes: 20,4").value_name("N,N").group(kGroup);
    command.option("--split", placement.split, "how the layers are shared out: 3,1 = three quarters and one")
        .value_name("N,N")
        .group(kGroup);
    command
        .option("--place", placement.place,
                R"(nodes whose name or weight matches go to a device: 'blk\.[0-9]+\.ssm_out=cpu'; may be repeated)")
        .value_name("REGEX=DEVICE")
        .group(kGroup);
    command
        .option("--max-memory", placement.max_memory,
                "most that a device holds of weights, one sequence's states and the values of a run: cuda0=8G; may be repeated")
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
    add_placement(command, placement);
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

Result<void> print_explanation(const Model& model, int64_t n_tok, const std::string& form) {
    KRAIT_TRY(const std::string text,
              explain(model, {.n_tok = n_tok, .n_seq = 1, .n_out = 1}, form == "dot" ? ExplainForm::dot : ExplainForm::table));
    print("{}", text);
    return {};
}

// The value of --affinity as a device's option has it: with '+' for ',', which in a list of devices separates these. Nothing
// but processors passes: a ':' or a name would be read as an option or a device.
static Result<std::string> affinity_option(const std::string& text) {
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
            return fail(ErrorCode::invalid_argument,
                        "--affinity {}: '{}' is no processor; it takes a list like 0-1 or 0,2-3 (or 0+2-3), 'spread' or 'none'",
                        printable(text), printable(word));
        if (word.size() == rest.size()) return list;
        rest.remove_prefix(word.size() + 1);
    }
}

Result<std::string> ModelArguments::device_spec() const {
    std::string spec = !device.empty() ? device : environment::device().value_or("auto");
    if (!threads && affinity.empty()) return spec;
    if (spec == "auto") spec = "cpu";
    if (split_device_list(spec).size() > 1)
        return fail(ErrorCode::invalid_argument,
                    "--threads and --affinity are for one device; of several each has its own: cuda0,cpu:threads=2");
    KRAIT_TRY(const DeviceSpec parsed, parse_device_spec(spec));
    std::string options;
    const auto add = [&](std::string_view key, std::string_view value) -> Result<void> {
        if ((":" + parsed.options).find(fmt::format(":{}=", key)) != std::string::npos)
            return fail(ErrorCode::invalid_argument,
                        "--{} {} is given, and the device '{}' has the option too: give one of them", key, value, spec);
        options += fmt::format(":{}={}", key, value);
        return {};
    };
    if (threads) KRAIT_CHECK(add("threads", std::to_string(*threads)));
    if (!affinity.empty()) {
        KRAIT_TRY(const std::string processors, affinity_option(affinity));
        KRAIT_CHECK(add("affinity", processors));
    }
    return spec + options;
}

Result<GgufFile> ModelArguments::open() const {
    if (path.empty()) return GgufFile::parse(demo_model_bytes(), "the demo model");
    return GgufFile::open(path, no_mmap ? GgufAccess::read : GgufAccess::mapped);
}

Result<std::shared_ptr<const Model>> ModelArguments::load() const {
    // What the environment says is read where a device is opened, which then names it in its errors.
    const bool by_environment = device.empty() && !threads && affinity.empty();
    KRAIT_TRY(const std::string spec, by_environment ? Result<std::string>("") : device_spec());
    KRAIT_TRY(const PlacementOptions where, placement.parse());
    KRAIT_TRY(GgufFile file, open());
    auto model = [&] {
        ProgressBar bar("loading", ProgressBar::Unit::bytes);  // gone before the warnings are printed
        const auto show = [&](uint64_t done, uint64_t total) {
            bar.update(done, total);
            return true;
        };
        return Model::load(std::move(file), {.device = spec, .placement = where, .progress = show});
    }();
    if (model)
        for (const std::string& warning : (*model)->warnings()) print_warning(warning);
    return model;
}

Result<std::vector<int32_t>> parse_tokens(std::string_view text) {
    constexpr std::string_view kSpace = " \n\r\t";
    std::vector<int32_t> tokens;
    bool wants_id = false;  // behind a comma
    for (size_t at = text.find_first_not_of(kSpace); at < text.size(); at = text.find_first_not_of(kSpace, at)) {
        const size_t end = std::min(text.find_first_of(", \n\r\t", at), text.size());
        const std::string_view word = text.substr(at, end - at);
        if (word.empty() && (wants_id || tokens.empty()))
            return fail(ErrorCode::invalid_argument,
                        "token id {} is missing: a comma stands in its place; ids look like 12,7,4001", tokens.size() + 1);
        wants_id = word.empty();
        at = wants_id ? at + 1 : end;
        if (wants_id) continue;
        int32_t token = 0;
        const auto [last, ec] = std::from_chars(word.data(), word.data() + word.size(), token);
        if (ec != std::errc{} || last != word.data() + word.size())
            return fail(ErrorCode::invalid_argument,
                        "'{}' is no token id, and stands in the place of id {}; ids look like 12,7,4001", word,
                        tokens.size() + 1);
        tokens.push_back(token);
    }
    if (wants_id)
        return fail(ErrorCode::invalid_argument, "token id {} is missing: the list ends with a comma; ids look like 12,7,4001",
                    tokens.size() + 1);
    return tokens;
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
