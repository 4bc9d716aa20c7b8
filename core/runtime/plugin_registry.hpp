// SPDX-License-Identifier: Apache-2.0
//
// The plugins of this process: the one global thing in Krait. Found in folders, in this order:
//   folders given to add_folder() · KRAIT_BACKEND_PATH · backends/ or krait/backends/ beside the file that holds this code ·
//   the installed lib/krait/backends
// Every file krait-*.so there is tried; what is refused stays in reports() with the reason, and the rest work. So do folders
// that were named, the first two kinds, and hold no plugin or cannot be read. Plugins that serve nobody are unloaded when one
// has been found, and loaded again when they are wanted.
#pragma once

#include <functional>
#include <mutex>
#include <vector>

#include "core/runtime/device_spec.hpp"
#include "core/runtime/plugin.hpp"

namespace krait {

struct PluginReport {
    std::string path;                      // of a plugin, or of a folder that has none
    std::string family, variant, version;  // empty where it could not be loaded
    uint32_t score = 0;                    // 0 = not used
    std::string reason;                    // why it is not used; empty where it is
};

struct DeviceListing {
    std::string name;  // "cuda0"; without the number where the family has one device that needs none ("cpu")
    std::string family;
    uint32_t index = 0;
    krait_device_info info{};
    std::string error;  // why it could not be asked; empty where it could
};

class PluginRegistry {
  public:
    using LogSink = std::function<void(krait_log_level level, const std::string& message)>;

    // Loads plugins on first use. Safe from many threads.
    static PluginRegistry& instance();

    void set_log(LogSink sink);  // default: nothing is printed
    void add_folder(std::filesystem::path folder);
    // From now on a plugin is loaded only if a child process could load and ask it (core/runtime/safe_probe.hpp). Before first
    // use.
    void set_safe_probe(bool on);

    std::vector<PluginReport> reports();
    enum class Devices : uint8_t {
        all,
        // Without those of families whose drivers need not be loaded to know that "auto" takes none (driver_nodes.hpp).
        for_auto,
    };
    // The devices of the best plugin of each family, highest auto_rank first.
    std::vector<DeviceListing> devices(Devices which = Devices::all);
    // The plugin that serves a family: the variant asked for, else the one with the highest score. An error says what there is.
    Result<std::shared_ptr<Plugin>> find(std::string_view family, std::string_view variant = {});

    PluginRegistry(const PluginRegistry&) = delete;
    PluginRegistry& operator=(const PluginRegistry&) = delete;

  private:
    struct Entry {
        std::shared_ptr<Plugin> plugin;  // null while it is unloaded
        std::string family, variant;
        std::filesystem::path path;
        bool is_linked_in = false;
        size_t report = 0;
        bool is_scored = false;      // what follows, and the report, are known
        bool is_driverless = false;  // its devices are processors, which need none: unloading it is safe
        uint32_t score = 0;
        std::string refusal;
    };
    PluginRegistry();
    void load_locked();
    enum class Folder { named, usual };  // by somebody, who will ask why it has no effect; or one that need not exist
    void scan_folder(const std::filesystem::path& folder, Folder kind);
    Result<std::shared_ptr<Plugin>> load_plugin(const std::filesystem::path& file) const;
    void admit(const std::filesystem::path& path, Result<std::shared_ptr<Plugin>> loaded, bool is_linked_in);
    Result<std::shared_ptr<Plugin>> plugin_of(Entry& entry) const;  // loaded again if it has to be
    Result<std::shared_ptr<Plugin>> take(Entry& entry);             // and unloads what is not used
    void unload_unused();
    void ask_score(Entry& entry);  // once: finding out may load drivers, so only those are asked whose family is wanted
    Entry* best_of(std::string_view family);
    tl::unexpected<Error> no_family(std::string_view family, std::string_view families) const;  // why there is none

    std::mutex mutex_;
    std::mutex log_mutex_;
    LogSink log_;
    std::string cache_directory_;
    krait_host host_{};
    bool loaded_ = false, safe_probe_ = false;
    std::vector<std::filesystem::path> extra_folders_;
    std::vector<Entry> entries_;
    std::vector<PluginReport> reports_;
};

}  // namespace krait
