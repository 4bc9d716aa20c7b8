// SPDX-License-Identifier: Apache-2.0
#include "tools/prompt_history.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <span>
#include <system_error>

#include "core/base/file_descriptor.hpp"
#include "core/base/output_file.hpp"

namespace krait::tools {
namespace {

struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, Close>;

bool save(HistoryW* history, std::FILE* file) {
    HistEventW event;
    return history_w(history, &event, H_SAVE_FP, file) >= 0;
}

// A pipe in the file's place would be waited for, hence O_NONBLOCK; a device would take prompts and keep none.
FileDescriptor open_regular(const std::filesystem::path& path, int flags) {
    FileDescriptor file(open(path.c_str(), flags | O_NONBLOCK | O_CLOEXEC, S_IRUSR | S_IWUSR));
    struct stat status {};
    if (file && (fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode))) {
        file.close();
        errno = EINVAL;
    }
    return file;
}

// Whether the path still leads to the file that is open: another process may have put a new one in its place.
bool is_in_place(const FileDescriptor& file, const std::filesystem::path& path) {
    struct stat opened {
    }, there{};
    return fstat(file.get(), &opened) == 0 && stat(path.c_str(), &there) == 0 && opened.st_dev == there.st_dev &&
           opened.st_ino == there.st_ino;
}

// For appending, locked, so that nobody puts a shorter file in its place meanwhile. A process that keeps the lock for a second
// is stuck and not waited for any longer; a file system may have no locks.
File open_to_append(const std::filesystem::path& path) {
    constexpr int kTries = 100;
    for (int i = 0;; ++i) {
        FileDescriptor descriptor = open_regular(path, O_WRONLY | O_CREAT | O_APPEND);
        if (!descriptor) return nullptr;
        const bool must_wait = flock(descriptor.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
        if (i < kTries && (must_wait || !is_in_place(descriptor, path))) {
            usleep(10000);
            continue;
        }
        File file(fdopen(descriptor.get(), "a"));
        if (!file) return nullptr;
        descriptor.release();
        std::fseek(file.get(), 0, SEEK_END);  // libedit begins an empty file with a line of its own
        return file;
    }
}

// Puts a file of these prompts in the place of the one that is there, which stays as it was where that fails.
void replace_file(const std::filesystem::path& path, HistoryW* history) {
    // libedit sets the rights of the file that it writes, which a stream in memory has not.
    const File whole(std::tmpfile());
    if (!whole || !save(history, whole.get()) || std::fflush(whole.get()) != 0) return;
    std::rewind(whole.get());
    auto file = OutputFile::create(path);
    std::array<std::byte, size_t{1} << 16> block;
    for (size_t n = 0; file && (n = std::fread(block.data(), 1, block.size(), whole.get())) > 0;)
        if (!file->write(std::span(block).first(n))) return;
    if (file && !std::ferror(whole.get())) (void)file->finish();
}

}  // namespace

PromptHistory::PromptHistory(const std::optional<std::filesystem::path>& file) {
    HistEventW event;
    history_w(history_, &event, H_SETSIZE, kMaxPrompts);
    history_w(history_, &event, H_SETUNIQUE, 1);
    if (!file) return;
    std::error_code ec;
    std::filesystem::create_directories(file->parent_path().parent_path(), ec);
    (void)mkdir(file->parent_path().c_str(), S_IRWXU);
    const FileDescriptor old = open_regular(*file, O_RDONLY);
    if (!old && errno != ENOENT) return;
    if (old) {
        // Locked from before it is read, so that what another session appends is either read or not replaced.
        const bool is_alone = flock(old.get(), LOCK_EX | LOCK_NB) == 0 && is_in_place(old, *file);
        const auto bytes = std::filesystem::file_size(*file, ec);
        const int n_loaded = history_w(history_, &event, H_LOAD, fmt::format("/dev/fd/{}", old.get()).c_str());
        if (!ec && bytes > 0 && n_loaded < 0) return;                               // somebody else's file stays as it is
        if (is_alone && n_loaded > 2 * kMaxPrompts) replace_file(*file, history_);  // without what was dropped
    }
    file_ = *file;
}

void PromptHistory::add(const std::wstring& prompt) {
    if (prompt.size() > kMaxKept) return;
    HistEventW event;
    history_w(history_, &event, H_ENTER, prompt.c_str());
    // Bytes that are no UTF-8 (tools/wide_text.hpp) do not go into the file, which is text.
    const bool is_text = std::ranges::none_of(prompt, [](wchar_t c) { return c >= 0xD800 && c < 0xE000; });
    if (!file_.empty() && is_text) append_to_file(prompt);
}

// libedit writes whole histories: so this is one of one prompt.
void PromptHistory::append_to_file(const std::wstring& prompt) const {
    const File file = open_to_append(file_);
    if (!file) return;
    HistoryW* one = history_winit();
    HistEventW event;
    history_w(one, &event, H_SETSIZE, 1);
    history_w(one, &event, H_ENTER, prompt.c_str());
    (void)save(one, file.get());
    history_wend(one);
}

}  // namespace krait::tools
