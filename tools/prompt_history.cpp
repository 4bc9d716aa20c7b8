// SPDX-License-Identifier: Apache-2.0
#include "tools/prompt_history.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <system_error>

namespace krait::tools {
namespace {

struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, Close>;

File open_file(const std::filesystem::path& path, int flags) {
    const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | flags, S_IRUSR | S_IWUSR);
    if (fd < 0) return nullptr;
    File file(fdopen(fd, "a"));
    if (!file) close(fd);
    else std::fseek(file.get(), 0, SEEK_END);  // libedit begins an empty file with a line of its own
    return file;
}

void save(HistoryW* history, std::FILE* file) {
    HistEventW event;
    history_w(history, &event, H_SAVE_FP, file);
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
    const auto bytes = std::filesystem::file_size(*file, ec);
    const int n_loaded = history_w(history_, &event, H_LOAD, file->c_str());
    if (!ec && bytes > 0 && n_loaded < 0) return;  // somebody else's file stays as it is
    file_ = *file;
    if (n_loaded > 2 * kMaxPrompts) {  // without what was dropped
        if (const File whole = open_file(file_, O_TRUNC)) save(history_, whole.get());
    }
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
    const File file = open_file(file_, O_APPEND);
    if (!file) return;
    HistoryW* one = history_winit();
    HistEventW event;
    history_w(one, &event, H_SETSIZE, 1);
    history_w(one, &event, H_ENTER, prompt.c_str());
    save(one, file.get());
    history_wend(one);
}

}  // namespace krait::tools
