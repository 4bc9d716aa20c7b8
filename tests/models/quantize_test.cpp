// SPDX-License-Identifier: Apache-2.0
//
// Quantizing files: every format loads and stays near the F32 model; what cannot be done is said, and leaves nothing behind.
#include "models/quantize/quantize.hpp"
#include "formats/gguf/gguf_reader.hpp"

#include <sys/resource.h>

#include <cmath>
#include <csignal>
#include <limits>

#include "core/quant/codec.hpp"
#include "formats/gguf/gguf_value.hpp"
#include "formats/gguf/gguf_writer.hpp"
#include "tests/models/random_model_fixture.hpp"

namespace krait {
namespace {

double nmse(std::span<const float> got, std::span<const float> expected) {
    double error = 0, size = 0;
    for (size_t i = 0; i < got.size(); ++i) {
        const double difference = static_cast<double>(got[i]) - static_cast<double>(expected[i]);
        error += difference * difference;
        size += static_cast<double>(expected[i]) * static_cast<double>(expected[i]);
    }
    return error / size;
}

class Quantize : public RandomModelFixture {
  protected:
    static GgufFile open(const std::filesystem::path& path) {
        auto file = GgufFile::open(path);
        EXPECT_TRUE(file) << file.error().message;
        return std::move(*file);
    }
    std::filesystem::path quantize(const std::filesystem::path& in, const std::string& name,
                                   const QuantizeOptions& options) const {
        const std::filesystem::path out = folder_ / name;
        const auto report = quantize_file(open(in), out, options);
        EXPECT_TRUE(report) << report.error().message;
        return out;
    }
    void expect_refused(const std::filesystem::path& in, const QuantizeOptions& options, const std::string& words,
                        ErrorCode code = ErrorCode::invalid_argument) const {
        const size_t before = names_in_folder().size();
        const auto report = quantize_file(open(in), folder_ / "refused.gguf", options);
        ASSERT_FALSE(report) << words;
        EXPECT_EQ(report.error().code, code) << report.error().message;
        EXPECT_NE(report.error().message.find(words), std::string::npos) << report.error().message;
        EXPECT_EQ(names_in_folder().size(), before) << "something was left behind";
    }
    // A model file with one weight of the first in-projection replaced.
    std::filesystem::path with_weight(float weight) const {
        const std::filesystem::path path = write("odd.gguf", {.sizes = tiny("mamba-130m")});
        const uint64_t offset = open(path).find_tensor("blk.0.ssm_in.weight")->file_offset + 256 * 4 * 5;  // row 5
        std::FILE* file = std::fopen(path.c_str(), "r+b");
        EXPECT_EQ(std::fseek(file, static_cast<long>(offset), SEEK_SET), 0);
        EXPECT_EQ(std::fwrite(&weight, sizeof weight, 1, file), 1u);
        std::fclose(file);
        return path;
    }
};

class QuantizeTo : public Quantize, public testing::WithParamInterface<std::pair<DType, double>> {};

// The format's own error (docs/quant-formats.md), relative.
INSTANTIATE_TEST_SUITE_P(
    Formats, QuantizeTo,
    testing::Values(std::pair{DType::F32, 0.0}, std::pair{DType::F16, 0.00021}, std::pair{DType::BF16, 0.0017},
                    std::pair{DType::Q8_0, 0.0054}, std::pair{DType::Q6_K, 0.016}, std::pair{DType::Q5_K, 0.035},
                    std::pair{DType::Q5_1, 0.038}, std::pair{DType::Q5_0, 0.043}, std::pair{DType::Q4_K, 0.070},
                    std::pair{DType::Q4_1, 0.078}, std::pair{DType::Q4_0, 0.086}, std::pair{DType::IQ4_NL, 0.073},
                    std::pair{DType::IQ4_XS, 0.074}, std::pair{DType::Q3_K, 0.143}, std::pair{DType::Q2_K, 0.258}),
    [](const auto& test) { return std::string(dtype_name(test.param.first)); });

TEST_P(QuantizeTo, LogitsStayNearThoseOfF32) {
    const auto [dtype, error_of_format] = GetParam();
    for (const char* like : {"mamba-130m", "mamba2-130m"}) {
        const auto f32 = write("f32.gguf", {.sizes = tiny(like)});
        const auto out = quantize(f32, "out.gguf", {.scheme = {.body = dtype}});
        const std::vector<int32_t> tokens = counting_tokens(40, 300);
        // Errors of independent roundings add up by their squares: two layers of two to four matrices each, and what a gate
        // multiplies counts twice. Measured: 4 to 12 times the square of one.
        const double error = nmse(last_logits(out, tokens, "reference"), last_logits(f32, tokens, "reference"));
        const double one = error_of_format * error_of_format;
        EXPECT_LE(error, 18 * one) << like;
        EXPECT_GE(error, one) << like << ": is it quantized at all?";
    }
}

TEST_P(QuantizeTo, GivesTheModelThatWasMadeInThatFormat) {
    const DType dtype = GetParam().first;
    const RandomModelSizes sizes = tiny("falcon-mamba-7b");
    const auto f32 = write("f32.gguf", {.sizes = sizes});
    const GgufFile expected = open(write("direct.gguf", {.sizes = sizes, .scheme = {.body = dtype}}));
    const GgufFile got = open(quantize(f32, "out.gguf", {.scheme = {.body = dtype}, .threads = 3}));
    ASSERT_EQ(got.tensors().size(), expected.tensors().size());
    for (const GgufTensor& tensor : expected.tensors()) {
        const GgufTensor* same = got.find_tensor(tensor.name);
        ASSERT_NE(same, nullptr) << tensor.name;
        EXPECT_EQ(same->dtype(), tensor.dtype()) << tensor.name;
        EXPECT_TRUE(std::equal(tensor.bytes.begin(), tensor.bytes.end(), same->bytes.begin(), same->bytes.end()))
            << tensor.name;
    }
}

TEST_F(Quantize, MetadataIsCarriedOverAndSaysWhatTheFileIs) {
    const auto f32 = write("f32.gguf", {.sizes = tiny("mamba-130m")});
    const GgufFile in = open(f32), out = open(quantize(f32, "out.gguf", {.scheme = {.body = DType::Q5_K}}));
    for (const GgufMetadata& entry : in.metadata()) {
        if (entry.key == "general.file_type") continue;
        ASSERT_TRUE(out.has(entry.key)) << entry.key;
        EXPECT_EQ(out.find(entry.key)->value, entry.value) << entry.key;
    }
    EXPECT_EQ(in.get_u32("general.file_type").value(), 0u);
    EXPECT_EQ(out.get_u32("general.file_type").value(), 16u);
    EXPECT_EQ(out.get_u32("general.quantization_version").value(), 2u);
    EXPECT_EQ(out.metadata().size(), in.metadata().size());
}

TEST_F(Quantize, TheReportAddsUp) {
    const auto f16 = write("f16.gguf", {.sizes = tiny("mamba-130m"), .scheme = {.body = DType::F16}});
    const auto report = quantize_file(open(f16), folder_ / "out.gguf", {.scheme = {.body = DType::Q4_K}});
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_EQ(report->file_bytes_before, std::filesystem::file_size(f16));
    EXPECT_EQ(report->file_bytes, std::filesystem::file_size(folder_ / "out.gguf"));
    int64_t n_weight = 0, n_tensor = 0;
    uint64_t bytes = 0;
    for (const QuantizedKind& kind : report->kinds) {
        n_weight += kind.n_weight, n_tensor += kind.n_tensor, bytes += kind.bytes;
        if (kind.kind != "ssm_in.weight") continue;
        EXPECT_EQ(kind.n_tensor, 2);
        EXPECT_EQ(kind.to, DType::Q4_K);
    }
    const GgufFile out = open(folder_ / "out.gguf");
    EXPECT_EQ(n_tensor, static_cast<int64_t>(out.tensors().size()));
    EXPECT_EQ(n_weight, report->n_weight);
    uint64_t expected_bytes = 0;
    for (const GgufTensor& tensor : out.tensors()) expected_bytes += tensor.byte_size();
    EXPECT_EQ(bytes, expected_bytes);
    EXPECT_EQ(report->tensor_bytes, expected_bytes);
}

TEST_F(Quantize, AQuantizedFileIsRefusedUnlessForced) {
    const auto q8 = write("q8.gguf", {.sizes = tiny("mamba-130m"), .scheme = {.body = DType::Q8_0}});
    expect_refused(q8, {.scheme = {.body = DType::Q4_K}}, "is quantized already");
    expect_refused(q8, {.scheme = {.body = DType::Q4_K}}, "--force");
    const GgufFile in = open(q8), out = open(quantize(q8, "out.gguf", {.scheme = {.body = DType::Q4_K}, .force = true}));
    // A tensor that was Q8_0 and shall be Q8_0 keeps its bytes; the others come from the decoded values.
    const GgufTensor* kept = out.find_tensor("blk.1.ssm_x.weight");
    EXPECT_TRUE(std::equal(kept->bytes.begin(), kept->bytes.end(), in.find_tensor(kept->name)->bytes.begin()));
    std::vector<float> row(256);
    std::vector<std::byte> encoded(144);
    decode_row(DType::Q8_0, in.find_tensor("blk.0.ssm_in.weight")->bytes.data(), row);
    encode_row(DType::Q4_K, row, encoded.data());
    EXPECT_TRUE(std::equal(encoded.begin(), encoded.end(), out.find_tensor("blk.0.ssm_in.weight")->bytes.begin()));
}

TEST_F(Quantize, AFileIsNotWrittenOverItself) {
    const auto f32 = write("f32.gguf", {.sizes = tiny("mamba-130m")});
    std::filesystem::create_symlink(f32, folder_ / "link.gguf");
    for (const auto& target : {f32, folder_ / "link.gguf", folder_ / "." / "f32.gguf"}) {
        const auto report = quantize_file(open(f32), target, {.scheme = {.body = DType::Q8_0}});
        ASSERT_FALSE(report);
        EXPECT_NE(report.error().message.find("overwritten"), std::string::npos) << report.error().message;
    }
}

TEST_F(Quantize, WeightsThatAreNoNumbersAreReported) {
    const auto nan = with_weight(std::numeric_limits<float>::quiet_NaN());
    expect_refused(nan, {.scheme = {.body = DType::Q4_K}}, "'blk.0.ssm_in.weight': row 5 holds nan", ErrorCode::corrupt_file);
    quantize(nan, "forced.gguf", {.scheme = {.body = DType::Q4_K}, .force = true});
    for (const DType floating : {DType::F32, DType::F16, DType::BF16})
        expect_refused(nan, {.scheme = {.body = floating}}, "row 5 holds nan. Is the file damaged? --force keeps it",
                       ErrorCode::corrupt_file);
    const GgufFile kept = open(quantize(nan, "f16.gguf", {.scheme = {.body = DType::F16}, .force = true}));
    std::vector<float> row(256);
    decode_row(DType::F16, kept.find_tensor("blk.0.ssm_in.weight")->bytes.data() + 5 * 512, row);
    EXPECT_TRUE(std::isnan(row[0]));
    expect_refused(with_weight(-std::numeric_limits<float>::infinity()), {.scheme = {.body = DType::F32}}, "holds -inf",
                   ErrorCode::corrupt_file);
}

TEST_F(Quantize, AFileWithoutAnArchitectureIsRefused) {
    auto writer = GgufWriter::create(folder_ / "nothing.gguf");
    ASSERT_TRUE(writer) << writer.error().message;
    const std::vector<float> values(32, 1.0f);
    ASSERT_TRUE(writer->declare("w.weight", DType::F32, {1, 32}));
    ASSERT_TRUE(writer->write_tensor("w.weight", std::as_bytes(std::span(values))));
    ASSERT_TRUE(writer->finish());
    expect_refused(folder_ / "nothing.gguf", {.scheme = {.body = DType::Q8_0}}, "'general.architecture' is missing");
}

TEST_F(Quantize, WeightsBeyondF16AreReported) {
    const auto large = with_weight(1e6f);
    expect_refused(large, {.scheme = {.body = DType::F16}}, "65504");
    quantize(large, "bf16.gguf", {.scheme = {.body = DType::BF16}});
    quantize(large, "q8.gguf", {.scheme = {.body = DType::Q8_0}});
}

TEST_F(Quantize, AFullDiskLeavesNothing) {
    const auto f32 = write("f32.gguf", {.sizes = tiny("mamba-130m")});
    const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
    rlimit old{};
    ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &old), 0);
    rlimit small = old;
    small.rlim_cur = 100'000;
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
    const auto report = quantize_file(open(f32), folder_ / "out.gguf", {.scheme = {.body = DType::Q8_0}});
    setrlimit(RLIMIT_FSIZE, &old);
    std::signal(SIGXFSZ, old_handler);
    ASSERT_FALSE(report);
    EXPECT_EQ(report.error().code, ErrorCode::unavailable);
    EXPECT_NE(report.error().message.find("cannot write"), std::string::npos) << report.error().message;
    EXPECT_EQ(names_in_folder(), std::vector<std::string>{"f32.gguf"});
}

TEST_F(Quantize, AnInterruptLeavesNothing) {
    const auto f32 = write("f32.gguf", {.sizes = tiny("mamba-130m")});
    std::atomic<bool> cancel{false};
    QuantizeOptions options{.scheme = {.body = DType::Q8_0}, .cancel = &cancel};
    options.progress = [&](uint64_t done, uint64_t total) { cancel = done > total / 4; };
    const auto report = quantize_file(open(f32), folder_ / "out.gguf", options);
    ASSERT_FALSE(report);
    EXPECT_EQ(report.error().code, ErrorCode::cancelled);
    EXPECT_EQ(names_in_folder(), std::vector<std::string>{"f32.gguf"});
}

// ---- importance ----------------------------------------------------------------------------------------------------

// An importance of every matrix of the model, from `value(column)`.
template <class Value>
ImportanceMatrix importance_of(const GgufFile& model, Value value) {
    ImportanceMatrix matrix;
    for (const GgufTensor& tensor : model.tensors()) {
        if (!is_weight_matrix(tensor_kind(tensor.name), tensor.desc.rank)) continue;
        ImportanceMatrix::Entry entry{.mean_square = {}, .n_row = {10}};
        for (int64_t column = 0; column < last_extent(tensor.desc); ++column) entry.mean_square.push_back(value(column));
        matrix.set(tensor.name, std::move(entry));
    }
    return matrix;
}

TEST_F(Quantize, ImportanceGoesThroughItsFile) {
    const GgufFile model = open(write("f32.gguf", {.sizes = tiny("mamba-130m")}));
    const ImportanceMatrix matrix = importance_of(model, [](int64_t column) { return static_cast<float>(column); });
    ASSERT_TRUE(matrix.save(folder_ / "m.imatrix", "a text", 512, 3));
    const auto read = ImportanceMatrix::open(folder_ / "m.imatrix");
    ASSERT_TRUE(read) << read.error().message;
    ASSERT_EQ(read->entries().size(), matrix.entries().size());
    EXPECT_TRUE(read->check(model));
    const auto values = read->of("blk.1.ssm_dt.weight");
    ASSERT_EQ(values.size(), 48u);
    for (size_t i = 0; i < values.size(); ++i) EXPECT_FLOAT_EQ(values[i], static_cast<float>(i));
    EXPECT_TRUE(read->of("blk.9.ssm_dt.weight").empty());
}

TEST_F(Quantize, ImportanceMovesTheError) {
    const auto f32 = write("f32.gguf", {.sizes = tiny("mamba-130m")});
    const GgufFile in = open(f32);
    const ImportanceMatrix matrix = importance_of(in, [](int64_t column) { return column % 8 == 0 ? 100.0f : 0.1f; });
    const GgufFile plain = open(quantize(f32, "plain.gguf", {.scheme = {.body = DType::Q4_0}}));
    const GgufFile weighted = open(quantize(f32, "weighted.gguf", {.scheme = {.body = DType::Q4_0}, .importance = &matrix}));
    const auto error = [&](const GgufFile& file) {  // of the columns that matter
        const GgufTensor* was = in.find_tensor("blk.0.ssm_out.weight");
        const GgufTensor* is = file.find_tensor("blk.0.ssm_out.weight");
        std::vector<float> before(512), after(512);
        decode_row(was->dtype(), was->bytes.data(), before);
        decode_row(is->dtype(), is->bytes.data(), after);
        double sum = 0;
        for (size_t i = 0; i < 512; i += 8) sum += std::pow(static_cast<double>(before[i] - after[i]), 2);
        return sum;
    };
    EXPECT_LT(error(weighted), 0.6 * error(plain));
    EXPECT_EQ(weighted.get_u32("quantize.imatrix.entries_count").value(), matrix.entries().size());
}

TEST_F(Quantize, ExpertsHaveImportanceOfTheirOwn) {
    constexpr int64_t kExperts = 3, kRows = 4, kColumns = 64;
    const char* name = "blk.0.ffn_up_exps.weight";
    std::vector<float> weights;
    for (int i = 0; i < kExperts * kRows * kColumns; ++i) weights.push_back(std::sin(static_cast<float>(i * i)));
    auto writer = GgufWriter::create(folder_ / "experts.gguf");
    ASSERT_TRUE(writer) << writer.error().message;
    ASSERT_TRUE(writer->add("general.architecture", std::string("any")));
    ASSERT_TRUE(writer->declare(name, DType::F32, {kExperts, kRows, kColumns}));
    ASSERT_TRUE(writer->write_tensor(name, std::as_bytes(std::span(weights))));
    ASSERT_TRUE(writer->finish());

    // No row went to the second one: it is rounded as without importance.
    ImportanceMatrix::Entry entry{.mean_square = {}, .n_row = {5, 0, 7}};
    for (int i = 0; i < kExperts * kColumns; ++i)
        entry.mean_square.push_back(i / kColumns == 1 ? 0 : static_cast<float>(i % 7) + 0.1f);
    ImportanceMatrix matrix;
    matrix.set(name, std::move(entry));
    ASSERT_TRUE(matrix.save(folder_ / "experts.imatrix", "a text", 512, 1));
    const auto read = ImportanceMatrix::open(folder_ / "experts.imatrix");
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->entries().at(name).n_row, (std::vector<double>{5, 0, 7}));
    const GgufFile in = open(folder_ / "experts.gguf");
    EXPECT_TRUE(read->check(in));

    const GgufFile out =
        open(quantize(folder_ / "experts.gguf", "out.gguf", {.scheme = {.body = DType::Q4_0}, .importance = &*read}));
    const GgufTensor* tensor = out.find_tensor(name);
    ASSERT_EQ(to_string(tensor->desc), "Q4_0 [3, 4, 64]");
    const auto stride = static_cast<size_t>(row_bytes(DType::Q4_0, kColumns));
    std::vector<std::byte> expected(stride), plain(stride);
    int n_moved = 0;
    for (size_t row = 0; row < kExperts * kRows; ++row) {
        const std::span<const float> values = std::span<const float>(weights).subspan(row * kColumns, kColumns);
        const auto got = tensor->bytes.subspan(row * stride, stride);
        encode_row(DType::Q4_0, values, plain.data());
        encode_row(DType::Q4_0, values, read->of(name, static_cast<int64_t>(row) / kRows), expected.data());
        EXPECT_TRUE(std::equal(got.begin(), got.end(), expected.begin())) << row;
        n_moved += expected != plain;
        if (row / kRows == 1) {
            EXPECT_EQ(expected, plain);
        }
    }
    EXPECT_GT(n_moved, 0);

    ImportanceMatrix of_two;
    of_two.set(name, {.mean_square = std::vector<float>(2 * kColumns, 1.0f), .n_row = {1, 1}});
    expect_refused(folder_ / "experts.gguf", {.scheme = {.body = DType::Q4_0}, .importance = &of_two},
                   "64 columns of 2 matrices for 'blk.0.ffn_up_exps.weight', which is F32 [3, 4, 64]");
}

TEST_F(Quantize, ImportanceOfAnotherModelIsRefused) {
    const auto path = write("f32.gguf", {.sizes = tiny("mamba-130m")});
    const auto one = [](int64_t) { return 1.0f; };
    const auto expect = [&](const RandomModelSizes& other, const std::string& words) {
        const ImportanceMatrix matrix = importance_of(open(write("other.gguf", {.sizes = other})), one);
        expect_refused(path, {.scheme = {.body = DType::Q4_K}, .importance = &matrix}, words);
    };
    RandomModelSizes wide = tiny("mamba-130m"), deep = wide, shallow = wide;
    wide.set_d_model(512);
    expect(wide, "columns for");
    deep.n_layer = 3;
    expect(deep, "no tensor 'blk.2.");
    shallow.n_layer = 1;
    expect(shallow, "nothing for 'blk.1.");
    expect(tiny("mamba2-130m"), "nothing for 'blk.0.ssm_x.weight'");
}

TEST_F(Quantize, FilesWithoutUsableImportanceAreRefused) {
    const auto expect = [&](const std::filesystem::path& path, const std::string& words) {
        const auto matrix = ImportanceMatrix::open(path);
        ASSERT_FALSE(matrix) << words;
        EXPECT_NE(matrix.error().message.find(words), std::string::npos) << matrix.error().message;
    };
    expect(write("model.gguf", {.sizes = tiny("mamba-130m")}), "no importance file");
    expect(folder_ / "none", "none");
    ASSERT_TRUE(ImportanceMatrix().save(folder_ / "empty", "", 1, 0));
    expect(folder_ / "empty", "no importance at all");
    ImportanceMatrix bad;
    bad.set("w", {.mean_square = {1, -1}, .n_row = {1}});
    ASSERT_TRUE(bad.save(folder_ / "bad", "", 1, 1));
    expect(folder_ / "bad", "number 1 is -1");
    ImportanceMatrix large;
    large.set("w", {.mean_square = {1, 1e38f}, .n_row = {1000}});
    const auto saved = large.save(folder_ / "large", "", 1, 1);
    ASSERT_FALSE(saved);
    EXPECT_NE(saved.error().message.find("w: the sum of squares of column 1"), std::string::npos) << saved.error().message;
    EXPECT_FALSE(std::filesystem::exists(folder_ / "large"));
}

}  // namespace
}  // namespace krait
