// SPDX-License-Identifier: Apache-2.0
//
// The op tests as GoogleTest sees them: one test for each op and device, `<op>.<device>`. Devices are those that the plugins
// found offer, so a new backend is tested without a line here. What a device declines is reported and counted; a device that
// declines everything is skipped.
//   --family=NAME      devices of this family alone. Where there is none, that is a skipped test; a failure for cpu and
//                      reference
//   --not-family=A,B   devices of all other families
//   --part=K/N         every N-th group of cases, from the K-th on; a group is what has the first word of its name in common
// effort.hpp says what runs of this when.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "core/base/processors.hpp"
#include "tests/harness/effort.hpp"
#include "tests/harness/suite.hpp"

namespace krait::harness {
namespace {

struct Plan {
    std::string family, excluded;  // excluded: ",a,b,"
    size_t part = 1, n_parts = 1;
    Effort effort;

    bool wants(std::string_view name) const {
        return (family.empty() || name == family) && excluded.find(fmt::format(",{},", name)) == std::string::npos;
    }
};

Oracle& shared_oracle() {
    static Oracle oracle;
    return oracle;
}

class OpTest : public testing::Test {
  public:
    // of_many: this is one of as many ways to open the family's devices.
    OpTest(const Plan& plan, std::string op, std::string spec, size_t index, size_t of_many)
        : plan_(plan), op_(std::move(op)), spec_(std::move(spec)), index_(index), of_many_(of_many) {}
    void TestBody() override {
        auto device = Device::open(spec_);
        ASSERT_TRUE(device) << device.error().message;
        const Runner runner(*device, spec_, shared_oracle());
        const Summary summary = run_suite(runner, chosen_cases(**device), static_cast<unsigned>(usable_processors()));
        for (const std::string& failure : summary.failures) ADD_FAILURE() << failure;
        for (const OpSummary& op : summary.ops) {
            for (const auto& [reason, times] : op.reasons) RecordProperty(std::to_string(times) + " cases", reason);
            if (op.n_unsupported > 0 && op.n_passed + op.n_failed == 0) GTEST_SKIP() << op.reasons.begin()->first;
        }
    }

  private:
    std::vector<const Case*> chosen_cases(const Device& device) const {
        const auto all = select({.op = op_, .quick = KRAIT_QUICK_TESTS != 0 || plan_.effort.quick});
        const size_t n_ways = device.info().kind == KRAIT_DEVICE_EMULATED ? of_many_ : 1;
        std::map<std::string, size_t> groups;
        std::vector<const Case*> chosen;
        for (const Case* of : all) {
            const size_t group = groups.try_emplace(of->name.substr(0, of->name.find('.')), groups.size()).first->second;
            if (group % plan_.n_parts == plan_.part - 1 && plan_.effort.takes(group, index_, n_ways)) chosen.push_back(of);
        }
        return chosen;
    }

    const Plan& plan_;
    std::string op_, spec_;
    size_t index_, of_many_;
};

// Stands for the devices of a family that has none here.
class NoDevice : public testing::Test {
  public:
    explicit NoDevice(std::string family) : family_(std::move(family)) {}
    void TestBody() override {
        if (family_ == "cpu" || family_ == "reference") FAIL() << "there is no device of the family " << family_;
        GTEST_SKIP() << "this machine has no device of the family " << family_;
    }

  private:
    std::string family_;
};

Result<Plan> plan_of(int argc, char** argv) {
    Plan plan;
    KRAIT_TRY(plan.effort, Effort::from_environment());
    for (int i = 1; i < argc; ++i) {
        const std::string argument = argv[i];
        const auto value = argument.find('=') + 1;
        if (argument.starts_with("--family=")) {
            plan.family = argument.substr(value);
        } else if (argument.starts_with("--not-family=")) {
            plan.excluded = fmt::format(",{},", argument.substr(value));
        } else if (std::sscanf(argv[i], "--part=%zu/%zu", &plan.part, &plan.n_parts) != 2 || plan.part < 1 ||
                   plan.part > plan.n_parts) {
            return fail(ErrorCode::invalid_argument,
                        "no option '{}': --family=NAME, --not-family=A,B, --part=K/N, or those of GoogleTest", argument);
        }
    }
    return plan;
}

}  // namespace
}  // namespace krait::harness

int main(int argc, char** argv) {
    testing::InitGoogleTest(&argc, argv);
    const auto plan = krait::harness::plan_of(argc, argv);
    if (!plan) {
        fmt::print(stderr, "{}: {}\n", argv[0], plan.error().message);
        return 2;
    }
    // A message that a device logs as an error, a validation layer's too, is one.
    krait::PluginRegistry::instance().set_log([](krait_log_level level, std::string_view message) {
        if (level >= KRAIT_LOG_ERROR) ADD_FAILURE() << message;
    });
    const auto specs = krait::harness::all_device_specs(false, [&](std::string_view family) { return plan->wants(family); });
    for (const krait::OpSpec& op : krait::kOps) {
        if (specs.empty() && !plan->family.empty())
            testing::RegisterTest(op.name, plan->family.c_str(), nullptr, nullptr, __FILE__, __LINE__,
                                  [&]() -> testing::Test* { return new krait::harness::NoDevice(plan->family); });
        for (size_t i = 0; i < specs.size(); ++i)
            testing::RegisterTest(op.name, specs[i].c_str(), nullptr, nullptr, __FILE__, __LINE__,
                                  [&, i, name = std::string(op.name)]() -> testing::Test* {
                                      const size_t n = plan->family.empty() ? 1 : specs.size();
                                      return new krait::harness::OpTest(*plan, name, specs[i], i, n);
                                  });
    }
    return RUN_ALL_TESTS();
}
