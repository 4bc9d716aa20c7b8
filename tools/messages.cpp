// SPDX-License-Identifier: Apache-2.0
#include "tools/messages.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace krait::tools {

using Json = nlohmann::ordered_json;

struct Messages::Document {
    Json others = Json::object();  // all but the messages
    Json list = Json::array();
};

Messages::Messages() : document_(std::make_unique<Document>()) {}
Messages::Messages(Messages&&) noexcept = default;
Messages& Messages::operator=(Messages&&) noexcept = default;
Messages::~Messages() = default;

static Json message_of(std::string_view role, std::string_view content) {
    return Json{{"role", std::string(role)}, {"content", std::string(content)}};
}

constexpr int kMaxDepth = 128;  // that of chat templates; the library goes down by recursion

static int depth_of(std::string_view json) {
    int depth = 0, max = 0;
    bool in_text = false;
    for (size_t i = 0; i < json.size(); ++i) {
        const char c = json[i];
        if (in_text) {
            if (c == '\\') ++i;
            else if (c == '"') in_text = false;
        } else if (c == '"') {
            in_text = true;
        } else if (c == '[' || c == '{') {
            max = std::max(max, ++depth);
        } else if (c == ']' || c == '}') {
            --depth;
        }
    }
    return max;
}

static bool has_role(const Json& message) {
    const auto role = message.is_object() ? message.find("role") : message.end();
    return role != message.end() && role->is_string();
}

api::Result<Messages> Messages::parse(std::string_view text, const std::string& name) {
    if (depth_of(text) > kMaxDepth)
        return failure(KRAIT_INVALID_ARGUMENT, "{}: values lie more than {} deep in each other", name, kMaxDepth);
    Json json;
    try {
        json = Json::parse(text);
    } catch (const Json::parse_error& error) {
        return failure(KRAIT_INVALID_ARGUMENT, "{}: no JSON from byte {} on", name, error.byte > 0 ? error.byte - 1 : 0);
    } catch (const Json::exception& error) {  // a number that no double holds
        return failure(KRAIT_INVALID_ARGUMENT, "{}: {}", name, error.what());
    }
    Messages messages;
    if (json.is_object() && json.contains("messages")) {
        messages.document_->list = std::move(json["messages"]);
        json.erase("messages");
        messages.document_->others = std::move(json);
    } else {
        messages.document_->list = std::move(json);
    }
    const Json& list = messages.document_->list;
    if (!list.is_array())
        return failure(KRAIT_INVALID_ARGUMENT, "{}: neither a list of messages nor an object with \"messages\"", name);
    for (size_t i = 0; i < list.size(); ++i)
        if (!has_role(list[i]))
            return failure(KRAIT_INVALID_ARGUMENT, "{}: message {} of {} is no object with a \"role\"", name, i + 1,
                           list.size());
    return messages;
}

void Messages::add(std::string_view role, std::string_view content) { document_->list.push_back(message_of(role, content)); }

void Messages::set_system(std::string_view content) {
    Json& list = document_->list;
    if (last_role().empty() || list.front()["role"] != "system") {
        if (!content.empty()) list.insert(list.begin(), message_of("system", content));
    } else if (content.empty()) {
        list.erase(0);
    } else {
        list.front()["content"] = std::string(content);
    }
}

std::string Messages::system() const {
    const Json& list = document_->list;
    if (list.empty() || list.front()["role"] != "system") return {};
    const Json content = list.front().value("content", Json());
    return content.is_string() ? content.get<std::string>() : content.dump();
}

bool Messages::undo() {
    Json& list = document_->list;
    for (size_t i = list.size(); i-- > 0;) {
        if (list[i]["role"] != "user") continue;
        list.erase(list.begin() + static_cast<ptrdiff_t>(i), list.end());
        return true;
    }
    return false;
}

void Messages::clear() {
    Json& list = document_->list;
    const bool has_system = !list.empty() && list.front()["role"] == "system";
    list.erase(list.begin() + (has_system ? 1 : 0), list.end());
}

Messages Messages::cleared() const {
    Messages copy;
    *copy.document_ = *document_;
    copy.clear();
    return copy;
}

size_t Messages::size() const { return document_->list.size(); }

std::string Messages::last_role() const {
    return document_->list.empty() ? std::string() : document_->list.back()["role"].get<std::string>();
}

std::string Messages::json(bool for_people) const {
    constexpr auto kReplace = Json::error_handler_t::replace;
    const int indent = for_people ? 2 : -1;
    if (document_->others.empty()) return document_->list.dump(indent, ' ', false, kReplace);
    Json all = document_->others;
    all["messages"] = document_->list;
    return all.dump(indent, ' ', false, kReplace);
}

}  // namespace krait::tools
