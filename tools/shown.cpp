// SPDX-License-Identifier: Apache-2.0
#include "tools/shown.hpp"

#include "core/base/format_bytes.hpp"
#include "core/base/printable.hpp"

namespace krait::tools {

std::string printable(std::string_view text) { return krait::printable(text); }

std::string format_bytes(double bytes) { return krait::format_bytes(bytes); }

}  // namespace krait::tools
