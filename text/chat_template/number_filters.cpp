// SPDX-License-Identifier: Apache-2.0
//
// int, float, abs, round.
#include <charconv>
#include <cmath>
#include <optional>

#include "text/chat_template/characters.hpp"
#include "text/chat_template/operators.hpp"
#include "text/chat_template/text_operations.hpp"

namespace krait::chat {
namespace {

// Without white space around it, without a plus and without single underscores between digits.
std::string plain_number(std::string_view text) {
    text = text.substr(0, end_without_space(text));
    text.remove_prefix(first_not_space(text));
    if (text.starts_with('+') && !text.substr(1).starts_with('-')) text.remove_prefix(1);
    std::string plain;
    for (size_t i = 0; i < text.size(); ++i) {
        const auto is_word = [&](size_t at) { return at < text.size() && std::isalnum(static_cast<unsigned char>(text[at])); };
        if (text[i] != '_' || i == 0 || !is_word(i - 1) || !is_word(i + 1)) plain += text[i];
    }
    return plain;
}

std::optional<int64_t> integer_of(std::string_view text, int base) {
    std::string plain = plain_number(text);
    const bool is_negative = plain.starts_with('-');
    if (is_negative) plain.erase(0, 1);
    if (base == 16 && (plain.starts_with("0x") || plain.starts_with("0X"))) plain.erase(0, 2);
    if (base == 8 && (plain.starts_with("0o") || plain.starts_with("0O"))) plain.erase(0, 2);
    if (base == 2 && (plain.starts_with("0b") || plain.starts_with("0B"))) plain.erase(0, 2);
    if (plain.empty() || plain[0] == '-') return std::nullopt;
    if (is_negative) plain.insert(0, "-");
    int64_t value = 0;
    const auto read = std::from_chars(plain.data(), plain.data() + plain.size(), value, base);
    if (read.ec != std::errc() || read.ptr != plain.data() + plain.size()) return std::nullopt;
    return value;
}

std::optional<double> real_of(std::string_view text) {
    const std::string plain = plain_number(text);
    double value = 0;
    const auto read = std::from_chars(plain.data(), plain.data() + plain.size(), value);
    if (plain.empty() || read.ptr != plain.data() + plain.size()) return std::nullopt;
    if (read.ec == std::errc::result_out_of_range) return plain.find("e-") != plain.npos ? 0.0 : HUGE_VAL;
    return value;
}

std::optional<int64_t> truncated(double value) {
    if (!(value > -9.2e18 && value < 9.2e18)) return std::nullopt;
    return static_cast<int64_t>(value);
}

Result<Value> to_integer(const Call& call) {
    KRAIT_TRY(const auto bound, call.bind({"default", "base"}));
    if (call.self.is(Kind::undefined)) return fail_undefined(call.self);
    KRAIT_TRY(const int64_t base, integer_or(bound[1], 10, "the base"));
    if (base < 2 || base > 36) return fail(ErrorCode::invalid_argument, "the base is {}; 2 to 36 exist", base);
    std::optional<int64_t> value;
    if (call.self.is_integral()) value = call.self.as_integer();
    if (call.self.is(Kind::real)) value = truncated(call.self.real);
    if (call.self.is(Kind::text)) {
        call.budget().work(bytes_of(call.self).size() * 16);
        value = integer_of(bytes_of(call.self), static_cast<int>(base));
        if (const auto real = real_of(bytes_of(call.self)); !value && real) value = truncated(*real);
    }
    if (value) return Value::of(*value);
    return bound[0].is(Kind::undefined) ? Value::of(int64_t{0}) : bound[0];
}

Result<Value> to_real(const Call& call) {
    KRAIT_TRY(const auto bound, call.bind({"default"}));
    if (call.self.is(Kind::undefined)) return fail_undefined(call.self);
    if (call.self.is_number()) return Value::of(call.self.as_real());
    if (call.self.is(Kind::text)) {
        call.budget().work(bytes_of(call.self).size() * 16);
        if (const auto value = real_of(bytes_of(call.self))) return Value::of(*value);
    }
    return bound[0].is(Kind::undefined) ? Value::of(0.0) : bound[0];
}

Result<Value> absolute(const Call& call) {
    KRAIT_CHECK(call.bind({}));
    if (call.self.is(Kind::undefined)) return fail_undefined(call.self);
    if (call.self.is(Kind::real)) return Value::of(std::fabs(call.self.real));
    KRAIT_TRY(const int64_t value, expect_integer(call.self, "a number"));
    return value < 0 ? negate(call.self) : Value::of(value);
}

// The nearest number of so many decimals, of two the even one: what printf gives.
Result<Value> round(const Call& call) {
    KRAIT_TRY(const auto bound, call.bind({"precision", "method"}));
    if (call.self.is(Kind::undefined)) return fail_undefined(call.self);
    KRAIT_TRY(const int64_t precision, integer_or(bound[0], 0, "the precision"));
    if (precision < 0 || precision > 300)
        return fail(ErrorCode::unsupported, "the precision is {}; 0 to 300 are taken", precision);
    std::string_view method = "common";
    if (is_given(bound[1])) {
        KRAIT_TRY(const Value text, expect_text(bound[1], "the method"));
        method = bytes_of(text);
    }
    if (!call.self.is_number())
        return fail(ErrorCode::invalid_argument, "a value of the type {} is no number", type_name(call.self));
    const double value = call.self.as_real(), scale = std::pow(10.0, static_cast<double>(precision));
    if (method == "ceil") return Value::of(std::ceil(value * scale) / scale);
    if (method == "floor") return Value::of(std::floor(value * scale) / scale);
    if (method != "common") return fail(ErrorCode::invalid_argument, "the method is common, ceil or floor");
    if (call.self.is_integral()) return Value::of(call.self.as_integer());
    return Value::of(std::strtod(fmt::format("{:.{}f}", value, precision).c_str(), nullptr));
}

constexpr NamedFunction kFilters[] = {{"int", to_integer}, {"float", to_real}, {"abs", absolute}, {"round", round}};

}  // namespace

std::span<const NamedFunction> number_filters() { return kFilters; }

}  // namespace krait::chat
