// SPDX-License-Identifier: Apache-2.0
#include "core/base/partial_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace krait {
namespace {

// Names of the temporary files, for remove_partial_files(). Whoever takes a name out of its slot owns it, so that a handler
// never reads what another thread has freed. A handler cannot free it, since malloc may be what it interrupted: it puts the
// name into g_removed, where nothing is lost.
constexpr int kSlots = 1024;
std::atomic<char*> g_partial[kSlots], g_removed[kSlots];
static_assert(std::atomic<char*>::is_always_lock_free);

int take_slot(const std::filesystem::path& temporary) {
    char* name = ::strdup(temporary.c_str());
    for (int slot = 0; name && slot < kSlots; ++slot) {
        char* none = nullptr;
        if (g_partial[slot].compare_exchange_strong(none, name)) return slot;
    }
    std::free(name);
    return -1;
}
void free_slot(int slot) {
    if (slot < 0) return;
    std::free(g_partial[slot].exchange(nullptr));
    std::free(g_removed[slot].exchange(nullptr));
}

// The name and the suffix, in as many bytes as a name may have in that folder: the name's end goes, at the border of a UTF-8
// character.
std::string with_suffix(const std::filesystem::path& folder, std::string name, const std::string& suffix) {
    const long limit = ::pathconf(folder.empty() ? "." : folder.c_str(), _PC_NAME_MAX);
    const size_t room = static_cast<size_t>(limit > 0 ? limit : 255) - suffix.size();
    if (name.size() > room) {
        size_t end = room;
        while (end > 0 && (static_cast<unsigned char>(name[end]) & 0xc0) == 0x80) --end;
        name.resize(end);
    }
    return name + suffix;
}

}  // namespace

void remove_partial_files() noexcept {
    for (int slot = 0; slot < kSlots; ++slot)
        if (char* name = g_partial[slot].exchange(nullptr)) {
            ::unlink(name);
            g_removed[slot].store(name);
        }
}

PartialFile::PartialFile(PartialFile&& other) noexcept
    : path_(std::exchange(other.path_, {})), slot_(std::exchange(other.slot_, -1)) {}

PartialFile& PartialFile::operator=(PartialFile&& other) noexcept {
    if (this == &other) return *this;
    remove();
    path_ = std::exchange(other.path_, {});
    slot_ = std::exchange(other.slot_, -1);
    return *this;
}

FileDescriptor PartialFile::create(const std::filesystem::path& target, mode_t mode) {
    remove();
    // Unique among processes by the process id, within one by the counter.
    static std::atomic<uint32_t> counter{0};
    int fd = -1;
    do {
        const std::string suffix = fmt::format(".{}-{}.partial", ::getpid(), counter.fetch_add(1));
        path_ = target.parent_path() / with_suffix(target.parent_path(), target.filename(), suffix);
        free_slot(slot_);
        slot_ = take_slot(path_);  // before there is a file: a signal right behind open() finds its name
        fd = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    } while (fd < 0 && (errno == EEXIST || errno == EINTR));
    if (fd < 0) {
        const int code = errno;
        path_.clear();
        free_slot(std::exchange(slot_, -1));
        errno = code;
    }
    return FileDescriptor(fd);
}

bool PartialFile::rename_to(const std::filesystem::path& target) {
    if (::rename(path_.c_str(), target.c_str()) != 0) return false;
    path_.clear();
    free_slot(std::exchange(slot_, -1));
    return true;
}

void PartialFile::remove() noexcept {
    if (!path_.empty()) ::unlink(path_.c_str());
    path_.clear();
    free_slot(std::exchange(slot_, -1));
}

}  // namespace krait
