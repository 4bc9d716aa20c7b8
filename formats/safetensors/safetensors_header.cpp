// SPDX-License-Identifier: Apache-2.0
#include "formats/safetensors/safetensors_header.hpp"

#include <algorithm>
#include <bit>
#include <unordered_set>

#include "core/base/printable.hpp"
#include "formats/checkpoint/other_format.hpp"
#include "formats/checkpoint/repeated_name.hpp"
#include "formats/json/json_cursor.hpp"

namespace krait {
namespace {

static_assert(std::endian::native == std::endian::little, "the length of the header is copied as it lies in the file");

constexpr uint64_t kLengthBytes = 8;  // in front of the header

class HeaderParser {
  public:
    HeaderParser(std::string_view text, const DataFile& file)
        : file_(file), cursor_(text, kLengthBytes, file.name()), data_at_(kLengthBytes + text.size()) {}

    Result<CheckpointShard> parse() {
        KRAIT_CHECK(cursor_.object("the header", [&](const std::string& name, uint64_t at) { return parse_entry(name, at); }));
        cursor_.enter("header");
        KRAIT_CHECK(cursor_.end("the header"));
        if (const CheckpointTensor* again = find_repeated(header_.tensors, &CheckpointTensor::name))
            return repeated(again->name, again->record_offset);
        KRAIT_CHECK(check_places());
        return std::move(header_);
    }

  private:
    [[nodiscard]] tl::unexpected<Error> repeated(const std::string& name, uint64_t at) const {
        return cursor_.error("the name {} at byte {} comes a second time", quote(name), at);
    }
    Result<void> parse_entry(const std::string& name, uint64_t at);
    Result<void> parse_metadata();
    Result<void> parse_field(CheckpointTensor& tensor, const std::string& field, uint64_t at, uint32_t& fields);
    Result<void> parse_type(CheckpointTensor& tensor);
    Result<void> parse_shape(CheckpointTensor& tensor);
    Result<void> parse_offsets(CheckpointTensor& tensor);
    Result<void> check_size(const CheckpointTensor& tensor);
    Result<void> check_places();

    const DataFile& file_;
    JsonCursor cursor_;
    uint64_t data_at_;
    CheckpointShard header_;
    bool has_metadata_ = false;
    uint64_t offsets_at_ = 0;  // where the offsets of the tensor stand that is parsed
};

Result<void> HeaderParser::parse_entry(const std::string& name, uint64_t at) {
    cursor_.enter("header");
    if (name == "__metadata__") {
        if (has_metadata_) return repeated(name, at);
        has_metadata_ = true;
        return parse_metadata();
    }
    cursor_.enter("tensor", name);
    if (name.empty() || name.find('\0') != name.npos) return cursor_.error("the name at byte {} is empty or has a NUL", at);
    CheckpointTensor tensor{.name = name, .record_offset = at};
    uint32_t fields = 0;
    KRAIT_CHECK(cursor_.object("the tensor's description", [&](const std::string& field, uint64_t field_at) {
        return parse_field(tensor, field, field_at, fields);
    }));
    constexpr const char* kFields[] = {"dtype", "shape", "data_offsets"};
    for (uint32_t i = 0; i < 3; ++i)
        if ((fields >> i & 1) == 0) return cursor_.error("its description at byte {} has no \"{}\"", at, kFields[i]);
    KRAIT_CHECK(check_size(tensor));
    header_.tensors.push_back(std::move(tensor));
    return {};
}

Result<void> HeaderParser::parse_metadata() {
    std::unordered_set<std::string> keys;
    return cursor_.object("__metadata__", [&](const std::string& key, uint64_t at) -> Result<void> {
        if (!keys.insert(key).second)
            return cursor_.error("the key {} of __metadata__ at byte {} comes a second time", quote(key), at);
        KRAIT_TRY(std::string value, cursor_.string("a value of __metadata__"));
        header_.metadata.emplace_back(key, std::move(value));
        return {};
    });
}

// fields: a bit for each that was there.
Result<void> HeaderParser::parse_field(CheckpointTensor& tensor, const std::string& field, uint64_t at, uint32_t& fields) {
    const uint32_t bit = field == "dtype" ? 1 : field == "shape" ? 2 : field == "data_offsets" ? 4 : 0;
    if (bit == 0) return cursor_.skip_value();  // of a later version of the format
    if ((fields & bit) != 0) return cursor_.error("\"{}\" at byte {} comes a second time", field, at);
    fields |= bit;
    return bit == 1 ? parse_type(tensor) : bit == 2 ? parse_shape(tensor) : parse_offsets(tensor);
}

Result<void> HeaderParser::parse_type(CheckpointTensor& tensor) {
    const uint64_t at = cursor_.position();
    KRAIT_TRY(const std::string name, cursor_.string("the dtype"));
    const auto type = find_checkpoint_type(name);
    if (!type) return cursor_.error("the dtype at byte {} is {}, which is none of safetensors", at, quote(name));
    tensor.type = *type;
    return {};
}

Result<void> HeaderParser::parse_shape(CheckpointTensor& tensor) {
    return cursor_.array("the shape", [&]() -> Result<void> {
        const uint64_t at = cursor_.position();
        KRAIT_TRY(const uint64_t extent, cursor_.whole_number("an extent"));
        if (extent > INT64_MAX)
            return cursor_.error("the extent at byte {} is {}; at most {} is possible", at, extent, INT64_MAX);
        if (tensor.extents.size() == kCheckpointMaxRank)
            return cursor_.error("the shape has more than {} extents at byte {}", kCheckpointMaxRank, at);
        tensor.extents.push_back(static_cast<int64_t>(extent));
        return {};
    });
}

Result<void> HeaderParser::parse_offsets(CheckpointTensor& tensor) {
    offsets_at_ = cursor_.position();
    uint64_t offsets[2] = {};
    KRAIT_CHECK(cursor_.expect('[', "the data_offsets"));
    KRAIT_TRY(offsets[0], cursor_.whole_number("where the data begins"));
    KRAIT_CHECK(cursor_.expect(',', "the data_offsets"));
    KRAIT_TRY(offsets[1], cursor_.whole_number("where the data ends"));
    KRAIT_CHECK(cursor_.expect(']', "the data_offsets"));
    const uint64_t data_size = file_.size() - data_at_;
    if (offsets[0] > offsets[1])
        return cursor_.error("the data_offsets at byte {} are {} to {}: they end before they begin", offsets_at_, offsets[0],
                             offsets[1]);
    if (offsets[1] > data_size)
        return cursor_.error(
            "the data_offsets at byte {} are {} to {}, and there are {} bytes of data: {} bytes are missing. Is the file "
            "complete?",
            offsets_at_, offsets[0], offsets[1], data_size, offsets[1] - data_size);
    tensor.file_offset = data_at_ + offsets[0];
    tensor.size = offsets[1] - offsets[0];
    return {};
}

// Against the shape. An extent of 0 excuses no product that overflows.
Result<void> HeaderParser::check_size(const CheckpointTensor& tensor) {
    const auto size = checkpoint_size(tensor.type, tensor.extents);
    if (!size)
        return cursor_.error("its shape has more elements than any file could hold (described at byte {})",
                             tensor.record_offset);
    if (size->bits % 8 != 0)
        return cursor_.error("its {} elements of {} bits are no whole number of bytes (described at byte {})", size->n_element,
                             checkpoint_type_bits(tensor.type), tensor.record_offset);
    if (size->bits / 8 != tensor.size)
        return cursor_.error("its shape takes {} bytes ({} elements of {}), and the data_offsets at byte {} give it {}",
                             size->bits / 8, size->n_element, checkpoint_type_name(tensor.type), offsets_at_, tensor.size);
    return {};
}

// One behind the other, from the first byte of data to the end of the file.
Result<void> HeaderParser::check_places() {
    auto& tensors = header_.tensors;
    std::sort(tensors.begin(), tensors.end(), [](const CheckpointTensor& a, const CheckpointTensor& b) {
        return std::pair(a.file_offset, a.size) < std::pair(b.file_offset, b.size);
    });
    uint64_t end = data_at_;
    for (size_t i = 0; i < tensors.size(); ++i) {
        CheckpointTensor& tensor = tensors[i];
        cursor_.enter("tensor", tensor.name);
        if (tensor.file_offset < end)
            return cursor_.error("its data begins at byte {}, inside that of {}, which ends at byte {} (described at byte {})",
                                 tensor.file_offset, "tensor " + quote(tensors[i - 1].name), end, tensor.record_offset);
        if (tensor.file_offset > end)
            return cursor_.error(
                "its data begins at byte {}, and the data before it ends at byte {}: the {} bytes between them "
                "belong to no tensor (described at byte {})",
                tensor.file_offset, end, tensor.file_offset - end, tensor.record_offset);
        end += tensor.size;
        if (!file_.is_read()) tensor.bytes = file_.bytes().subspan(tensor.file_offset, tensor.size);
    }
    cursor_.enter("data");
    if (end < file_.size())
        return cursor_.error(
            "the tensors end at byte {}, and the file at byte {}: the {} bytes behind them belong to no tensor. "
            "Was something appended to it?",
            end, file_.size(), file_.size() - end);
    return {};
}

}  // namespace

Result<CheckpointShard> read_safetensors_header(const DataFile& file) {
    KRAIT_TRY(const std::string_view hint, other_format(file, FileFormat::safetensors));
    const auto refuse = [&](const std::string& text) {
        return fail(hint.empty() ? ErrorCode::corrupt_file : ErrorCode::unsupported, "{}: header: {}{}", file.name(), text,
                    hint);
    };
    if (file.size() < kLengthBytes)
        return refuse(fmt::format("its length at byte 0 takes 8 bytes, and the file has {}", file.size()));
    uint64_t size = 0;
    KRAIT_CHECK(file.read(0, std::as_writable_bytes(std::span(&size, 1))));
    if (size > kSafetensorsMaxHeaderBytes)
        return refuse(fmt::format("its length at byte 0 is {}; at most {} is possible in a safetensors file", size,
                                  kSafetensorsMaxHeaderBytes));
    if (size > file.size() - kLengthBytes)
        return refuse(fmt::format("its length at byte 0 is {}, but only {} bytes follow: is the file complete?", size,
                                  file.size() - kLengthBytes));
    std::string text(static_cast<size_t>(size), '\0');
    KRAIT_CHECK(file.read(kLengthBytes, std::as_writable_bytes(std::span(text))));
    if (!text.starts_with('{')) return refuse("at byte 8 it does not begin with '{'");
    return HeaderParser(text, file).parse();
}

}  // namespace krait
