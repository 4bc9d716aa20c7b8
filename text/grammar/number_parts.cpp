// SPDX-License-Identifier: Apache-2.0
#include "text/grammar/number_parts.hpp"

#include <algorithm>

namespace krait::grammar {
namespace {

ByteSet digits_between(char first, char last) {
    ByteSet set;
    if (first <= last) set.add(static_cast<uint8_t>(first), static_cast<uint8_t>(last));
    return set;
}

int compare_sizes(const Decimal& a, const Decimal& b) {
    if (a.digits.size() != b.digits.size()) return a.digits.size() < b.digits.size() ? -1 : 1;
    const int whole = a.digits.compare(b.digits);
    return whole != 0 ? whole : a.fraction.compare(b.fraction);
}

// Numbers of no sign, compared digit by digit with a bound.
class SizeParts {
  public:
    SizeParts(ProgramBuilder& builder, bool is_integer) : builder_(builder), is_integer_(is_integer) {}

    Part any() {
        return builder_.sequence(
            builder_.either({builder_.literal("0"), builder_.sequence(digit('1', '9'), digits(0, kEndless))}), free_fraction());
    }
    // Greater than the bound, or less than it.
    Part compared(const NumberBound& bound, bool is_greater) {
        const std::string& whole = bound.value.digits;
        const auto size = static_cast<uint32_t>(whole.size());
        std::vector<Part> parts;
        if (is_greater) {
            const Part longer = builder_.sequence(digit('1', '9'), digits(size, kEndless), free_fraction());
            parts.push_back(longer);
        } else if (size > 1) {
            parts.push_back(builder_.sequence(
                builder_.either({builder_.literal("0"), builder_.sequence(digit('1', '9'), digits(0, size - 2))}),
                free_fraction()));
        }
        // As many digits: equal up to the i-th, which differs.
        const uint32_t out = builder_.place(), from = builder_.place();
        uint32_t at = from;
        for (uint32_t i = 0; i < size; ++i) {
            const char lowest = i == 0 && size > 1 ? '1' : '0';
            const Part other =
                is_greater ? digit(static_cast<char>(whole[i] + 1), '9') : digit(lowest, static_cast<char>(whole[i] - 1));
            builder_.edge(at, builder_.sequence(other, digits(size - i - 1, size - i - 1), free_fraction()), out);
            const uint32_t next = builder_.place();
            builder_.edge(at, digit(whole[i], whole[i]), next);
            at = next;
        }
        add_fraction(at, out, bound, is_greater);
        parts.push_back({from, out});
        return builder_.either(parts);
    }

  private:
    Part digit(char first, char last) { return builder_.bytes(digits_between(first, last)); }
    Part digits(uint32_t min, uint32_t max) { return builder_.repeat(digit('0', '9'), min, max); }
    Part free_fraction() {
        return is_integer_ ? builder_.empty()
                           : builder_.optional(builder_.sequence(builder_.literal("."), digits(1, kEndless)));
    }

    // Behind equal digits: the fractions decide.
    void add_fraction(uint32_t at, uint32_t out, const NumberBound& bound, bool is_greater) {
        const std::string& fraction = bound.value.fraction;
        const bool is_whole = fraction.empty();
        if (is_whole ? !bound.is_exclusive : !is_greater) builder_.edge(at, builder_.empty(), out);
        if (is_integer_) return;
        uint32_t behind = builder_.place();
        builder_.edge(at, builder_.literal("."), behind);
        for (size_t i = 0; i < fraction.size(); ++i) {
            const Part other =
                is_greater ? digit(static_cast<char>(fraction[i] + 1), '9') : digit('0', static_cast<char>(fraction[i] - 1));
            builder_.edge(behind, builder_.sequence(other, digits(0, kEndless)), out);
            const uint32_t next = builder_.place();
            builder_.edge(behind, digit(fraction[i], fraction[i]), next);
            // A number that ends here is less, as the bound's last digit is no zero.
            if (!is_greater && i + 1 < fraction.size()) builder_.edge(next, builder_.empty(), out);
            behind = next;
        }
        // All digits of the bound were equal; a '.' has one digit behind it at least.
        const uint32_t min = is_whole ? 1 : 0;
        if (is_greater && !bound.is_exclusive) {
            builder_.edge(behind, digits(min, kEndless), out);
        } else if (is_greater) {
            builder_.edge(behind, builder_.sequence(digits(0, kEndless), digit('1', '9'), digits(0, kEndless)), out);
        } else if (!bound.is_exclusive) {
            builder_.edge(behind, builder_.repeat(digit('0', '0'), min, kEndless), out);
        }
    }

    ProgramBuilder& builder_;
    bool is_integer_;
};

Part range_of(ProgramBuilder& builder, const NumberShape& shape) {
    SizeParts sizes(builder, shape.is_integer);
    const auto between = [&](const std::optional<NumberBound>& low, const std::optional<NumberBound>& high) {
        std::vector<Part> parts;
        if (low) parts.push_back(sizes.compared(*low, true));
        if (high) parts.push_back(sizes.compared(*high, false));
        return parts.empty() ? sizes.any() : builder.both(parts);
    };
    const auto is_above_zero = [](const NumberBound& bound) { return !bound.value.is_negative && !bound.value.is_zero(); };
    std::vector<Part> signs;
    const auto& [is_integer, min, max, multiples] = shape;
    if (!max || is_above_zero(*max) || (max->value.is_zero() && !max->is_exclusive))
        signs.push_back(between(min && !min->value.is_negative ? min : std::nullopt, max));
    if (!min || min->value.is_negative || (min->value.is_zero() && !min->is_exclusive)) {
        const bool reaches_zero = !max || is_above_zero(*max);  // so that sizes begin at zero
        signs.push_back(builder.sequence(builder.literal("-"), between(reaches_zero ? std::nullopt : max, min)));
    }
    return signs.empty() ? builder.nothing() : builder.either(signs);
}

constexpr uint64_t kMaxRemainders = 4096;  // states of a multiple, ten bytes each

// The digits of n * 10^k are a multiple of `divisor`; k digits of the fraction count, and zeros behind them.
Result<Part> multiple_of(ProgramBuilder& builder, const Decimal& multiple, bool is_integer) {
    const auto n_fraction = static_cast<uint32_t>(multiple.fraction.size());
    const std::string all = multiple.digits + multiple.fraction;
    const size_t begin = std::min(all.find_first_not_of('0'), all.size());
    uint64_t divisor = 0;
    for (const char c : all.substr(begin, 8)) divisor = divisor * 10 + static_cast<uint64_t>(c - '0');
    if (all.size() - begin > 8 || divisor == 0 || divisor * (n_fraction + 1) > kMaxRemainders)
        return fail(ErrorCode::unsupported, "multipleOf {}{}{} needs too many states: at most {} are possible", multiple.digits,
                    multiple.fraction.empty() ? "" : ".", multiple.fraction, kMaxRemainders);
    std::vector<std::vector<uint32_t>> places(n_fraction + 1, std::vector<uint32_t>(divisor));
    for (auto& level : places)
        for (uint32_t& place : level) place = builder.place();
    const uint32_t out = builder.place(), from = builder.place();
    const auto add_digits = [&](uint32_t at, uint64_t remainder, const std::vector<uint32_t>& to, char lowest) {
        for (char c = lowest; c <= '9'; ++c) {
            const uint64_t next = (remainder * 10 + static_cast<uint64_t>(c - '0')) % divisor;
            builder.edge(at, builder.bytes(digits_between(c, c)), to[next]);
        }
    };
    const auto ends = [&](uint32_t level, uint64_t remainder) {
        for (uint32_t i = level; i < n_fraction; ++i) remainder = remainder * 10 % divisor;
        return remainder == 0;
    };
    const uint32_t zero = builder.place();  // nothing but a fraction follows a zero in front
    builder.edge(from, builder.literal("0"), zero);
    add_digits(from, 0, places[0], '1');
    const auto add_end = [&](uint32_t at, uint32_t level, uint64_t remainder) {
        if (ends(level, remainder)) builder.edge(at, builder.empty(), out);
    };
    add_end(zero, 0, 0);
    const uint32_t zeros = builder.place();  // behind the digits that count
    builder.edge(zeros, builder.repeat(builder.literal("0"), 0, kEndless), out);
    for (uint64_t remainder = 0; remainder < divisor; ++remainder) {
        const uint32_t at = places[0][remainder];
        add_digits(at, remainder, places[0], '0');
        add_end(at, 0, remainder);
        if (is_integer) continue;
        for (const uint32_t whole : {at, zero}) {
            if (whole == zero && remainder != 0) continue;
            const uint32_t point = builder.place();
            builder.edge(whole, builder.literal("."), point);
            if (n_fraction > 0) add_digits(point, remainder, places[1], '0');
            else if (remainder == 0) builder.edge(point, builder.literal("0"), zeros);
        }
        for (uint32_t level = 1; level <= n_fraction; ++level) {
            if (level < n_fraction) {
                add_digits(places[level][remainder], remainder, places[level + 1], '0');
                add_end(places[level][remainder], level, remainder);
            } else if (remainder == 0) {
                builder.edge(places[level][remainder], builder.empty(), zeros);
            }
        }
    }
    return builder.sequence(builder.optional(builder.literal("-")), Part{from, out});
}

}  // namespace

std::optional<Decimal> Decimal::parse(std::string_view text) {
    constexpr long kMaxDigits = 400;  // 1e308 has 309
    Decimal number;
    if (text.starts_with('-')) {
        number.is_negative = true;
        text.remove_prefix(1);
    }
    const size_t exponent_at = std::min(text.find_first_of("eE"), text.size());
    std::string digits(text.substr(0, exponent_at));
    long exponent = 0;
    if (exponent_at < text.size()) {
        const std::string written(text.substr(exponent_at + 1));
        if (written.size() > 6) return {};
        exponent = std::strtol(written.c_str(), nullptr, 10);
    }
    long point = static_cast<long>(std::min(digits.find('.'), digits.size()));
    std::erase(digits, '.');
    point += exponent;
    if (point > kMaxDigits || point < -kMaxDigits || digits.size() > kMaxDigits) return {};
    if (point < 1) {
        digits.insert(0, static_cast<size_t>(1 - point), '0');
        point = 1;
    }
    if (static_cast<size_t>(point) > digits.size()) digits.append(static_cast<size_t>(point) - digits.size(), '0');
    number.digits = digits.substr(0, static_cast<size_t>(point));
    number.fraction = digits.substr(static_cast<size_t>(point));
    number.digits.erase(0, std::min(number.digits.find_first_not_of('0'), number.digits.size() - 1));
    number.fraction.erase(number.fraction.find_last_not_of('0') + 1);
    if (number.is_zero()) number.is_negative = false;
    return number;
}

int Decimal::compare(const Decimal& other) const {
    if (is_negative != other.is_negative) return is_negative ? -1 : 1;
    return is_negative ? compare_sizes(other, *this) : compare_sizes(*this, other);
}

Result<Part> add_number(ProgramBuilder& builder, const NumberShape& shape) {
    if (shape.min && shape.max) {
        const int order = shape.min->value.compare(shape.max->value);
        if (order > 0 || (order == 0 && (shape.min->is_exclusive || shape.max->is_exclusive))) return builder.nothing();
    }
    std::vector<Part> parts;
    if (shape.min || shape.max) parts.push_back(range_of(builder, shape));
    for (const Decimal& multiple : shape.multiples) {
        KRAIT_TRY(const Part part, multiple_of(builder, multiple, shape.is_integer));
        parts.push_back(part);
    }
    return builder.both(parts);
}

}  // namespace krait::grammar
