// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/oracle.hpp"

#include "tests/harness/rounded_operands.hpp"

namespace krait::harness {
namespace {

size_t element_total(const Expected& expected) {
    size_t n = expected.exact.size();
    for (const auto& out : expected.out) n += out.size();
    for (const auto& [slot, state] : expected.states) n += state.size();
    for (const auto& [row, bytes] : expected.rows) n += bytes.size() / sizeof(double);
    return n;
}

}  // namespace

Result<Expected> Oracle::ask_reference(const Case& of, const CaseData& data) {
    {
        const std::lock_guard lock(mutex_);
        if (!reference_) {
            KRAIT_TRY(reference_, Device::open("reference"));
        }
    }
    KRAIT_TRY(const Resources resources, Resources::create(reference_, of, data, true));
    KRAIT_TRY(BoundCase bound, BoundCase::create(resources, of, data, Layout::plain));
    KRAIT_TRY(Queue queue, reference_->create_queue());
    KRAIT_CHECK(import_memory(queue, resources, data.memory));
    KRAIT_TRY(const Observed observed, bound.run(data));
    Expected expected;
    for (size_t i = 0; i < of.spec().outputs.size(); ++i) {
        if (dtype_of(data.out[i]) == DType::I32) expected.out[i].assign(observed.ints(i).begin(), observed.ints(i).end());
        else expected.out[i].assign(observed.floats(i).begin(), observed.floats(i).end());
    }
    for (const int32_t slot : written_slots(of, data)) {
        if (of.has_pages()) {
            const auto row = data.slot_of(observed.memory, slot);
            expected.rows[slot].assign(row.begin(), row.end());
        } else {
            const auto state = data.state_of(observed.memory, slot);
            expected.states[slot].assign(state.begin(), state.end());
        }
    }
    return expected;
}

Result<std::shared_ptr<const Expected>> Oracle::expected(const Device& tested, const Case& of, const CaseData& data) {
    if (std::string_view(tested.api().family) == "reference") return std::make_shared<const Expected>(evaluate(of, data));
    if (rounds_operands(of, tested.capabilities())) return rounded(of, data);
    return exact(of, data);
}

Result<std::shared_ptr<const Expected>> Oracle::exact(const Case& of, const CaseData& data) {
    return cached(of.name, of, [&] { return ask_reference(of, data); });
}

Result<std::shared_ptr<const Expected>> Oracle::rounded(const Case& of, const CaseData& data) {
    return cached("rounded " + of.name, of, [&]() -> Result<Expected> {
        KRAIT_TRY(const auto reference, exact(of, data));
        Expected expected = evaluate_rounded(of, data);
        expected.exact = reference->out[0];
        return expected;
    });
}

template <class Make>
Result<std::shared_ptr<const Expected>> Oracle::cached(const std::string& name, const Case& of, Make&& make) {
    const std::string key = std::string(op_name(of.op)) + "/" + name;
    {
        const std::lock_guard lock(mutex_);
        if (const auto found = cache_.find(key); found != cache_.end()) return found->second;
    }
    auto asked = make();
    if (!asked) return tl::unexpected<Error>(std::move(asked).error().within("the reference backend, which is the oracle"));
    auto made = std::make_shared<const Expected>(std::move(*asked));
    const std::lock_guard lock(mutex_);
    if (const size_t n = element_total(*made); cached_elements_ + n <= kCacheElements) {
        cached_elements_ += n;
        cache_[key] = made;
    }
    return made;
}

}  // namespace krait::harness
