// SPDX-License-Identifier: Apache-2.0
//
// A law of the family "cpu": an emulated level (backends/cpu/simd/intrinsics.hpp) gives the bits of the level that it stands
// for, in every operator, so that tests of the one are tests of the other. Where a machine lacks the level nothing is compared,
// and the emulated one goes through all other tests in its place (tests/harness/emulated_levels.hpp).
#include "tests/harness/emulated_levels.hpp"
#include "tests/conformance/conformance_test.hpp"
#include "tests/harness/compare.hpp"
#include "tests/harness/device_run.hpp"

namespace krait {
namespace {

using harness::BoundCase;
using harness::Case;
using harness::CaseData;

class EmulatedLevels : public testing::Test {
  protected:
    static Result<harness::Observed> run(const std::shared_ptr<Device>& device, const Case& of, const CaseData& data) {
        KRAIT_TRY(const auto resources, harness::Resources::create(device, of, data, true));
        KRAIT_TRY(Queue queue, device->create_queue());
        KRAIT_TRY(BoundCase bound, BoundCase::create(resources, of, data, harness::Layout::views));
        KRAIT_CHECK(harness::import_memory(queue, resources, data.memory));
        return bound.run(data);
    }
    // The first difference, or nothing. Any NaN equals any NaN: which operand's payload a sum keeps is up to the compiler.
    static std::optional<std::string> difference(const Case& of, const CaseData& data, const harness::Observed& got,
                                                 const harness::Observed& want) {
        const auto floats = [](std::string what, std::span<const float> a, std::span<const float> b) {
            return harness::compare({.what = std::move(what)}, a, std::vector<double>(b.begin(), b.end()));
        };
        for (size_t i = 0; i < of.spec().outputs.size(); ++i) {
            const std::string name = of.spec().outputs[i].name;
            const bool is_index = dtype_of(data.out[i]) == DType::I32;
            const auto why = is_index ? harness::compare_bits(name, got.out[i], want.out[i], 1)
                                      : floats(name, got.floats(i), want.floats(i));
            if (why) return why;
        }
        if (of.has_pages()) return harness::compare_bits("rows", got.memory, want.memory, 1);
        const auto words = [](const std::vector<std::byte>& bytes) {
            return std::span(reinterpret_cast<const float*>(bytes.data()), bytes.size() / sizeof(float));
        };
        return floats("states", words(got.memory), words(want.memory));
    }
    // Compares all operators of one level.
    static void compare(const std::string& name) {
        const auto level = Device::open("cpu:" + name), emulated = Device::open("cpu:" + harness::emulated(name));
        ASSERT_TRUE(level) << level.error().message;
        ASSERT_TRUE(emulated) << emulated.error().message;
        size_t n_compared = 0;
        for (const Case* of : harness::select({.quick = true})) {
            if (!of->error_words.empty()) continue;
            SCOPED_TRACE(std::string(of->spec().name) + " " + of->name);
            const auto data = harness::materialize(*of);
            ASSERT_TRUE(data) << data.error().message;
            const auto want = run(*level, *of, *data), got = run(*emulated, *of, *data);
            ASSERT_TRUE(want) << want.error().message;
            ASSERT_TRUE(got) << got.error().message;
            if (const auto why = difference(*of, *data, *got, *want)) ADD_FAILURE() << *why;
            ++n_compared;
        }
        EXPECT_GT(n_compared, 100u);
    }
};

TEST_F(EmulatedLevels, HaveTheBitsOfTheirLevels) {
    const auto levels = harness::levels_beside_their_emulation();
    if (levels.empty()) GTEST_SKIP() << "no level is built both as it is and emulated, and runs on this machine";
    for (const std::string& level : levels) {
        SCOPED_TRACE(level);
        compare(level);
    }
}

}  // namespace
}  // namespace krait
