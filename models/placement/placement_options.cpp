// SPDX-License-Identifier: Apache-2.0
#include "models/placement/placement_options.hpp"

#include <algorithm>
#include <charconv>

#include "core/base/parse_bytes.hpp"

namespace krait {

namespace {

template <class Number>
Result<std::vector<Number>> parse_numbers(const std::optional<std::string>& text, std::string_view option,
                                          std::string_view example) {
    std::vector<Number> numbers;
    if (!text) return numbers;
    for (std::string_view rest = *text;;) {
        const size_t comma = std::min(rest.find(','), rest.size());
        Number number{};
        const auto [end, ec] = std::from_chars(rest.data(), rest.data() + comma, number);
        if (ec != std::errc{} || end != rest.data() + comma)
            return fail(ErrorCode::invalid_argument,
                        "{} '{}': numbers with commas between them are needed, one for each device: {}", option, *text,
                        example);
        numbers.push_back(number);
        if (comma == rest.size()) return numbers;
        rest.remove_prefix(comma + 1);
    }
}

Result<PlacementOptions::Rule> parse_rule(std::string_view text) {
    const size_t equals = text.rfind('=');  // a pattern may hold one, a device's name does not
    if (equals == std::string_view::npos || equals == 0 || equals + 1 == text.size())
        return fail(ErrorCode::invalid_argument,
                    R"('{}' is no placement; it is a regular expression and a device, like 'blk\.[0-9]+\.ssm_out=cpu')", text);
    return PlacementOptions::Rule{std::string(text.substr(0, equals)), std::string(text.substr(equals + 1))};
}

Result<PlacementOptions::Limit> parse_limit(std::string_view text) {
    const auto refuse = [&] {
        return fail(ErrorCode::invalid_argument,
                    "'{}' is no limit of memory; it is a device and a size in bytes, K, M, G or T, like 'cuda0=8G'", text);
    };
    const size_t equals = text.rfind('=');
    if (equals == std::string_view::npos || equals == 0 || equals + 1 == text.size()) return refuse();
    const std::optional<double> bytes = parse_bytes(text.substr(equals + 1));
    if (!bytes) return refuse();
    if (*bytes > 0x1p60)
        return fail(ErrorCode::invalid_argument, "'{}' is no limit of memory: at most 1048576T are possible", text);
    return PlacementOptions::Limit{std::string(text.substr(0, equals)), static_cast<uint64_t>(*bytes)};
}

}  // namespace

Result<PlacementOptions> PlacementTexts::parse() const {
    PlacementOptions options;
    KRAIT_TRY(options.layers, parse_numbers<int64_t>(layers, "--layers", "20,4"));
    KRAIT_TRY(options.split, parse_numbers<double>(split, "--split", "3,1"));
    for (const std::string& text : place) {
        KRAIT_TRY(auto rule, parse_rule(text));
        options.rules.push_back(std::move(rule));
    }
    for (const std::string& text : max_memory) {
        KRAIT_TRY(auto limit, parse_limit(text));
        options.max_memory.push_back(std::move(limit));
    }
    return options;
}

}  // namespace krait
