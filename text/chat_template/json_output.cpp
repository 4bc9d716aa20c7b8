// SPDX-License-Identifier: Apache-2.0
//
// json.dumps() of Python's json, with the options that transformers gives tojson.
#include <algorithm>
#include <cmath>

#include "text/chat_template/escaping.hpp"
#include "text/chat_template/printing.hpp"

namespace krait::chat {
namespace {

class JsonWriter {
  public:
    JsonWriter(const JsonStyle& style, TextBuilder& out) : style_(style), out_(out) {}

    Result<void> write(const Value& value) {
        if (!out_.step()) return {};
        switch (value.kind) {
            case Kind::none: out_.append("null"); return {};
            case Kind::boolean: out_.append(value.boolean ? "true" : "false"); return {};
            case Kind::integer: out_.append(fmt::format("{}", value.integer)); return {};
            case Kind::real: out_.append(number(value.real)); return {};
            case Kind::text:
                append_quoted(
                    value.text->marked, '"', [this](char32_t point) { return escape(point); }, out_);
                return {};
            case Kind::dict: return nested([&] { return dict(*value.dict); });
            case Kind::list:
                if (value.list->flavor == Flavor::list || value.list->flavor == Flavor::tuple)
                    return nested([&] { return list(*value.list); });
                break;
            default: break;
        }
        return fail(ErrorCode::invalid_argument, "a value of the type {} has no JSON form", type_name(value));
    }

  private:
    static std::string number(double value) {
        if (std::isnan(value)) return "NaN";
        if (std::isinf(value)) return value < 0 ? "-Infinity" : "Infinity";
        return real_text(value);
    }

    template <class Body>
    Result<void> nested(Body&& body) {
        if (depth_ == kMaxNesting)
            return fail(ErrorCode::invalid_argument, "the value holds values that are nested more than {} deep", kMaxNesting);
        ++depth_;
        KRAIT_CHECK(body());
        --depth_;
        return {};
    }

    void new_line(uint32_t depth) {
        if (!style_.indent) return;
        out_.append("\n");
        for (uint32_t i = 0; i < depth; ++i) out_.append(*style_.indent);
    }

    Result<void> list(const List& list) {
        if (list.items.empty()) {
            out_.append("[]");
            return {};
        }
        out_.append("[");
        bool first = true;
        for (const Value& item : list.items) {
            if (!first) out_.append(style_.item_separator);
            first = false;
            new_line(depth_);
            KRAIT_CHECK(write(item));
        }
        new_line(depth_ - 1);
        out_.append("]");
        return {};
    }

    Result<void> dict(const Dict& dict) {
        if (dict.entries.empty()) {
            out_.append("{}");
            return {};
        }
        std::vector<std::pair<Value, Value>> sorted;
        if (style_.sort_keys) {
            sorted = dict.entries;
            for (const auto& [key, value] : sorted) {
                if (!key.is(Kind::text)) return fail(ErrorCode::invalid_argument, "keys that are no texts cannot be sorted");
            }
            std::ranges::sort(sorted, {}, [](const auto& entry) { return bytes_of(entry.first); });
        }
        out_.append("{");
        bool first = true;
        for (const auto& [key, value] : style_.sort_keys ? sorted : dict.entries) {
            if (!first) out_.append(style_.item_separator);
            first = false;
            new_line(depth_);
            KRAIT_CHECK(write_key(key));
            out_.append(style_.key_separator);
            KRAIT_CHECK(write(value));
        }
        new_line(depth_ - 1);
        out_.append("}");
        return {};
    }

    Result<void> write_key(const Value& key) {
        if (key.is(Kind::text)) return write(key);
        if (!key.is_number() && !key.is(Kind::none))
            return fail(ErrorCode::invalid_argument,
                        "keys of JSON are texts, numbers, booleans or none, and this one is of the type {}", type_name(key));
        out_.append("\"");
        KRAIT_CHECK(write(key));
        out_.append("\"");
        return {};
    }

    std::string escape(char32_t point) const {  // empty: as it is
        switch (point) {
            case '"': return "\\\"";
            case '\\': return "\\\\";
            case '\n': return "\\n";
            case '\r': return "\\r";
            case '\t': return "\\t";
            case '\b': return "\\b";
            case '\f': return "\\f";
            default: break;
        }
        const auto number = static_cast<uint32_t>(point);
        if (number >= 0x20 && (!style_.ensure_ascii || number < 0x7F)) return {};
        if (number < 0x10000) return fmt::format("\\u{:04x}", number);
        const uint32_t rest = number - 0x10000;
        return fmt::format("\\u{:04x}\\u{:04x}", 0xD800 + (rest >> 10), 0xDC00 + (rest & 0x3FF));
    }

    const JsonStyle& style_;
    TextBuilder& out_;
    uint32_t depth_ = 0;
};

}  // namespace

Result<void> print_json(const Value& value, const JsonStyle& style, TextBuilder& out) {
    return JsonWriter(style, out).write(value);
}

}  // namespace krait::chat
