// SPDX-License-Identifier: Apache-2.0
#include "text/chat_template/percent_format.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include "core/base/printable.hpp"
#include "core/base/utf8.hpp"
#include "text/chat_template/characters.hpp"
#include "text/chat_template/operators.hpp"
#include "text/chat_template/printing.hpp"

namespace krait::chat {
namespace {

struct Spec {
    bool left = false, plus = false, blank = false, zeros = false, other_form = false;
    int64_t width = 0;
    std::optional<int64_t> precision;
    char type = 's';
};

Result<MarkedText> number_text(const Spec& spec, const Value& value) {
    if (!value.is_number())
        return fail(ErrorCode::invalid_argument, "%{} takes a number, and this is of the type {}", spec.type, type_name(value));
    const bool is_real = std::string_view("eEfFgG").find(spec.type) != std::string_view::npos;
    std::string digits;
    bool is_negative = false;
    if (is_real) {
        const double number = value.as_real();
        is_negative = std::signbit(number) && !std::isnan(number);
        const auto precision = static_cast<int>(spec.precision.value_or(6));
        std::string format = fmt::format("{{:{}.{}{}}}", spec.other_form ? "#" : "", precision, spec.type);
        digits = fmt::format(fmt::runtime(format), std::fabs(number));
    } else {
        if (value.is(Kind::real) && spec.type != 'd' && spec.type != 'i' && spec.type != 'u')
            return fail(ErrorCode::invalid_argument, "%{} takes an integer", spec.type);
        if (value.is(Kind::real) && !(std::fabs(value.real) < 9e18))
            return fail(ErrorCode::invalid_argument, "the number has more than 64 bits");
        const int64_t number = value.is(Kind::real) ? static_cast<int64_t>(value.real) : value.as_integer();
        is_negative = number < 0;
        const uint64_t magnitude = is_negative ? uint64_t{0} - static_cast<uint64_t>(number) : static_cast<uint64_t>(number);
        digits = spec.type == 'x'   ? fmt::format("{:x}", magnitude)
                 : spec.type == 'X' ? fmt::format("{:X}", magnitude)
                 : spec.type == 'o' ? fmt::format("{:o}", magnitude)
                                    : fmt::format("{}", magnitude);
        const auto least = static_cast<size_t>(spec.precision.value_or(0));
        if (digits.size() < least) digits.insert(0, least - digits.size(), '0');
        if (spec.other_form && (spec.type == 'x' || spec.type == 'X' || spec.type == 'o'))
            digits = std::string("0") + spec.type + digits;
    }
    const std::string sign = is_negative ? "-" : spec.plus ? "+" : spec.blank ? " " : "";
    if (spec.zeros && !spec.left) {
        const auto width = static_cast<size_t>(spec.width);
        if (sign.size() + digits.size() < width) digits.insert(0, width - sign.size() - digits.size(), '0');
    }
    return MarkedText{sign + digits, {}};
}

class PercentFormat {
  public:
    PercentFormat(const Value& format, const Value& values, Heap& heap)
        : format_(format.text->marked), text_(format_.bytes), values_(values), heap_(heap), out_(heap.budget()) {
        is_tuple_ = values.is(Kind::list) && values.list->flavor == Flavor::tuple;
    }

    Result<Value> run() {
        while (at_ < text_.size() && heap_.budget().step()) {
            const size_t mark = std::min(text_.find('%', at_), text_.size());
            out_.append(format_, at_, mark);
            at_ = mark;
            if (at_ < text_.size()) KRAIT_CHECK(place());
        }
        const size_t n = is_tuple_ ? values_.list->items.size() : 1;
        // Python lets whatever can be indexed go unused, but for tuples and texts; jinja2's undefined values can.
        const bool may_be_unused =
            values_.is(Kind::dict) || values_.is(Kind::undefined) || (values_.is(Kind::list) && !is_tuple_);
        if (!uses_names_ && next_ < n && !may_be_unused)
            return fail(ErrorCode::invalid_argument, "not all values have a place in the format");
        return heap_.text(out_);
    }

  private:
    char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

    Result<Value> next_value() {
        if (!is_tuple_ && next_++ == 0) return values_;
        if (is_tuple_ && next_ < values_.list->items.size()) return values_.list->items[next_++];
        return fail(ErrorCode::invalid_argument, "the format has more places than there are values");
    }

    Result<int64_t> number() {
        if (peek() == '*') {
            ++at_;
            KRAIT_TRY(const Value value, next_value());
            if (!value.is_integral() || value.as_integer() < 0 || value.as_integer() > kMaxWidth)
                return fail(ErrorCode::invalid_argument, "* takes an integer from 0 to {}", kMaxWidth);
            return value.as_integer();
        }
        int64_t value = 0;
        for (; peek() >= '0' && peek() <= '9'; ++at_) {
            value = value * 10 + (peek() - '0');
            if (value > kMaxWidth) return fail(ErrorCode::invalid_argument, "a width in the format is above {}", kMaxWidth);
        }
        return value;
    }

    Result<void> place() {
        ++at_;
        std::optional<Value> named;
        if (peek() == '(') {
            const size_t end = text_.find(')', at_);
            if (end == std::string_view::npos) return fail(ErrorCode::invalid_argument, "a name in the format has no ')'");
            if (!values_.is(Kind::dict)) return fail(ErrorCode::invalid_argument, "a format with names takes a dict");
            const Value* found = values_.dict->find(text_.substr(at_ + 1, end - at_ - 1), heap_.budget());
            if (!found)
                return fail(ErrorCode::invalid_argument, "the dict has no {}",
                            quote(text_.substr(at_ + 1, end - at_ - 1), '\'', 40));
            named = *found;
            uses_names_ = true;
            at_ = end + 1;
        }
        Spec spec;
        for (;; ++at_) {
            if (peek() == '-') spec.left = true;
            else if (peek() == '+') spec.plus = true;
            else if (peek() == ' ') spec.blank = true;
            else if (peek() == '0') spec.zeros = true;
            else if (peek() == '#') spec.other_form = true;
            else break;
        }
        KRAIT_TRY(spec.width, number());
        if (peek() == '.') {
            ++at_;
            KRAIT_TRY(spec.precision, number());
        }
        while (peek() == 'l' || peek() == 'h' || peek() == 'L') ++at_;
        spec.type = peek();
        ++at_;
        if (spec.type == '%') {
            out_.append("%");
            return {};
        }
        if (!named) {
            KRAIT_TRY(named, next_value());
        }
        KRAIT_TRY(const MarkedText written, convert(spec, *named));
        const auto size = static_cast<int64_t>(count_points(written.bytes));
        const std::string padding(static_cast<size_t>(std::max<int64_t>(spec.width - size, 0)), ' ');
        if (!spec.left) out_.append(padding);
        out_.append(written);
        if (spec.left) out_.append(padding);
        return {};
    }

    Result<MarkedText> convert(const Spec& spec, const Value& value) {
        switch (spec.type) {
            case 's':
            case 'r': {
                TextBuilder builder(heap_.budget());
                KRAIT_CHECK(spec.type == 's' ? print(value, builder) : print_repr(value, builder));
                MarkedText text = builder.take();
                if (!spec.precision) return text;
                TextBuilder cut(heap_.budget());
                cut.append(text, 0, byte_of_point(text.bytes, static_cast<size_t>(*spec.precision)));
                return cut.take();
            }
            case 'c': {
                if (value.is(Kind::text) && count_points(bytes_of(value)) == 1) return value.text->marked;
                if (!value.is_integral() || value.as_integer() < 0 || value.as_integer() > 0x10FFFF ||
                    (value.as_integer() >= 0xD800 && value.as_integer() < 0xE000))
                    return fail(ErrorCode::invalid_argument, "%c takes a character or its number");
                MarkedText text;
                append_utf8(text.bytes, static_cast<char32_t>(value.as_integer()));
                return text;
            }
            case '\0': return fail(ErrorCode::invalid_argument, "the format ends behind %");
            default: break;
        }
        if (std::string_view("diuoxXeEfFgG").find(spec.type) == std::string_view::npos)
            return fail(ErrorCode::invalid_argument, "the format holds an unknown %{}", printable(std::string(1, spec.type)));
        return number_text(spec, value);
    }

    const MarkedText& format_;
    const std::string_view text_;
    const Value values_;
    Heap& heap_;
    TextBuilder out_;
    size_t at_ = 0, next_ = 0;
    bool is_tuple_ = false, uses_names_ = false;
};

}  // namespace

Result<Value> percent_format(const Value& format, const Value& values, Heap& heap) {
    return PercentFormat(format, values, heap).run();
}

// Places without formats: {}, {0}, {name}; {{ and }} are braces.
Result<Value> brace_format(const Value& format, const Call& call) {
    const MarkedText& marked = format.text->marked;
    const std::string_view text = marked.bytes;
    TextBuilder out(call.budget());
    size_t next = 0;
    for (size_t at = 0; at < text.size() && call.budget().step();) {
        const size_t mark = std::min(text.find_first_of("{}", at), text.size());
        out.append(marked, at, mark);
        if (mark == text.size()) break;
        if (mark + 1 < text.size() && text[mark + 1] == text[mark]) {
            out.append(marked, mark, mark + 1);
            at = mark + 2;
            continue;
        }
        const size_t end = text.find('}', mark);
        if (text[mark] == '}' || end == std::string_view::npos)
            return fail(ErrorCode::invalid_argument, "a brace in the format has no other one");
        const std::string_view name = text.substr(mark + 1, end - mark - 1);
        if (name.find_first_of(".[:!{") != std::string_view::npos)
            return fail(ErrorCode::unsupported, "format() takes {{}}, {{0}} and {{name}}, not {}", quote(name, '\'', 40));
        const bool is_index = std::ranges::all_of(name, [](char c) { return c >= '0' && c <= '9'; }) && name.size() < 6;
        if (is_index) {
            const size_t index = name.empty() ? next++ : static_cast<size_t>(std::stoi(std::string(name)));
            if (index >= call.positional.size())
                return fail(ErrorCode::invalid_argument, "there is no value {} for the format", index);
            KRAIT_CHECK(print(call.positional[index], out));
        } else {
            const auto found = std::ranges::find(call.keywords, name, &Keyword::name);
            if (found == call.keywords.end())
                return fail(ErrorCode::invalid_argument, "there is no value {} for the format", quote(name, '\'', 40));
            KRAIT_CHECK(print(found->value, out));
        }
        at = end + 1;
    }
    return call.heap().text(out);
}

}  // namespace krait::chat
