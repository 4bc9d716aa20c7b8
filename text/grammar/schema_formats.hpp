// SPDX-License-Identifier: Apache-2.0
//
// Values of `format` in a schema, as regular expressions for whole texts. RFC 3339 (dates and times, durations in its appendix
// A), RFC 5321 without quoted and bracketed parts (email), RFC 1123 (hostname), RFC 2673 and RFC 4291 (addresses), RFC 4122
// (uuid), RFC 3986 (uri, without its inner order), RFC 6901 (json-pointer).
#pragma once

#include <optional>
#include <string_view>

namespace krait::grammar {

std::optional<std::string_view> regex_of_format(std::string_view format);
inline constexpr std::string_view kFormats =
    "date, date-time, time, duration, email, hostname, ipv4, ipv6, uuid, uri and json-pointer";

}  // namespace krait::grammar
