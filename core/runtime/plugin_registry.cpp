// SPDX-License-Identifier: Apache-2.0
#include "core/runtime/plugin_registry.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <utility>

#include "core/base/environment.hpp"
#include "core/runtime/driver_nodes.hpp"
#include "core/runtime/safe_probe.hpp"
#include "core/runtime/static_plugins.hpp"

namespace krait {
namespace fs = std::filesystem;

PluginRegistry& PluginRegistry::instance() {
    // Never destroyed: devices may outlive static destructors of the host application.
    static auto* registry = new PluginRegistry;
    return *registry;
}

PluginRegistry::PluginRegistry() {
    host_.struct_size = sizeof host_;
    host_.abi_version = KRAIT_ABI_VERSION;
    host_.context = this;
    host_.log = [](void* context, int32_t level, const char* message) {
        auto* self = static_cast<PluginRegistry*>(context);
        const std::lock_guard lock(self->log_mutex_);
        if (self->log_) self->log_(static_cast<krait_log_level>(level), message);
    };
    cache_directory_ = environment::cache_directory().value_or("").string();
    host_.cache_directory = [](void* context) -> const char* {
        const auto* self = static_cast<const PluginRegistry*>(context);
        return self->cache_directory_.empty() ? nullptr : self->cache_directory_.c_str();
    };
}

void PluginRegistry::set_log(LogSink sink) {
    const std::lock_guard lock(log_mutex_);
    log_ = std::move(sink);
}

void PluginRegistry::add_folder(fs::path folder) {
    const std::lock_guard lock(mutex_);
    if (loaded_) scan_folder(folder, Folder::named);
    extra_folders_.push_back(std::move(folder));
}

void PluginRegistry::set_safe_probe(bool on) {
    const std::lock_guard lock(mutex_);
    safe_probe_ = on;
}

void PluginRegistry::load_locked() {
    if (loaded_) return;
    loaded_ = true;
    for (const StaticPlugin& plugin : static_plugins())
        admit(std::string("(linked in) ") + plugin.name, Plugin::adopt(plugin.name, plugin.query, host_), true);

    std::vector<fs::path> folders = extra_folders_;
    for (fs::path& folder : environment::backend_path()) folders.push_back(std::move(folder));
    const size_t n_named = folders.size();
    const fs::path here = file_of_code(reinterpret_cast<const void*>(&PluginRegistry::instance)).parent_path();
    if (!here.empty()) {
        folders.push_back(here / "backends");
        folders.push_back(here / "krait" / "backends");
        folders.push_back((here / ".." / KRAIT_INSTALL_LIBDIR / "krait" / "backends").lexically_normal());
    }
    std::set<fs::path> seen;
    for (size_t i = 0; i < folders.size(); ++i)
        if (seen.insert(folders[i]).second) scan_folder(folders[i], i < n_named ? Folder::named : Folder::usual);
}

void PluginRegistry::scan_folder(const fs::path& folder, Folder kind) {
    std::vector<fs::path> files;
    std::error_code code;
    for (fs::directory_iterator it(folder, code), end; !code && it != end; it.increment(code)) {
        const fs::path& file = it->path();
        if (file.filename().string().starts_with("krait-") && file.extension() == ".so") files.push_back(file);
    }
    std::sort(files.begin(), files.end());  // the same order on every file system
    for (const fs::path& file : files) admit(file, load_plugin(file), false);
    if (kind == Folder::named && (code || files.empty()))
        reports_.push_back(
            {.path = folder.string(),
             .family = {},
             .variant = {},
             .version = {},
             .score = 0,
             .reason = code ? "this folder cannot be read: " + code.message() : "no file in this folder is named krait-*.so"});
}

Result<std::shared_ptr<Plugin>> PluginRegistry::load_plugin(const fs::path& file) const {
    if (safe_probe_)
        if (auto why = probe_in_child(file, host_)) return fail(ErrorCode::unavailable, "{}", *why);
    return Plugin::load(file, host_);
}

void PluginRegistry::admit(const fs::path& path, Result<std::shared_ptr<Plugin>> loaded, bool is_linked_in) {
    PluginReport report{.path = path.string(), .family = {}, .variant = {}, .version = {}, .score = 0, .reason = {}};
    if (!loaded) {
        report.reason = loaded.error().message;
        reports_.push_back(std::move(report));
        return;
    }
    const std::shared_ptr<Plugin>& plugin = *loaded;
    report.family = plugin->family();
    report.variant = plugin->variant();
    report.version = plugin->api().version;
    const auto twin = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& e) {
        return e.family == plugin->family() && e.variant == plugin->variant();
    });
    if (twin != entries_.end()) {
        report.reason = fmt::format("the same plugin is already loaded from {}", twin->path.string());
        reports_.push_back(std::move(report));
        return;
    }
    entries_.push_back({.plugin = plugin,
                        .family = report.family,
                        .variant = report.variant,
                        .path = path,
                        .is_linked_in = is_linked_in,
                        .report = reports_.size(),
                        .is_scored = false,
                        .score = 0,
                        .refusal = {}});
    reports_.push_back(std::move(report));
}

Result<std::shared_ptr<Plugin>> PluginRegistry::plugin_of(Entry& entry) const {
    if (!entry.plugin) {
        KRAIT_TRY(entry.plugin, Plugin::load(entry.path, host_));
    }
    return entry.plugin;
}

Result<std::shared_ptr<Plugin>> PluginRegistry::take(Entry& entry) {
    auto plugin = plugin_of(entry);
    unload_unused();
    return plugin;
}

// A plugin takes some 400 KB that the system does not share: of many variants of one family one is used. Those stay that may
// have loaded a driver, as the best of a family of GPUs does to give its score.
void PluginRegistry::unload_unused() {
    for (Entry& entry : entries_) {
        const bool is_beaten = std::any_of(entries_.begin(), entries_.end(), [&](const Entry& other) {
            return other.family == entry.family && other.score > entry.score;
        });
        const bool is_without_driver = !entry.is_scored || is_beaten || entry.is_driverless;
        if (!entry.is_linked_in && entry.plugin.use_count() == 1 && is_without_driver) entry.plugin.reset();
    }
}

void PluginRegistry::ask_score(Entry& entry) {
    if (std::exchange(entry.is_scored, true)) return;
    if (const auto plugin = plugin_of(entry); !plugin) {
        entry.refusal = plugin.error().message;
    } else {
        krait_error why = empty_plugin_error();
        entry.score = (*plugin)->api().score(&why);
        if (entry.score == 0)
            entry.refusal = why.message[0] ? std::string(why.message) : "not for this machine (the plugin gives no reason)";
    }
    reports_[entry.report].score = entry.score;
    reports_[entry.report].reason = entry.refusal;
}

PluginRegistry::Entry* PluginRegistry::best_of(std::string_view family) {
    Entry* best = nullptr;
    for (Entry& entry : entries_) {
        if (entry.family != family) continue;
        ask_score(entry);
        if (entry.score > (best ? best->score : 0)) best = &entry;
    }
    return best;
}

std::vector<PluginReport> PluginRegistry::reports() {
    const std::lock_guard lock(mutex_);
    load_locked();
    for (Entry& entry : entries_) ask_score(entry);
    return reports_;
}

std::vector<DeviceListing> PluginRegistry::devices(Devices which) {
    const std::lock_guard lock(mutex_);
    load_locked();
    std::set<std::string_view> families;
    for (const Entry& entry : entries_)
        if (which == Devices::all || may_have_auto_devices(entry.family)) families.insert(entry.family);

    std::vector<DeviceListing> listings;
    for (const std::string_view family : families) {
        Entry* best = best_of(family);
        if (!best) continue;
        const auto plugin = plugin_of(*best);
        if (!plugin) continue;  // its file has gone
        const krait_backend& api = (*plugin)->api();
        const uint32_t count = api.device_count();
        best->is_driverless = count > 0;
        for (uint32_t i = 0; i < count; ++i) {
            DeviceListing listing;
            listing.family = family;
            listing.index = i;
            listing.info.struct_size = sizeof listing.info;
            if (auto asked = call_plugin([&](krait_error* err) { return api.device_info(i, &listing.info, err); }); !asked)
                listing.error = asked.error().message;
            best->is_driverless &= listing.info.kind == KRAIT_DEVICE_CPU;
            const bool plain = count == 1 && listing.info.kind == KRAIT_DEVICE_CPU;
            listing.name = plain ? std::string(family) : fmt::format("{}{}", family, i);
            listings.push_back(std::move(listing));
        }
    }
    std::stable_sort(listings.begin(), listings.end(),
                     [](const DeviceListing& a, const DeviceListing& b) { return a.info.auto_rank > b.info.auto_rank; });
    return listings;
}

// Files are named krait-FAMILY.so or krait-FAMILY-VARIANT.so, and families may have a '-' too: a refused krait-a-b.so may be a
// variant of 'a', or the family 'a-b'.
tl::unexpected<Error> PluginRegistry::no_family(std::string_view family, std::string_view families) const {
    const std::string stem = fmt::format("krait-{}", family);
    std::vector<std::string> refused, alike;
    for (const PluginReport& report : reports_) {
        const std::string file = fs::path(report.path).stem().string();
        if (!report.family.empty()) continue;
        if (file == stem) refused.push_back(fmt::format("{}: {}", report.path, report.reason));
        else if (file.starts_with(stem + "-")) alike.push_back(fmt::format("{}: {}", report.path, report.reason));
    }
    if (!refused.empty())
        return fail(ErrorCode::unavailable, "no plugin of '{}' can be used here: {}", family, fmt::join(refused, "; "));
    return fail(alike.empty() ? ErrorCode::not_found : ErrorCode::unavailable,
                "there is no device family '{}': no plugin of it is in backends/ beside the program or in KRAIT_BACKEND_PATH; "
                "there are {}{}{}",
                family, families, alike.empty() ? "" : "; of similar names these were refused: ", fmt::join(alike, "; "));
}

Result<std::shared_ptr<Plugin>> PluginRegistry::find(std::string_view family, std::string_view variant) {
    const std::lock_guard lock(mutex_);
    load_locked();
    std::string variants, families;
    std::set<std::string_view> listed;
    for (Entry& entry : entries_) {
        if (listed.insert(entry.family).second) families += fmt::format("{}'{}'", families.empty() ? "" : ", ", entry.family);
        if (entry.family != family) continue;
        if (!entry.variant.empty()) variants += fmt::format("{}'{}'", variants.empty() ? "" : ", ", entry.variant);
        if (variant.empty() || entry.variant != variant) continue;
        ask_score(entry);
        if (entry.score == 0)
            return fail(ErrorCode::unavailable, "'{}:{}' cannot be used here: {}", family, variant, entry.refusal);
        return take(entry);
    }
    if (families.empty())
        return fail(
            ErrorCode::not_found,
            "no backend plugin was found; they are looked for beside the program in backends/ and in KRAIT_BACKEND_PATH");
    if (!listed.contains(family)) return no_family(family, families);
    if (!variant.empty())
        return fail(ErrorCode::not_found, "'{}' has no variant '{}'{}{}", family, variant, variants.empty() ? "" : "; it has ",
                    variants);
    if (Entry* best = best_of(family)) return take(*best);
    std::string reasons;
    for (const Entry& entry : entries_)
        if (entry.family == family) reasons += fmt::format("{}{}", reasons.empty() ? "" : "; ", entry.refusal);
    return fail(ErrorCode::unavailable, "no plugin of '{}' can be used here: {}", family, reasons);
}

}  // namespace krait
