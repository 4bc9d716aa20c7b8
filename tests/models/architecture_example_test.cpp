// SPDX-License-Identifier: Apache-2.0
//
// The architecture that docs/adding-an-architecture.md adds, to the letter: its files are those that the document shows, and a
// model of it gives the logits of its formulas.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <random>
#include <sstream>

#include "models/session/session.hpp"
#include "tests/models/gated_conv/gated_conv.hpp"
#include "tests/models/model_draft.hpp"

namespace krait {
namespace {

constexpr int64_t kVocab = 37, kModel = 12, kInner = 20, kLayers = 3, kTaps = 2;
constexpr double kEps = 1e-5f;

// The table that Krait would have with this architecture.
std::vector<ArchitectureEntry> table() {
    const auto known = known_architectures();
    std::vector<ArchitectureEntry> entries(known.begin(), known.end());
    entries.push_back({"gated_conv", create_gated_conv});
    return entries;
}

struct Matrix {
    int64_t rows = 0, columns = 0;
    std::vector<float> values;
    double at(int64_t r, int64_t c) const { return values[static_cast<size_t>(r * columns + c)]; }
};
using Matrices = std::map<std::string, Matrix>;
using Rows = std::vector<std::vector<double>>;

Matrices random_weights(bool biases) {
    Matrices weights;
    std::mt19937 random(7);
    const auto add = [&](const std::string& name, int64_t rows, int64_t columns, float offset = 0) {
        Matrix& m = weights[name] = {rows, columns, std::vector<float>(static_cast<size_t>(rows * columns))};
        std::normal_distribution<float> normal(offset, 0.4f);
        for (float& v : m.values) v = normal(random);
    };
    add("token_embd.weight", kVocab, kModel);
    for (int64_t i = 0; i < kLayers; ++i) {
        add(layer_prefix(i) + "attn_norm.weight", 1, kModel, 1);
        add(layer_prefix(i) + "conv_in.weight", 2 * kInner, kModel);
        for (const char* conv : {"conv_gate", "conv_value"}) {
            add(fmt::format("{}{}.weight", layer_prefix(i), conv), kInner, kTaps + i);
            if (biases) add(fmt::format("{}{}.bias", layer_prefix(i), conv), 1, kInner);
        }
        add(layer_prefix(i) + "conv_out.weight", kModel, kInner);
    }
    add("output_norm.weight", 1, kModel, 1);
    add("output.weight", kVocab, kModel);
    return weights;
}

test::Draft draft_of(const Matrices& weights) {
    test::Draft draft;
    draft.metadata = {{"general.architecture", std::string("gated_conv")},
                      {"gated_conv.embedding_length", static_cast<uint32_t>(kModel)},
                      {"gated_conv.block_count", static_cast<uint32_t>(kLayers)},
                      {"gated_conv.inner_size", static_cast<uint32_t>(kInner)},
                      {"gated_conv.conv_kernel", static_cast<uint32_t>(kTaps)}};
    for (const auto& [name, m] : weights) {
        const auto bytes = std::as_bytes(std::span(m.values));
        const bool is_vector = m.rows == 1;
        draft.tensors.push_back({name,
                                 DType::F32,
                                 is_vector ? std::vector{m.columns} : std::vector{m.rows, m.columns},
                                 {bytes.begin(), bytes.end()}});
    }
    return draft;
}

Rows product(const Matrix& w, const Rows& x) {
    Rows y(x.size(), std::vector<double>(static_cast<size_t>(w.rows)));
    for (size_t t = 0; t < x.size(); ++t)
        for (int64_t n = 0; n < w.rows; ++n)
            for (int64_t k = 0; k < w.columns; ++k) y[t][static_cast<size_t>(n)] += w.at(n, k) * x[t][static_cast<size_t>(k)];
    return y;
}

Rows normed(const Matrix& weight, const Rows& x) {
    Rows y = x;
    for (std::vector<double>& row : y) {
        double sum = 0;
        for (const double v : row) sum += v * v;
        const double scale = 1 / std::sqrt(sum / static_cast<double>(row.size()) + kEps);
        for (size_t i = 0; i < row.size(); ++i) row[i] *= scale * weight.values[i];
    }
    return y;
}

// The channels [first, first + w.rows) of x, from a past of zeros.
Rows convolved(const Matrix& w, const Matrix* bias, const Rows& x, int64_t first) {
    Rows y(x.size(), std::vector<double>(static_cast<size_t>(w.rows)));
    for (int64_t t = 0; t < static_cast<int64_t>(x.size()); ++t)
        for (int64_t c = 0; c < w.rows; ++c) {
            double sum = bias ? bias->at(0, c) : 0;
            for (int64_t j = 0; j < w.columns; ++j)
                if (const int64_t from = t - (w.columns - 1) + j; from >= 0)
                    sum += w.at(c, j) * x[static_cast<size_t>(from)][static_cast<size_t>(first + c)];
            y[static_cast<size_t>(t)][static_cast<size_t>(c)] = sum;
        }
    return y;
}

// The formulas of the document, in double.
Rows logits_of(const Matrices& weights, std::span<const int32_t> tokens) {
    const auto find = [&](const std::string& name) { return weights.contains(name) ? &weights.at(name) : nullptr; };
    const Matrix& embedding = weights.at("token_embd.weight");
    Rows h;
    for (const int32_t token : tokens) {
        h.emplace_back();
        for (int64_t k = 0; k < kModel; ++k) h.back().push_back(embedding.at(token, k));
    }
    for (int64_t i = 0; i < kLayers; ++i) {
        const std::string blk = layer_prefix(i);
        const Rows ab = product(weights.at(blk + "conv_in.weight"), normed(weights.at(blk + "attn_norm.weight"), h));
        Rows y = convolved(weights.at(blk + "conv_gate.weight"), find(blk + "conv_gate.bias"), ab, 0);
        const Rows value = convolved(weights.at(blk + "conv_value.weight"), find(blk + "conv_value.bias"), ab, kInner);
        for (size_t t = 0; t < y.size(); ++t)
            for (size_t c = 0; c < y[t].size(); ++c) y[t][c] = y[t][c] / (1 + std::exp(-y[t][c])) * value[t][c];
        const Rows out = product(weights.at(blk + "conv_out.weight"), y);
        for (size_t t = 0; t < h.size(); ++t)
            for (size_t k = 0; k < h[t].size(); ++k) h[t][k] += out[t][k];
    }
    return product(weights.at("output.weight"), normed(weights.at("output_norm.weight"), h));
}

Result<std::shared_ptr<const Model>> load(const test::Draft& draft, const std::string& device,
                                          std::span<const ArchitectureEntry> architectures) {
    const auto path = std::filesystem::temp_directory_path() / fmt::format("krait-gated-conv-{}.gguf", getpid());
    draft.write(path);
    auto model = Model::load(path, {.device = device, .architectures = architectures});
    std::filesystem::remove(path);
    return model;
}

double difference(std::span<const float> got, std::span<const double> expected) {
    double error = 0, size = 0;
    for (size_t i = 0; i < expected.size(); ++i) {
        error += (got[i] - expected[i]) * (got[i] - expected[i]);
        size += expected[i] * expected[i];
    }
    return error / size;
}

const std::vector<int32_t> kTokens{3, 14, 15, 9, 26, 5, 35, 8, 9, 7, 0, 36};

class ArchitectureExample : public testing::TestWithParam<const char*> {};

// In pieces too, so that every memory of every layer is needed.
TEST_P(ArchitectureExample, GivesTheLogitsOfItsFormulas) {
    const auto entries = table();
    for (const bool biases : {false, true}) {
        const Matrices weights = random_weights(biases);
        const auto model = load(draft_of(weights), GetParam(), entries);
        ASSERT_TRUE(model) << model.error().message;
        const Rows expected = logits_of(weights, kTokens);
        for (const size_t piece : {kTokens.size(), size_t{5}, size_t{1}}) {
            auto session = Session::create(*model);
            ASSERT_TRUE(session) << session.error().message;
            for (size_t first = 0; first < kTokens.size(); first += piece) {
                const auto tokens = std::span(kTokens).subspan(first, std::min(piece, kTokens.size() - first));
                ASSERT_TRUE(session->decode({{.sequence = 0, .tokens = tokens, .want = WantLogits::all}}));
                for (size_t t = 0; t < tokens.size(); ++t)
                    EXPECT_LE(difference(session->logits(0, t), expected[first + t]), 1e-11) << piece << ", " << first + t;
            }
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Devices, ArchitectureExample, testing::Values("cpu", "reference"));

// Two convolutions a layer, each with taps of its own: memories are told apart by their names, and saved layer by layer.
TEST(ArchitectureExample, LayersHaveMemoriesOfTheirOwn) {
    const auto entries = table();
    const auto model = load(draft_of(random_weights(true)), "cpu", entries);
    ASSERT_TRUE(model) << model.error().message;
    const Architecture& architecture = (*model)->architecture();
    std::vector<std::string> seen;
    int64_t floats = 0;
    for (const LayerMemory& memory : architecture.memories()) {
        seen.push_back(fmt::format("{}{} [{}, {}]", layer_prefix(memory.layer), memory.spec.name, memory.spec.extent[0],
                                   memory.spec.extent[1]));
        floats += memory.spec.count();
    }
    EXPECT_EQ(seen,
              (std::vector<std::string>{"blk.0.conv_gate [1, 20]", "blk.0.conv_value [1, 20]", "blk.1.conv_gate [2, 20]",
                                        "blk.1.conv_value [2, 20]", "blk.2.conv_gate [3, 20]", "blk.2.conv_value [3, 20]"}));
    EXPECT_EQ(architecture.state_bytes(), floats * 4);

    auto session = Session::create(*model, {.max_sequences = 2});
    ASSERT_TRUE(session) << session.error().message;
    const std::span<const int32_t> begin = std::span(kTokens).first(7), end = std::span(kTokens).subspan(7);
    ASSERT_TRUE(session->decode({{.sequence = 0, .tokens = begin}}));
    const auto saved = session->save(0);
    ASSERT_TRUE(saved) << saved.error().message;
    ASSERT_TRUE(session->restore(1, *saved));
    ASSERT_TRUE(session->decode({{.sequence = 0, .tokens = end}, {.sequence = 1, .tokens = end}}));
    const auto a = session->logits(0), b = session->logits(1);
    EXPECT_TRUE(std::equal(a.begin(), a.end(), b.begin(), b.end()));
}

TEST(ArchitectureExample, TensorsAreCheckedAgainstThePlan) {
    const auto entries = table();
    test::Draft draft = draft_of(random_weights(false));
    draft.drop_tensor("blk.1.conv_value.weight");
    const auto missing = load(draft, "cpu", entries);
    ASSERT_FALSE(missing);
    EXPECT_NE(missing.error().message.find("'blk.1.conv_value.weight' is missing"), std::string::npos)
        << missing.error().message;

    draft = draft_of(random_weights(false));
    draft.reshape("blk.2.conv_gate.weight", {kInner, kTaps});
    const auto narrow = load(draft, "cpu", entries);
    ASSERT_FALSE(narrow);
    EXPECT_NE(narrow.error().message.find("the metadata calls for [20, 4]"), std::string::npos) << narrow.error().message;
}

TEST(ArchitectureExample, UnknownNamesAreToldTheKnownOnes) {
    const auto model = load(draft_of(random_weights(false)), "cpu", known_architectures());
    ASSERT_FALSE(model);
    EXPECT_EQ(model.error().code, ErrorCode::unsupported);
    EXPECT_NE(model.error().message.find(
                  "'gated_conv' is not supported; known are 'falcon-h1', 'granitehybrid' (Granite 4.0 H, Bamba), "),
              std::string::npos)
        << model.error().message;
}

// Two mixers of one layer would write into one memory.
TEST(ArchitectureExample, NamesOfALayerAreItsOwn) {
    const ArchitectureEntry twice{"gated_conv", [](const ModelSource&, ModelShape shape) -> Result<Architecture> {
                                      const GatedConvSizes sizes{.d_model = kModel, .d_inner = kInner, .d_conv = kTaps};
                                      LayerPlan plan;
                                      plan.memories = std::vector(2, GatedConvMixer(sizes).memories().front());
                                      std::vector<LayerPlan> layers(static_cast<size_t>(shape.n_layer), plan);
                                      return Architecture(std::move(shape), std::move(layers));
                                  }};
    const auto model = load(draft_of(random_weights(false)), "cpu", {&twice, 1});
    ASSERT_FALSE(model);
    EXPECT_NE(model.error().message.find("two memories called 'conv_gate' in layer 0"), std::string::npos)
        << model.error().message;
}

std::string read(const std::string& path) {
    std::ifstream stream(path, std::ios::binary);
    EXPECT_TRUE(stream) << path;
    return {std::istreambuf_iterator<char>(stream), {}};
}

// Code blocks of the document, by the path that stands alone in the line before them: "`path`:".
std::map<std::string, std::string> blocks_of(const std::string& document) {
    std::map<std::string, std::string> blocks;
    std::istringstream lines(document);
    std::string line, path, *block = nullptr;
    while (std::getline(lines, line)) {
        if (block && line == "```") block = nullptr;
        else if (block) *block += line + "\n";
        else if (line == "```cpp" && !path.empty()) block = &blocks[path];
        else if (line.starts_with("`") && line.ends_with("`:")) path = line.substr(1, line.size() - 3);
        else if (!line.empty()) path.clear();
    }
    return blocks;
}

TEST(ArchitectureExample, ItsFilesAreThoseOfTheDocument) {
    const std::string document = read("docs/adding-an-architecture.md");
    const auto blocks = blocks_of(document);
    size_t n_file = 0;
    for (const auto& entry : std::filesystem::directory_iterator("tests/models/gated_conv")) {
        const std::string path = entry.path().generic_string();
        ASSERT_TRUE(blocks.contains(path)) << "the document does not show " << path;
        EXPECT_EQ(blocks.at(path), read(path)) << path;
        ++n_file;
    }
    EXPECT_EQ(n_file, blocks.size());
    EXPECT_NE(document.find("    {\"gated_conv\", create_gated_conv},\n"), std::string::npos) << "the line of the table";
}

}  // namespace
}  // namespace krait
