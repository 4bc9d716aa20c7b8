// SPDX-License-Identifier: Apache-2.0
//
// Archives and pickles as torch.save writes them, and wrong ones, byte by byte.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "formats/torch/torch_file.hpp"

namespace krait::test {

template <class Number>
std::string number_bytes(Number number) {
    std::string bytes(sizeof number, '\0');
    std::memcpy(bytes.data(), &number, sizeof number);
    return bytes;
}

// ---- archives ----------------------------------------------------------------------------------------------------------

// An entry. What is set beside name and data is written in place of what would be right.
struct ZipPart {
    std::string name, data;
    uint16_t flags = 0, method = 0;
    std::optional<uint32_t> size = {}, stored_size = {};  // in both headers
    std::optional<std::string> own_name = {};             // in the entry's own header alone
    std::optional<uint32_t> begin = {};                   // where the directory says that the own header is
    std::string extra = {};                               // behind the name in the directory
};

inline std::string zip_of(const std::vector<ZipPart>& parts, std::optional<uint16_t> n_entry = {},
                          const std::string& front = {}) {
    std::string file = front, directory;
    for (const ZipPart& part : parts) {
        const auto data_size = static_cast<uint32_t>(part.data.size());
        const uint32_t size = part.size.value_or(data_size), stored_size = part.stored_size.value_or(size);
        const std::string own_name = part.own_name.value_or(part.name);
        const auto facts = number_bytes(part.flags) + number_bytes(part.method) + number_bytes(uint32_t{0}) +
                           number_bytes(uint32_t{0}) + number_bytes(stored_size) + number_bytes(size);
        const auto begin = part.begin.value_or(static_cast<uint32_t>(file.size() - front.size()));
        directory += "PK\1\2" + number_bytes(uint16_t{0}) + number_bytes(uint16_t{0}) + facts +
                     number_bytes(static_cast<uint16_t>(part.name.size())) +
                     number_bytes(static_cast<uint16_t>(part.extra.size())) + std::string(10, '\0') + number_bytes(begin) +
                     part.name + part.extra;
        file += "PK\3\4" + number_bytes(uint16_t{0}) + facts + number_bytes(static_cast<uint16_t>(own_name.size())) +
                number_bytes(uint16_t{0}) + own_name + part.data;
    }
    const auto begin = static_cast<uint32_t>(file.size() - front.size());
    const uint16_t count = n_entry.value_or(static_cast<uint16_t>(parts.size()));
    return file + directory + "PK\5\6" + number_bytes(uint32_t{0}) + number_bytes(count) + number_bytes(count) +
           number_bytes(static_cast<uint32_t>(directory.size())) + number_bytes(begin) + number_bytes(uint16_t{0});
}

// An archive of one storage of the key "0".
inline std::string torch_archive(const std::string& pickle, const std::string& data) {
    return zip_of({{.name = "m/data.pkl", .data = pickle},
                   {.name = "m/byteorder", .data = "little"},
                   {.name = "m/data/0", .data = data}});
}
inline constexpr size_t kFirstPickleByte = 30 + 10;  // of the first entry, m/data.pkl

// ---- pickles -----------------------------------------------------------------------------------------------------------

inline std::string p_text(const std::string& text) { return "X" + number_bytes(static_cast<uint32_t>(text.size())) + text; }
inline std::string p_global(const std::string& module, const std::string& name) { return "c" + module + "\n" + name + "\n"; }
inline std::string p_number(int64_t number) { return "\x8a\x08" + number_bytes(number); }
inline std::string p_numbers(const std::vector<int64_t>& numbers) {
    std::string tuple = "(";
    for (const int64_t number : numbers) tuple += p_number(number);
    return tuple + "t";
}
inline std::string p_storage(int64_t n_element, const std::string& type = "FloatStorage", const std::string& key = "0") {
    return "(" + p_text("storage") + p_global("torch", type) + p_text(key) + p_text("cpu") + p_number(n_element) + "tQ";
}
inline std::string p_ordered_dict() { return p_global("collections", "OrderedDict") + ")R"; }
inline std::string p_tensor(int64_t n_element, int64_t offset, const std::vector<int64_t>& extents,
                            const std::vector<int64_t>& strides, const std::string& type = "FloatStorage",
                            const std::string& key = "0") {
    return p_global("torch._utils", "_rebuild_tensor_v2") + "(" + p_storage(n_element, type, key) + p_number(offset) +
           p_numbers(extents) + p_numbers(strides) + "\x89" + p_ordered_dict() + "tR";
}
// entries: keys and values in turn.
inline std::string p_dict(const std::string& entries) { return "}(" + entries + "u"; }
inline std::string pickle_of(const std::string& root) { return "\x80\x02" + root + "."; }

// ---- reading them ------------------------------------------------------------------------------------------------------

inline Result<TorchFile> parse_torch(const std::string& file) {
    return TorchFile::parse(std::as_bytes(std::span(file)), "x.bin");
}

}  // namespace krait::test
