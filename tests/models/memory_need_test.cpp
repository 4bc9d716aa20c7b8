// SPDX-License-Identifier: Apache-2.0
//
// --max-memory: what it counts is what a session with the default options then has on its devices, and no placement goes beyond
// it.
#include "models/placement/memory_need.hpp"
#include "models/session/placed_forward.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "models/session/session.hpp"

namespace krait {
namespace {

PlacementOptions limited(std::vector<int64_t> layers, std::vector<PlacementOptions::Limit> limits) {
    return {.layers = std::move(layers), .split = {}, .rules = {}, .max_memory = std::move(limits)};
}

Result<std::shared_ptr<const Model>> load(const std::string& devices, const PlacementOptions& placement) {
    return Model::load_demo({.device = devices, .placement = placement});
}

// Rates that are the same for all devices, in a folder of its own.
class MemoryNeedTest : public testing::Test {
  protected:
    void SetUp() override {
        if (const char* cache = std::getenv("XDG_CACHE_HOME")) before_ = cache;
        setenv("XDG_CACHE_HOME", folder_.c_str(), 1);
    }
    void TearDown() override {
        if (before_) setenv("XDG_CACHE_HOME", before_->c_str(), 1);
        else unsetenv("XDG_CACHE_HOME");
        std::filesystem::remove_all(folder_);
    }
    std::filesystem::path folder_ = std::filesystem::path(testing::TempDir()) / fmt::format("krait-need-{}", getpid());
    std::optional<std::string> before_;
};

TEST_F(MemoryNeedTest, IsWhatASessionTakes) {
    const auto model = load("cpu,cpu", limited({3, 5}, {}));
    ASSERT_TRUE(model) << model.error().message;
    const auto needs =
        (*model)->placement().memory_needs((*model)->architecture(), (*model)->weights().descs(), (*model)->devices());
    ASSERT_TRUE(needs) << needs.error().message;
    auto session = Session::create(*model);
    ASSERT_TRUE(session);
    const std::vector<int32_t> prompt(512, 7);
    // In one run: longer than half of 512, a batch would be cut into pieces for the two devices.
    auto run = build_forward((*model)->architecture(), (*model)->weights().descs(), {.n_slots = 1},
                             {.n_tok = 512, .n_seq = 1, .n_out = 1});
    ASSERT_TRUE(run);
    auto states = SequenceMemory::create((*model)->architecture(), (*model)->devices(), (*model)->placement(), {.n_slots = 1});
    ASSERT_TRUE(states);
    auto executor = graph::Executor::create((*model)->devices());
    ASSERT_TRUE(executor);
    ASSERT_TRUE(executor->prepare("run", [&] { return build_placed(**model, *states, std::move(*run)); }));
    const uint64_t values = (*needs)[0].values + (*needs)[1].values;
    EXPECT_GE(executor->arena_bytes(), values);
    EXPECT_LE(executor->arena_bytes(), values + 2 * (2 << 20)) << "the device takes whole pages for large buffers";
    EXPECT_EQ((*needs)[0].states + (*needs)[1].states, states->device_bytes());
    EXPECT_EQ((*needs)[0].states * 5, (*needs)[1].states * 3);
    ASSERT_TRUE(session->decode({{.sequence = 0, .tokens = prompt}}));
    EXPECT_LE(session->executor().arena_bytes(), executor->arena_bytes());
    EXPECT_GT((*needs)[0].weights, 0u);
}

TEST_F(MemoryNeedTest, FixedPlacementsAreHeldToIt) {
    const auto model = load("cpu,cpu", limited({3, 5}, {{"cpu", 1}}));
    ASSERT_FALSE(model);
    EXPECT_EQ(model.error().code, ErrorCode::out_of_memory);
    for (const char* words :
         {"--max-memory cpu=1 B: ", "(--layers 3,5): weights ", "one sequence's states ", "values of a run "})
        EXPECT_NE(model.error().message.find(words), std::string::npos) << model.error().message;
    // Weights alone would fit.
    const auto free = load("cpu,cpu", limited({3, 5}, {}));
    ASSERT_TRUE(free);
    const uint64_t weights = (*free)->weights().bytes_by_device()[0];
    EXPECT_FALSE(load("cpu,cpu", limited({3, 5}, {{"cpu", weights + 1000}})));
    EXPECT_TRUE(load("cpu,cpu", limited({3, 5}, {{"cpu", weights + (16 << 20)}, {"cpu#2", 1 << 30}})));
}

// Whatever the limit: a model that is loaded keeps to it, and one that is not says what is missing before anything is loaded.
TEST_F(MemoryNeedTest, MeasuredPlacementsKeepToIt) {
    size_t n_loaded = 0, n_shared = 0;
    for (uint64_t limit = 1 << 20; limit <= 20 << 20; limit += 300 << 10) {
        SCOPED_TRACE(limit);
        const auto model = load("cpu:threads=1,cpu:threads=1", limited({}, {{"cpu", limit}, {"cpu#2", limit}}));
        if (!model) {
            EXPECT_EQ(model.error().message.find(
                          "weights and states take up to 8.6 MiB; beside the values of a run there is room for"),
                      0u)
                << model.error().message;
            continue;
        }
        ++n_loaded;
        n_shared += (*model)->n_used_devices() == 2;
        const auto needs =
            (*model)->placement().memory_needs((*model)->architecture(), (*model)->weights().descs(), (*model)->devices());
        for (size_t d = 0; d < 2; ++d) {
            MemoryNeed need = (*needs)[d];
            need.weights = std::max(need.weights, (*model)->weights().bytes_by_device()[d]);
            EXPECT_LE(need.total(), limit) << d;
        }
    }
    EXPECT_GT(n_loaded, 10u);
    EXPECT_GT(n_shared, 5u);
}

// A measurement counts in this load, whether or not it could be kept for the next.
TEST_F(MemoryNeedTest, PiecesOfPromptsFollowTheRatesThatPlacementSaw) {
    const auto pieces = [] {
        const auto model = load("cpu:threads=1,cpu:threads=1", {});
        EXPECT_TRUE(model) << model.error().message;
        return model ? (*model)->min_chunk_rows() : 0;
    };
    pieces();  // measured, and written
    const auto file = folder_ / "krait" / "rates.tsv";
    std::ifstream stream(file);
    std::string line;
    ASSERT_TRUE(std::getline(stream, line));
    const std::string key = line.substr(0, line.find('\t'));
    std::ofstream(file) << key << "\t1e9\t1e15\t1e-6\t1e10\n";
    EXPECT_EQ(pieces(), 128u);
    const auto fixed = load("cpu:threads=1,cpu:threads=1", limited({4, 4}, {}));
    ASSERT_TRUE(fixed);
    EXPECT_EQ((*fixed)->min_chunk_rows(), kMinChunkRows) << "nothing is measured, and the file is not asked";
}

}  // namespace
}  // namespace krait
