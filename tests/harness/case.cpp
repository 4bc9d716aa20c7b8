// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/case.hpp"

#include <cstdio>
#include <cstdlib>

namespace krait::harness {

#define KRAIT_OP(id, name, Type, params_size, revision) void add_##name##_cases(CaseList& list);
#include "core/ops/op_list.def"

const Operand* Case::find(std::string_view operand) const {
    const int i = find_operand(spec().inputs, operand);
    return i >= 0 && in[static_cast<size_t>(i)].present() ? &in[static_cast<size_t>(i)] : nullptr;
}

int Case::memory_operand() const { return find_memory(spec().inputs); }

bool Case::has_pages() const {
    return memory_operand() >= 0 && spec().inputs[static_cast<size_t>(memory_operand())].kind == OperandKind::pages;
}

Case& CaseList::append(Case added) {
    if (!names_.emplace(added.name, cases_.size()).second) {
        std::fprintf(stderr, "tests/ops/%s.cpp lists the case '%s' twice\n", op_name(added.op), added.name.c_str());
        std::abort();
    }
    cases_.push_back(std::make_unique<Case>(std::move(added)));
    return *cases_.back();
}

const CaseList& cases_of(OpId op) {
    static const auto* lists = [] {
        auto* all = new std::array<CaseList, std::size(kOps)>;
#define KRAIT_OP(id, name, Type, params_size, revision) add_##name##_cases((*all)[id]);
#include "core/ops/op_list.def"
        return all;
    }();
    return (*lists)[static_cast<size_t>(op)];
}

bool matches(std::string_view glob, std::string_view text) {
    if (glob.empty()) return text.empty();
    if (glob[0] == '*') return matches(glob.substr(1), text) || (!text.empty() && matches(glob, text.substr(1)));
    return !text.empty() && (glob[0] == '?' || glob[0] == text[0]) && matches(glob.substr(1), text.substr(1));
}

}  // namespace krait::harness
