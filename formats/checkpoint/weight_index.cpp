// SPDX-License-Identifier: Apache-2.0
#include "formats/checkpoint/weight_index.hpp"

#include <map>
#include <new>

#include "core/base/input_file.hpp"
#include "core/base/printable.hpp"
#include "formats/checkpoint/folder_links.hpp"
#include "formats/checkpoint/repeated_name.hpp"
#include "formats/json/json_cursor.hpp"

namespace krait {
namespace {

namespace fs = std::filesystem;

// Real indices have 100 bytes a tensor.
constexpr uint64_t kMaxIndexBytes = 100'000'000;

// A name of a file in the index's folder: no folders, and nothing that a file system takes for one.
bool is_plain_name(std::string_view name) {
    return !name.empty() && name != "." && name != ".." && name.find_first_of(std::string_view("/\\\0", 3)) == name.npos;
}

}  // namespace

Result<WeightIndex> WeightIndex::open(const fs::path& path) {
    KRAIT_TRY(const InputFile file, InputFile::open(path));
    if (file.size() > kMaxIndexBytes)
        return fail(ErrorCode::unsupported, "{}: an index of {} bytes; at most {} are read", path.string(), file.size(),
                    kMaxIndexBytes);
    try {
        std::string text(static_cast<size_t>(file.size()), '\0');
        KRAIT_CHECK(file.read(0, std::as_writable_bytes(std::span(text))));
        return parse(text, path);
    } catch (const std::bad_alloc&) {
        return fail(ErrorCode::out_of_memory, "not enough memory for an index of {} bytes", file.size());
    }
}

Result<WeightIndex> WeightIndex::parse(std::string_view text, const fs::path& path) {
    WeightIndex index;
    index.path_ = path;
    const std::string name = path.string();
    JsonCursor cursor(text, 0, name);
    cursor.enter("index");
    std::map<std::string, uint32_t> files;
    const auto parse_tensor = [&](const std::string& tensor, uint64_t at) -> Result<void> {
        const uint64_t file_at = cursor.position();
        KRAIT_TRY(const std::string file, cursor.string("the name of a file", 4096));
        if (!is_plain_name(file))
            return cursor.error("tensor {}: {} at byte {} is no name of a file beside the index", quote(tensor), quote(file),
                                file_at);
        const auto known = files.emplace(file, static_cast<uint32_t>(files.size())).first;
        index.tensors_.push_back({tensor, known->second, at});
        return {};
    };
    bool has_map = false;
    KRAIT_CHECK(cursor.object("the index", [&](const std::string& key, uint64_t at) -> Result<void> {
        if (key != "weight_map") return cursor.skip_value();
        if (has_map) return cursor.error("\"weight_map\" at byte {} comes a second time", at);
        has_map = true;
        return cursor.object("the weight_map", parse_tensor);
    }));
    KRAIT_CHECK(cursor.end("the index"));
    if (!has_map || index.tensors_.empty())
        return cursor.error("it has no \"weight_map\" that says where the tensors are, up to byte {}", text.size());
    if (const Entry* again = find_repeated(index.tensors_, &Entry::tensor))
        return cursor.error("the tensor {} at byte {} comes a second time", quote(again->tensor), again->at);
    std::vector<uint32_t> order(files.size());
    for (const auto& [file, number] : files) {
        order[number] = static_cast<uint32_t>(index.files_.size());
        index.files_.push_back(file);
    }
    for (Entry& entry : index.tensors_) entry.file = order[entry.file];
    return index;
}

Result<void> WeightIndex::check_files() const {
    constexpr size_t kMaxNamed = 8;
    std::error_code code;
    std::string missing;
    size_t n_missing = 0;
    for (const std::string& file : files_) {
        const fs::path real = fs::canonical(path_of(file), code);
        if (code) {
            if (n_missing++ < kMaxNamed) missing += (missing.empty() ? "" : ", ") + quote(file, '\'', 255);
        } else if (!stays_in_folder(real, path_.parent_path(), path_)) {
            return fail(ErrorCode::invalid_argument, "{}: {} is a link that leaves the folder, to {}", path_.string(),
                        quote(file), quote(real.string(), '\'', 255));
        }
    }
    if (n_missing == 0) return {};
    if (n_missing > kMaxNamed) missing += fmt::format(" and {} more", n_missing - kMaxNamed);
    return fail(ErrorCode::not_found, "{}: {} of the {} files that it names are not in its folder: {}", path_.string(),
                n_missing, files_.size(), missing);
}

}  // namespace krait
