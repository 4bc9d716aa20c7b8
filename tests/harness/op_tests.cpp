// SPDX-License-Identifier: Apache-2.0
//
// The op tests as GoogleTest sees them: one test for each op and device, `<op>.<device>`. Devices are those that the plugins
// found offer, so a new backend is tested without a line here. What a device declines is reported and counted; a device that
// declines everything is skipped.
#include <gtest/gtest.h>

#include <algorithm>

#include "core/base/processors.hpp"
#include "tests/harness/suite.hpp"

namespace krait::harness {
namespace {

Oracle& shared_oracle() {
    static Oracle oracle;
    return oracle;
}

class OpTest : public testing::Test {
  public:
    OpTest(std::string op, std::string spec) : op_(std::move(op)), spec_(std::move(spec)) {}
    void TestBody() override {
        auto device = Device::open(spec_);
        ASSERT_TRUE(device) << device.error().message;
        const Runner runner(*device, spec_, shared_oracle());
        const auto cases = select({.op = op_, .quick = KRAIT_QUICK_TESTS != 0});
        const Summary summary = run_suite(runner, cases, static_cast<unsigned>(usable_processors()));
        for (const std::string& failure : summary.failures) ADD_FAILURE() << failure;
        for (const OpSummary& op : summary.ops) {
            for (const auto& [reason, times] : op.reasons) RecordProperty(std::to_string(times) + " cases", reason);
            if (op.n_unsupported > 0 && op.n_passed + op.n_failed == 0) GTEST_SKIP() << op.reasons.begin()->first;
        }
    }

  private:
    std::string op_, spec_;
};

}  // namespace
}  // namespace krait::harness

int main(int argc, char** argv) {
    testing::InitGoogleTest(&argc, argv);
    // What a device logs as an error, a validation layer's findings too, is one.
    krait::PluginRegistry::instance().set_log([](krait_log_level level, std::string_view message) {
        if (level >= KRAIT_LOG_ERROR) ADD_FAILURE() << message;
    });
    for (const krait::OpSpec& op : krait::kOps)
        for (const std::string& spec : krait::harness::all_device_specs())
            testing::RegisterTest(
                op.name, spec.c_str(), nullptr, nullptr, __FILE__, __LINE__,
                [name = std::string(op.name), spec]() -> testing::Test* { return new krait::harness::OpTest(name, spec); });
    return RUN_ALL_TESTS();
}
