// SPDX-License-Identifier: Apache-2.0
#include "tools/serve_log.hpp"

#include <fmt/chrono.h>

#include <ctime>
#include <nlohmann/json.hpp>

#include "tools/output.hpp"
#include "tools/shown.hpp"

namespace krait::tools {

static std::string time_text() { return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr))); }

static void print_text(const server::RequestRecord& record) {
    print_error("{} {} {} {} {:.1f} ms{}{} {}\n", time_text(), record.method, printable(record.path), record.status,
                record.seconds * 1e3, record.client.empty() ? "" : ", ", record.client, record.id);
}

static void print_json(const server::RequestRecord& record) {
    const nlohmann::ordered_json json{{"time", time_text()},      {"request_id", record.id}, {"method", record.method},
                                      {"path", record.path},      {"status", record.status}, {"client", record.client},
                                      {"seconds", record.seconds}};
    print_error("{}\n", json.dump(-1, ' ', true, nlohmann::ordered_json::error_handler_t::replace));
}

std::function<void(const server::RequestRecord&)> request_log(const std::string& format) {
    if (format == "text") return print_text;
    if (format == "json") return print_json;
    return nullptr;
}

}  // namespace krait::tools
