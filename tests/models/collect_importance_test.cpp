// SPDX-License-Identifier: Apache-2.0
//
// Importance: the mean squares are those of what the matrices read, however the text is cut; and they make better files.
#include "models/quantize/collect_importance.hpp"
#include "formats/gguf/gguf_reader.hpp"

#include <cmath>
#include <cstdio>
#include <limits>

#include "core/quant/codec.hpp"
#include "models/quantize/quantize.hpp"
#include "tests/models/random_model_fixture.hpp"

namespace krait {
namespace {

class Importance : public RandomModelFixture {
  protected:
    static std::shared_ptr<const Model> load(const std::filesystem::path& path) {
        auto model = Model::load(path, {.device = "cpu"});
        EXPECT_TRUE(model) << model.error().message;
        return *model;
    }
    static ImportanceMatrix collect(const std::shared_ptr<const Model>& model, std::span<const int32_t> tokens,
                                    const CollectOptions& options = {}) {
        auto matrix = collect_importance(model, tokens, {}, options);
        EXPECT_TRUE(matrix) << matrix.error().message;
        return std::move(*matrix);
    }
    static std::vector<float> values_of(const ModelSource& file, const std::string& name) {
        const GgufTensor* tensor = file.find_tensor(name);
        std::vector<float> values(static_cast<size_t>(element_count(tensor->desc)));
        decode_row(tensor->dtype(), tensor->bytes.data(), values);
        return values;
    }
};

TEST_F(Importance, IsTheMeanSquareOfWhatAMatrixReads) {
    const auto model = load(write("m.gguf", {.sizes = tiny("mamba-130m")}));
    const std::vector<int32_t> tokens = counting_tokens(600, 300);
    const ImportanceMatrix matrix = collect(model, tokens);
    // The first in-projection reads the normed embedding.
    const std::vector<float> embedding = values_of(model->source(), "token_embd.weight"),
                             norm = values_of(model->source(), "blk.0.attn_norm.weight");
    std::vector<double> expected(256);
    for (const int32_t token : tokens) {
        const float* row = embedding.data() + static_cast<size_t>(token) * 256;
        double squares = 0;
        for (size_t i = 0; i < 256; ++i) squares += std::pow(static_cast<double>(row[i]), 2);
        for (size_t i = 0; i < 256; ++i)
            expected[i] += std::pow(static_cast<double>(row[i] * norm[i]), 2) / (squares / 256 + 1e-5) / 600;
    }
    const auto got = matrix.of("blk.0.ssm_in.weight");
    ASSERT_EQ(got.size(), 256u);
    for (size_t i = 0; i < 256; ++i) EXPECT_NEAR(static_cast<double>(got[i]), expected[i], 1e-4 * expected[i]) << i;
}

TEST_F(Importance, CoversEveryMatrixByEveryToken) {
    for (const char* like : {"mamba-130m", "falcon-mamba-7b", "mamba2-130m"}) {
        const auto model = load(write("m.gguf", {.sizes = tiny(like), .scheme = {.body = DType::Q8_0}}));
        const ImportanceMatrix matrix = collect(model, counting_tokens(700, 300));
        EXPECT_TRUE(matrix.check(model->source()));
        for (const GgufTensor& tensor : model->source().tensors()) {
            if (!is_weight_matrix(tensor_kind(tensor.name), tensor.desc.rank)) continue;
            const bool is_looked_up = tensor.name == "token_embd.weight" && !model->shape().tied_head;
            EXPECT_EQ(matrix.of(tensor.name).empty(), is_looked_up) << tensor.name;
            if (is_looked_up) continue;
            EXPECT_EQ(matrix.entries().find(tensor.name)->second.n_row, std::vector<double>{700.0});
        }
    }
}

TEST_F(Importance, DoesNotDependOnHowManyChunksAreReadTogether) {
    const auto model = load(write("m.gguf", {.sizes = tiny("mamba2-130m")}));
    const std::vector<int32_t> tokens = counting_tokens(1000, 300);
    const ImportanceMatrix one = collect(model, tokens, {.chunk = 96, .batch = 1});
    int64_t latest = 0;
    CollectOptions options{.chunk = 96, .batch = 5};
    options.progress = [&](int64_t done, int64_t total) {
        EXPECT_GT(done, latest);
        EXPECT_EQ(total, 1000);
        latest = done;
    };
    const ImportanceMatrix five = collect(model, tokens, options);
    EXPECT_EQ(latest, 1000);
    for (const auto& [name, entry] : one.entries()) {
        const auto other = five.of(name);
        ASSERT_EQ(other.size(), entry.mean_square.size()) << name;
        for (size_t i = 0; i < other.size(); ++i)
            EXPECT_NEAR(other[i], entry.mean_square[i], 1e-5f * entry.mean_square[i]) << name;
    }
    const ImportanceMatrix whole = collect(model, tokens, {.chunk = 1000});  // what the states remember differs
    EXPECT_NE(whole.entries().at("blk.1.ssm_out.weight").mean_square, one.entries().at("blk.1.ssm_out.weight").mean_square);
}

TEST_F(Importance, ObservingChangesNoLogits) {
    const auto model = load(write("m.gguf", {.sizes = tiny("mamba-130m")}));
    const std::vector<int32_t> tokens = counting_tokens(50, 300);
    std::vector<std::vector<float>> logits;
    int n_seen = 0;
    for (const bool observed : {false, true}) {
        SessionOptions options{.max_batch_tokens = 20};
        if (observed) options.observer = [&](const Activations&) { ++n_seen; };
        auto session = Session::create(model, options);
        ASSERT_TRUE(session) << session.error().message;
        ASSERT_TRUE(session->decode({{.sequence = 0, .tokens = tokens}}));
        logits.emplace_back(session->logits(0).begin(), session->logits(0).end());
    }
    EXPECT_EQ(logits[0], logits[1]);
    EXPECT_EQ(n_seen, 3 * 2 * 4 + 1);  // runs, layers, matrices; and the head once
}

TEST_F(Importance, ATextThatIsTooShortIsRefused) {
    const auto model = load(write("m.gguf", {.sizes = tiny("mamba-130m")}));
    const auto matrix = collect_importance(model, counting_tokens(511, 300), {}, {});
    ASSERT_FALSE(matrix);
    EXPECT_EQ(matrix.error().code, ErrorCode::invalid_argument);
    EXPECT_NE(matrix.error().message.find("511 tokens: at least 512"), std::string::npos) << matrix.error().message;
    std::atomic<bool> cancel{true};
    const auto stopped = collect_importance(model, counting_tokens(600, 300), {}, {.cancel = &cancel});
    ASSERT_FALSE(stopped);
    EXPECT_EQ(stopped.error().code, ErrorCode::cancelled);
}

TEST_F(Importance, CancellingTellsHowMuchOfTheTextWasRead) {
    const auto model = load(write("m.gguf", {.sizes = tiny("mamba-130m")}));
    std::atomic<bool> cancel{false};
    CollectOptions options{.chunk = 100, .batch = 2, .cancel = &cancel};
    options.progress = [&](int64_t done, int64_t) { cancel = done >= 400; };
    const auto stopped = collect_importance(model, counting_tokens(600, 300), {}, options);
    ASSERT_FALSE(stopped);
    EXPECT_EQ(stopped.error().message, "cancelled after 400 of 600 tokens");
}

TEST_F(Importance, ABrokenMatrixIsNamedAtOnce) {
    // NaN in the second layer's in-projection: what reads its results is broken, its own input is not.
    const auto path = write("m.gguf", {.sizes = tiny("mamba-130m")});
    {
        auto file = GgufFile::open(path);
        ASSERT_TRUE(file);
        const auto offset = static_cast<long>(file->find_tensor("blk.1.ssm_in.weight")->file_offset);
        std::FILE* raw = std::fopen(path.c_str(), "r+b");
        const float nan = std::numeric_limits<float>::quiet_NaN();
        ASSERT_EQ(std::fseek(raw, offset, SEEK_SET), 0);
        ASSERT_EQ(std::fwrite(&nan, sizeof nan, 1, raw), 1u);
        std::fclose(raw);
    }
    int64_t read = 0;
    CollectOptions options{.chunk = 64, .batch = 1};
    options.progress = [&](int64_t done, int64_t) { read = done; };
    const auto matrix = collect_importance(load(path), counting_tokens(5000, 300), {}, options);
    ASSERT_FALSE(matrix);
    EXPECT_EQ(matrix.error().code, ErrorCode::invalid_argument);
    EXPECT_NE(matrix.error().message.find("blk.1.ssm_x.weight: what multiplies column"), std::string::npos)
        << matrix.error().message;
    EXPECT_LE(read, 64);
}

// sum over the model of importance * error^2, relative to that of the weights themselves.
double weighted_error(const ModelSource& was, const ModelSource& is, const ImportanceMatrix& matrix) {
    double error = 0, size = 0;
    for (const auto& [name, entry] : matrix.entries()) {
        const GgufTensor *before = was.find_tensor(name), *after = is.find_tensor(name);
        const size_t width = entry.mean_square.size();
        std::vector<float> a(width), b(width);
        for (int64_t row = 0; row < row_count(before->desc); ++row) {
            const auto at = [&](const GgufTensor& t) {
                return t.bytes.data() + row * row_bytes(t.dtype(), last_extent(t.desc));
            };
            decode_row(before->dtype(), at(*before), a);
            decode_row(after->dtype(), at(*after), b);
            for (size_t i = 0; i < width; ++i) {
                error += static_cast<double>(entry.mean_square[i]) * std::pow(static_cast<double>(a[i] - b[i]), 2);
                size += static_cast<double>(entry.mean_square[i]) * std::pow(static_cast<double>(a[i]), 2);
            }
        }
    }
    return error / size;
}

TEST_F(Importance, MakesABetterFileOfATrainedModel) {
    auto model = Model::load_demo({.device = "cpu"});
    ASSERT_TRUE(model) << model.error().message;
    const std::string text =
        "It was a fine morning, and the whole family was assembled in the drawing-room when the letter came. \"I hope, sir,\" "
        "said "
        "she, \"that your journey was not a disagreeable one, and that you found the roads in good order.\" He answered that "
        "he had "
        "nothing to complain of but the rain; and, sitting down beside her mother, he began to speak of London, and of all who "
        "were "
        "there. ";
    auto tokens = (*model)->tokenizer().value()->encode(text);
    ASSERT_TRUE(tokens);
    while (tokens->size() < kMinCalibrationTokens) tokens->insert(tokens->end(), tokens->begin(), tokens->end());
    const ImportanceMatrix matrix = collect(*model, *tokens);
    const ModelSource& source = (*model)->source();
    const auto make = [&](const char* name, const ImportanceMatrix* importance) {
        const auto report =
            quantize_file(source, folder_ / name,
                          {.scheme = {.body = DType::Q4_0, .head = DType::Q4_0}, .importance = importance, .force = true});
        EXPECT_TRUE(report) << report.error().message;
        auto file = GgufFile::open(folder_ / name);
        EXPECT_TRUE(file);
        return std::move(*file);
    };
    const GgufFile plain = make("plain.gguf", nullptr), weighted = make("weighted.gguf", &matrix);
    // The search of the encoder does something by itself; the importance must do more.
    ImportanceMatrix all_alike = matrix;
    for (const auto& [name, entry] : matrix.entries())
        all_alike.set(name, {.mean_square = std::vector<float>(entry.mean_square.size(), 1.0f), .n_row = {1}});
    const GgufFile searched = make("searched.gguf", &all_alike);
    const double error_plain = weighted_error(source, plain, matrix), error_searched = weighted_error(source, searched, matrix),
                 error_weighted = weighted_error(source, weighted, matrix);
    EXPECT_LT(error_searched, 0.95 * error_plain);
    EXPECT_LT(error_weighted, 0.97 * error_searched);

    // And the logits of another text are nearer.
    const auto other = (*model)->tokenizer().value()->encode("They walked on together in silence, till the house was in view.");
    ASSERT_TRUE(other);
    const std::filesystem::path kSource = "models/demo/krait-demo.gguf";
    const std::vector<float> right = last_logits(kSource, *other, "reference");
    const auto error = [&](const char* name) {
        const std::vector<float> got = last_logits(folder_ / name, *other, "reference");
        double sum = 0;
        for (size_t i = 0; i < right.size(); ++i) sum += std::pow(static_cast<double>(got[i] - right[i]), 2);
        return sum;
    };
    EXPECT_LT(error("weighted.gguf"), error("plain.gguf"));
}

}  // namespace
}  // namespace krait
