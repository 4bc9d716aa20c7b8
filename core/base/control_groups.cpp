// SPDX-License-Identifier: Apache-2.0
#include "core/base/control_groups.hpp"

#include <algorithm>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

namespace krait {
namespace fs = std::filesystem;
namespace {

enum class Version { one, two };

// The group of this process in one hierarchy, as /proc/self/cgroup tells it.
struct Group {
    Version version;
    fs::path path;  // "/user.slice/x.service"; "/.." and below where it lies outside the process's namespace
};

// Where a hierarchy, or a part of it, can be seen.
struct Mount {
    Version version;
    fs::path root;  // the group that is mounted, in the terms of Group::path
    fs::path point;
};

// Whether "rw,cpu,cpuacct" names cpu.
bool has_word(const std::string& list, std::string_view word) {
    std::istringstream words(list);
    for (std::string one; std::getline(words, one, ',');)
        if (one == word) return true;
    return false;
}

// A space is \040 in mountinfo; so are a tab, a newline and the backslash itself.
std::string unescape(const std::string& text) {
    const auto is_octal = [](char c) { return c >= '0' && c <= '7'; };
    std::string plain;
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\' && i + 3 < text.size() && is_octal(text[i + 1]) && is_octal(text[i + 2]) && is_octal(text[i + 3])) {
            plain += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
            i += 3;
        } else {
            plain += text[i];
        }
    }
    return plain;
}

// Lines are "4:cpu,cpuacct:/docker/1f" and, for version 2, "0::/docker/1f".
std::vector<Group> read_groups(const fs::path& file) {
    std::vector<Group> groups;
    std::ifstream stream(file);
    for (std::string line; std::getline(stream, line);) {
        const size_t first = line.find(':'), second = line.find(':', first + 1);
        if (first == std::string::npos || second == std::string::npos) continue;
        const std::string controllers = line.substr(first + 1, second - first - 1);
        const bool is_two = line.compare(0, first, "0") == 0 && controllers.empty();
        if (is_two || has_word(controllers, "cpu"))
            groups.push_back({is_two ? Version::two : Version::one, line.substr(second + 1)});
    }
    return groups;
}

// "32 31 0:29 /docker/1f /sys/fs/cgroup/cpu rw,relatime master:9 - cgroup cgroup rw,cpu": root and point are the 4th and the
// 5th word, and behind a lone "-" stand type, source and options.
std::vector<Mount> read_mounts(const fs::path& file) {
    std::vector<Mount> mounts;
    std::ifstream stream(file);
    for (std::string line; std::getline(stream, line);) {
        const size_t dash = line.find(" - ");
        if (dash == std::string::npos) continue;
        std::istringstream left(line.substr(0, dash)), right(line.substr(dash + 3));
        std::string skipped, root, point, type, options;
        left >> skipped >> skipped >> skipped >> root >> point;
        right >> type >> skipped >> options;
        const bool is_two = type == "cgroup2";
        if (is_two || (type == "cgroup" && has_word(options, "cpu")))
            mounts.push_back({is_two ? Version::two : Version::one, unescape(root), unescape(point)});
    }
    return mounts;
}

// A group's place under the one that is mounted; nothing where it cannot be seen there. A mount from outside of the process's
// namespace ("/..") is of a group above it: the way down has no names here, but that group's own quota counts.
std::optional<fs::path> below(const fs::path& mounted, const fs::path& group) {
    const auto [m, g] = std::mismatch(mounted.begin(), mounted.end(), group.begin(), group.end());
    if (m != mounted.end()) {
        const bool is_above = std::all_of(m, mounted.end(), [](const fs::path& part) { return part == ".."; });
        return is_above ? std::optional<fs::path>(fs::path()) : std::nullopt;
    }
    fs::path rest;
    for (auto part = g; part != group.end(); ++part) rest /= *part;
    if (!rest.empty() && *rest.begin() == "..") return std::nullopt;
    return rest;
}

int whole_processors(long long quota, long long period) {
    if (quota <= 0 || period <= 0) return 0;
    return static_cast<int>(std::clamp<long long>((quota - 1) / period + 1, 1, 1 << 20));
}

// The quota of one group alone.
int quota_of(Version version, const fs::path& folder) {
    long long quota = 0, period = 0;
    if (version == Version::two) {
        std::ifstream(folder / "cpu.max") >> quota >> period;  // "max" is no number: both stay 0
    } else {
        std::ifstream(folder / "cpu.cfs_quota_us") >> quota;
        std::ifstream(folder / "cpu.cfs_period_us") >> period;
    }
    return whole_processors(quota, period);
}

}  // namespace

int processors_of_quota(const fs::path& root) {
    const std::vector<Group> groups = read_groups(root / "proc/self/cgroup");
    if (groups.empty()) return 0;
    int fewest = 0;
    for (const Mount& mount : read_mounts(root / "proc/self/mountinfo"))
        for (const Group& group : groups) {
            if (group.version != mount.version) continue;
            std::optional<fs::path> path = below(mount.root, group.path);
            while (path) {
                const int n = quota_of(mount.version, root / mount.point.relative_path() / *path);
                if (n > 0) fewest = fewest == 0 ? n : std::min(fewest, n);
                if (path->empty()) break;
                path = path->parent_path();
            }
        }
    return fewest;
}

}  // namespace krait
