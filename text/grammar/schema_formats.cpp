// SPDX-License-Identifier: Apache-2.0
#include "text/grammar/schema_formats.hpp"

#include <array>

namespace krait::grammar {
namespace {

#define KRAIT_DATE                                                                               \
    R"(\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)|)" \
    R"(02-(?:0[1-9]|[12]\d)))"
#define KRAIT_TIME R"((?:[01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d|60)(?:\.\d+)?(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d))"
#define KRAIT_CLOCK R"((?:\d+H(?:\d+M(?:\d+S)?)?|\d+M(?:\d+S)?|\d+S))"
#define KRAIT_LABEL R"([A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)"
#define KRAIT_HOST KRAIT_LABEL R"((?:\.)" KRAIT_LABEL R"()*)"
#define KRAIT_ATOM R"([A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)"
#define KRAIT_BYTE R"((?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d))"
#define KRAIT_IPV4 KRAIT_BYTE R"((?:\.)" KRAIT_BYTE R"(){3})"
#define KRAIT_WORD R"([0-9A-Fa-f]{1,4})"
#define KRAIT_LAST "(?:" KRAIT_WORD ":" KRAIT_WORD "|" KRAIT_IPV4 ")"  // 32 bits
// "::" stands for a word or more.
#define KRAIT_IPV6                                                                                                            \
    "(?:(?:" KRAIT_WORD ":){6}" KRAIT_LAST "|::(?:" KRAIT_WORD ":){5}" KRAIT_LAST "|(?:" KRAIT_WORD ")?::(?:" KRAIT_WORD      \
    ":){4}" KRAIT_LAST "|(?:(?:" KRAIT_WORD ":){0,1}" KRAIT_WORD ")?::(?:" KRAIT_WORD ":){3}" KRAIT_LAST "|(?:(?:" KRAIT_WORD \
    ":){0,2}" KRAIT_WORD ")?::(?:" KRAIT_WORD ":){2}" KRAIT_LAST "|(?:(?:" KRAIT_WORD ":){0,3}" KRAIT_WORD ")?::" KRAIT_WORD  \
    ":" KRAIT_LAST "|(?:(?:" KRAIT_WORD ":){0,4}" KRAIT_WORD ")?::" KRAIT_LAST "|(?:(?:" KRAIT_WORD ":){0,5}" KRAIT_WORD      \
    ")?::" KRAIT_WORD "|(?:(?:" KRAIT_WORD ":){0,6}" KRAIT_WORD ")?::)"

constexpr std::array<std::pair<std::string_view, std::string_view>, 11> kRegexes = {{
    {"date", KRAIT_DATE},
    {"date-time", "(?:" KRAIT_DATE ")[Tt]" KRAIT_TIME},
    {"time", KRAIT_TIME},
    {"duration", R"(P(?:(?:\d+D|\d+M(?:\d+D)?|\d+Y(?:\d+M(?:\d+D)?)?)(?:T)" KRAIT_CLOCK ")?|T" KRAIT_CLOCK R"(|\d+W))"},
    {"email", KRAIT_ATOM R"((?:\.)" KRAIT_ATOM ")*@" KRAIT_HOST},
    {"hostname", KRAIT_HOST},
    {"ipv4", KRAIT_IPV4},
    {"ipv6", KRAIT_IPV6},
    {"uuid", "[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}"},
    {"uri", R"([A-Za-z][A-Za-z0-9+.-]*:(?:[A-Za-z0-9._~:/?@!$&'()*+,;=[\]-]|%[0-9A-Fa-f]{2})*)"
            R"((?:#(?:[A-Za-z0-9._~:/?@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)?)"},
    {"json-pointer", "(?:/(?:[^~/]|~[01])*)*"},
}};

}  // namespace

std::optional<std::string_view> regex_of_format(std::string_view format) {
    for (const auto& [name, regex] : kRegexes)
        if (name == format) return regex;
    return {};
}

}  // namespace krait::grammar
