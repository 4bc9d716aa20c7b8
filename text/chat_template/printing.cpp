// SPDX-License-Identifier: Apache-2.0
#include "text/chat_template/printing.hpp"

#include <charconv>
#include <cmath>

#include "text/chat_template/callable.hpp"
#include "text/chat_template/characters.hpp"
#include "text/chat_template/escaping.hpp"

namespace krait::chat {
namespace {

class Repr {
  public:
    explicit Repr(TextBuilder& out) : out_(out) {}

    Result<void> write(const Value& value) {
        if (!out_.step()) return {};
        if (depth_ == kMaxNesting)
            return fail(ErrorCode::invalid_argument, "the value holds values that are nested more than {} deep", kMaxNesting);
        ++depth_;
        switch (value.kind) {
            case Kind::undefined: out_.append("Undefined"); break;
            case Kind::none: out_.append("None"); break;
            case Kind::boolean: out_.append(value.boolean ? "True" : "False"); break;
            case Kind::integer: out_.append(fmt::format("{}", value.integer)); break;
            case Kind::real: out_.append(real_text(value.real)); break;
            case Kind::text: quoted(value.text->marked); break;
            case Kind::list: KRAIT_CHECK(list(*value.list)); break;
            case Kind::dict: KRAIT_CHECK(dict(*value.dict)); break;
            case Kind::names:
                out_.append("<Namespace ");
                KRAIT_CHECK(dict(*value.dict));
                out_.append(">");
                break;
            case Kind::callable:
                out_.append(value.callable->macro ? fmt::format("<Macro '{}'>", value.callable->name)
                                                  : fmt::format("<function {}>", value.callable->name));
                break;
            case Kind::loop: out_.append("<LoopContext>"); break;
        }
        --depth_;
        return {};
    }

  private:
    Result<void> list(const List& list) {
        const bool is_tuple = list.flavor == Flavor::tuple;
        if (list.flavor == Flavor::generator) {
            out_.append("<generator>");
            return {};
        }
        if (list.flavor == Flavor::range) {
            const size_t n = list.items.size();
            out_.append(n == 0 ? "range(0, 0)"
                               : fmt::format("range({}, {})", list.items[0].integer, list.items[n - 1].integer + 1));
            return {};
        }
        if (list.flavor == Flavor::view) out_.append("dict_items(");
        out_.append(is_tuple ? "(" : "[");
        bool first = true;
        for (const Value& item : list.items) {
            if (!first) out_.append(", ");
            first = false;
            KRAIT_CHECK(write(item));
        }
        if (is_tuple && list.items.size() == 1) out_.append(",");
        out_.append(is_tuple ? ")" : "]");
        if (list.flavor == Flavor::view) out_.append(")");
        return {};
    }

    Result<void> dict(const Dict& dict) {
        out_.append("{");
        bool first = true;
        for (const auto& [key, value] : dict.entries) {
            if (!first) out_.append(", ");
            first = false;
            KRAIT_CHECK(write(key));
            out_.append(": ");
            KRAIT_CHECK(write(value));
        }
        out_.append("}");
        return {};
    }

    // In single quotes, unless the text holds those and no double ones.
    void quoted(const MarkedText& text) {
        const std::string_view bytes = text.bytes;
        const bool has_single = bytes.find('\'') != bytes.npos, has_double = bytes.find('"') != bytes.npos;
        const char mark = has_single && !has_double ? '"' : '\'';
        append_quoted(
            text, mark, [mark](char32_t point) { return escape(point, mark); }, out_);
    }

    static std::string escape(char32_t point, char mark) {  // empty: as it is
        if (point == '\\') return "\\\\";
        if (point == static_cast<char32_t>(mark)) return std::string("\\") + mark;
        if (point == '\n') return "\\n";
        if (point == '\r') return "\\r";
        if (point == '\t') return "\\t";
        if (is_printable(point)) return {};
        const auto number = static_cast<uint32_t>(point);
        if (number < 0x100) return fmt::format("\\x{:02x}", number);
        return number < 0x10000 ? fmt::format("\\u{:04x}", number) : fmt::format("\\U{:08x}", number);
    }

    TextBuilder& out_;
    uint32_t depth_ = 0;
};

}  // namespace

std::string real_text(double value) {
    if (std::isnan(value)) return "nan";
    if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
    std::array<char, 32> buffer{};
    const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::scientific).ptr;
    std::string_view digits(buffer.data(), static_cast<size_t>(end - buffer.data()));
    const size_t mark = digits.find('e');
    int exponent = 0;
    std::string_view exponent_text = digits.substr(mark + 1);
    if (exponent_text.starts_with('+')) exponent_text.remove_prefix(1);
    std::from_chars(exponent_text.data(), exponent_text.data() + exponent_text.size(), exponent);
    if (exponent < -4 || exponent >= 16)
        return std::string(digits);  // at least two digits of the exponent, as to_chars has them
    std::string text = fmt::format("{}", std::signbit(value) ? "-" : "");
    std::string all;
    for (const char c : digits.substr(0, mark)) {
        if (c >= '0' && c <= '9') all += c;
    }
    if (exponent < 0) return text + "0." + std::string(static_cast<size_t>(-exponent - 1), '0') + all;
    const auto whole = static_cast<size_t>(exponent) + 1;
    if (all.size() <= whole) return text + all + std::string(whole - all.size(), '0') + ".0";
    return text + all.substr(0, whole) + "." + all.substr(whole);
}

Result<void> print(const Value& value, TextBuilder& out) {
    if (value.is(Kind::undefined)) return {};
    if (!value.is(Kind::text)) return print_repr(value, out);
    out.append(value.text->marked);
    return {};
}

Result<void> print_repr(const Value& value, TextBuilder& out) { return Repr(out).write(value); }

Result<Value> to_text(const Value& value, Heap& heap) {
    if (value.is(Kind::text)) return value;
    TextBuilder builder(heap.budget());
    KRAIT_CHECK(print(value, builder));
    return heap.text(builder);
}

}  // namespace krait::chat
