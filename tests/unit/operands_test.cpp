// SPDX-License-Identifier: Apache-2.0
//
// Contracts as data: the struct and the table of operands are one list, what the host could not check does not compile
// (are_complete, which op_list.hpp asserts of every operator), and every fact of a contract enters its hash.
#include "core/ops/operands.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <set>

#include "core/ops/op_hash.hpp"

namespace krait {
namespace {

using namespace ops;

struct Toy {
    KRAIT_INPUTS((x, kValue), (w, kMatrix), (bias, optional(kVector)), (ids, rows_of("w")))
    KRAIT_OUTPUTS((y, kValue), (best, kValue))
};
static_assert(std::size(Toy::kIn) == 4 && std::size(Toy::kOut) == 2);
static_assert(sizeof(Toy::In<int>) == 4 * sizeof(int) && sizeof(Toy::Out<int>) == 2 * sizeof(int));
static_assert(offsetof(Toy::In<int>, ids) == find_operand(Toy::kIn, "ids") * sizeof(int));
static_assert(Toy::kIn[2].optional && Toy::kIn[2].kind == OperandKind::vector && !Toy::kIn[1].optional);
static_assert(find_operand(Toy::kIn, "state") == -1 && find_state(Toy::kIn) == -1);
static_assert(are_complete(Toy::kIn));

#define KRAIT_RAGGED (seq_start, sequence_starts("x")), (src, slots_read("state")), (dst, slots_written("state"))
struct Stateful {
    KRAIT_INPUTS((x, kValue), (state, kState), KRAIT_RAGGED, (snapshots, optional(snapshots_of("state"))))
};
static_assert(are_complete(Stateful::kIn));

struct Paged {
    KRAIT_INPUTS((x, kValue), (cache, kPages), (rows, rows_written("cache")))
    KRAIT_NO_OUTPUTS()
};
static_assert(are_complete(Paged::kIn) && std::empty(Paged::kOut));
struct PagesRead {
    KRAIT_INPUTS((x, kValue), (cache, kPages), (page_table, pages_read("cache")), (positions, positions_of("x")),
                 (seq_start, sequence_starts("x")))
};
struct Placed {
    KRAIT_INPUTS((x, kValue), (positions, positions_of("x")))
};
static_assert(are_complete(PagesRead::kIn) && are_complete(Placed::kIn));
static_assert(find_state(Paged::kIn) == -1 && find_memory(Paged::kIn) == 1 && find_memory(Stateful::kIn) == 1);

// Contracts that each lack something.
struct RowsWritten {
    KRAIT_INPUTS((x, kValue), (cache, kPages), (rows, rows_of("x")))
};
struct Pages {
    KRAIT_INPUTS((x, kValue), (rows, rows_written("x")))
};
static_assert(!are_complete(RowsWritten::kIn) && !are_complete(Pages::kIn));
struct PagesWithoutPositions {
    KRAIT_INPUTS((x, kValue), (cache, kPages), (page_table, pages_read("cache")), (seq_start, sequence_starts("x")))
};
struct PagesWithoutStarts {
    KRAIT_INPUTS((x, kValue), (cache, kPages), (page_table, pages_read("cache")), (positions, positions_of("x")))
};
struct PagesOfValues {
    KRAIT_INPUTS((x, kValue), (page_table, pages_read("x")), (positions, positions_of("x")), (seq_start, sequence_starts("x")))
};
struct PositionsOfPages {
    KRAIT_INPUTS((cache, kPages), (rows, rows_written("cache")), (positions, positions_of("cache")))
};
struct PositionsThatAreThere {
    KRAIT_INPUTS((x, kValue), (positions, optional(positions_of("x"))))
};
struct ReadAndWritten {
    KRAIT_INPUTS((x, kValue), (cache, kPages), (rows, rows_written("cache")), (page_table, pages_read("cache")),
                 (positions, positions_of("x")), (seq_start, sequence_starts("x")))
};
static_assert(!are_complete(PagesWithoutPositions::kIn) && !are_complete(PagesWithoutStarts::kIn));
static_assert(!are_complete(PagesOfValues::kIn) && !are_complete(PositionsOfPages::kIn));
static_assert(!are_complete(PositionsThatAreThere::kIn) && !are_complete(ReadAndWritten::kIn));
struct Starts {
    KRAIT_INPUTS((x, kValue), (state, kState), (src, slots_read("state")), (dst, slots_written("state")))
};
struct SlotsWritten {
    KRAIT_INPUTS((x, kValue), (state, kState), (seq_start, sequence_starts("x")), (src, slots_read("state")))
};
struct State {
    KRAIT_INPUTS((x, kValue), KRAIT_RAGGED)
};
struct Meaning {
    KRAIT_INPUTS((table, kTable), (ids, OperandType{OperandKind::index}))
};
struct Table {
    KRAIT_INPUTS((x, kValue), (ids, rows_of("table")))
};
struct TableThatIsOne {
    KRAIT_INPUTS((x, kVector), (ids, rows_of("x")))
};
struct StartsThatAreThere {
    KRAIT_INPUTS((x, kValue), (state, kState), (seq_start, optional(sequence_starts("x"))), (src, slots_read("state")),
                 (dst, slots_written("state")))
};
static_assert(!are_complete(Starts::kIn) && !are_complete(SlotsWritten::kIn) && !are_complete(State::kIn));
static_assert(!are_complete(Meaning::kIn) && !are_complete(Table::kIn) && !are_complete(TableThatIsOne::kIn));
static_assert(!are_complete(StartsThatAreThere::kIn));

TEST(Operands, OfEveryContractAreDistinct) {
    for (const OpSpec& spec : kOps) {
        std::set<std::string_view> names;
        for (const auto operands : {spec.inputs, spec.outputs})
            for (const OperandSpec& operand : operands)
                EXPECT_TRUE(names.insert(operand.name).second) << spec.name << " has two operands '" << operand.name << "'";
        for (const OperandSpec& result : spec.outputs) EXPECT_TRUE(result.kind == OperandKind::value) << spec.name;
    }
}

TEST(OpHash, DiffersForEveryOperator) {
    std::set<uint64_t> hashes;
    for (const krait_op_version& version : kOpVersions) EXPECT_TRUE(hashes.insert(version.hash).second) << version.op;
}

TEST(OpHash, HasEveryFactOfTheContract) {
    static constexpr OperandSpec kInputs[] = {{kValue, "x"}, {rows_of("x"), "ids"}};
    static constexpr OperandSpec kOutputs[] = {{kValue, "y"}};
    const OpSpec toy{OpId::add, "toy", kInputs, kOutputs, 8, 1, nullptr};
    const auto expect_other = [&](const char* what, auto change) {
        OpSpec changed = toy;
        std::vector<OperandSpec> inputs(std::begin(kInputs), std::end(kInputs));
        change(changed, inputs);
        changed.inputs = inputs;
        EXPECT_NE(op_hash(changed), op_hash(toy)) << what;
    };
    using Inputs = std::vector<OperandSpec>;
    expect_other("name", [](OpSpec& spec, Inputs&) { spec.name = "boy"; });
    expect_other("id", [](OpSpec& spec, Inputs&) { spec.id = OpId::mul; });
    expect_other("size of the parameters", [](OpSpec& spec, Inputs&) { spec.params_size = 4; });
    expect_other("revision", [](OpSpec& spec, Inputs&) { spec.revision = 2; });
    expect_other("results", [](OpSpec& spec, Inputs&) { spec.outputs = {}; });
    expect_other("name of an operand", [](OpSpec&, Inputs& inputs) { inputs[0].name = "a"; });
    expect_other("kind", [](OpSpec&, Inputs& inputs) { inputs[0].kind = OperandKind::table; });
    expect_other("optional", [](OpSpec&, Inputs& inputs) { inputs[0].optional = true; });
    expect_other("meaning of an index", [](OpSpec&, Inputs& inputs) { inputs[1].index = IndexMeaning::sequence_starts; });
    expect_other("operand of an index", [](OpSpec&, Inputs& inputs) { inputs[1].of = "w"; });
    expect_other("order", [](OpSpec&, Inputs& inputs) { std::swap(inputs[0], inputs[1]); });
    expect_other("one operand more", [](OpSpec&, Inputs& inputs) { inputs.push_back({optional(kValue), "z"}); });
    expect_other("one operand less", [](OpSpec&, Inputs& inputs) { inputs.pop_back(); });
}

}  // namespace
}  // namespace krait
