// SPDX-License-Identifier: Apache-2.0
//
// The loader: plugins with one thing wrong each (plugins/) are refused with the right sentence, and the rest work.
#include "core/runtime/plugin_registry.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <set>

#include "core/ops/op_list.hpp"
#include "core/runtime/device.hpp"
#include "core/runtime/driver_nodes.hpp"
#include "tests/main/paths.hpp"

namespace krait {
namespace {

PluginRegistry& registry() {
    static PluginRegistry& loaded = [&]() -> PluginRegistry& {
        PluginRegistry& instance = PluginRegistry::instance();
        instance.add_folder(test::kBadPlugins);
        return instance;
    }();
    return loaded;
}

// A plugin loads nothing to find its score for another family's sake.
TEST(PluginRegistry, AsksOnlyTheFamilyThatIsWanted) {
    if (std::getenv("KRAIT_TEST_ASKED")) GTEST_SKIP() << "an earlier test of this process has asked for all";
    registry();
    ASSERT_TRUE(Device::open("null"));
    ASSERT_TRUE(Device::open("reference"));
    EXPECT_FALSE(Device::open("warp"));
    EXPECT_EQ(std::getenv("KRAIT_TEST_ASKED"), nullptr);
    ASSERT_TRUE(Device::open("tells"));
    EXPECT_NE(std::getenv("KRAIT_TEST_ASKED"), nullptr);
}

TEST(DriverNodes, OnlyFamiliesOfGpusAreLeftOut) {
    for (const char* family : {"cpu", "cuda", "reference", "anything"}) EXPECT_TRUE(may_have_auto_devices(family));
    std::error_code ignored;
    if (std::filesystem::exists("/dev/dri", ignored) || std::filesystem::exists("/dev/nvidiactl", ignored))
        GTEST_SKIP() << "this machine may have a GPU";
    std::set<std::string> all, for_auto;
    for (const auto& listing : registry().devices()) all.insert(listing.family);
    for (const auto& listing : registry().devices(PluginRegistry::Devices::for_auto)) for_auto.insert(listing.family);
    all.erase("vulkan");
    EXPECT_EQ(for_auto, all);
}

// The report on plugins/krait-<name>.so.
PluginReport report_on(const std::string& name) {
    const auto reports = registry().reports();
    const auto found = std::find_if(reports.begin(), reports.end(), [&](const PluginReport& r) {
        return std::filesystem::path(r.path).filename() == "krait-" + name + ".so";
    });
    if (found != reports.end()) return *found;
    ADD_FAILURE() << "no report on krait-" << name << ".so";
    return {};
}

struct Refusal {
    const char* plugin;
    std::vector<const char*> words;
};

class Refused : public testing::TestWithParam<Refusal> {};

TEST_P(Refused, WithTheReason) {
    const PluginReport report = report_on(GetParam().plugin);
    EXPECT_EQ(report.score, 0u);
    for (const char* word : GetParam().words)
        EXPECT_NE(report.reason.find(word), std::string::npos) << "'" << report.reason << "' does not say '" << word << "'";
}

INSTANTIATE_TEST_SUITE_P(
    Plugins, Refused,
    testing::Values(Refusal{"no-symbol", {"krait_plugin_query", "not a Krait plugin"}},
                    Refusal{"abi-major", {"version 3.0", "this host for 2.0", "build it again"}},
                    Refusal{"abi-0x10002", {"version 1.2", "this host for 2.0", "build it again"}},
                    Refusal{"abi-0x10000", {"does not work with version 2.0", "build it again"}},
                    Refusal{"formats", {"another list of weight formats", "build it again"}},
                    Refusal{"op-revision", {"'null'", "another revision of the operator ssm_scan;", "build it again"}},
                    Refusal{"no-ops", {"'null'", "list of operators"}}, Refusal{"short-table", {"64 bytes"}},
                    Refusal{"empty-function", {"'null'", "functions", "empty"}}, Refusal{"name", {"no proper name"}},
                    Refusal{"name-digit", {"not ending in a digit"}}, Refusal{"no-version", {"no proper name"}},
                    Refusal{"query-null", {"does not work with version 2.0"}}, Refusal{"asleep", {"the machine is asleep"}},
                    Refusal{"silent", {"gives no reason"}}, Refusal{"twin-b", {"already loaded from", "krait-twin-a.so"}},
                    Refusal{"garbage", {"krait-garbage.so"}}, Refusal{"empty", {"krait-empty.so"}},
                    Refusal{"folder", {"krait-folder.so"}}, Refusal{"ranked-none", {"needs a better machine"}}),
    [](const auto& test) {
        std::string name = test.param.plugin;
        std::replace(name.begin(), name.end(), '-', '_');
        return name;
    });

TEST(PluginRegistry, LoadsTheRestAllTheSame) {
    registry();
    for (const char* family : {"reference", "null", "twin"}) {
        const auto device = Device::open(family);
        ASSERT_TRUE(device) << device.error().message;
        EXPECT_TRUE((*device)->create_queue());
    }
    EXPECT_EQ(report_on("twin-a").reason, "");
    EXPECT_GT(report_on("twin-a").score, 0u);
}

TEST(PluginRegistry, LeavesOtherFilesAlone) {
    for (const PluginReport& report : registry().reports())
        EXPECT_NE(std::filesystem::path(report.path).filename(), "other.so");
}

TEST(PluginRegistry, TakesANewerMinorVersion) {
    EXPECT_EQ(report_on("abi-minor").reason, "");
    EXPECT_TRUE(Device::open("newer"));
}

// It is not asked about an operator that came later: neither node nor state nor weight of it reach the plugin.
TEST(PluginRegistry, AnOperatorThatAPluginDoesNotKnowIsDeclined) {
    const auto device = Device::open("early");
    ASSERT_TRUE(device) << device.error().message;
    EXPECT_EQ(report_on("op-missing").reason, "");
    krait_graph_node node{};
    std::fill(std::begin(node.in), std::end(node.in), -1);
    std::fill(std::begin(node.out), std::end(node.out), -1);
    const krait_graph graph{.struct_size = sizeof graph, .n_tensors = 0, .tensors = nullptr, .n_nodes = 1, .nodes = &node};
    const auto says = [](const Error& error, std::string_view words) {
        EXPECT_EQ(error.code, ErrorCode::unsupported);
        EXPECT_NE(error.message.find(words), std::string::npos) << error.message;
    };
    constexpr std::string_view kBefore = "was built before the operator ssm_scan";
    node.op = static_cast<uint32_t>(OpId::ssm_scan);
    ASSERT_TRUE((*device)->declines(graph, 0));
    says(*(*device)->declines(graph, 0), kBefore);
    says((*device)->create_program(graph).error(), kBefore);
    const TensorDesc slots = make_desc(DType::F32, {1, 1, 1});
    const krait_use of_scan{node.op, static_cast<uint32_t>(find_state(ops::SsmScan::kIn))},
        of_conv{static_cast<uint32_t>(OpId::ssm_conv), static_cast<uint32_t>(find_state(ops::SsmConv::kIn))};
    says((*device)->create_memory(slots, {&of_scan, 1}).error(), kBefore);
    EXPECT_TRUE((*device)->create_memory(slots, {&of_conv, 1}));
    const krait_use both[] = {of_scan, of_conv};
    EXPECT_TRUE((*device)->create_memory(slots, both)) << "the use that the plugin does not know is left out";
    node.op = static_cast<uint32_t>(OpId::scale);
    says(*(*device)->declines(graph, 0), "computes nothing");

    const TensorDesc desc = make_desc(DType::F32, {2});
    const float values[2] = {};
    const krait_use uses[] = {{static_cast<uint32_t>(OpId::ssm_scan), 2}, {static_cast<uint32_t>(OpId::mul_mat), 2}};
    const auto uploaded = (*device)->upload_constant(desc, uses, std::as_bytes(std::span(values)));
    EXPECT_TRUE(uploaded) << uploaded.error().message;
}

TEST(PluginRegistry, AnOperatorThatTheHostDoesNotKnowIsIgnored) {
    EXPECT_EQ(report_on("op-unknown").reason, "");
    EXPECT_TRUE(Device::open("late"));
}

TEST(PluginRegistry, TheHighestScoreServesAFamily) {
    const auto best = registry().find("ranked");
    ASSERT_TRUE(best) << best.error().message;
    EXPECT_EQ((*best)->variant(), "high");
    const auto named = registry().find("ranked", "low");
    ASSERT_TRUE(named) << named.error().message;
    EXPECT_EQ((*named)->variant(), "low");
    EXPECT_EQ(report_on("ranked-high").score, 20u);
    EXPECT_EQ(report_on("ranked-low").score, 10u);
}

bool is_loaded(const std::string& file) {
    std::ifstream maps("/proc/self/maps");
    const std::string text{std::istreambuf_iterator<char>(maps), {}};
    return text.find("/" + file) != std::string::npos;
}

TEST(PluginRegistry, UnloadsWhatNobodyUses) {
    if (!is_loaded(std::filesystem::path(file_of_code(reinterpret_cast<const void*>(&is_loaded))).filename()))
        GTEST_SKIP() << "this system does not list what is loaded";
    (void)registry().reports();  // every plugin is asked
    {
        const auto low = registry().find("ranked", "low");
        ASSERT_TRUE(low) << low.error().message;
        EXPECT_TRUE(is_loaded("krait-ranked-low.so"));
        // Whoever holds one keeps it, whatever else is found meanwhile.
        ASSERT_TRUE(registry().find("reference"));
        EXPECT_STREQ((*low)->api().variant, "low");
    }
    (void)registry().devices();
    const auto high = registry().find("ranked");
    EXPECT_FALSE(is_loaded("krait-reference.so")) << "the best of its family, whose devices need no driver";
    ASSERT_TRUE(high) << high.error().message;
    EXPECT_TRUE(is_loaded("krait-ranked-high.so"));
    EXPECT_FALSE(is_loaded("krait-ranked-low.so"));
    const auto again = registry().find("ranked", "low");
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_STREQ((*again)->api().variant, "low");
}

TEST(PluginRegistry, SaysWhyAVariantOrFamilyCannotServe) {
    registry();
    const auto says = [](std::string_view spec, ErrorCode code, std::vector<std::string> words) {
        const auto device = Device::open(spec);
        ASSERT_FALSE(device) << spec;
        EXPECT_EQ(device.error().code, code) << device.error().message;
        for (const std::string& word : words)
            EXPECT_NE(device.error().message.find(word), std::string::npos) << device.error().message;
    };
    says("ranked:none", ErrorCode::unavailable, {"'ranked:none'", "needs a better machine"});
    says("asleep", ErrorCode::unavailable, {"asleep", "the machine is asleep"});
    says("ranked:medium", ErrorCode::not_found, {"no variant 'medium'", "'high'", "'low'"});
    says("reference:fast", ErrorCode::not_found, {"no variant 'fast'"});
    says("warp", ErrorCode::not_found, {"no device family 'warp'", "'reference'", "'null'"});
    says("garbage0", ErrorCode::unavailable, {"no plugin of 'garbage' can be used", "krait-garbage.so: "});
    says("op0", ErrorCode::unavailable,
         {"no device family 'op'", "of similar names these were refused: ", "krait-op-revision.so: "});
    says("twin7", ErrorCode::not_found, {"device 7", "twin"});
    says("null:speed=9", ErrorCode::invalid_argument, {"speed"});
}

TEST(PluginRegistry, ListsEachFamilyOnce) {
    registry();
    std::vector<std::string> names;
    for (const DeviceListing& listing : registry().devices()) names.push_back(listing.name);
    for (const char* family : {"reference", "null", "ranked"})
        EXPECT_EQ(std::count_if(names.begin(), names.end(), [&](const std::string& name) { return name.starts_with(family); }),
                  1)
            << family;
    EXPECT_EQ(std::count_if(names.begin(), names.end(), [](const std::string& name) { return name.starts_with("asleep"); }), 0);
}

// Whoever named a folder, in KRAIT_BACKEND_PATH too, looks here when it has no effect.
TEST(PluginRegistry, FoldersWithoutPluginsAreListedWithTheReason) {
    const auto expect = [](const std::string& folder, const std::string& words) {
        const size_t before = registry().reports().size();
        registry().add_folder(folder);
        const auto reports = registry().reports();
        ASSERT_EQ(reports.size(), before + 1) << folder;
        EXPECT_EQ(reports.back().path, folder);
        EXPECT_EQ(reports.back().family, "");
        EXPECT_EQ(reports.back().score, 0u);
        EXPECT_NE(reports.back().reason.find(words), std::string::npos) << reports.back().reason;
    };
    expect("/there/is/no/such/folder", "No such file or directory");
    expect("/proc/self/status", "Not a directory");
    const std::string folder = testing::TempDir() + fmt::format("krait-no-plugins-{}", ::getpid());
    std::filesystem::create_directory(folder);
    expect(folder, "no file in this folder is named krait-*.so");
    if (::geteuid() != 0) {
        std::filesystem::permissions(folder, std::filesystem::perms::none);
        expect(folder, "Permission denied");
    }
    std::filesystem::remove_all(folder);
}

TEST(PluginRegistry, AutoTakesARealDevice) {
    const auto device = Device::open("auto");
    ASSERT_TRUE(device) << device.error().message;
    EXPECT_GT((*device)->info().auto_rank, 0u);
    EXPECT_NE((*device)->info().kind, static_cast<uint32_t>(KRAIT_DEVICE_EMULATED));
}

}  // namespace
}  // namespace krait
