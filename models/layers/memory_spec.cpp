// SPDX-License-Identifier: Apache-2.0
#include "models/layers/memory_spec.hpp"

#include "core/ops/op_list.hpp"

namespace krait {
namespace {

int operand_of(OpId op) { return find_memory(op_spec(op).inputs); }

}  // namespace

bool MemorySpec::has_pages() const {
    return op_spec(ops.front()).inputs[static_cast<size_t>(operand_of(ops.front()))].kind == OperandKind::pages;
}

std::vector<krait_use> MemorySpec::uses() const {
    std::vector<krait_use> uses;
    for (const OpId op : ops) uses.push_back({static_cast<uint32_t>(op), static_cast<uint32_t>(operand_of(op))});
    return uses;
}

TensorDesc MemorySpec::desc(const MemorySizes& sizes) const {
    std::vector<int64_t> extents{sizes.n_slots};
    if (has_pages()) extents = {sizes.n_pages, kRowsPerPage};
    extents.insert(extents.end(), extent.begin(), extent.begin() + rank);
    return make_desc(dtype, extents);
}

int64_t MemorySpec::row_bytes() const { return krait::row_bytes(dtype, count()); }

}  // namespace krait
