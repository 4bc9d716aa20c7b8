// SPDX-License-Identifier: Apache-2.0
//
// krait serve: a model behind HTTP (docs/server.md).
#include <sys/resource.h>

#include <algorithm>

#include "server/server.hpp"
#include "tools/command.hpp"
#include "tools/log.hpp"
#include "tools/output.hpp"
#include "tools/serve_log.hpp"

namespace krait::tools {
namespace {

struct Arguments {
    ModelArguments model;
    server::ServerOptions server;
    krait_engine_options engine = KRAIT_ENGINE_OPTIONS_INIT;
    std::string alias, chat_template, keys, log = "text", folder;
    int32_t port = 8080;
    int64_t drain_seconds = 30, host_cache_mib = 256, folder_mib = 0, step_ms = 50, max_connections = 4096, max_body_mib = 32;
};

std::string_view without_spaces(std::string_view line) {
    constexpr std::string_view kSpaces = " \t\r";
    line.remove_prefix(std::min(line.find_first_not_of(kSpaces), line.size()));
    return line.substr(0, line.find_last_not_of(kSpaces) + 1);
}

// One key a line; empty lines and those that begin with '#' are none.
api::Result<std::vector<std::string>> read_keys(const std::string& path) {
    constexpr size_t kMinBytes = 16;
    std::vector<std::string> keys;
    TOOLS_TRY(const std::string text, read_text(path));
    for (std::string_view rest = text; !rest.empty();) {
        const std::string_view line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(rest.size(), line.size() + 1));
        const std::string_view key = without_spaces(line);
        if (key.empty() || key.starts_with('#')) continue;
        if (key.size() < kMinBytes)
            return failure(KRAIT_INVALID_ARGUMENT, "{}: key {} has {} bytes: at least {}, which nobody guesses",
                           printable(path), keys.size() + 1, key.size(), kMinBytes);
        keys.emplace_back(key);
    }
    if (keys.empty()) return failure(KRAIT_INVALID_ARGUMENT, "{} has no keys: one a line", printable(path));
    return keys;
}

// Connections are files.
void raise_file_limit(size_t wanted) {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    const rlim_t enough = std::min<rlim_t>(limit.rlim_max, wanted + 256);
    if (limit.rlim_cur >= enough) return;
    limit.rlim_cur = enough;
    setrlimit(RLIMIT_NOFILE, &limit);
}

api::Result<std::unique_ptr<server::ServedModel>> load(const Arguments& arguments) {
    server::ServedModel::Options options;
    options.name = arguments.alias;
    if (!arguments.chat_template.empty()) {
        TOOLS_TRY(options.chat_template, read_text(arguments.chat_template));
    }
    options.engine = arguments.engine;
    options.engine.max_batch_tokens = std::max(options.engine.max_batch_tokens, options.engine.max_sequences);
    options.engine.step_seconds = static_cast<double>(arguments.step_ms) / 1e3;
    options.engine.max_host_bytes = static_cast<uint64_t>(arguments.host_cache_mib) << 20;
    options.engine.folder = arguments.folder.empty() ? nullptr : arguments.folder.c_str();
    options.engine.max_folder_bytes = static_cast<uint64_t>(arguments.folder_mib) << 20;
    TOOLS_TRY(api::Model model, arguments.model.load());
    return server::ServedModel::create(std::move(model), options);
}

api::Status serve(Arguments& arguments) {
    server::ServerOptions& options = arguments.server;
    if (!arguments.keys.empty()) {
        TOOLS_TRY(options.keys, read_keys(arguments.keys));
    }
    options.port = static_cast<uint16_t>(arguments.port);
    options.drain_time = std::chrono::seconds(arguments.drain_seconds);
    options.limits.max_connections = static_cast<size_t>(arguments.max_connections);
    options.limits.max_body_bytes = static_cast<size_t>(arguments.max_body_mib) << 20;
    options.log = request_log(arguments.log);
    raise_file_limit(options.limits.max_connections);
    TOOLS_TRY(auto model, load(arguments));
    if (model->template_origin() == "plain")
        print_warning("the model has no chat template: chats are texts with empty lines between them");
    TOOLS_TRY(const auto server, server::Server::create(std::move(model), options));
    print_error("{} on {}, {}\n", server->model().name(), server->model().model().device(), server->url());
    const int signal = server->run();
    print_error("ended by signal {}\n", signal);
    return api::Done{};
}

void add_engine_options(Command& command, Arguments& arguments) {
    constexpr const char* kGroup = "Engine";
    krait_engine_options& engine = arguments.engine;
    command.option("--slots", engine.max_sequences, "answers in progress at the same time; each takes the memory of a state")
        .in_range(1, 65535)
        .show_default()
        .group(kGroup);
    command.option("--snapshots", engine.max_snapshots, "prefixes that are kept on the device; each takes a state; 0 = none")
        .in_range(0, 65536)
        .show_default()
        .group(kGroup);
    command.option("--batch", engine.max_batch_tokens, "max tokens of a step")
        .in_range(1, 1 << 20)
        .show_default()
        .group(kGroup);
    command.option("--step-ms", arguments.step_ms, "for how long a step may read prompts while answers are in progress")
        .in_range(1, 60000)
        .show_default()
        .group(kGroup);
    command.option("--queue", engine.max_waiting_requests, "prompts that may wait; one more is answered with 503")
        .in_range(1, 1 << 20)
        .show_default()
        .group(kGroup);
    command.option("--host-cache", arguments.host_cache_mib, "MiB of host memory for prefixes that lose their place")
        .in_range(0, 1 << 30)
        .show_default()
        .group(kGroup);
    command.option("--cache-folder", arguments.folder, "keep prefixes there, beyond the end of the server")
        .path("FOLDER")
        .group(kGroup);
    command.option("--cache-folder-size", arguments.folder_mib, "MiB of that folder; 0 = no limit")
        .in_range(0, 1 << 30)
        .show_default()
        .group(kGroup);
    command
        .option("--max-tokens", arguments.server.max_answer_tokens,
                "most tokens of an answer, and the number where a chat names none")
        .in_range(1, INT32_MAX)
        .show_default()
        .group(kGroup);
}

void add_http_options(Command& command, Arguments& arguments) {
    server::ServerOptions& server = arguments.server;
    command.option("--host", server.host, "address to listen on; beyond 127.0.0.1 it needs --api-keys")
        .value_name("ADDRESS")
        .not_empty("an address")
        .show_default();
    command.option("--port", arguments.port, "port; 0 = any that is free").in_range(0, 65535).show_default();
    command.option("--api-keys", arguments.keys, "keys that clients need, one a line").path("FILE");
    command.option("--allowed-host", server.allowed_hosts, "a name by which browsers reach the server").value_name("NAME");
    command.option("--cors-origin", server.cors_origins, "an origin whose pages may use the server; '*' = all")
        .value_name("ORIGIN");
    command.option("--alias", arguments.alias, "the model's name for clients; default: its file's").value_name("NAME");
    command.option("--chat-template", arguments.chat_template, "a Jinja template instead of the model's").path("FILE");
    command.option("--max-connections", arguments.max_connections, "one more is answered with 503")
        .in_range(1, 1 << 20)
        .show_default();
    command.option("--max-body", arguments.max_body_mib, "MiB of a request").in_range(1, 1024).show_default();
    command.option("--drain-seconds", arguments.drain_seconds, "for answers in progress, after SIGTERM or Ctrl-C")
        .in_range(0, 86400)
        .show_default();
    command.option("--log", arguments.log, "a line for each request: text, json or none; prompts are in none of them")
        .one_of({"text", "json", "none"})
        .show_default();
}

}  // namespace

void add_serve_command(Command& program) {
    Command& command =
        program.command("serve", "Serve a model over HTTP, to clients of OpenAI, Anthropic, Ollama and llama.cpp");
    auto arguments = std::make_shared<Arguments>();
    arguments->engine.max_sequences = 16;
    arguments->model.add_path(command);
    add_http_options(command, *arguments);
    add_engine_options(command, *arguments);
    arguments->model.add_device(command);
    command.footer(
        "Examples:\n"
        "  krait serve                                                 the demo model at http://127.0.0.1:8080\n"
        "  krait serve model.gguf --port 9000 --slots 32               another model, for 32 answers at a time\n"
        "  krait serve model.gguf --host 0.0.0.0 --api-keys keys.txt   for other machines\n"
        "  krait serve model.gguf --cache-folder prefixes --log json   conversations go on where they were, after a restart");
    run_when_chosen(command, [arguments] { return serve(*arguments); });
}

}  // namespace krait::tools
