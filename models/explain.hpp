// SPDX-License-Identifier: Apache-2.0
//
// A model's placement for people: which node runs where and why, what it reads, what crosses between devices, and what memory
// that takes. As a table, or as a picture for Graphviz (`dot -Tsvg`).
#pragma once

#include "models/architectures/forward.hpp"
#include "models/model.hpp"

namespace krait {

enum class ExplainForm : uint8_t { table, dot };

// For runs of this shape.
Result<std::string> explain(const Model& model, const RunShape& shape, ExplainForm form);

}  // namespace krait
