// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/case_data.hpp"

#include <algorithm>

#include "core/quant/blocks.hpp"
#include "core/quant/codec.hpp"
#include "core/quant/half.hpp"
#include "tests/harness/random.hpp"

namespace krait::harness {
namespace {

void apply_patches(const Operand& operand, std::span<float> values) {
    const int64_t rows = operand.desc.extent[0];
    if (rows == 0 || values.empty()) return;
    const int64_t columns = element_count(operand.desc) / rows;
    for (const Patch& patch : operand.fill.patches)
        for (int64_t r = patch.row == Patch::kAll ? 0 : patch.row; r < (patch.row == Patch::kAll ? rows : patch.row + 1); ++r)
            for (int64_t c = patch.column == Patch::kAll ? 0 : patch.column;
                 c < (patch.column == Patch::kAll ? columns : patch.column + 1); ++c)
                values[static_cast<size_t>(r * columns + c)] = patch.value;
}

std::vector<float> fill_floats(const Operand& operand, Random& random) {
    std::vector<float> values(static_cast<size_t>(element_count(operand.desc)));
    const Fill& fill = operand.fill;
    for (size_t i = 0; i < values.size(); ++i) {
        switch (fill.kind) {
            case FillKind::normal: values[i] = random.normal(fill.a, fill.b); break;
            case FillKind::uniform: values[i] = random.uniform(fill.a, fill.b); break;
            case FillKind::cycle: values[i] = fill.values[i % fill.values.size()]; break;
            case FillKind::blocks:
            case FillKind::index: break;
        }
    }
    apply_patches(operand, values);
    return values;
}

uint16_t random_scale(Random& random, float scale) {
    const float magnitude = random.below(16) == 0 ? 0.0f : random.uniform(scale / 2, scale);
    return f32_to_f16(random.below(2) ? -magnitude : magnitude);
}

std::vector<std::byte> fill_blocks(const Operand& operand, Random& random) {
    std::vector<std::byte> bytes(static_cast<size_t>(span_bytes(operand.desc)));
    size_t i = 0;
    for (; i + 8 <= bytes.size(); i += 8) {
        const uint64_t word = random.bits();
        std::memcpy(bytes.data() + i, &word, sizeof word);
    }
    for (; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(random.bits());
    visit_block(dtype_of(operand.desc), [&]<class Block>() {
        for (size_t at = 0; at < bytes.size(); at += sizeof(Block)) {
            Block block;
            std::memcpy(&block, bytes.data() + at, sizeof block);
            if constexpr (requires { block.d; }) block.d = random_scale(random, operand.fill.a);
            if constexpr (requires { block.dmin; }) block.dmin = random_scale(random, operand.fill.a);
            if constexpr (requires { block.m; }) block.m = random_scale(random, 8 * operand.fill.a);
            std::memcpy(bytes.data() + at, &block, sizeof block);
        }
    });
    return bytes;
}

template <class T>
std::vector<std::byte> bytes_of(const std::vector<T>& values) {
    const auto bytes = std::as_bytes(std::span(values));
    return {bytes.begin(), bytes.end()};
}

std::vector<std::byte> fill_operand(const Operand& operand, Random& random) {
    if (operand.fill.kind == FillKind::index) return bytes_of(operand.ids);
    const DType dtype = dtype_of(operand.desc);
    if (operand.fill.kind == FillKind::blocks && is_quantized(dtype)) return fill_blocks(operand, random);
    const std::vector<float> values = fill_floats(operand, random);
    if (dtype == DType::F32) return bytes_of(values);
    std::vector<std::byte> bytes(static_cast<size_t>(span_bytes(operand.desc)));
    const auto columns = static_cast<size_t>(last_extent(operand.desc));
    const auto row = static_cast<size_t>(row_bytes(dtype, last_extent(operand.desc)));
    for (size_t r = 0; r * row < bytes.size(); ++r)
        encode_row(dtype, std::span(values).subspan(r * columns, columns), bytes.data() + r * row);
    return bytes;
}

std::vector<float> decode(const TensorDesc& desc, std::span<const std::byte> bytes) {
    const auto columns = static_cast<size_t>(last_extent(desc));
    const auto row = static_cast<size_t>(row_bytes(dtype_of(desc), last_extent(desc)));
    std::vector<float> values(static_cast<size_t>(element_count(desc)));
    for (size_t r = 0; r * columns < values.size(); ++r)
        decode_row(dtype_of(desc), bytes.data() + r * row, std::span(values).subspan(r * columns, columns));
    return values;
}

// NaN in every element, told apart by their payloads; in quantized rows by the quants, and the scales are NaN.
void mark_slot(DType dtype, std::span<std::byte> slot, Random& random) {
    const auto fill = [&]<class T>(T nan, int payload_bits) {
        for (size_t at = 0; at < slot.size(); at += sizeof(T)) {
            const auto marked = static_cast<T>(nan | static_cast<T>(random.below(int64_t{1} << payload_bits)));
            std::memcpy(slot.data() + at, &marked, sizeof marked);
        }
    };
    if (dtype == DType::F32) return fill(uint32_t{0x7fc00000u}, 22);
    fill(uint16_t{0x7e00}, 9);
}

std::span<std::byte> slot_of(CaseData& data, int64_t slot) {
    return std::span(data.memory).subspan(static_cast<size_t>(slot * data.slot_bytes), static_cast<size_t>(data.slot_bytes));
}

}  // namespace

Result<CaseData> materialize(const Case& of) {
    CaseData data;
    const OpSpec& spec = of.spec();
    std::array<const TensorDesc*, KRAIT_MAX_INPUTS> descs{};
    for (size_t i = 0; i < spec.inputs.size(); ++i) {
        const Operand& operand = of.in[i];
        if (!operand.present()) continue;
        KRAIT_CHECK(check_desc(operand.desc));
        descs[i] = &operand.desc;
        if (is_memory(spec.inputs[i].kind)) continue;
        Random random(seed_of(of.name, i + 1));
        data.in[i] = fill_operand(operand, random);
        if (static_cast<int64_t>(data.in[i].size()) != span_bytes(operand.desc))
            return fail(ErrorCode::internal, "operand '{}' is {} but got {} bytes", spec.inputs[i].name,
                        to_string(operand.desc), data.in[i].size());
    }
    KRAIT_CHECK(spec.infer(descs, of.params.data(), data.out));
    if (of.memory_operand() < 0) return data;

    const Operand& memory = of.in[static_cast<size_t>(of.memory_operand())];
    data.slots_per_unit = of.has_pages() ? memory.desc.extent[1] : 1;
    data.n_slots = memory.desc.extent[0] * data.slots_per_unit;
    data.slot_bytes = span_bytes(memory.desc) / data.n_slots;
    Random random(seed_of(of.name, 99));
    data.memory = fill_operand(memory, random);
    std::vector<bool> is_read(static_cast<size_t>(data.n_slots));
    for (const int32_t slot : read_slots(of, data))
        if (slot >= 0) is_read[static_cast<size_t>(slot)] = true;
    for (int64_t slot = 0; slot < data.n_slots; ++slot)
        if (!is_read[static_cast<size_t>(slot)]) mark_slot(dtype_of(memory.desc), slot_of(data, slot), random);
    return data;
}

CaseData decoy(const Case& of, const CaseData& data) {
    CaseData other = data;
    const OpSpec& spec = of.spec();
    for (size_t i = 0; i < spec.inputs.size(); ++i) {
        const Operand& operand = of.in[i];
        if (!operand.present() || operand.as_constant) continue;
        if (spec.inputs[i].kind == OperandKind::index) {
            const IndexMeaning meaning = spec.inputs[i].index;
            std::vector<int32_t> ids(operand.ids.size(), meaning == IndexMeaning::rows ? 0 : -1);
            if (meaning == IndexMeaning::sequence_starts) {
                std::fill(ids.begin(), ids.end(), operand.ids.back());
                ids[0] = 0;
            }
            other.in[i] = bytes_of(ids);
        } else if (dtype_of(operand.desc) == DType::I32) {
            other.in[i] = bytes_of(std::vector<int32_t>(operand.ids.size(), 0));
        } else if (dtype_of(operand.desc) == DType::F32 && !is_memory(spec.inputs[i].kind)) {
            Random random(seed_of(of.name, 1000 + i));
            Operand plain = operand;
            plain.fill = uniform(-1, 1);
            other.in[i] = fill_operand(plain, random);
        }
    }
    return other;
}

std::vector<int32_t> written_slots(const Case& of, const CaseData& data) {
    std::vector<int32_t> slots;
    if (of.memory_operand() < 0) return slots;
    const int written =
        find_operand(of.spec().inputs, of.has_pages() ? IndexMeaning::rows_written : IndexMeaning::slots_written);
    if (written < 0) return slots;  // pages that are only read
    for (const int32_t slot : data.ids(static_cast<size_t>(written)))
        if (slot >= 0) slots.push_back(slot);
    if (of.has_pages()) return slots;
    const auto pairs = data.ids(static_cast<size_t>(find_operand(of.spec().inputs, IndexMeaning::snapshots)));
    for (size_t s = 0; s + 1 < pairs.size(); s += 2)
        if (pairs[s] >= 0) slots.push_back(pairs[s + 1]);
    return slots;
}

std::vector<int32_t> read_slots(const Case& of, const CaseData& data) {
    const std::span<const OperandSpec> inputs = of.spec().inputs;
    const auto ids = [&](IndexMeaning meaning) { return data.ids(static_cast<size_t>(find_operand(inputs, meaning))); };
    if (!of.has_pages()) {
        const auto sources = ids(IndexMeaning::slots_read);
        return {sources.begin(), sources.end()};
    }
    std::vector<int32_t> rows;
    if (find_operand(inputs, IndexMeaning::pages_read) < 0) return rows;
    const auto page_table = ids(IndexMeaning::pages_read), positions = ids(IndexMeaning::positions),
               seq_start = ids(IndexMeaning::sequence_starts);
    const auto n_seq = static_cast<int64_t>(seq_start.size()) - 1, per_page = data.slots_per_unit;
    for (int64_t b = 0; b < n_seq; ++b) {
        int64_t last = -1;
        for (auto t = seq_start[static_cast<size_t>(b)]; t < seq_start[static_cast<size_t>(b) + 1]; ++t)
            last = std::max<int64_t>(last, positions[static_cast<size_t>(t)]);
        const size_t width = page_table.size() / static_cast<size_t>(n_seq);
        for (int64_t j = 0; j <= last; ++j) {
            const int32_t page = page_table[static_cast<size_t>(b) * width + static_cast<size_t>(j / per_page)];
            rows.push_back(static_cast<int32_t>(page * per_page + j % per_page));
        }
    }
    std::sort(rows.begin(), rows.end());
    rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
    return rows;
}

Expected evaluate(const Case& of, const CaseData& data) {
    const OpSpec& spec = of.spec();
    FormulaInputs inputs{};
    std::array<std::vector<float>, KRAIT_MAX_INPUTS> decoded;
    for (size_t i = 0; i < spec.inputs.size(); ++i) {
        if (!of.in[i].present()) continue;
        inputs[i].desc = of.in[i].desc;
        if (dtype_of(of.in[i].desc) == DType::I32) {
            inputs[i].i = data.ids(i);
            continue;
        }
        decoded[i] = decode(of.in[i].desc, is_memory(spec.inputs[i].kind) ? data.memory : data.in[i]);
        if (!is_memory(spec.inputs[i].kind)) inputs[i].f = decoded[i];
    }
    FormulaOutputs out;
    for (size_t i = 0; i < spec.outputs.size(); ++i) out[i].assign(static_cast<size_t>(element_count(data.out[i])), 0.0);
    SlotStates states;
    if (const int memory = of.memory_operand(); memory >= 0) {
        states.before = decoded[static_cast<size_t>(memory)];
        states.bytes = data.memory;
        states.slot_elements = static_cast<int64_t>(states.before.size()) / std::max<int64_t>(data.n_slots, 1);
    }
    of.formula(inputs, of.params.data(), out, states);
    return {std::move(out), std::move(states.after), std::move(states.rows), {}};
}

}  // namespace krait::harness
