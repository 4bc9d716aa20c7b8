// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/device_run.hpp"

#include <algorithm>

namespace krait::harness {
namespace {

// A quiet NaN as float32, and an index far out of any range as int32.
constexpr uint32_t kPoison = 0x7fc0dea1u;
// In and around results: another NaN, so that a kernel that goes one element too far, and copies what lies there, shows.
constexpr uint32_t kPoisonOfResults = 0x7fc0dea3u;
// Unwritten columns left and right of a view's rows. Their sum is odd, so that the rows take every alignment in turn.
constexpr int64_t kLeftColumns = 3, kRightColumns = 4;

uint64_t aligned(uint64_t offset, uint64_t alignment) { return (offset + alignment - 1) / alignment * alignment; }

// Calls visit(offset in the image, offset in contiguous bytes, length) for every row of a row-strided tensor.
template <class Visit>
void for_each_row(const TensorDesc& desc, uint64_t start, Visit&& visit) {
    if (element_count(desc) == 0) return;
    if (desc.rank == 1) return visit(start, uint64_t{0}, static_cast<uint64_t>(span_bytes(desc)));
    const auto row = static_cast<uint64_t>(inner_bytes(desc));
    for (int64_t r = 0; r < desc.extent[0]; ++r)
        visit(start + static_cast<uint64_t>(r * desc.stride[0]), static_cast<uint64_t>(r) * row, row);
}

krait_graph_node node_of(const Case& of) {
    krait_graph_node node{};
    node.op = static_cast<uint32_t>(of.op);
    std::fill(std::begin(node.in), std::end(node.in), -1);
    std::fill(std::begin(node.out), std::end(node.out), -1);
    node.params_size = of.spec().params_size;
    node.params = of.params.data();
    node.name = "case";
    return node;
}

krait_graph graph_of(const std::vector<krait_graph_tensor>& tensors, std::span<const krait_graph_node> nodes) {
    return {.struct_size = sizeof(krait_graph),
            .n_tensors = static_cast<uint32_t>(tensors.size()),
            .tensors = tensors.data(),
            .n_nodes = static_cast<uint32_t>(nodes.size()),
            .nodes = nodes.data()};
}

uint32_t role_of(const Case& of, size_t input) {
    if (is_memory(of.spec().inputs[input].kind)) return KRAIT_TENSOR_MEMORY;
    return of.in[input].as_constant ? KRAIT_TENSOR_CONSTANT : KRAIT_TENSOR_VALUE;
}

}  // namespace

Result<Resources> Resources::create(std::shared_ptr<const Device> device, const Case& of, const CaseData& data, bool persist,
                                    int64_t extra_units) {
    Resources made;
    made.device = std::move(device);
    const OpSpec& spec = of.spec();
    for (size_t i = 0; i < spec.inputs.size(); ++i) {
        if (!of.in[i].present() || role_of(of, i) != KRAIT_TENSOR_CONSTANT) continue;
        const krait_use use{static_cast<uint32_t>(of.op), static_cast<uint32_t>(i)};
        std::vector<std::byte> passing;
        if (!persist) passing = data.in[i];
        KRAIT_TRY(Buffer buffer, made.device->upload_constant(of.in[i].desc, {&use, 1}, persist ? data.in[i] : passing,
                                                              persist ? KRAIT_UPLOAD_BYTES_PERSIST : 0));
        std::fill(passing.begin(), passing.end(), std::byte{0xff});  // the plugin must not look here again
        made.constants[i] = std::make_shared<const Buffer>(std::move(buffer));
    }
    if (of.memory_operand() < 0) return made;

    const auto operand = static_cast<size_t>(of.memory_operand());
    TensorDesc desc = of.in[operand].desc;
    made.n_units = desc.extent[0] += extra_units;
    made.unit_bytes = data.slots_per_unit * data.slot_bytes;
    const krait_use use{static_cast<uint32_t>(of.op), static_cast<uint32_t>(operand)};
    KRAIT_TRY(Buffer buffer, made.device->create_memory(desc, {&use, 1}));
    made.memory = std::make_shared<const Buffer>(std::move(buffer));
    return made;
}

Result<void> import_memory(Queue& queue, const Resources& resources, std::span<const std::byte> bytes) {
    if (!resources.memory) return {};
    const auto size = static_cast<size_t>(resources.unit_bytes);
    for (int64_t unit = 0; unit < resources.n_units && static_cast<size_t>(unit + 1) * size <= bytes.size(); ++unit)
        KRAIT_CHECK(queue.import_memory(*resources.memory, unit, bytes.subspan(static_cast<size_t>(unit) * size, size)));
    return queue.sync();
}

Result<std::vector<std::byte>> export_memory(Queue& queue, const Resources& resources) {
    std::vector<std::byte> bytes(static_cast<size_t>(resources.n_units * resources.unit_bytes));
    if (!resources.memory) return bytes;
    const auto size = static_cast<size_t>(resources.unit_bytes);
    for (int64_t unit = 0; unit < resources.n_units; ++unit)
        KRAIT_CHECK(
            queue.export_memory(*resources.memory, unit, std::span(bytes).subspan(static_cast<size_t>(unit) * size, size)));
    KRAIT_CHECK(queue.sync());
    return bytes;
}

std::optional<Error> BoundCase::declined(const Device& device, const Case& of, const CaseData& data) {
    std::vector<krait_graph_tensor> tensors;
    krait_graph_node node = node_of(of);
    const auto add = [&](const TensorDesc& desc, uint32_t role, const char* name) {
        tensors.push_back({.desc = desc, .role = role, .base = -1, .buffer = nullptr, .offset = 0, .name = name});
        return static_cast<int32_t>(tensors.size() - 1);
    };
    for (size_t i = 0; i < of.spec().inputs.size(); ++i)
        if (of.in[i].present()) node.in[i] = add(of.in[i].desc, role_of(of, i), of.spec().inputs[i].name);
    for (size_t i = 0; i < of.spec().outputs.size(); ++i)
        node.out[i] = add(data.out[i], KRAIT_TENSOR_VALUE, of.spec().outputs[i].name);
    const krait_graph graph = graph_of(tensors, {&node, 1});
    return device.declines(graph, 0);
}

void BoundCase::place(Layout layout, const CaseData& data, uint64_t alignment) {
    const uint64_t guard = std::max<uint64_t>(alignment, 64);
    uint64_t end = guard;
    const auto add = [&](int operand, const TensorDesc& desc, bool as_view) {
        Region region{.operand = operand, .base = desc, .desc = desc, .base_offset = end};
        if (as_view && desc.rank >= 2) {
            // [T, left + inner + right], of which the node sees the inner columns as the operand's extents
            const auto word = static_cast<int64_t>(sizeof(float));
            const int64_t inner = inner_bytes(desc) / word;
            region.base = make_desc(dtype_of(desc), {desc.extent[0], kLeftColumns + inner + kRightColumns});
            region.desc.stride[0] = region.base.stride[0];
            region.inset = kLeftColumns * sizeof(float);
        } else if (as_view) {
            region.base = make_desc(dtype_of(desc), {desc.extent[0] + kLeftColumns});
            region.inset = kLeftColumns * sizeof(float);
        }
        end = aligned(end + static_cast<uint64_t>(span_bytes(region.base)) + guard, guard);
        regions_.push_back(region);
    };
    const OpSpec& spec = of_->spec();
    for (size_t i = 0; i < spec.inputs.size(); ++i) {
        if (!of_->in[i].present() || role_of(*of_, i) != KRAIT_TENSOR_VALUE) continue;
        const bool stays_contiguous = spec.inputs[i].kind == OperandKind::index && of_->in[i].desc.rank > 1;
        add(static_cast<int>(i), of_->in[i].desc, layout == Layout::views && !stays_contiguous);
    }
    for (size_t i = 0; i < spec.outputs.size(); ++i) add(-1 - static_cast<int>(i), data.out[i], false);
    arena_bytes_ = end;
}

krait_graph_node BoundCase::describe(std::vector<krait_graph_tensor>& tensors) const {
    krait_graph_node node = node_of(*of_);
    const OpSpec& spec = of_->spec();
    for (const Region& region : regions_) {
        const bool is_view = region.inset > 0;
        const char* name = region.operand >= 0 ? spec.inputs[static_cast<size_t>(region.operand)].name
                                               : spec.outputs[static_cast<size_t>(-1 - region.operand)].name;
        if (is_view)
            tensors.push_back({.desc = region.base,
                               .role = KRAIT_TENSOR_VALUE,
                               .base = -1,
                               .buffer = arena_.get(),
                               .offset = region.base_offset,
                               .name = "memory"});
        const auto base = is_view ? static_cast<int32_t>(tensors.size() - 1) : -1;
        tensors.push_back({.desc = region.desc,
                           .role = KRAIT_TENSOR_VALUE,
                           .base = base,
                           .buffer = arena_.get(),
                           .offset = region.base_offset + region.inset,
                           .name = name});
        (region.operand >= 0 ? node.in[region.operand] : node.out[-1 - region.operand]) =
            static_cast<int32_t>(tensors.size() - 1);
    }
    for (size_t i = 0; i < spec.inputs.size(); ++i) {
        const uint32_t role = role_of(*of_, i);
        if (!of_->in[i].present() || role == KRAIT_TENSOR_VALUE) continue;
        TensorDesc desc = of_->in[i].desc;
        if (role == KRAIT_TENSOR_MEMORY) desc.extent[0] = resources_.n_units;
        const Buffer& buffer = role == KRAIT_TENSOR_MEMORY ? *resources_.memory : *resources_.constants[i];
        tensors.push_back(
            {.desc = desc, .role = role, .base = -1, .buffer = buffer.get(), .offset = 0, .name = spec.inputs[i].name});
        node.in[i] = static_cast<int32_t>(tensors.size() - 1);
    }
    return node;
}

Result<Program> BoundCase::in_a_row(std::span<const BoundCase* const> cases) {
    std::vector<krait_graph_tensor> tensors;
    std::vector<krait_graph_node> nodes;
    for (const BoundCase* bound : cases) nodes.push_back(bound->describe(tensors));
    return cases.front()->resources_.device->create_program(graph_of(tensors, nodes));
}

Result<BoundCase> BoundCase::create(const Resources& resources, const Case& of, const CaseData& data, Layout layout) {
    BoundCase bound(of, resources);
    bound.place(layout, data, std::max<uint64_t>(resources.device->info().alignment, sizeof(float)));
    KRAIT_TRY(bound.arena_, resources.device->create_buffer(KRAIT_BUFFER_DEVICE, bound.arena_bytes_));
    KRAIT_TRY(bound.queue_, resources.device->create_queue());
    const BoundCase* alone = &bound;
    KRAIT_TRY(bound.program_, in_a_row({&alone, 1}));
    return bound;
}

std::vector<std::byte> BoundCase::image_of(const CaseData& data) const {
    std::vector<std::byte> image(arena_bytes_);
    uint64_t results = arena_bytes_;  // where they begin: behind all operands
    for (const Region& region : regions_)
        if (region.operand < 0) results = std::min(results, region.base_offset);
    for (size_t i = 0; i + sizeof kPoison <= image.size(); i += sizeof kPoison)
        std::memcpy(image.data() + i, i < results ? &kPoison : &kPoisonOfResults, sizeof kPoison);
    for (const Region& region : regions_) {
        if (region.operand < 0) continue;
        const std::vector<std::byte>& bytes = data.in[static_cast<size_t>(region.operand)];
        for_each_row(region.desc, region.base_offset + region.inset, [&](uint64_t at, uint64_t from, uint64_t length) {
            std::memcpy(image.data() + at, bytes.data() + from, length);
        });
    }
    return image;
}

std::string BoundCase::find_damage(const std::vector<std::byte>& before, const std::vector<std::byte>& after) const {
    const auto at = static_cast<uint64_t>(std::mismatch(before.begin(), before.end(), after.begin()).first - before.begin());
    if (at == before.size()) return {};
    const Region* nearest = nullptr;
    for (const Region& region : regions_)
        if (!nearest || region.base_offset <= at) nearest = &region;
    const OpSpec& spec = of_->spec();
    const char* name = nearest->operand >= 0 ? spec.inputs[static_cast<size_t>(nearest->operand)].name
                                             : spec.outputs[static_cast<size_t>(-1 - nearest->operand)].name;
    return fmt::format("a byte that is no result's was written: {} bytes from the start of '{}', which has {} bytes",
                       static_cast<int64_t>(at) - static_cast<int64_t>(nearest->base_offset), name, span_bytes(nearest->base));
}

Result<Observed> BoundCase::run(const CaseData& data) {
    std::vector<std::byte> before = image_of(data);
    KRAIT_CHECK(queue_.write(arena_, 0, before));
    KRAIT_CHECK(queue_.run(program_));
    std::vector<std::byte> after(before.size());
    KRAIT_CHECK(queue_.read(after, arena_, 0));
    KRAIT_CHECK(queue_.sync());

    Observed observed;
    for (const Region& region : regions_) {
        if (region.operand >= 0) continue;
        std::vector<std::byte>& out = observed.out[static_cast<size_t>(-1 - region.operand)];
        const auto size = static_cast<size_t>(span_bytes(region.desc));
        const auto start = static_cast<ptrdiff_t>(region.base_offset);
        out.assign(after.begin() + start, after.begin() + start + static_cast<ptrdiff_t>(size));
        std::copy(out.begin(), out.end(), before.begin() + start);  // results may differ
    }
    observed.damage = find_damage(before, after);
    KRAIT_TRY(observed.memory, export_memory(queue_, resources_));
    return observed;
}

Result<void> BoundCase::run_again(int times) {
    for (int i = 0; i < times; ++i) KRAIT_CHECK(queue_.run(program_));
    return queue_.sync();
}

}  // namespace krait::harness
