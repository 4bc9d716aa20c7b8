// SPDX-License-Identifier: Apache-2.0
#include "tools/version.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>

#include "bench/report.hpp"
#include "core/runtime/plugin_registry.hpp"
#include "tools/line_editor.hpp"

namespace krait::tools {
namespace {

// "cpu (avx512, avx2, portable), reference": families in their order, with the variants that they have.
std::string families_text(const std::vector<PluginReport>& plugins, bool used) {
    std::map<std::string, std::vector<std::string>> variants;
    for (const PluginReport& plugin : plugins)
        if (!plugin.family.empty() && plugin.reason.empty() == used) {
            auto& of_family = variants[plugin.family];
            if (!plugin.variant.empty()) of_family.push_back(plugin.variant);
        }
    std::vector<std::string> families;
    families.reserve(variants.size());
    for (const auto& [family, names] : variants)
        families.push_back(names.empty() ? family : fmt::format("{} ({})", family, fmt::join(names, ", ")));
    return fmt::format("{}", fmt::join(families, ", "));
}

}  // namespace

std::string version_text() {
    const std::vector<PluginReport> plugins = PluginRegistry::instance().reports();
    const std::string used = families_text(plugins, true), refused = families_text(plugins, false);
    std::string text = fmt::format("krait {}\ncommit    {}\ncompiler  {}\nbackends  {}", KRAIT_VERSION, kCommit,
                                   bench::build_text(), used.empty() ? "none was found" : used);
    if (!refused.empty()) text += fmt::format("\nnot used  {}: 'krait devices' says why", refused);
    text += fmt::format("\neditor    {}", line_editor_name());
    return text;
}

}  // namespace krait::tools
