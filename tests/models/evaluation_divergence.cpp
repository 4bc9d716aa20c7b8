// SPDX-License-Identifier: Apache-2.0
//
// Saved runs and the divergence from them: nothing against itself, the formula against another model, and no file that could
// mislead.
#include "formats/gguf/gguf_reader.hpp"
#include "models/evaluation/divergence.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "core/quant/codec.hpp"
#include "formats/gguf/gguf_writer.hpp"
#include "models/demo/demo_model.hpp"
#include "tests/models/evaluation_fixture.hpp"

namespace krait::test {
namespace {

constexpr WindowOptions kWindows{.context = 50, .stride = 30};
// The rounding of saved probabilities alone: see base_run.hpp.
constexpr double kFloor = 2e-8;

class DivergenceTest : public EvaluationTest {
  protected:
    void SetUp() override {
        EvaluationTest::SetUp();
        folder_ = std::filesystem::temp_directory_path() / fmt::format("krait-divergence-{}", getpid());
        std::filesystem::create_directory(folder_);
        path_ = folder_ / "base.run";
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    Result<void> save(const EvaluationText& text, const WindowOptions& windows, int32_t batch = 4) const {
        KRAIT_TRY(const RunSettings settings, RunSettings::of(*model_, text, windows));
        KRAIT_TRY(BaseRunWriter writer, BaseRunWriter::create(path_, settings, model_->hash()));
        PerplexityOptions options{.windows = windows, .batch = batch};
        options.visit = [&](const ScoredToken& scored) { return writer.write(scored); };
        KRAIT_TRY(const PerplexityRun run, measure_perplexity(model_, text, options));
        return writer.finish();
    }

    Result<DivergenceSummary> compare(const std::shared_ptr<const Model>& model, const EvaluationText& text,
                                      const WindowOptions& windows) const {
        KRAIT_TRY(const BaseRun base, BaseRun::open(path_));
        KRAIT_TRY(const RunSettings settings, RunSettings::of(*model, text, windows));
        KRAIT_CHECK(base.check_comparable(settings));
        Divergence divergence(base);
        PerplexityOptions options{.windows = windows};
        options.visit = [&](const ScoredToken& scored) { return divergence.add(scored); };
        KRAIT_TRY(const PerplexityRun run, measure_perplexity(model, text, options));
        return divergence.summarize();
    }

    // The demo model with one layer's in-projection encoded again in four bits.
    std::shared_ptr<const Model> worse_model() const {
        const auto path = folder_ / "worse.gguf";
        const auto file = GgufFile::parse(demo_model_bytes(), "the demo model");
        auto writer = GgufWriter::create(path);
        EXPECT_TRUE(file && writer);
        const auto is_changed = [](const GgufTensor& tensor) { return tensor.name == "blk.3.ssm_in.weight"; };
        for (const GgufMetadata& entry : file->metadata()) EXPECT_TRUE(writer->add(entry.key, entry.value));
        for (const GgufTensor& t : file->tensors())
            EXPECT_TRUE(writer->declare(t.name, is_changed(t) ? DType::Q4_0 : t.dtype(), t.extents()));
        for (const GgufTensor& t : file->tensors()) {
            if (!is_changed(t)) {
                EXPECT_TRUE(writer->write_tensor(t.name, t.bytes));
                continue;
            }
            std::vector<float> values(static_cast<size_t>(element_count(t.desc)));
            decode_row(t.dtype(), t.bytes.data(), values);
            std::vector<std::byte> bytes(static_cast<size_t>(span_bytes(make_desc(DType::Q4_0, t.extents()))));
            encode_row(DType::Q4_0, values, bytes.data());
            EXPECT_TRUE(writer->write_tensor(t.name, bytes));
        }
        EXPECT_TRUE(writer->finish());
        auto model = Model::load(path, {.device = "cpu"});
        EXPECT_TRUE(model) << model.error().message;
        return *model;
    }

    std::string read_file() const {
        std::ifstream stream(path_, std::ios::binary);
        return {std::istreambuf_iterator<char>(stream), {}};
    }
    void write_file(const std::string& bytes) const { std::ofstream(path_, std::ios::binary) << bytes; }

    std::filesystem::path folder_, path_;
};

TEST_F(DivergenceTest, AModelDoesNotDifferFromItself) {
    const EvaluationText text = heldout(200);
    for (const int32_t batch : {1, 4}) {
        const auto saved = save(text, kWindows, batch);
        ASSERT_TRUE(saved) << saved.error().message;
        const auto summary = compare(model_, text, kWindows);
        ASSERT_TRUE(summary) << summary.error().message;
        EXPECT_LE(summary->kl.value, kFloor);
        EXPECT_LE(summary->kl_max, 2 * kFloor);
        EXPECT_EQ(summary->same_top, 1.0);
        EXPECT_NEAR(summary->perplexity_ratio.value, 1, 1e-6);
        EXPECT_LE(summary->dp_rms, 1e-6);
    }
}

TEST_F(DivergenceTest, AnotherModelDiffersAsTheFormulaSays) {
    const EvaluationText text = heldout(80);
    ASSERT_TRUE(save(text, {.stream = true}));
    const auto worse = worse_model();
    const auto summary = compare(worse, text, {.stream = true});
    ASSERT_TRUE(summary) << summary.error().message;

    const auto p = read_one_by_one(text.tokens);
    model_ = worse;
    const auto q = read_one_by_one(text.tokens);
    std::vector<double> kl;
    double ratio = 0, squares = 0;
    size_t same = 0;
    for (size_t t = 0; t + 1 < text.tokens.size(); ++t) {
        double sum = 0;
        for (size_t i = 0; i < p[t].size(); ++i) sum += std::exp(p[t][i]) * (p[t][i] - q[t][i]);
        kl.push_back(sum);
        const auto next = static_cast<size_t>(text.tokens[t + 1]);
        ratio += p[t][next] - q[t][next];
        squares += std::pow(std::exp(q[t][next]) - std::exp(p[t][next]), 2);
        same += std::max_element(p[t].begin(), p[t].end()) - p[t].begin() ==
                std::max_element(q[t].begin(), q[t].end()) - q[t].begin();
    }
    const auto n = static_cast<double>(kl.size());
    const MeanEstimate expected = estimate_mean(kl);
    EXPECT_GT(expected.value, 1e-4) << "the models should differ";
    EXPECT_NEAR(summary->kl.value, expected.value, 1e-3 * expected.value + kFloor);
    EXPECT_NEAR(summary->kl.standard_error, expected.standard_error, 1e-2 * expected.standard_error);
    std::sort(kl.begin(), kl.end());
    EXPECT_NEAR(summary->kl_median, percentile(kl, 0.5), 1e-2 * percentile(kl, 0.5) + kFloor);
    EXPECT_NEAR(summary->kl_max, kl.back(), 1e-2 * kl.back());
    EXPECT_NEAR(summary->perplexity_ratio.value, std::exp(ratio / n), 1e-4);
    EXPECT_NEAR(summary->dp_rms, std::sqrt(squares / n), 1e-5);
    EXPECT_DOUBLE_EQ(summary->same_top, static_cast<double>(same) / n);
}

TEST_F(DivergenceTest, WhatCannotBeComparedIsRefused) {
    EvaluationText text = heldout(100);
    ASSERT_TRUE(save(text, kWindows));
    expect_error(compare(model_, text, {.context = 50}), ErrorCode::invalid_argument,
                 "was saved with context 50, stride 30; this run has context 50: use the same");
    expect_error(compare(model_, text, {.stream = true}), ErrorCode::invalid_argument, "this run has one stream");
    EvaluationText other = text;
    std::swap(other.tokens[10], other.tokens[11]);
    expect_error(compare(model_, other, kWindows), ErrorCode::invalid_argument, "another text");
    other = text;
    other.prefix = {0};
    expect_error(compare(model_, other, kWindows), ErrorCode::invalid_argument, "another text");
    const auto base = BaseRun::open(path_);
    ASSERT_TRUE(base);
    auto settings = RunSettings::of(*model_, text, kWindows);
    ASSERT_TRUE(settings);
    settings->n_token += 1;
    expect_error(base->check_comparable(*settings), ErrorCode::invalid_argument,
                 "a vocabulary of 4096 tokens; this model has 4097");
    expect_error(base->row(1000), ErrorCode::invalid_argument, "has no row 1000");
}

TEST_F(DivergenceTest, DamagedFilesAreRefused) {
    constexpr auto kCorrupt = ErrorCode::corrupt_file;
    const EvaluationText text = heldout(60);
    ASSERT_TRUE(save(text, kWindows));
    const std::string good = read_file();
    const auto expect_refused = [&](const std::string& bytes, ErrorCode code, std::string_view part) {
        write_file(bytes);
        expect_error(BaseRun::open(path_), code, part);
    };
    expect_error(BaseRun::open(folder_ / "missing"), ErrorCode::not_found, "missing");
    expect_refused("GGUF and more", kCorrupt, "it does not begin with 'KRAITRUN'");
    expect_refused(good.substr(0, 50), kCorrupt, "has 50 bytes; the header alone has 80");
    expect_refused(good.substr(0, good.size() - 8), kCorrupt, "rows of");
    expect_refused(good + "12345678", kCorrupt, "rows of");
    std::string changed = good;
    changed[8] = 2;
    expect_refused(changed, ErrorCode::unsupported, "is version 2 of saved runs");
    changed = good;
    changed[60] = 'x';
    expect_refused(changed, kCorrupt, "the header is damaged");
    changed = good;
    changed[good.size() - 100] = static_cast<char>(changed[good.size() - 100] ^ 1);
    write_file(changed);
    expect_error(compare(model_, text, kWindows), kCorrupt, "is damaged: its checksum does not match");
}

TEST_F(DivergenceTest, AnUnfinishedRunLeavesNoFile) {
    const EvaluationText text = heldout(60);
    const auto settings = RunSettings::of(*model_, text, kWindows);
    ASSERT_TRUE(settings);
    auto writer = BaseRunWriter::create(path_, *settings, 1);
    ASSERT_TRUE(writer);
    expect_error(writer->finish(), ErrorCode::internal, "0 of 40 rows were written");
    writer = tl::unexpected(Error{});
    EXPECT_TRUE(std::filesystem::is_empty(folder_));
}

}  // namespace
}  // namespace krait::test
