// SPDX-License-Identifier: Apache-2.0
#include "tools/messages.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/base/json_error.hpp"

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

constexpr int kMaxDepth = 128;  // that of chat templates; the library destroys and prints values by recursion

static bool has_role(const Json& message) {
    const auto role = message.is_object() ? message.find("role") : message.end();
    return role != message.end() && role->is_string();
}

struct TooDeep {};

api::Result<Messages> Messages::parse(std::string_view text, const std::string& name) {
    Json json;
    try {
        json = Json::parse(text, [](int depth, Json::parse_event_t event, const Json&) {
            const bool begins = event == Json::parse_event_t::array_start || event == Json::parse_event_t::object_start;
            if (begins && depth >= kMaxDepth) throw TooDeep();
            return true;
        });
    } catch (const TooDeep&) {
        return failure(KRAIT_INVALID_ARGUMENT, "{}: values are nested more than {} deep", name, kMaxDepth);
    } catch (const Json::exception& error) {
        return failure(KRAIT_INVALID_ARGUMENT, "{}: {}", name, json_error_text(error.what()));
    }
    Messages messages;
    if (json.is_object() && json.contains("messages")) {
        messages.document_->list = std::move(json["messages"]);
        json.erase("messages");
        messages.document_->others = std::move(json);
    } else {
        messages.document_->list = std::move(json);
    }
    constexpr const char* kExample = R"([{"role": "user", "content": "Hello"}])";
    const Json& list = messages.document_->list;
    if (!list.is_array())
        return failure(KRAIT_INVALID_ARGUMENT, "{}: neither a list of messages, like {}, nor an object with \"messages\"", name,
                       kExample);
    for (size_t i = 0; i < list.size(); ++i)
        if (!has_role(list[i]))
            return failure(KRAIT_INVALID_ARGUMENT,
                           "{}: message {} of {} is no object with a text as \"role\"; messages look like {}", name, i + 1,
                           list.size(), kExample);
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
