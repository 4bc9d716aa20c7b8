// SPDX-License-Identifier: Apache-2.0
#include "server/request_fields.hpp"

#include <fmt/format.h>

namespace krait::server {

void check_model(Fields& fields, const ServedModel& model) {
    const std::string name = fields.text("model").value_or("");
    if (name.empty() || name == "default" || name == model.name() || name == model.name() + ":latest") return;
    fields.fail({.status = 404,
                 .message = fmt::format("the model '{}' is not served here; '{}' is", name, model.name()),
                 .param = "model",
                 .code = "model_not_found"});
}

std::vector<std::string> read_stops(Fields& fields, std::string_view name) {
    std::vector<std::string> stops = fields.texts(name, kMaxStops);
    for (const std::string& stop : stops) {
        if (stop.empty()) fields.fail(name, "has an empty text");
        if (stop.find('\0') != std::string::npos) fields.fail(name, "has a text with a NUL in it");
    }
    return stops;
}

Result<Json> read_text_content(const Json& content, const std::string& path) {
    if (content.is_null() || content.is_string()) return content;
    if (!content.is_array()) return unexpected(bad_request(path, "has to be a text or a list of parts"));
    std::string text;
    for (size_t i = 0; i < content.size(); ++i) {
        if (!content[i].is_object()) return unexpected(bad_request(fmt::format("{}.{}", path, i), "has to be an object"));
        Fields part(content[i], fmt::format("{}.{}", path, i));
        const std::string type = part.text("type").value_or("");
        if (!part.error() && type != "text" && type != "input_text" && type != "output_text")
            return unexpected(not_supported(part.path_of("type"), "the models read text alone"));
        const auto piece = part.text("text");
        if (!piece) part.fail("text", "is missing");
        if (part.error()) return unexpected(*part.error());
        text += *piece;
    }
    return Json(text);
}

}  // namespace krait::server
