// SPDX-License-Identifier: Apache-2.0
#include "formats/data_file.hpp"

#include <algorithm>

namespace krait {

Result<DataFile> DataFile::open(const std::filesystem::path& path, FileAccess access) {
    DataFile file;
    file.name_ = path.string();
    if (access == FileAccess::read) {
        KRAIT_TRY(file.input_, InputFile::open(path));
        file.size_ = file.input_.size();
    } else {
        KRAIT_TRY(file.mapping_, MappedFile::open(path));
        file.bytes_ = file.mapping_.bytes();
        file.size_ = file.bytes_.size();
    }
    return file;
}

DataFile DataFile::borrow(std::span<const std::byte> bytes, std::string name) {
    DataFile file;
    file.name_ = std::move(name);
    file.bytes_ = bytes;
    file.size_ = bytes.size();
    return file;
}

Result<void> DataFile::read(uint64_t offset, std::span<std::byte> out) const {
    if (is_read()) return input_.read(offset, out);
    if (offset > size_ || out.size() > size_ - offset)
        return fail(ErrorCode::internal, "'{}': bytes {} to {} are asked for, and there are {}", name_, offset,
                    offset + out.size(), size_);
    std::ranges::copy(bytes_.subspan(offset, out.size()), out.begin());
    return {};
}

void DataFile::will_need(uint64_t offset, uint64_t size) const {
    if (is_read()) input_.will_need(offset, size);
    else mapping_.advise(MappedFile::Advice::will_need, bytes_.subspan(offset, size));
}

}  // namespace krait
