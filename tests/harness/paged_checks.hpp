// SPDX-License-Identifier: Apache-2.0
//
// The promise of every operator that reads pages: a row's result depends on nothing but the row, its place and what its
// sequence has in the pages. So it is the same alone, beside other sequences, whichever rows come with it, and in pages of
// another size and order: bit for bit on a CPU, within the operator's tolerance elsewhere.
#pragma once

#include "core/runtime/device.hpp"
#include "tests/harness/case_data.hpp"

namespace krait::harness {

// For operators whose other operands with rows are values of the first input's rows (attention).
Result<void> check_paged_laws(const std::shared_ptr<const Device>& device, const Case& of, const CaseData& data);

}  // namespace krait::harness
