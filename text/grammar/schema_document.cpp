// SPDX-License-Identifier: Apache-2.0
#include "text/grammar/schema_document.hpp"

#include <algorithm>
#include <vector>

#include "core/base/json_error.hpp"
#include "core/base/printable.hpp"
#include "text/grammar/limits.hpp"

namespace krait::grammar {
namespace {

// Before anything is built: values inside each other are freed and printed by recursion.
Result<void> check_nesting(std::string_view source) {
    uint32_t depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < source.size(); ++i) {
        const char c = source[i];
        if (in_string) {
            if (c == '\\') ++i;
            else if (c == '"') in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '[' || c == '{') {
            if (++depth > kMaxSchemaNesting)
                return fail(ErrorCode::invalid_argument, "the schema, byte {}: values are nested more than {} deep", i,
                            kMaxSchemaNesting);
        } else if ((c == ']' || c == '}') && depth > 0) {
            --depth;
        }
    }
    return {};
}

std::string unescape_step(std::string_view step) {
    std::string text;
    for (size_t i = 0; i < step.size(); ++i) {
        const auto hex = [&](size_t at) {
            return at < step.size() ? std::string_view("0123456789abcdef").find(static_cast<char>(step[at] | 0x20))
                                    : std::string_view::npos;
        };
        if (step[i] == '%' && hex(i + 1) < 16 && hex(i + 2) < 16) {
            text += static_cast<char>(hex(i + 1) * 16 + hex(i + 2));
            i += 2;
        } else if (step[i] == '~' && i + 1 < step.size() && (step[i + 1] == '0' || step[i + 1] == '1')) {
            text += step[++i] == '0' ? '~' : '/';
        } else {
            text += step[i];
        }
    }
    return text;
}

}  // namespace

Result<SchemaDocument> SchemaDocument::read(std::string_view source) {
    if (source.size() > kMaxSourceBytes)
        return fail(ErrorCode::invalid_argument, "the schema has {} bytes: at most {} are possible", source.size(),
                    kMaxSourceBytes);
    KRAIT_CHECK(check_nesting(source));
    SchemaDocument document;
    try {
        document.root_ = std::make_unique<const Json>(Json::parse(source));
    } catch (const Json::exception& exception) {
        return fail(ErrorCode::invalid_argument, "the schema is no JSON: {}", printable(json_error_text(exception.what())));
    }
    document.find_places();
    return document;
}

void SchemaDocument::find_places() {
    std::vector<const Json*> open{root_.get()};
    size_t order = 0;
    while (!open.empty()) {
        const Json& value = *open.back();
        open.pop_back();
        places_[&value].order = order++;
        if (const auto anchor = value.is_object() ? value.find("$anchor") : value.end();
            value.is_object() && anchor != value.end() && anchor->is_string())
            anchors_.try_emplace(anchor->get<std::string>(), &value);
        if (!value.is_structured()) continue;
        size_t index = 0;
        const size_t begin = open.size();
        for (auto member = value.begin(); member != value.end(); ++member, ++index) {
            places_.emplace(&*member, Place{&value, value.is_object() ? member.key() : fmt::format("{}", index)});
            open.push_back(&*member);
        }
        std::reverse(open.begin() + static_cast<ptrdiff_t>(begin), open.end());
    }
}

std::string SchemaDocument::path(const Json& value) const {
    std::vector<const std::string*> steps;
    for (auto place = places_.find(&value); place != places_.end() && place->second.parent;
         place = places_.find(place->second.parent))
        steps.push_back(&place->second.step);
    std::string path = "#";
    for (auto step = steps.rbegin(); step != steps.rend(); ++step) path += "/" + printable(**step);
    return path;
}

Result<const Json*> SchemaDocument::resolve(std::string_view reference) const {
    std::string_view rest = reference;
    if (const auto id = root_->is_object() ? root_->find("$id") : root_->end();
        root_->is_object() && id != root_->end() && id->is_string())
        if (const auto& name = id->get_ref<const std::string&>(); !name.empty() && rest.starts_with(name))
            rest.remove_prefix(name.size());
    if (rest.empty() && !reference.empty()) return root_.get();
    if (!rest.starts_with('#'))
        return fail(ErrorCode::invalid_argument, "{} is outside of this schema; references within it begin with '#'",
                    quote(reference));
    rest.remove_prefix(1);
    if (!rest.empty() && !rest.starts_with('/')) {
        const auto anchor = anchors_.find(unescape_step(rest));
        if (anchor == anchors_.end()) return fail(ErrorCode::invalid_argument, "{} is nowhere in the schema", quote(reference));
        return anchor->second;
    }
    const Json* at = root_.get();
    while (!rest.empty()) {
        rest.remove_prefix(1);
        const std::string step = unescape_step(rest.substr(0, rest.find('/')));
        rest.remove_prefix(std::min(rest.find('/'), rest.size()));
        const Json* next = nullptr;
        if (at->is_object() && at->contains(step)) next = &(*at)[step];
        const bool is_index = !step.empty() && step.size() < 10 && step.find_first_not_of("0123456789") == step.npos;
        if (at->is_array() && is_index && std::stoul(step) < at->size()) next = &(*at)[std::stoul(step)];
        if (!next) return fail(ErrorCode::invalid_argument, "{} is nowhere in the schema", quote(reference));
        at = next;
    }
    return at;
}

}  // namespace krait::grammar
