// SPDX-License-Identifier: Apache-2.0
#include "server/http/message.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "server/http/utf8.hpp"

namespace krait::server {
namespace {

constexpr std::array<std::pair<int, std::string_view>, 25> kReasons{{
    {100, "Continue"},
    {200, "OK"},
    {204, "No Content"},
    {304, "Not Modified"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {411, "Length Required"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {499, "Client Closed Request"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
}};

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

std::optional<std::string> decode(std::string_view text, bool plus_is_space) {
    std::string decoded;
    for (size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        if (c == '%') {
            if (i + 2 >= text.size()) return std::nullopt;
            const int high = hex_digit(text[i + 1]), low = hex_digit(text[i + 2]);
            if (high < 0 || low < 0) return std::nullopt;
            c = static_cast<char>(high * 16 + low);
            i += 2;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        if (c == '\0') return std::nullopt;
        decoded += c;
    }
    if (!is_utf8(decoded)) return std::nullopt;
    return decoded;
}

template <class Pairs, class Name>
auto* find(Pairs& pairs, Name name_of, std::string_view name) {
    const auto found = std::find_if(pairs.begin(), pairs.end(), [&](const auto& pair) { return name_of(pair) == name; });
    return found == pairs.end() ? nullptr : &*found;
}

}  // namespace

const std::string* Request::header(std::string_view name) const {
    const Header* found = find(
        headers, [](const Header& h) -> const std::string& { return h.name; }, name);
    return found ? &found->value : nullptr;
}

const std::string* Request::parameter(std::string_view name) const {
    const auto* found = find(
        query, [](const auto& pair) -> const std::string& { return pair.first; }, name);
    return found ? &found->second : nullptr;
}

std::string_view reason_of(int status) {
    const auto* found = find(
        kReasons, [](const auto& pair) { return std::to_string(pair.first); }, std::to_string(status));
    return found ? found->second : "Unknown";
}

bool parse_target(std::string_view target, Request& request) {
    if (!target.starts_with('/')) return false;
    const size_t mark = target.find('?');
    const auto path = decode(target.substr(0, mark), false);
    if (!path) return false;
    request.path = *path;
    std::string_view rest = mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1);
    while (!rest.empty()) {
        const std::string_view pair = rest.substr(0, rest.find('&'));
        rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
        if (pair.empty()) continue;
        const size_t equals = std::min(pair.find('='), pair.size());
        const auto name = decode(pair.substr(0, equals), true);
        const auto value = decode(pair.substr(std::min(equals + 1, pair.size())), true);
        if (!name || !value) return false;
        request.query.emplace_back(*name, *value);
    }
    return true;
}

}  // namespace krait::server
