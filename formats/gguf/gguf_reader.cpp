// SPDX-License-Identifier: Apache-2.0
#include "formats/gguf/gguf_reader.hpp"

#include <algorithm>
#include <bit>
#include <limits>
#include <new>
#include <stdexcept>

#include "formats/gguf/gguf_cursor.hpp"
#include "formats/gguf/gguf_value.hpp"

namespace krait {
namespace {

// The least bytes that an entry takes: an empty name (its length, 8), then
constexpr uint64_t kMinMetadataBytes = 8 + 4 + 1;        // a type and one byte of value
constexpr uint64_t kMinTensorBytes = 8 + 4 + 8 + 4 + 8;  // rank, one extent, type, offset

// More elements could not be addressed in 62 bits at 16 bytes each (check_desc has the same limit).
constexpr int64_t kMaxElements = int64_t{1} << 58;

constexpr uint32_t byte_swapped(uint32_t v) { return v >> 24 | (v >> 8 & 0xFF00) | (v << 8 & 0xFF0000) | v << 24; }

}  // namespace

GgufFile::GgufFile() = default;
GgufFile::GgufFile(GgufFile&&) noexcept = default;
GgufFile& GgufFile::operator=(GgufFile&&) noexcept = default;
GgufFile::~GgufFile() = default;

// One pass over the file's fields, in their order.
class GgufParser {
  public:
    // The bytes are those of the file, or its beginning. Borrows it: what was parsed has none.
    GgufParser(std::span<const std::byte> bytes, const DataFile& file) : cursor_(bytes, file.size(), file.name()) {
        file_.shards_.emplace_back().bytes = bytes;
    }
    GgufParser(const GgufParser&) = delete;
    GgufParser& operator=(const GgufParser&) = delete;

    Result<GgufFile> parse() {
        KRAIT_CHECK(parse_header());
        for (uint64_t i = 0; i < metadata_count_; ++i) KRAIT_CHECK(parse_metadata(i));
        KRAIT_CHECK(index_metadata());
        KRAIT_CHECK(find_alignment());
        for (uint64_t i = 0; i < tensor_count_; ++i) KRAIT_CHECK(parse_tensor(i));
        KRAIT_CHECK(index_tensors());
        KRAIT_CHECK(place_tensors());
        return std::move(file_);
    }
    [[nodiscard]] bool lacks_bytes() const { return cursor_.lacks_bytes(); }

  private:
    Result<void> parse_header();
    Result<void> check_version(uint32_t version, uint64_t at) const;

    Result<void> parse_metadata(uint64_t index);
    Result<GgufType> read_type(std::string_view field);
    Result<GgufValue> read_value(GgufType type);
    Result<GgufArray> read_array();
    Result<std::vector<std::string>> read_strings(uint64_t count, uint64_t count_at);
    Result<bool> check_bool(uint8_t byte, uint64_t at) const;
    Result<void> index_metadata();
    Result<void> find_alignment();

    Result<void> parse_tensor(uint64_t index);
    Result<DType> check_tensor_type(uint32_t id, uint64_t at) const;
    Result<void> index_tensors();
    Result<void> place_tensors();
    Result<void> check_overlaps();
    void enter_tensor(size_t index) {
        cursor_.enter("tensor", index);
        cursor_.name_part(file_.tensors_[index].name);
    }
    // Where the field that gives a tensor's place stands: the last of its record.
    [[nodiscard]] uint64_t offset_field(const GgufTensor& t) const {
        return t.record_offset + 8 + t.name.size() + 4 + uint64_t{8} * t.desc.rank + 4;
    }

    template <class T>
    Result<GgufValue> read_scalar() {
        KRAIT_TRY(const T value, cursor_.read<T>("value"));
        return GgufValue(std::in_place_type<T>, value);
    }
    // Elements of one size, copied as they lie.
    template <class T>
    Result<GgufArray> read_scalars(uint64_t count) {
        KRAIT_TRY(const auto bytes, cursor_.take(count * sizeof(T), "array"));
        std::vector<T> elements(count);
        if (count > 0) std::memcpy(elements.data(), bytes.data(), bytes.size());
        return GgufArray(std::move(elements));
    }

    GgufFile file_;
    GgufCursor cursor_;
    uint64_t tensor_count_ = 0;
    uint64_t metadata_count_ = 0;
    std::vector<uint64_t> relative_offsets_;  // as the file gives them, one a tensor
};

// ---- header ------------------------------------------------------------------------------------------------------

Result<void> GgufParser::parse_header() {
    cursor_.enter("header");
    KRAIT_TRY(const uint32_t magic, cursor_.read<uint32_t>("magic"));
    if (magic != kGgufMagic) {
        const std::string_view found(reinterpret_cast<const char*>(file_.bytes().data()), sizeof(magic));
        const char* hint = "";
        if (found == "vers") hint = " (a Git LFS pointer? Fetch the file itself with 'git lfs pull')";
        else if (found == "lmgg" || found == "tjgg" || found == "fmgg" || found == "algg")
            hint = " (the format before GGUF: convert the model again from its source)";
        else if (found.starts_with("PK")) hint = " (a PyTorch checkpoint or a zip archive: convert it to GGUF)";
        return cursor_.error(ErrorCode::corrupt_file, "magic at byte 0 is {}, and a GGUF file begins with 'GGUF'{}",
                             quote_name(found), hint);
    }
    const uint64_t version_at = cursor_.position();
    KRAIT_TRY(file_.version_, cursor_.read<uint32_t>("version"));
    KRAIT_CHECK(check_version(file_.version_, version_at));

    const uint64_t tensor_count_at = cursor_.position();
    KRAIT_TRY(tensor_count_, cursor_.read<uint64_t>("tensor count"));
    const uint64_t metadata_count_at = cursor_.position();
    KRAIT_TRY(metadata_count_, cursor_.read<uint64_t>("metadata count"));
    KRAIT_CHECK(cursor_.check_count(tensor_count_, tensor_count_at, "tensor count", kMinTensorBytes));
    return cursor_.check_count(metadata_count_, metadata_count_at, "metadata count", kMinMetadataBytes);
}

Result<void> GgufParser::check_version(uint32_t version, uint64_t at) const {
    if (version == 2 || version == 3) return {};
    if (version == 1)
        return cursor_.error(ErrorCode::unsupported,
                             "version at byte {} is 1; Krait reads 2 and 3. Convert the model again with a current converter",
                             at);
    if (const uint32_t swapped = byte_swapped(version); swapped >= 1 && swapped <= 0xFFFF)
        return cursor_.error(ErrorCode::unsupported,
                             "version at byte {} is {} stored big-endian; Krait reads little-endian files. Convert it with "
                             "'gguf-convert-endian FILE little' of the Python package gguf",
                             at, swapped);
    return cursor_.error(version == 0 ? ErrorCode::corrupt_file : ErrorCode::unsupported,
                         "version at byte {} is {}; Krait reads 2 and 3", at, version);
}

// ---- metadata ----------------------------------------------------------------------------------------------------

Result<void> GgufParser::parse_metadata(uint64_t index) {
    cursor_.enter("metadata", index);
    KRAIT_TRY(const std::string_view key, cursor_.read_string("key", kGgufMaxNameBytes));
    cursor_.name_part(key);
    KRAIT_TRY(const GgufType type, read_type("value type"));
    const uint64_t value_at = cursor_.position();
    KRAIT_TRY(GgufValue value, read_value(type));
    file_.metadata_.push_back({std::string(key), std::move(value), value_at});
    return {};
}

Result<GgufType> GgufParser::read_type(std::string_view field) {
    const uint64_t at = cursor_.position();
    KRAIT_TRY(const uint32_t id, cursor_.read<uint32_t>(field));
    if (id >= kGgufTypeCount)
        return cursor_.error(ErrorCode::corrupt_file, "{} at byte {} is {}; the types are 0 to {}", field, at, id,
                             kGgufTypeCount - 1);
    return static_cast<GgufType>(id);
}

Result<bool> GgufParser::check_bool(uint8_t byte, uint64_t at) const {
    if (byte > 1) return cursor_.error(ErrorCode::corrupt_file, "bool value at byte {} is {}; 0 and 1 are possible", at, byte);
    return byte == 1;
}

Result<GgufValue> GgufParser::read_value(GgufType type) {
    switch (type) {
        case GgufType::uint8: return read_scalar<uint8_t>();
        case GgufType::int8: return read_scalar<int8_t>();
        case GgufType::uint16: return read_scalar<uint16_t>();
        case GgufType::int16: return read_scalar<int16_t>();
        case GgufType::uint32: return read_scalar<uint32_t>();
        case GgufType::int32: return read_scalar<int32_t>();
        case GgufType::float32: return read_scalar<float>();
        case GgufType::uint64: return read_scalar<uint64_t>();
        case GgufType::int64: return read_scalar<int64_t>();
        case GgufType::float64: return read_scalar<double>();
        case GgufType::boolean: {
            const uint64_t at = cursor_.position();
            KRAIT_TRY(const uint8_t byte, cursor_.read<uint8_t>("bool value"));
            KRAIT_TRY(const bool value, check_bool(byte, at));
            return GgufValue(value);
        }
        case GgufType::string: {
            KRAIT_TRY(const std::string_view text, cursor_.read_string("string value"));
            return GgufValue(std::string(text));
        }
        case GgufType::array: {
            KRAIT_TRY(GgufArray array, read_array());
            return GgufValue(std::move(array));
        }
    }
    return cursor_.error(ErrorCode::internal, "value type {} is not handled", static_cast<uint32_t>(type));
}

Result<GgufArray> GgufParser::read_array() {
    const uint64_t type_at = cursor_.position();
    KRAIT_TRY(const GgufType type, read_type("array element type"));
    if (type == GgufType::array)
        return cursor_.error(ErrorCode::unsupported,
                             "array element type at byte {} is 9 (array); Krait takes no arrays inside arrays", type_at);
    const uint64_t count_at = cursor_.position();
    KRAIT_TRY(const uint64_t count, cursor_.read<uint64_t>("array length"));
    const bool is_string = type == GgufType::string;
    KRAIT_CHECK(cursor_.check_count(count, count_at, "array length", is_string ? sizeof(uint64_t) : gguf_type_bytes(type)));

    switch (type) {
        case GgufType::uint8: return read_scalars<uint8_t>(count);
        case GgufType::int8: return read_scalars<int8_t>(count);
        case GgufType::uint16: return read_scalars<uint16_t>(count);
        case GgufType::int16: return read_scalars<int16_t>(count);
        case GgufType::uint32: return read_scalars<uint32_t>(count);
        case GgufType::int32: return read_scalars<int32_t>(count);
        case GgufType::float32: return read_scalars<float>(count);
        case GgufType::uint64: return read_scalars<uint64_t>(count);
        case GgufType::int64: return read_scalars<int64_t>(count);
        case GgufType::float64: return read_scalars<double>(count);
        case GgufType::boolean: {
            const uint64_t at = cursor_.position();
            KRAIT_TRY(const auto bytes, cursor_.take(count, "array"));
            std::vector<bool> elements(count);
            for (uint64_t i = 0; i < count; ++i) {
                KRAIT_TRY(elements[i], check_bool(static_cast<uint8_t>(bytes[i]), at + i));
            }
            return GgufArray(std::move(elements));
        }
        case GgufType::string: {
            KRAIT_TRY(std::vector<std::string> strings, read_strings(count, count_at));
            return GgufArray(std::move(strings));
        }
        case GgufType::array: break;
    }
    return cursor_.error(ErrorCode::internal, "array element type {} is not handled", static_cast<uint32_t>(type));
}

Result<std::vector<std::string>> GgufParser::read_strings(uint64_t count, uint64_t count_at) {
    // A walk over the lengths first: memory is taken only for strings that are all there.
    GgufCursor walk = cursor_;
    for (uint64_t i = 0; i < count; ++i) {
        if (auto string = walk.read_string("array element"); !string) {
            cursor_ = walk;  // which knows whether bytes were lacking
            return tl::unexpected<Error>{
                {string.error().code, fmt::format("{} (element {} of the {} that the array length at byte {} declares)",
                                                  string.error().message, i, count, count_at)}};
        }
    }
    std::vector<std::string> strings;
    strings.reserve(count);
    for (uint64_t i = 0; i < count; ++i) {
        KRAIT_TRY(const std::string_view text, cursor_.read_string("array element"));
        strings.emplace_back(text);
    }
    return strings;
}

Result<void> GgufParser::index_metadata() {
    file_.metadata_index_.reserve(file_.metadata_.size());
    for (size_t i = 0; i < file_.metadata_.size(); ++i) {
        const GgufMetadata& entry = file_.metadata_[i];
        if (const auto [first, added] = file_.metadata_index_.emplace(entry.key, i); !added) {
            cursor_.enter("metadata", i);
            cursor_.name_part(entry.key);
            // The key lies before the type (4 bytes), which lies before the value.
            return cursor_.error(ErrorCode::corrupt_file, "key at byte {} is already that of metadata {}; keys are unique",
                                 entry.offset - 4 - entry.key.size(), first->second);
        }
    }
    return {};
}

Result<void> GgufParser::find_alignment() {
    const GgufMetadata* entry = file_.find(kGgufAlignmentKey);
    if (!entry) return {};
    cursor_.enter("metadata", file_.metadata_index_.at(kGgufAlignmentKey));
    cursor_.name_part(entry->key);
    const std::optional<uint64_t> alignment = std::visit(
        [](const auto& value) -> std::optional<uint64_t> {
            using T = std::decay_t<decltype(value)>;
            if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>)
                if (value > 0) return static_cast<uint64_t>(value);
            return std::nullopt;
        },
        entry->value);
    if (!alignment || !is_gguf_alignment(*alignment))
        return cursor_.error(ErrorCode::corrupt_file, "value at byte {} is {} ({}); a power of two from {} to {} is needed",
                             entry->offset, to_string(entry->value), gguf_type_name(gguf_type(entry->value)), kGgufMinAlignment,
                             kGgufMaxAlignment);
    file_.alignment_ = static_cast<uint32_t>(*alignment);
    return {};
}

// ---- tensors -----------------------------------------------------------------------------------------------------

Result<void> GgufParser::parse_tensor(uint64_t index) {
    cursor_.enter("tensor", index);
    const uint64_t record_at = cursor_.position();
    KRAIT_TRY(const std::string_view name, cursor_.read_string("name", kGgufMaxNameBytes));
    cursor_.name_part(name);

    const uint64_t rank_at = cursor_.position();
    KRAIT_TRY(const uint32_t rank, cursor_.read<uint32_t>("number of dimensions"));
    if (rank < 1 || rank > KRAIT_MAX_RANK)
        return cursor_.error(ErrorCode::corrupt_file, "number of dimensions at byte {} is {}; 1 to {} are possible", rank_at,
                             rank, KRAIT_MAX_RANK);

    const uint64_t extents_at = cursor_.position();
    std::array<int64_t, KRAIT_MAX_RANK> extent{};  // Krait's order
    int64_t elements = 1;
    for (uint32_t i = 0; i < rank; ++i) {
        const uint64_t at = cursor_.position();
        KRAIT_TRY(const uint64_t value, cursor_.read<uint64_t>(fmt::format("extent {}", i)));
        if (value == 0 || value > static_cast<uint64_t>(kMaxElements))
            return cursor_.error(ErrorCode::corrupt_file, "extent {} at byte {} is {}; 1 to {} are possible", i, at, value,
                                 kMaxElements);
        if (__builtin_mul_overflow(elements, static_cast<int64_t>(value), &elements) || elements > kMaxElements)
            return cursor_.error(ErrorCode::corrupt_file,
                                 "extent {} at byte {} is {}, which gives the tensor more than {} elements", i, at, value,
                                 kMaxElements);
        extent[rank - 1 - i] = static_cast<int64_t>(value);
    }

    const uint64_t type_at = cursor_.position();
    KRAIT_TRY(const uint32_t type_id, cursor_.read<uint32_t>("type"));
    KRAIT_TRY(const DType dtype, check_tensor_type(type_id, type_at));
    const DTypeInfo& info = dtype_info(dtype);
    if (extent[rank - 1] % info.block_elems != 0)
        return cursor_.error(ErrorCode::corrupt_file, "extent 0 at byte {} is {}, not a multiple of {}, the block of type {}",
                             extents_at, extent[rank - 1], info.block_elems, info.name);

    KRAIT_TRY(const uint64_t offset, cursor_.read<uint64_t>("offset"));
    relative_offsets_.push_back(offset);
    GgufTensor& tensor = file_.tensors_.emplace_back();
    tensor.name = name;
    tensor.desc = make_desc(dtype, std::span<const int64_t>(extent.data(), rank));
    tensor.record_offset = record_at;
    return {};
}

Result<DType> GgufParser::check_tensor_type(uint32_t id, uint64_t at) const {
    if (const DTypeInfo* info = find_dtype(id)) return info->dtype;
    if (const std::string_view known = ggml_type_name(id); !known.empty())
        return cursor_.error(ErrorCode::unsupported,
                             "type at byte {} is {} ({}), which Krait does not read. Quantize the model to another type", at,
                             id, known);
    return cursor_.error(ErrorCode::corrupt_file, "type at byte {} is {}, which no tensor type has", at, id);
}

Result<void> GgufParser::index_tensors() {
    file_.tensor_index_.reserve(file_.tensors_.size());
    for (size_t i = 0; i < file_.tensors_.size(); ++i) {
        const GgufTensor& tensor = file_.tensors_[i];
        if (const auto [first, added] = file_.tensor_index_.emplace(tensor.name, i); !added) {
            enter_tensor(i);
            return cursor_.error(ErrorCode::corrupt_file, "name at byte {} is already that of tensor {}; names are unique",
                                 tensor.record_offset + 8, first->second);
        }
    }
    return {};
}

Result<void> GgufParser::place_tensors() {
    const uint64_t alignment = file_.alignment_;
    const uint64_t file_size = cursor_.file_size();
    // The header lies within 256 MiB and the alignment within 1: no overflow.
    const uint64_t data_at = (cursor_.position() + alignment - 1) / alignment * alignment;
    file_.shards_[0].data_offset = data_at;

    for (size_t i = 0; i < file_.tensors_.size(); ++i) {
        GgufTensor& tensor = file_.tensors_[i];
        const uint64_t offset = relative_offsets_[i];
        // kMaxElements keeps this below 2^62.
        const uint64_t size = static_cast<uint64_t>(row_count(tensor.desc)) *
                              static_cast<uint64_t>(row_bytes(tensor.dtype(), last_extent(tensor.desc)));
        enter_tensor(i);
        if (offset % alignment != 0)
            return cursor_.error(ErrorCode::corrupt_file, "offset at byte {} is {}, not a multiple of the alignment {}",
                                 offset_field(tensor), offset, alignment);
        uint64_t end = 0;
        if (__builtin_add_overflow(data_at, offset, &tensor.file_offset) ||
            __builtin_add_overflow(tensor.file_offset, size, &end))
            return cursor_.error(ErrorCode::corrupt_file,
                                 "offset at byte {} is {}; with the tensor's {} bytes that is beyond any file",
                                 offset_field(tensor), offset, size);
        if (end > file_size)
            return cursor_.error(ErrorCode::corrupt_file,
                                 "offset at byte {} is {}, so the tensor's {} bytes ({}) end at byte {}; the file ends at byte "
                                 "{}: {} bytes are missing. Is the file complete?",
                                 offset_field(tensor), offset, size, to_string(tensor.desc), end, file_size, end - file_size);
        tensor.size = size;
        if (file_.bytes().size() == file_size) tensor.bytes = file_.bytes().subspan(tensor.file_offset, size);
    }
    return check_overlaps();
}

Result<void> GgufParser::check_overlaps() {
    std::vector<size_t> order(file_.tensors_.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    const auto& tensors = file_.tensors_;
    std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
        return tensors[a].file_offset != tensors[b].file_offset ? tensors[a].file_offset < tensors[b].file_offset : a < b;
    });
    for (size_t i = 1; i < order.size(); ++i) {
        const GgufTensor& before = tensors[order[i - 1]];
        const GgufTensor& tensor = tensors[order[i]];
        if (before.file_offset + before.byte_size() <= tensor.file_offset) continue;
        enter_tensor(order[i]);
        return cursor_.error(ErrorCode::corrupt_file,
                             "offset at byte {} is {}, inside the data of tensor {} {} (bytes {} to {} of the file)",
                             offset_field(tensor), relative_offsets_[order[i]], order[i - 1], quote_name(before.name),
                             before.file_offset, before.file_offset + before.byte_size());
    }
    return {};
}

// ---- GgufFile ----------------------------------------------------------------------------------------------------

Result<GgufFile> GgufFile::parse(std::span<const std::byte> bytes, std::string name) {
    return parse_mapped(DataFile::borrow(bytes, std::move(name)));
}

Result<GgufFile> GgufFile::open_one(const std::filesystem::path& path, FileAccess access) {
    KRAIT_TRY(DataFile file, DataFile::open(path, access));
    return access == FileAccess::read ? parse_read(std::move(file)) : parse_mapped(std::move(file));
}

Result<GgufFile> GgufFile::parse_mapped(DataFile file) {
    try {
        KRAIT_TRY(GgufFile parsed, GgufParser(file.bytes(), file).parse());
        parsed.shards_[0].file = std::move(file);
        return parsed;
    } catch (const std::bad_alloc&) {
        return fail(ErrorCode::out_of_memory, "not enough memory for the metadata of a GGUF file of {} bytes", file.size());
    }
}

// How long the header is shows when it has been read: the beginning of the file, a longer one where that was not enough.
Result<GgufFile> GgufFile::parse_read(DataFile file) {
    constexpr uint64_t kFirst = uint64_t{4} << 20;  // vocabularies of 50,000 tokens and their merges take 2 MiB
    const auto read_to = [&](std::vector<std::byte>& header, uint64_t size) {
        const size_t known = header.size();
        header.resize(std::min(size, file.size()));
        return file.read(known, std::span(header).subspan(std::min(known, header.size())));
    };
    try {
        std::vector<std::byte> header;
        for (uint64_t size = kFirst;; size *= 2) {
            KRAIT_CHECK(read_to(header, size));
            GgufParser parser(header, file);
            Result<GgufFile> parsed = parser.parse();
            if (!parsed && parser.lacks_bytes()) continue;
            if (!parsed) return parsed;
            KRAIT_CHECK(read_to(header, parsed->data_offset()));
            header.shrink_to_fit();
            for (GgufTensor& tensor : parsed->tensors_) tensor.bytes = {};  // of a file that is all header
            GgufShard& shard = parsed->shards_[0];
            shard.header = std::move(header);
            shard.bytes = shard.header;
            shard.file = std::move(file);
            return parsed;
        }
    } catch (const std::bad_alloc&) {
        return fail(ErrorCode::out_of_memory, "not enough memory for the metadata of a GGUF file of {} bytes", file.size());
    }
}

}  // namespace krait
