// SPDX-License-Identifier: Apache-2.0
//
// Models in shards: any of them opens all, what does not belong together is refused, and split and merge keep every bit.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "formats/gguf/gguf_reader.hpp"
#include "formats/gguf/gguf_split.hpp"
#include "formats/gguf/gguf_value.hpp"
#include "formats/gguf/gguf_writer.hpp"
#include "models/model.hpp"
#include "models/quantize/quantize.hpp"
#include "models/session/session.hpp"
#include "tests/golden/npy.hpp"

namespace krait {
namespace {

namespace fs = std::filesystem;

class GgufShardsTest : public testing::Test {
  protected:
    void SetUp() override {
        folder_ = fs::path(testing::TempDir()) / fmt::format("krait-shards-{}", ::getpid());
        fs::remove_all(folder_);
        fs::create_directory(folder_);
    }
    void TearDown() override { fs::remove_all(folder_); }

    std::string path(const std::string& name) const { return (folder_ / name).string(); }
    static GgufFile open(const std::string& path, FileAccess access = FileAccess::mapped) {
        auto file = GgufFile::open(path, access);
        if (!file) throw std::runtime_error(file.error().message);
        return std::move(*file);
    }
    std::vector<WrittenShard> split(const std::string& input, const std::string& prefix, const GgufShardLimits& limits) const {
        auto shards = split_gguf(open(input, FileAccess::read), path(prefix), limits);
        if (!shards) throw std::runtime_error(shards.error().message);
        return *shards;
    }
    // The golden model as part-00001-of-0000N.gguf.
    std::vector<WrittenShard> split_golden(uint64_t max_tensors = 10) const {
        return split(kGolden, "part", {.max_tensors = max_tensors});
    }
    std::vector<std::string> names() const {
        std::vector<std::string> all;
        for (const auto& entry : fs::directory_iterator(folder_)) all.push_back(entry.path().filename());
        std::sort(all.begin(), all.end());
        return all;
    }
    static void expect_refused(const Result<GgufFile>& file, ErrorCode code, std::initializer_list<std::string> words) {
        ASSERT_FALSE(file);
        EXPECT_EQ(file.error().code, code) << file.error().message;
        for (const std::string& word : words)
            EXPECT_NE(file.error().message.find(word), std::string::npos) << word << "\n" << file.error().message;
    }
    // A file of a few tensors of one element each, by their names.
    void write(const std::string& name, std::initializer_list<GgufMetadata> metadata, std::vector<std::string> tensors) const {
        auto writer = GgufWriter::create(path(name));
        ASSERT_TRUE(writer);
        for (const GgufMetadata& entry : metadata) ASSERT_TRUE(writer->add(entry.key, entry.value));
        for (const std::string& tensor : tensors) ASSERT_TRUE(writer->declare(tensor, DType::F32, {1}));
        const float one = 1;
        for (const std::string& tensor : tensors) ASSERT_TRUE(writer->write_tensor(tensor, std::as_bytes(std::span(&one, 1))));
        ASSERT_TRUE(writer->finish());
    }
    void write_shard(const std::string& name, uint16_t number, uint16_t count, std::vector<std::string> tensors,
                     int32_t all = 2) const {
        write(name, {{"split.no", number}, {"split.count", count}, {"split.tensors.count", all}}, std::move(tensors));
    }

    static constexpr const char* kGolden = "tests/golden/mamba2.gguf";
    fs::path folder_;
};

bool same(const GgufFile& one, const GgufTensor& a, const GgufFile& other, const GgufTensor& b) {
    const auto x = one.read(a), y = other.read(b);
    return x && y && a.name == b.name && a.dtype() == b.dtype() && std::ranges::equal(a.extents(), b.extents()) &&
           std::ranges::equal(x->bytes, y->bytes);
}

std::vector<float> logits_of(const Result<std::shared_ptr<const Model>>& model) {
    if (!model) {
        ADD_FAILURE() << model.error().message;
        return {};
    }
    auto session = Session::create(*model);
    const std::vector<int32_t> tokens{1, 2, 3, 4};
    EXPECT_TRUE(session && session->decode({{.sequence = 0, .tokens = tokens}}));
    return test::copy_of(session->logits(0));
}

TEST_F(GgufShardsTest, AnyShardOpensAll) {
    const auto shards = split_golden();
    ASSERT_GT(shards.size(), 2u);
    const GgufFile whole = open(kGolden);
    for (const WrittenShard& shard : shards)
        for (const FileAccess access : {FileAccess::mapped, FileAccess::read}) {
            SCOPED_TRACE(shard.path);
            EXPECT_EQ(fs::file_size(shard.path), shard.bytes);
            const GgufFile file = open(shard.path, access);
            ASSERT_EQ(file.shards().size(), shards.size());
            EXPECT_EQ(file.name(), shards[0].path.string());
            uint64_t size = 0;
            for (const WrittenShard& other : shards) size += other.bytes;
            EXPECT_EQ(file.file_size(), size);
            ASSERT_EQ(file.tensors().size(), whole.tensors().size());
            for (size_t i = 0; i < whole.tensors().size(); ++i) {
                const GgufTensor& tensor = file.tensors()[i];
                EXPECT_TRUE(same(whole, whole.tensors()[i], file, tensor)) << tensor.name;
                EXPECT_EQ(file.find_tensor(tensor.name), &tensor);
                EXPECT_EQ(file.name_of(tensor), shards[tensor.shard].path.string());
            }
            for (const GgufMetadata& entry : whole.metadata()) {
                const GgufMetadata* found = file.find(entry.key);
                ASSERT_NE(found, nullptr) << entry.key;
                EXPECT_EQ(found->value, entry.value);
            }
        }
}

TEST_F(GgufShardsTest, ModelsComputeTheSame) {
    const auto shards = split_golden();
    for (const char* device : {"cpu", "reference"}) {
        const auto expected = logits_of(Model::load(kGolden, {.device = device}));
        EXPECT_EQ(logits_of(Model::load(shards[1].path, {.device = device})), expected);
        EXPECT_EQ(logits_of(Model::load(shards[2].path, {.device = device, .access = FileAccess::read})), expected);
    }
    // Saved states name their model by its hash: the same whichever shard is named, another one for other weights.
    const auto one = Model::load(shards[0].path, {.device = "reference"}),
               other = Model::load(shards[1].path, {.device = "reference", .access = FileAccess::read});
    ASSERT_TRUE(one && other);
    EXPECT_EQ((*one)->hash(), (*other)->hash());
    const uint64_t at = (*one)->source().tensors().back().file_offset;
    std::fstream(shards.back().path, std::ios::in | std::ios::out | std::ios::binary).seekp(static_cast<int64_t>(at)).put('x');
    const auto changed = Model::load(shards[0].path, {.device = "reference"});
    ASSERT_TRUE(changed);
    EXPECT_NE((*changed)->hash(), (*one)->hash());
}

TEST_F(GgufShardsTest, AShardThatShrinksIsAnError) {
    const auto shards = split_golden();
    GgufFile file = open(shards[0].path, FileAccess::read);
    fs::resize_file(shards[1].path, fs::file_size(shards[1].path) - 100);
    const auto model = Model::load(std::make_unique<GgufFile>(std::move(file)), {.device = "cpu"});
    ASSERT_FALSE(model);
    EXPECT_EQ(model.error().code, ErrorCode::io);
    EXPECT_NE(model.error().message.find(shards[1].path.string() + "' ends before byte "), std::string::npos)
        << model.error().message;
}

TEST_F(GgufShardsTest, AQuantizedModelIsOneFile) {
    const auto shards = split_golden();
    const GgufFile file = open(shards[1].path);
    const QuantizeOptions options{.scheme = {.body = DType::Q8_0}, .force = true};
    ASSERT_TRUE(quantize_file(file, path("q.gguf"), options));
    ASSERT_TRUE(quantize_file(open(kGolden), path("expected.gguf"), options));
    const GgufFile got = open(path("q.gguf")), expected = open(path("expected.gguf"));
    EXPECT_EQ(got.shards().size(), 1u);
    EXPECT_TRUE(std::ranges::equal(got.bytes(), expected.bytes()));
    for (const WrittenShard& shard : shards) {
        const auto refused = quantize_file(file, shard.path, options);
        ASSERT_FALSE(refused);
        EXPECT_NE(refused.error().message.find("is read and would be overwritten"), std::string::npos);
    }
}

// ---- what is refused ---------------------------------------------------------------------------------------------

TEST_F(GgufShardsTest, MissingShardsAreNamed) {
    const auto shards = split_golden();
    const size_t n = shards.size();
    fs::remove(shards[0].path);
    fs::remove(shards[n - 1].path);
    expect_refused(GgufFile::open(shards[1].path), ErrorCode::not_found,
                   {shards[1].path.string() + ": this is shard 2 of " + std::to_string(n),
                    "lacks 2 of the others: 'part-00001-of-", "', '" + shards[n - 1].path.filename().string() + "'"});
    // A count that lies: no memory is taken for it, and the names end after some.
    write_shard("many-00002-of-60000.gguf", 1, 60000, {"a"});
    expect_refused(GgufFile::open(path("many-00002-of-60000.gguf")), ErrorCode::not_found,
                   {"lacks 59999 of the others: 'many-00001-of-60000.gguf', 'many-00003-of-60000.gguf'", " and 59991 more"});
}

TEST_F(GgufShardsTest, NamesAndNumbersBelongTogether) {
    write_shard("x-00001-of-00002.gguf", 0, 2, {"a"});
    write_shard("x-00002-of-00002.gguf", 1, 2, {"b"});
    EXPECT_EQ(open(path("x-00002-of-00002.gguf")).tensors().size(), 2u);
    fs::copy_file(path("x-00002-of-00002.gguf"), path("renamed.gguf"));
    expect_refused(GgufFile::open(path("renamed.gguf")), ErrorCode::invalid_argument,
                   {"renamed.gguf: this is shard 2 of 2", "'split.no' at byte ", "has to end with '-00002-of-00002.gguf'"});
    // Two with each other's names.
    fs::rename(path("x-00001-of-00002.gguf"), path("t"));
    fs::rename(path("x-00002-of-00002.gguf"), path("x-00001-of-00002.gguf"));
    fs::rename(path("t"), path("x-00002-of-00002.gguf"));
    expect_refused(GgufFile::open(path("x-00001-of-00002.gguf")), ErrorCode::invalid_argument,
                   {"x-00001-of-00002.gguf: this is shard 2 of 2", "has to end with '-00002-of-00002.gguf'"});
}

TEST_F(GgufShardsTest, ShardsOfOtherModelsAreRefused) {
    const std::string first = "x-00001-of-00002.gguf", second = "x-00002-of-00002.gguf";
    write_shard(first, 0, 2, {"a"});
    const auto refused = [&](ErrorCode code, std::initializer_list<std::string> words) {
        expect_refused(GgufFile::open(path(first)), code, words);
    };
    write(second, {}, {"b"});
    refused(ErrorCode::corrupt_file, {second + ": shard 2 of 2 by its name, but it has no 'split.count'"});
    write_shard(second, 0, 2, {"b"});
    refused(ErrorCode::corrupt_file,
            {second + ": shard 2 of 2 by its name, but 1 of 2 by its metadata", "'split.no' at byte "});
    write_shard(second, 1, 3, {"b"});
    refused(ErrorCode::corrupt_file, {"but 2 of 3 by its metadata"});
    write_shard(second, 2, 2, {"b"});
    refused(ErrorCode::corrupt_file, {second + ": metadata 'split.no' at byte ", "is 2; the 2 shards are 0 to 1"});
    write_shard(second, 1, 2, {"b"}, 5);
    refused(ErrorCode::corrupt_file, {second + ": metadata 'split.tensors.count' at byte ", "is 5, and another shard says 2"});
    write_shard(second, 1, 2, {"b", "c"});
    refused(ErrorCode::corrupt_file, {"'split.tensors.count' is 2, but the 2 shards have 3 tensors"});
    write_shard(second, 1, 2, {"a"});
    refused(ErrorCode::corrupt_file,
            {second + ": tensor 'a' (record at byte ", "is in " + path(first) + " too (record at byte "});
    write(second, {{"split.no", uint16_t{1}}, {"split.count", std::string("two")}}, {"b"});
    refused(ErrorCode::corrupt_file, {"'split.count'", "an integer is expected"});
    fs::resize_file(path(second), 40);
    refused(ErrorCode::corrupt_file, {second + ": header: tensor count at byte 8 is 1, but the 16 bytes that follow"});
    fs::remove(path(second));
    fs::create_directory(path(second));
    refused(ErrorCode::invalid_argument, {second + "' is a directory"});
}

TEST_F(GgufShardsTest, NumbersOutOfRangeAreRefused) {
    write("a.gguf", {{"split.count", uint16_t{2}}}, {"a"});
    expect_refused(GgufFile::open(path("a.gguf")), ErrorCode::corrupt_file, {"there is no metadata 'split.no'"});
    write("b.gguf", {{"split.no", uint16_t{2}}, {"split.count", uint16_t{2}}}, {"a"});
    expect_refused(GgufFile::open(path("b.gguf")), ErrorCode::corrupt_file,
                   {"'split.no' at byte ", "is 2; the 2 shards are 0 to 1"});
    write("c.gguf", {{"split.no", uint32_t{2}}, {"split.count", uint32_t{65536}}}, {"a"});
    expect_refused(GgufFile::open(path("c.gguf")), ErrorCode::corrupt_file, {"'split.count' at byte ", "at most 65535 shards"});
    write("d.gguf", {{"split.no", int32_t{-1}}, {"split.count", uint32_t{2}}}, {"a"});
    expect_refused(GgufFile::open(path("d.gguf")), ErrorCode::corrupt_file, {"'split.no' at byte ", "the value is -1"});
    // 0 stands in files that another engine has merged, 1 in a model that fits into one shard.
    for (const uint16_t count : {uint16_t{0}, uint16_t{1}}) {
        write("e.gguf", {{"split.no", uint16_t{0}}, {"split.count", count}}, {"a"});
        EXPECT_EQ(open(path("e.gguf")).shards().size(), 1u);
    }
}

// ---- split and merge ---------------------------------------------------------------------------------------------

TEST_F(GgufShardsTest, MergeGivesBackWhatWasSplit) {
    // As the writer lays it out, and with an alignment of its own.
    for (const uint32_t alignment : {32u, 4096u}) {
        const GgufFile golden = open(kGolden);
        auto writer = GgufWriter::create(path("in.gguf"));
        ASSERT_TRUE(writer);
        for (const GgufMetadata& entry : golden.metadata()) ASSERT_TRUE(writer->add(entry.key, entry.value));
        if (alignment != 32) {
            ASSERT_TRUE(writer->add("general.alignment", alignment));
        }
        for (const GgufTensor& t : golden.tensors()) ASSERT_TRUE(writer->declare(t.name, t.dtype(), t.extents()));
        for (const GgufTensor& t : golden.tensors()) ASSERT_TRUE(writer->write_tensor(t.name, t.bytes));
        ASSERT_TRUE(writer->finish());
        const uint64_t size = fs::file_size(path("in.gguf"));
        for (const GgufShardLimits& limits :
             {GgufShardLimits{.max_tensors = 1}, {.max_tensors = 7}, {.max_bytes = size / 3}, {}}) {
            const auto shards = split(path("in.gguf"), "s", limits);
            uint64_t n_tensor = 0;
            for (const WrittenShard& shard : shards) {
                EXPECT_EQ(fs::file_size(shard.path), shard.bytes) << "the plan is exact: room on the disk is asked for by it";
                EXPECT_TRUE(shard.n_tensor == 1 || shard.bytes <= limits.max_bytes);
                EXPECT_LE(shard.n_tensor, limits.max_tensors);
                EXPECT_GT(shard.n_tensor, 0u);
                n_tensor += shard.n_tensor;
            }
            EXPECT_EQ(n_tensor, golden.tensors().size());
            for (const FileAccess access : {FileAccess::mapped, FileAccess::read}) {
                const auto merged = merge_gguf(open(shards.back().path, access), path("out.gguf"));
                ASSERT_TRUE(merged) << merged.error().message;
                EXPECT_EQ(*merged, size);
                const GgufFile in = open(path("in.gguf")), out = open(path("out.gguf"));
                EXPECT_TRUE(std::ranges::equal(out.bytes(), in.bytes())) << alignment;
            }
            for (const WrittenShard& shard : shards) fs::remove(shard.path);
        }
    }
}

TEST_F(GgufShardsTest, ShardsCanBeSplitAgain) {
    const auto shards = split_golden();
    const auto again = split(shards[1].path, "again", {.max_tensors = 3});
    EXPECT_GT(again.size(), shards.size());
    ASSERT_TRUE(merge_gguf(open(again[2].path), path("out.gguf")));
    const GgufFile whole = open(kGolden), out = open(path("out.gguf"));
    ASSERT_EQ(out.tensors().size(), whole.tensors().size());
    for (size_t i = 0; i < whole.tensors().size(); ++i) EXPECT_TRUE(same(whole, whole.tensors()[i], out, out.tensors()[i]));
    EXPECT_EQ(out.metadata().size(), whole.metadata().size());
}

TEST_F(GgufShardsTest, AFailureLeavesNothing) {
    const auto refused = [](const auto& result, ErrorCode code, const std::string& words) {
        ASSERT_FALSE(result);
        EXPECT_EQ(result.error().code, code) << result.error().message;
        EXPECT_NE(result.error().message.find(words), std::string::npos) << result.error().message;
    };
    const GgufFile whole = open(kGolden);
    refused(merge_gguf(whole, path("out.gguf")), ErrorCode::invalid_argument, "is whole: it has no 'split.count'");
    refused(split_gguf(whole, path(""), {}), ErrorCode::invalid_argument, "is no prefix of names");
    refused(split_gguf(whole, path("none/x"), {}), ErrorCode::io, "none/x-00001-of-00001.gguf");
    const std::atomic<bool> cancel = true;
    refused(split_gguf(whole, path("x"), {.max_tensors = 5}, {.cancel = &cancel}), ErrorCode::cancelled, "interrupted");
    EXPECT_TRUE(names().empty());

    // A file that is cut short while it is read.
    fs::copy_file(kGolden, path("in.gguf"));
    const GgufFile cut = open(path("in.gguf"), FileAccess::read);
    fs::resize_file(path("in.gguf"), cut.data_offset() + 100);
    refused(split_gguf(cut, path("x"), {.max_tensors = 5}), ErrorCode::io, "it was cut short while it was read");
    EXPECT_EQ(names(), std::vector<std::string>{"in.gguf"});
    fs::remove(path("in.gguf"));

    // A shard that cannot get to its place, which is found out when two others are there.
    const auto block = [&](uint64_t, uint64_t) { fs::create_directories(path("x-00003-of-00003.gguf/full")); };
    const uint64_t third = (whole.tensors().size() + 2) / 3;
    refused(split_gguf(whole, path("x"), {.max_tensors = third}, {.progress = block}), ErrorCode::unavailable,
            "x-00003-of-00003.gguf");
    EXPECT_EQ(names(), std::vector<std::string>{"x-00003-of-00003.gguf"});
    fs::remove_all(path("x-00003-of-00003.gguf"));

    const auto shards = split_golden();
    const auto before = names();
    refused(split_gguf(open(shards[0].path), path("part"), {.max_tensors = 10}), ErrorCode::invalid_argument,
            "is read and would be overwritten");
    refused(merge_gguf(open(shards[0].path), shards[1].path), ErrorCode::invalid_argument, "is read and would be overwritten");
    EXPECT_EQ(names(), before);
}

TEST_F(GgufShardsTest, TooManyShardsAreRefused) {
    std::vector<std::string> tensors;
    for (uint64_t i = 0; i <= kMaxWrittenShards; ++i) tensors.push_back(fmt::format("t{}", i));
    write("in.gguf", {}, tensors);
    const auto shards = split_gguf(open(path("in.gguf")), path("x"), {.max_tensors = 1});
    ASSERT_FALSE(shards);
    EXPECT_NE(shards.error().message.find("would become 513 shards; at most 512 are written"), std::string::npos)
        << shards.error().message;
    EXPECT_EQ(names(), std::vector<std::string>{"in.gguf"});
}

// Room on the disk is asked for before the first byte, by the sizes of all that will be written.
TEST_F(GgufShardsTest, ADiskWithoutRoomIsAnErrorBeforehand) {
    auto writer = GgufWriter::create(path("huge.gguf"));
    ASSERT_TRUE(writer && writer->declare("huge", DType::F32, {int64_t{1} << 50}));
    const float one = 1;
    const Result<void> done = writer->write_part("huge", std::as_bytes(std::span(&one, 1)));
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, ErrorCode::unavailable);
    EXPECT_NE(done.error().message.find("4096.0 TiB are needed, and the disk has "), std::string::npos) << done.error().message;
    EXPECT_TRUE(names().empty());

    auto small = GgufWriter::create(path("small.gguf"));
    ASSERT_TRUE(small);
    EXPECT_TRUE(small->check_room(1));
    EXPECT_FALSE(small->check_room(uint64_t{1} << 60));
    EXPECT_TRUE(names().empty());
    EXPECT_TRUE(GgufWriter::create("/dev/null")->check_room(uint64_t{1} << 60)) << "a device takes everything";
}

}  // namespace
}  // namespace krait
