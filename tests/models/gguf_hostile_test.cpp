// SPDX-License-Identifier: Apache-2.0
//
// Corrupt and hostile files, each made from the valid sample of gguf_bytes.hpp by one change. Every one must give an error
// that names the field and the byte where it stands, and take no memory that its bytes do not justify.
#include <gtest/gtest.h>

#include <atomic>
#include <cctype>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <new>

#include "tests/models/gguf_bytes.hpp"
#include "tests/models/gguf_touch.hpp"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define KRAIT_TEST_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define KRAIT_TEST_SANITIZED 1
#endif
#endif

#ifndef KRAIT_TEST_SANITIZED
// The largest single request for memory, so that a count that is believed before it is checked shows.
static std::atomic<size_t> largest_request{0};

// noinline: inlined, the pair of malloc and free below looks like a mismatch to the compiler.
__attribute__((noinline)) void* operator new(size_t size) {
    if (size > largest_request) largest_request = size;
    if (void* memory = std::malloc(size)) return memory;
    throw std::bad_alloc();
}
__attribute__((noinline)) void operator delete(void* memory) noexcept { std::free(memory); }
__attribute__((noinline)) void operator delete(void* memory, size_t) noexcept { std::free(memory); }
#endif

namespace krait {
namespace {

using test::Bytes;
using test::RawGguf;
using test::RawLayout;
namespace id = test::gguf_id;

constexpr uint64_t kMax = UINT64_MAX;
constexpr ErrorCode kCorrupt = ErrorCode::corrupt_file;
constexpr ErrorCode kUnsupported = ErrorCode::unsupported;

struct HostileCase {
    const char* name;
    // The change, before the bytes are built, or to the bytes.
    std::function<void(RawGguf&)> change;
    std::function<void(Bytes&, const RawLayout&)> change_bytes;
    ErrorCode code;
    // The error must say "<field> at byte <at>", and also contain every other word.
    const char* field;
    std::function<uint64_t(const RawLayout&)> at;
    std::vector<const char*> words;
};

void PrintTo(const HostileCase& c, std::ostream* out) { *out << c.name; }

// Indices of the sample's metadata.
enum : size_t { kArchitecture = 0, kAlignment = 1, kU8 = 2, kBool = 9, kArrayU32 = 13, kArrayBool = 14, kArrayString = 15 };

template <class T>
auto overwrite(uint64_t RawLayout::Metadata::*field, size_t entry, T value, uint64_t further = 0) {
    return [=](Bytes& bytes, const RawLayout& at) { bytes.overwrite(at.metadata[entry].*field + further, value); };
}
template <class T>
auto overwrite(uint64_t RawLayout::Tensor::*field, size_t entry, T value, uint64_t further = 0) {
    return [=](Bytes& bytes, const RawLayout& at) { bytes.overwrite(at.tensors[entry].*field + further, value); };
}
auto place(uint64_t RawLayout::Metadata::*field, size_t entry, uint64_t further = 0) {
    return [=](const RawLayout& at) { return at.metadata[entry].*field + further; };
}
auto place(uint64_t RawLayout::Tensor::*field, size_t entry, uint64_t further = 0) {
    return [=](const RawLayout& at) { return at.tensors[entry].*field + further; };
}
auto place(uint64_t fixed) {
    return [=](const RawLayout&) { return fixed; };
}

using M = RawLayout::Metadata;
using T = RawLayout::Tensor;

// The file ends `kept` bytes into the field.
template <class Place>
HostileCase cut(const char* name, const char* field, Place at, uint64_t kept, std::vector<const char*> words = {}) {
    words.push_back("bytes are missing");
    return {name,
            nullptr,
            [=](Bytes& bytes, const RawLayout& layout) { bytes.truncate(at(layout) + kept); },
            kCorrupt,
            field,
            at,
            std::move(words)};
}
template <class Change, class Place>
HostileCase bytes_case(const char* name, ErrorCode code, Change change, const char* field, Place at,
                       std::vector<const char*> words = {}) {
    return {name, nullptr, change, code, field, at, std::move(words)};
}
template <class Change, class Place>
HostileCase file_case(const char* name, ErrorCode code, Change change, const char* field, Place at,
                      std::vector<const char*> words = {}) {
    return {name, change, nullptr, code, field, at, std::move(words)};
}

RawGguf& replace_alignment(RawGguf& file, uint32_t type, const Bytes& value) {
    file.metadata[kAlignment].type = type;
    file.metadata[kAlignment].value = value;
    return file;
}

std::vector<HostileCase> truncated_files() {
    // Only what follows a length can be cut before the length itself looks wrong.
    const auto cut_text = [](const char* name, const char* field, auto at, uint64_t kept, std::vector<const char*> words) {
        words.push_back("bytes follow");
        return HostileCase{name,
                           nullptr,
                           [=](Bytes& bytes, const RawLayout& layout) { bytes.truncate(at(layout) + 8 + kept); },
                           kCorrupt,
                           field,
                           at,
                           std::move(words)};
    };
    // Counts are checked first, so the header must promise few entries for a cut to be met later.
    const auto few = [](HostileCase c, uint64_t metadata, uint64_t tensors) {
        c.change = [=](RawGguf& file) { file.metadata_count = metadata, file.tensor_count = tensors; };
        return c;
    };
    return {
        cut("cut_empty", "magic", place(RawLayout::magic), 0, {"header", "takes 4 bytes"}),
        cut("cut_in_magic", "magic", place(RawLayout::magic), 3, {"header", "1 bytes are missing"}),
        cut("cut_before_version", "version", place(RawLayout::version), 0),
        cut("cut_in_version", "version", place(RawLayout::version), 2),
        cut("cut_before_tensor_count", "tensor count", place(RawLayout::tensor_count), 0),
        cut("cut_in_tensor_count", "tensor count", place(RawLayout::tensor_count), 7),
        cut("cut_before_metadata_count", "metadata count", place(RawLayout::metadata_count), 0),
        cut("cut_in_metadata_count", "metadata count", place(RawLayout::metadata_count), 4),
        few(cut("cut_in_key_length", "length of the key", place(&M::key_length, 1), 5, {"metadata 1"}), 2, 0),
        few(cut_text("cut_in_key", "length of the key", place(&M::key_length, 1), 4, {"metadata 1", "is 17"}), 2, 0),
        few(cut("cut_in_value_type", "value type", place(&M::type, 1), 3, {"metadata 1 'general.alignment'"}), 2, 0),
        few(cut("cut_before_value", "value", place(&M::value, 1), 0, {"metadata 1 'general.alignment'"}), 2, 0),
        few(cut("cut_in_value", "value", place(&M::value, 1), 3, {"takes 4 bytes", "1 bytes are missing"}), 2, 0),
        few(cut("cut_in_string_length", "length of the string value", place(&M::value, 0), 6, {"'general.architecture'"}), 1,
            0),
        few(cut_text("cut_in_string", "length of the string value", place(&M::value, 0), 3, {"'general.architecture'"}), 1, 0),
        few(cut("cut_before_bool", "bool value", place(&M::value, kBool), 0, {"metadata 9 'n.bool'"}), 10, 0),
        few(cut("cut_in_element_type", "array element type", place(&M::value, kArrayU32), 2, {"'a.u32'"}), 14, 0),
        few(cut("cut_in_array_length", "array length", place(&M::value, kArrayU32, 4), 2, {"'a.u32'"}), 14, 0),
        few({"cut_in_array",
             nullptr,
             [](Bytes& bytes, const RawLayout& at) { bytes.truncate(at.metadata[kArrayU32].value + 12 + 11); },
             kCorrupt,
             "array length",
             place(&M::value, kArrayU32, 4),
             {"'a.u32'", "hold at most 2"}},
            14, 0),
        few(cut_text("cut_in_array_string", "length of the array element", place(&M::value, kArrayString, 12 + 9 + 8), 1,
                     {"'a.string'", "element 2 of the 3"}),
            16, 0),
        cut("cut_in_name_length", "length of the name", place(&T::name_length, 2), 7, {"tensor 2:"}),
        cut_text("cut_in_name", "length of the name", place(&T::name_length, 2), 0, {"tensor 2:"}),
        cut("cut_in_rank", "number of dimensions", place(&T::rank, 2), 1, {"tensor 2 'c'"}),
        cut("cut_in_extent", "extent 0", place(&T::extents, 2), 4, {"tensor 2 'c'"}),
        cut("cut_in_second_extent", "extent 1", place(&T::extents, 1, 8), 1, {"tensor 1 'b'"}),
        cut("cut_in_type", "type", place(&T::type, 2), 0, {"tensor 2 'c'"}),
        cut("cut_in_offset", "offset", place(&T::offset, 2), 5, {"tensor 2 'c'"}),
        bytes_case("cut_before_padding", kCorrupt, [](Bytes& bytes, const RawLayout& at) { bytes.truncate(at.header_end); },
                   "offset", place(&T::offset, 0), {"tensor 0 'a'", "bytes are missing"}),
        bytes_case("cut_before_data", kCorrupt, [](Bytes& bytes, const RawLayout& at) { bytes.truncate(at.data); }, "offset",
                   place(&T::offset, 0), {"tensor 0 'a'", "128 bytes are missing", "F32 [4, 8]"}),
        bytes_case("cut_in_data", kCorrupt, [](Bytes& bytes, const RawLayout& at) { bytes.truncate(at.data + 200); }, "offset",
                   place(&T::offset, 1), {"tensor 1 'b'", "64 bytes are missing"}),
        bytes_case("cut_last_byte", kCorrupt, [](Bytes& bytes, const RawLayout& at) { bytes.truncate(at.file_end - 1); },
                   "offset", place(&T::offset, 2), {"tensor 2 'c'", ": 1 bytes are missing", "Is the file complete?"}),
    };
}

std::vector<HostileCase> hostile_headers() {
    const auto magic = [](const char* name, const char* text, const char* word) {
        return file_case(name, kCorrupt, [=](RawGguf& file) { file.magic = text; }, "magic", place(RawLayout::magic),
                         {"begins with 'GGUF'", word});
    };
    const auto version = [](const char* name, ErrorCode code, uint32_t value, const char* word) {
        return file_case(name, code, [=](RawGguf& file) { file.version = value; }, "version", place(RawLayout::version),
                         {word});
    };
    const auto tensors = [](const char* name, uint64_t count) {
        return file_case(name, kCorrupt, [=](RawGguf& file) { file.tensor_count = count; }, "tensor count",
                         place(RawLayout::tensor_count), {"header", "hold at most"});
    };
    const auto metadata = [](const char* name, uint64_t count) {
        return file_case(name, kCorrupt, [=](RawGguf& file) { file.metadata_count = count; }, "metadata count",
                         place(RawLayout::metadata_count), {"header", "hold at most"});
    };
    return {
        magic("magic_zero", "\x01\x02\x03\x04", "'\\x01\\x02\\x03\\x04'"),
        magic("magic_swapped", "FUGG", "'FUGG'"),
        magic("magic_lower_case", "gguf", "'gguf'"),
        magic("magic_older_format", "tjgg", "the format before GGUF"),
        magic("magic_zip", "PK\x03\x04", "a PyTorch checkpoint"),
        magic("magic_lfs_pointer", "vers", "git lfs pull"),
        version("version_0", kCorrupt, 0, "is 0; Krait reads 2 and 3"),
        version("version_1", kUnsupported, 1, "Convert the model again"),
        version("version_4", kUnsupported, 4, "is 4; Krait reads 2 and 3"),
        version("version_max", kUnsupported, UINT32_MAX, "is 4294967295"),
        version("version_3_big_endian", kUnsupported, 0x03000000, "is 3 stored big-endian"),
        version("version_2_big_endian", kUnsupported, 0x02000000, "gguf-convert-endian"),
        tensors("tensor_count_max", kMax),
        tensors("tensor_count_2_63", uint64_t{1} << 63),
        tensors("tensor_count_2_63_less_1", (uint64_t{1} << 63) - 1),
        tensors("tensor_count_times_32_wraps", (uint64_t{1} << 59) + 1),
        tensors("tensor_count_a_million", 1000000),
        metadata("metadata_count_max", kMax),
        metadata("metadata_count_2_63", uint64_t{1} << 63),
        metadata("metadata_count_times_13_wraps", kMax / 13 + 2),
        metadata("metadata_count_a_million", 1000000),
        // One more: the first tensor's record is read as metadata, and its extents' low half as a type.
        file_case("metadata_count_one_more", kCorrupt,
                  [](RawGguf& file) { file.metadata_count = 18, file.tensors[0].rank = 77; }, "value type", place(&T::rank, 0),
                  {"metadata 17 'a'", "is 77"}),
        // One less: the last metadata is read as a tensor.
        file_case("metadata_count_one_less", kCorrupt, [](RawGguf& file) { file.metadata_count = 16; }, "number of dimensions",
                  place(&M::type, 16), {"tensor 0 'a.f32'", "is 9"}),
        // One more: what follows the records is data, here the floats 0 and 1.
        file_case(
            "tensor_count_one_more", kCorrupt, [](RawGguf& file) { file.tensor_count = 4; }, "length of the name",
            [](const RawLayout& at) { return at.header_end; }, {"tensor 3:", "is 4575657221408423936"}),
    };
}

std::vector<HostileCase> hostile_metadata() {
    const auto key_length = [](const char* name, uint64_t value, const char* word) {
        return bytes_case(name, kCorrupt, overwrite(&M::key_length, kU8, value), "length of the key",
                          place(&M::key_length, kU8), {"metadata 2:", word});
    };
    const auto type = [](const char* name, uint32_t value) {
        return bytes_case(name, kCorrupt, overwrite(&M::type, kU8, value), "value type", place(&M::type, kU8),
                          {"metadata 2 'n.u8'", "the types are 0 to 12"});
    };
    const auto string_length = [](const char* name, uint64_t value) {
        return bytes_case(name, kCorrupt, overwrite(&M::value, kArchitecture, value), "length of the string value",
                          place(&M::value, kArchitecture), {"metadata 0 'general.architecture'", "bytes follow"});
    };
    const auto array_length = [](const char* name, size_t entry, uint64_t value) {
        return bytes_case(name, kCorrupt, overwrite(&M::value, entry, value, 4), "array length", place(&M::value, entry, 4),
                          {"hold at most"});
    };
    const auto alignment = [](const char* name, uint32_t type_id, const Bytes& value, const char* word) {
        return file_case(name, kCorrupt, [=](RawGguf& file) { replace_alignment(file, type_id, value); }, "value",
                         place(&M::value, kAlignment), {"metadata 1 'general.alignment'", "a power of two from 8 to", word});
    };
    Bytes bomb;  // arrays of one array each, 64 deep
    for (int i = 0; i < 64; ++i) bomb.put(id::array).put(uint64_t{1});
    return {
        key_length("key_length_max", kMax, "at most 65535"),
        key_length("key_length_2_63", uint64_t{1} << 63, "at most 65535"),
        key_length("key_length_65536", 65536, "at most 65535"),
        key_length("key_length_past_end", 60000, "bytes follow"),
        type("value_type_13", 13),
        type("value_type_max", UINT32_MAX),
        bytes_case("bool_7", kCorrupt, overwrite(&M::value, kBool, uint8_t{7}), "bool value", place(&M::value, kBool),
                   {"metadata 9 'n.bool'", "is 7"}),
        bytes_case("bool_255", kCorrupt, overwrite(&M::value, kBool, uint8_t{255}), "bool value", place(&M::value, kBool),
                   {"is 255"}),
        bytes_case("bool_in_array_2", kCorrupt, overwrite(&M::value, kArrayBool, uint8_t{2}, 14), "bool value",
                   place(&M::value, kArrayBool, 14), {"metadata 14 'a.bool'", "is 2"}),
        string_length("string_length_max", kMax),
        string_length("string_length_2_63_less_1", (uint64_t{1} << 63) - 1),
        string_length("string_length_wraps_position", kMax - 60),
        string_length("string_length_past_end", 100000),
        bytes_case("element_type_13", kCorrupt, overwrite(&M::value, kArrayU32, uint32_t{13}), "array element type",
                   place(&M::value, kArrayU32), {"is 13"}),
        bytes_case("array_in_array", kUnsupported, overwrite(&M::value, kArrayU32, id::array), "array element type",
                   place(&M::value, kArrayU32), {"metadata 13 'a.u32'", "no arrays inside arrays"}),
        file_case("array_bomb", kUnsupported, [=](RawGguf& file) { file.metadata[kArrayU32].value = bomb; },
                  "array element type", place(&M::value, kArrayU32), {"no arrays inside arrays"}),
        array_length("array_length_max", kArrayU32, kMax),
        array_length("array_length_times_4_wraps", kArrayU32, (uint64_t{1} << 62) + 1),
        array_length("array_length_2_63", kArrayU32, uint64_t{1} << 63),
        array_length("array_length_100000", kArrayU32, 100000),
        array_length("bool_array_length_max", kArrayBool, kMax),
        array_length("string_array_length_max", kArrayString, kMax),
        array_length("string_array_length_times_8_wraps", kArrayString, (uint64_t{1} << 61) + 1),
        // Believable from what is left, but then the strings run into the tensors.
        bytes_case("string_array_length_40", kCorrupt, overwrite(&M::value, kArrayString, uint64_t{40}, 4),
                   "that the array length", place(&M::value, kArrayString, 4),
                   {"length of the array element at byte", "element 4 of the 40"}),
        bytes_case("array_string_length_max", kCorrupt, overwrite(&M::value, kArrayString, kMax, 12),
                   "length of the array element", place(&M::value, kArrayString, 12), {"element 0 of the 3"}),
        file_case("duplicate_key", kCorrupt, [](RawGguf& file) { file.metadata[5].key = "n.u8"; }, "key", place(&M::key, 5),
                  {"metadata 5 'n.u8'", "already that of metadata 2"}),
        file_case("duplicate_alignment", kCorrupt, [](RawGguf& file) { file.add("general.alignment", id::u32, uint32_t{64}); },
                  "key", place(&M::key, 17), {"already that of metadata 1"}),
        alignment("alignment_0", id::u32, Bytes().put(uint32_t{0}), "is 0 (uint32)"),
        alignment("alignment_3", id::u32, Bytes().put(uint32_t{3}), "is 3 (uint32)"),
        alignment("alignment_4", id::u32, Bytes().put(uint32_t{4}), "is 4 (uint32)"),
        alignment("alignment_48", id::u32, Bytes().put(uint32_t{48}), "is 48 (uint32)"),
        alignment("alignment_2_31", id::u32, Bytes().put(uint32_t{1} << 31), "is 2147483648"),
        alignment("alignment_2_63", id::u64, Bytes().put(uint64_t{1} << 63), "is 9223372036854775808"),
        alignment("alignment_max", id::u64, Bytes().put(kMax), "is 18446744073709551615"),
        alignment("alignment_negative", id::i32, Bytes().put(int32_t{-32}), "is -32 (int32)"),
        alignment("alignment_string", id::string, Bytes().string("32"), "is \"32\" (string)"),
        alignment("alignment_float", id::f32, Bytes().put(32.0f), "(float32)"),
        alignment("alignment_bool", id::boolean, Bytes().put(uint8_t{1}), "is true (bool)"),
        alignment("alignment_array", id::array, Bytes().put(id::u32).put(uint64_t{1}).put(uint32_t{32}), "(array)"),
    };
}

std::vector<HostileCase> hostile_tensors() {
    const auto rank = [](const char* name, uint32_t value) {
        return file_case(name, kCorrupt, [=](RawGguf& file) { file.tensors[1].rank = value; }, "number of dimensions",
                         place(&T::rank, 1), {"tensor 1 'b'", "1 to 4 are possible"});
    };
    const auto extent = [](const char* name, std::vector<uint64_t> extents, const char* field, uint64_t which,
                           const char* word) {
        return file_case(name, kCorrupt, [=](RawGguf& file) { file.tensors[0].extents = extents; }, field,
                         place(&T::extents, 0, 8 * which), {"tensor 0 'a'", word});
    };
    const auto type = [](const char* name, ErrorCode code, uint32_t value, const char* word) {
        return bytes_case(name, code, overwrite(&T::type, 0, value), "type", place(&T::type, 0), {"tensor 0 'a'", word});
    };
    const auto offset = [](const char* name, size_t tensor, uint64_t value, const char* word) {
        return bytes_case(name, kCorrupt, overwrite(&T::offset, tensor, value), "offset", place(&T::offset, tensor), {word});
    };
    return {
        bytes_case("name_length_max", kCorrupt, overwrite(&T::name_length, 0, kMax), "length of the name",
                   place(&T::name_length, 0), {"tensor 0:", "at most 65535"}),
        bytes_case("name_length_past_end", kCorrupt, overwrite(&T::name_length, 0, uint64_t{50000}), "length of the name",
                   place(&T::name_length, 0), {"tensor 0:", "bytes follow"}),
        rank("rank_0", 0),
        rank("rank_5", 5),
        rank("rank_max", UINT32_MAX),
        extent("extent_0", {0, 4}, "extent 0", 0, "is 0"),
        extent("extent_second_0", {8, 0}, "extent 1", 1, "is 0"),
        extent("extent_negative", {kMax, 4}, "extent 0", 0, "is 18446744073709551615"),
        extent("extent_2_63", {8, uint64_t{1} << 63}, "extent 1", 1, "is 9223372036854775808"),
        extent("extent_2_63_less_1", {(uint64_t{1} << 63) - 1}, "extent 0", 0, "are possible"),
        extent("extents_product_is_2_64", {uint64_t{1} << 32, uint64_t{1} << 32}, "extent 1", 1, "more than"),
        extent("extents_product_wraps_to_8", {(uint64_t{1} << 32) + 1, uint64_t{1} << 32}, "extent 1", 1, "more than"),
        extent("extents_of_65536", {65536, 65536, 65536, 65536}, "extent 3", 3, "more than"),
        extent("extents_product_2_59", {uint64_t{1} << 30, uint64_t{1} << 29}, "extent 1", 1, "more than"),
        file_case("extents_larger_than_file", kCorrupt,
                  [](RawGguf& file) {
                      file.tensors[0].extents = {uint64_t{1} << 29, uint64_t{1} << 29};
                  },
                  "offset", place(&T::offset, 0), {"tensor 0 'a'", "bytes are missing"}),
        type("type_iq2_xxs", kUnsupported, 16, "is 16 (IQ2_XXS), which Krait does not read"),
        type("type_q8_1", kUnsupported, 9, "(Q8_1)"),
        type("type_given_up", kUnsupported, 4, "(Q4_2)"),
        type("type_i64", kUnsupported, 27, "(I64)"),
        type("type_mxfp4", kUnsupported, 39, "(MXFP4)"),
        type("type_unknown", kCorrupt, 1000, "is 1000, which no tensor type has"),
        type("type_max", kCorrupt, UINT32_MAX, "is 4294967295"),
        file_case("row_is_no_whole_block", kCorrupt, [](RawGguf& file) { file.tensors[0].type = 8; }, "extent 0",
                  place(&T::extents, 0), {"tensor 0 'a'", "is 8, not a multiple of 32, the block of type Q8_0"}),
        file_case("row_is_no_whole_k_block", kCorrupt, [](RawGguf& file) { file.tensors[1].type = 12; }, "extent 0",
                  place(&T::extents, 1), {"tensor 1 'b'", "is 64, not a multiple of 256, the block of type Q4_K"}),
        offset("offset_1", 1, 1, "not a multiple of the alignment 32"),
        offset("offset_misaligned", 1, 144, "not a multiple of the alignment 32"),
        file_case("offset_misaligned_to_64", kCorrupt,
                  [](RawGguf& file) { file.alignment = 64, replace_alignment(file, id::u32, Bytes().put(uint32_t{64})); },
                  "offset", place(&T::offset, 2), {"tensor 2 'c'", "is 288, not a multiple of the alignment 64"}),
        offset("offset_at_end", 2, 320, "tensor 2 'c'"),
        offset("offset_past_end", 2, 99999968, "bytes are missing"),
        offset("offset_wraps", 0, kMax - 31, "beyond any file"),
        bytes_case("offset_plus_size_wraps", kCorrupt,
                   [](Bytes& bytes, const RawLayout& at) { bytes.overwrite(at.tensors[0].offset, 0 - at.data - 32); }, "offset",
                   place(&T::offset, 0), {"tensor 0 'a'", "beyond any file"}),
        offset("offset_2_63", 0, uint64_t{1} << 63, "bytes are missing"),
        offset("overlap_same_place", 1, 0, "inside the data of tensor 0 'a'"),
        offset("overlap_partly", 1, 96, "inside the data of tensor 0 'a'"),
        offset("overlap_from_behind", 0, 160, "inside the data of tensor 1 'b'"),
        offset("overlap_contained", 2, 192, "inside the data of tensor 1 'b'"),
        file_case("duplicate_name", kCorrupt, [](RawGguf& file) { file.tensors[2].name = "a"; }, "name", place(&T::name, 2),
                  {"tensor 2 'a'", "already that of tensor 0"}),
    };
}

std::vector<HostileCase> all_cases() {
    std::vector<HostileCase> all;
    for (auto cases : {truncated_files(), hostile_headers(), hostile_metadata(), hostile_tensors()})
        all.insert(all.end(), cases.begin(), cases.end());
    return all;
}

class GgufHostile : public testing::TestWithParam<HostileCase> {};

TEST_P(GgufHostile, IsRefusedByFieldAndOffset) {
    const HostileCase& c = GetParam();
    RawGguf raw = test::sample_gguf();
    if (c.change) c.change(raw);
    RawLayout layout;
    Bytes bytes = raw.build(&layout);
    if (c.change_bytes) c.change_bytes(bytes, layout);

#ifndef KRAIT_TEST_SANITIZED
    largest_request = 0;
#endif
    const auto file = GgufFile::parse(bytes.span(), "hostile.gguf");
#ifndef KRAIT_TEST_SANITIZED
    EXPECT_LE(largest_request, 4096u) << "the file has " << bytes.size() << " bytes";
#endif
    ASSERT_FALSE(file) << "the file was accepted";
    const std::string& message = file.error().message;
    EXPECT_EQ(file.error().code, c.code) << message;
    EXPECT_TRUE(message.starts_with("hostile.gguf: ")) << message;
    const std::string where = fmt::format("{} at byte {}", c.field, c.at(layout));
    const size_t found = message.find(where);
    ASSERT_NE(found, std::string::npos) << "'" << where << "' is not in: " << message;
    const size_t behind = found + where.size();
    EXPECT_TRUE(behind == message.size() || !std::isdigit(static_cast<unsigned char>(message[behind]))) << message;
    for (const char* word : c.words)
        EXPECT_NE(message.find(word), std::string::npos) << "'" << word << "' is not in: " << message;
}

INSTANTIATE_TEST_SUITE_P(Files, GgufHostile, testing::ValuesIn(all_cases()),
                         [](const auto& parameter) { return std::string(parameter.param.name); });

TEST(GgufHostileSet, HoldsAtLeastSixtyFilesAndTheSampleItselfIsGood) {
    EXPECT_GE(all_cases().size(), 60u);
    const Bytes bytes = test::sample_gguf().build();
    const auto file = GgufFile::parse(bytes.span(), "sample.gguf");
    ASSERT_TRUE(file) << file.error().message;
    EXPECT_NE(test::touch_everything(*file), 0u);
}

// A file that is as large as it says, with nothing in it: holes take no space on the disk.
TEST(GgufHostileSet, HugeMetadataInAHugeFileIsUnsupported) {
    RawGguf raw;
    raw.add("huge", id::array, id::u8);
    RawLayout layout;
    Bytes bytes = raw.build(&layout);
    bytes.truncate(layout.header_end);
    bytes.put(uint64_t{300} << 20);
    const std::filesystem::path path = std::filesystem::path(testing::TempDir()) / "krait-hole.gguf";
    {
        std::ofstream out(path, std::ios::binary);
        out.write(reinterpret_cast<const char*>(bytes.span().data()), static_cast<std::streamsize>(bytes.size()));
    }
    std::filesystem::resize_file(path, uint64_t{400} << 20);
#ifndef KRAIT_TEST_SANITIZED
    largest_request = 0;
#endif
    const auto file = GgufFile::open(path);
#ifndef KRAIT_TEST_SANITIZED
    EXPECT_LE(largest_request, 4096u);
#endif
    std::filesystem::remove(path);
    ASSERT_FALSE(file);
    EXPECT_EQ(file.error().code, ErrorCode::unsupported);
    EXPECT_NE(file.error().message.find(
                  fmt::format("metadata 0 'huge': array length at byte {} is 314572800", layout.metadata[0].value + 4)),
              std::string::npos)
        << file.error().message;
    EXPECT_NE(file.error().message.find("in the first 256 MiB"), std::string::npos) << file.error().message;
}

}  // namespace
}  // namespace krait
