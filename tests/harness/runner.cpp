// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/runner.hpp"

#include <algorithm>

#include "graph/executor.hpp"
#include "tests/harness/compare.hpp"
#include "tests/harness/exclusions.hpp"
#include "tests/harness/paged_checks.hpp"
#include "tests/harness/ragged_checks.hpp"
#include "tests/harness/subnormals.hpp"
#include "tests/harness/tolerance.hpp"

namespace krait::harness {
namespace {

constexpr std::string_view kUnsupportedMark = "unsupported: ";

template <class... Args>
tl::unexpected<Error> differs(fmt::format_string<Args...> text, Args&&... args) {
    return fail(ErrorCode::internal, text, std::forward<Args>(args)...);
}

bool is_reference(const Device& device) { return std::string_view(device.api().family) == "reference"; }

Result<void> check_same_twice(const Case& of, const CaseData& data, const Observed& first, const Observed& second) {
    for (size_t i = 0; i < of.spec().outputs.size(); ++i)
        if (const auto why = compare_bits(of.spec().outputs[i].name, second.out[i], first.out[i], error_row(of, data.out[i])))
            return differs("the same run again differs: {}", *why);
    if (const auto why = compare_bits("states", second.memory, first.memory, data.slot_floats()))
        return differs("the same run again differs: {}", *why);
    return {};
}

// Runs on a pool restored to the case's states.
Result<Observed> run_fresh(BoundCase& bound, Queue& queue, const Resources& resources, const CaseData& data) {
    KRAIT_CHECK(import_memory(queue, resources, data.memory));
    return bound.run(data);
}

Result<void> check_layout(const std::shared_ptr<const Device>& device, const Case& of, const CaseData& data,
                          const Expected& expected, Layout layout) {
    KRAIT_TRY(const Resources resources, Resources::create(device, of, data, layout == Layout::views));
    KRAIT_TRY(Queue queue, device->create_queue());
    KRAIT_TRY(BoundCase bound, BoundCase::create(resources, of, data, layout));
    if (layout == Layout::views) {
        const CaseData other = decoy(of, data);
        KRAIT_TRY(const Observed ignored, run_fresh(bound, queue, resources, other));
        if (!ignored.damage.empty()) return differs("{}", ignored.damage);
    }
    KRAIT_TRY(const Observed first, run_fresh(bound, queue, resources, data));
    KRAIT_CHECK(check_observed(of, data, expected, first, *device));
    if (layout == Layout::plain) {
        KRAIT_TRY(const Observed second, run_fresh(bound, queue, resources, data));
        KRAIT_CHECK(check_same_twice(of, data, first, second));
    }
    return {};
}

struct BuiltGraph {
    graph::Graph graph;
    std::vector<std::pair<graph::TensorId, const Operand*>> inputs;  // what the host writes before a run
};

// device: nullptr = constants and memories have no storage, which is enough to check shapes.
Result<BuiltGraph> build_graph(const Case& of, const Device* device) {
    const OpSpec& spec = of.spec();
    graph::GraphBuilder builder;
    std::array<graph::TensorId, KRAIT_MAX_INPUTS> ids;
    ids.fill(graph::kNoTensor);
    BuiltGraph built;
    for (size_t i = 0; i < spec.inputs.size(); ++i) {
        const Operand& operand = of.in[i];
        if (!operand.present()) continue;
        const std::string name = spec.inputs[i].name;
        std::shared_ptr<const Buffer> storage;
        if (is_memory(spec.inputs[i].kind)) {
            if (device) {
                const krait_use use{static_cast<uint32_t>(of.op), static_cast<uint32_t>(i)};
                KRAIT_TRY(Buffer memory, device->create_memory(operand.desc, {&use, 1}));
                storage = std::make_shared<const Buffer>(std::move(memory));
            }
            ids[i] = builder.memory(name, operand.desc, std::move(storage));
        } else if (operand.as_constant) {
            if (device) {
                const krait_use use{static_cast<uint32_t>(of.op), static_cast<uint32_t>(i)};
                const std::vector<std::byte> zeros(static_cast<size_t>(span_bytes(operand.desc)));
                KRAIT_TRY(Buffer constant, device->upload_constant(operand.desc, {&use, 1}, zeros));
                storage = std::make_shared<const Buffer>(std::move(constant));
            }
            ids[i] = builder.constant(name, operand.desc, std::move(storage));
        } else {
            ids[i] = builder.input(name, operand.desc);
            built.inputs.emplace_back(ids[i], &operand);
        }
    }
    for (const graph::TensorId id : of.add_node(builder, ids, of.params.data())) builder.output(id);
    KRAIT_TRY(built.graph, std::move(builder).finish());
    return built;
}

// Builds the graph, and where its shapes are legal runs it: what is wrong must come back as an error.
Result<void> try_illegal(const Case& of, const std::shared_ptr<const Device>& device) {
    KRAIT_TRY(const BuiltGraph shapes, build_graph(of, nullptr));
    KRAIT_TRY(BuiltGraph built, build_graph(of, device.get()));
    KRAIT_TRY(graph::Executor executor, graph::Executor::create(device));
    KRAIT_TRY(graph::Compiled * compiled,
              executor.prepare(of.name, [&]() -> Result<graph::Graph> { return std::move(built.graph); }));
    std::vector<std::vector<std::byte>> bytes;
    std::vector<graph::InputBytes> given;
    for (const auto& [id, operand] : built.inputs) {
        auto& content = bytes.emplace_back(static_cast<size_t>(span_bytes(operand->desc)));
        if (!operand->ids.empty())
            std::memcpy(content.data(), operand->ids.data(), std::min(content.size(), operand->ids.size() * sizeof(int32_t)));
    }
    for (size_t i = 0; i < built.inputs.size(); ++i) given.push_back({built.inputs[i].first, bytes[i]});
    KRAIT_CHECK(executor.run(*compiled, given));
    return executor.queue().sync();
}

std::string lower(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return out;
}

}  // namespace

Error unsupported(const Error& why) { return {ErrorCode::unsupported, std::string(kUnsupportedMark) + why.message}; }

int64_t error_row(const Case& of, const TensorDesc& out) {
    if (of.error_row > 0) return of.error_row;
    int64_t inner = 1;
    for (uint32_t i = 1; i < out.rank; ++i) inner *= out.extent[i];
    return std::max<int64_t>(inner, 1);
}

Result<void> check_observed(const Case& of, const CaseData& data, const Expected& expected, const Observed& observed,
                            const Device& device) {
    if (!observed.damage.empty()) return differs("{}", observed.damage);
    Tolerance tolerance = tolerance_of(of, device.capabilities());
    if (is_reference(device)) {
        if (tolerance.result > 0) tolerance.result = kReferenceError;
        if (tolerance.state > 0) tolerance.state = kReferenceError;
    }
    for (size_t i = 0; i < of.spec().outputs.size(); ++i) {
        const Comparison how{of.spec().outputs[i].name, tolerance.result, tolerance.result * kRowFactor,
                             error_row(of, data.out[i])};
        auto why = dtype_of(data.out[i]) == DType::I32 ? compare(how, observed.ints(i), expected.out[i])
                                                       : compare(how, observed.floats(i), expected.out[i]);
        if (why && may_flush_subnormals(of, device.capabilities()) && !compare_flushed(how, of, data, observed.floats(i)))
            why = std::nullopt;
        if (why) return differs("{}", *why);
    }
    if (expected.exact.size() >= kManyResults) {
        const auto n = static_cast<int64_t>(expected.exact.size());
        const double error = rounded_error(dtype_of(of.find("w")->desc));
        const Comparison how{fmt::format("{} of exact operands", of.spec().outputs[0].name), error, error, n};
        if (const auto why = compare(how, observed.floats(0), expected.exact)) return differs("{}", *why);
    }
    for (int64_t slot = 0; slot < data.n_slots; ++slot) {
        const std::span<const std::byte> got = data.slot_of(observed.memory, slot);
        if (const auto written = expected.states.find(static_cast<int32_t>(slot)); written != expected.states.end()) {
            const int64_t row = of.error_row > 0 ? std::min(of.error_row, data.slot_floats()) : data.slot_floats();
            const Comparison how{fmt::format("state of slot {}", slot), tolerance.state, tolerance.state * kRowFactor, row};
            if (const auto why = compare(how, data.state_of(observed.memory, slot), written->second))
                return differs("{}", *why);
        } else if (const auto row = expected.rows.find(static_cast<int32_t>(slot)); row != expected.rows.end()) {
            if (const auto why = compare_bits(fmt::format("row {}", slot), got, row->second, data.slot_floats()))
                return differs("{}", *why);
        } else if (const auto why =
                       compare_bits(fmt::format("{} {}, which this run must not write", of.has_pages() ? "row" : "slot", slot),
                                    got, data.slot_of(data.memory, slot), data.slot_floats())) {
            return differs("{}", *why);
        }
    }
    return {};
}

std::optional<Error> Runner::check_legal(const Case& of) const {
    const auto run = [&]() -> Result<void> {
        KRAIT_TRY(const CaseData data, materialize(of));
        if (const auto why = BoundCase::declined(*device_, of, data)) return tl::unexpected<Error>(unsupported(*why));
        KRAIT_TRY(const auto expected, oracle_->expected(*device_, of, data));
        const auto in_layout = [&](Layout layout, const char* name) -> Result<void> {
            auto ok = check_layout(device_, of, data, *expected, layout);
            if (!ok) return tl::unexpected<Error>(std::move(ok).error().within(name));
            return {};
        };
        KRAIT_CHECK(in_layout(Layout::plain, "[plain]"));
        KRAIT_CHECK(in_layout(Layout::views, "[views]"));
        if (find_state(of.spec().inputs) >= 0) KRAIT_CHECK(check_ragged_laws(device_, of, data));
        if (find_operand(of.spec().inputs, IndexMeaning::pages_read) >= 0) KRAIT_CHECK(check_paged_laws(device_, of, data));
        return {};
    };
    auto ok = run();
    if (ok) return std::nullopt;
    return std::move(ok).error();
}

std::optional<Error> Runner::check_illegal(const Case& of) const {
    const auto refused = try_illegal(of, device_);
    if (refused) return Error{ErrorCode::internal, "it ran, but must be refused"};
    const std::string message = lower(refused.error().message);
    // A device that does not take the op cannot show how it treats wrong indices.
    if (refused.error().code == ErrorCode::unsupported) return unsupported(refused.error());
    if (refused.error().code != ErrorCode::invalid_argument)
        return Error{ErrorCode::internal, fmt::format("it was refused with error code {} instead of invalid_argument: {}",
                                                      static_cast<int>(refused.error().code), refused.error().message)};
    for (const std::string& word : of.error_words)
        if (message.find(lower(word)) == std::string::npos)
            return Error{ErrorCode::internal,
                         fmt::format("it was refused, but the error does not say '{}': {}", word, refused.error().message)};
    return std::nullopt;
}

Outcome Runner::run(const Case& of) const {
    const std::optional<Error> error = of.legal() ? check_legal(of) : check_illegal(of);
    const std::string_view op = op_name(of.op);
    const auto rerun = [&](const std::string& what) {
        return fmt::format("{} '{}' on {}: node 'case': {}\n  rerun: krait test-ops --device {} --op {} --case '{}'", op,
                           of.name, spec_, what, spec_, op, of.name);
    };
    if (error && error->code == ErrorCode::unsupported && error->message.starts_with(kUnsupportedMark)) {
        const std::string reason = error->message.substr(kUnsupportedMark.size());
        const bool must = std::any_of(std::begin(kCompleteFamilies), std::end(kCompleteFamilies),
                                      [&](std::string_view family) { return family == device_->api().family; });
        if (must) return {Status::failed, rerun(fmt::format("declined, but this family must run every op: {}", reason))};
        return {Status::unsupported, reason};
    }
    for (const ExpectedFailure& known : kExpectedFailures) {
        if (known.op != op || !matches(known.device, spec_) || !matches(known.cases, of.name)) continue;
        if (error) return {Status::expected_failure, std::string(known.reason)};
        return {Status::failed,
                rerun(fmt::format("passes, but is listed as an expected failure ({}): take it off the list", known.reason))};
    }
    if (error) return {Status::failed, rerun(error->message)};
    return {};
}

}  // namespace krait::harness
