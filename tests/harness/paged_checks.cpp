// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/paged_checks.hpp"

#include <algorithm>
#include <numeric>

#include "tests/harness/compare.hpp"
#include "tests/harness/device_run.hpp"
#include "tests/harness/random.hpp"
#include "tests/harness/runner.hpp"
#include "tests/harness/tolerance.hpp"

namespace krait::harness {
namespace {

// Rows of the case that belong to one sequence, in the order in which a run gets them.
struct Part {
    int32_t seq = 0;
    std::vector<int32_t> rows;
};

// The pages of a case in another place: as they are, or copied to pages of another size in any order.
struct Pages {
    TensorDesc desc{};
    int64_t slot_bytes = 0;
    std::vector<std::byte> memory;
    std::vector<int32_t> table;  // [n_seq, width]
    size_t width = 0;
};

struct Indices {
    size_t q = 0, cache, page_table, positions, seq_start;  // input operands
    explicit Indices(const Case& of)
        : cache(static_cast<size_t>(of.memory_operand())),
          page_table(static_cast<size_t>(find_operand(of.spec().inputs, IndexMeaning::pages_read))),
          positions(static_cast<size_t>(find_operand(of.spec().inputs, IndexMeaning::positions))),
          seq_start(static_cast<size_t>(find_operand(of.spec().inputs, IndexMeaning::sequence_starts))) {}
};

Pages as_they_are(const Case& of, const CaseData& data) {
    const Indices at(of);
    const auto table = data.ids(at.page_table);
    return {of.in[at.cache].desc,
            data.slot_bytes,
            data.memory,
            {table.begin(), table.end()},
            static_cast<size_t>(of.in[at.page_table].desc.extent[1])};
}

// Each sequence in pages of its own; rows that nobody may read are NaN.
Pages repaged(const Case& of, const CaseData& data, int64_t per_page) {
    const Indices at(of);
    const auto table = data.ids(at.page_table), positions = data.ids(at.positions), starts = data.ids(at.seq_start);
    const size_t n_seq = starts.size() - 1, old_width = static_cast<size_t>(of.in[at.page_table].desc.extent[1]);
    std::vector<int64_t> lengths(n_seq, 0);
    for (size_t b = 0; b < n_seq; ++b)
        for (auto t = starts[b]; t < starts[b + 1]; ++t)
            lengths[b] = std::max<int64_t>(lengths[b], positions[static_cast<size_t>(t)] + 1);
    const auto pages_of = [&](int64_t length) { return static_cast<size_t>((length + per_page - 1) / per_page); };
    Pages pages;
    size_t n_pages = 1;  // nobody's
    for (const int64_t length : lengths) {
        n_pages += pages_of(length);
        pages.width = std::max(pages.width, pages_of(length) + 1);
    }
    std::vector<int32_t> order(n_pages);
    std::iota(order.begin(), order.end(), 0);
    Random random(seed_of(of.name, 11));
    for (size_t i = order.size(); i > 1; --i)
        std::swap(order[i - 1], order[static_cast<size_t>(random.below(static_cast<int64_t>(i)))]);
    pages.desc =
        make_desc(dtype_of(of.in[at.cache].desc), {static_cast<int64_t>(n_pages), per_page, last_extent(of.in[at.cache].desc)});
    pages.slot_bytes = data.slot_bytes;
    pages.memory.assign(n_pages * static_cast<size_t>(per_page * data.slot_bytes), std::byte{0xff});
    pages.table.assign(n_seq * pages.width, -1);
    size_t next = 0;
    for (size_t b = 0; b < n_seq; ++b)
        for (int64_t j = 0; j < lengths[b]; ++j) {
            int32_t& page = pages.table[b * pages.width + static_cast<size_t>(j / per_page)];
            if (page < 0) page = order[next++];
            const int32_t old_page = table[b * old_width + static_cast<size_t>(j / data.slots_per_unit)];
            const auto row = data.slot_of(data.memory, old_page * data.slots_per_unit + j % data.slots_per_unit);
            std::copy(row.begin(), row.end(), pages.memory.begin() + (page * per_page + j % per_page) * data.slot_bytes);
        }
    return pages;
}

// Runs parts of the case on these pages, and puts the rows of the result where they belong in y.
Result<void> run_parts(const std::shared_ptr<const Device>& device, const Case& of, const CaseData& data, const Pages& pages,
                       const std::vector<Part>& parts, std::vector<float>& y) {
    const Indices at(of);
    Case part_case;
    part_case.op = of.op;
    part_case.params = of.params;
    CaseData part;
    part.slots_per_unit = pages.desc.extent[1];
    part.n_slots = pages.desc.extent[0] * part.slots_per_unit;
    part.slot_bytes = pages.slot_bytes;
    std::vector<int32_t> starts{0}, table, positions, rows;
    for (const Part& p : parts) {
        rows.insert(rows.end(), p.rows.begin(), p.rows.end());
        starts.push_back(static_cast<int32_t>(rows.size()));
        const auto first = pages.table.begin() + static_cast<ptrdiff_t>(static_cast<size_t>(p.seq) * pages.width);
        table.insert(table.end(), first, first + static_cast<ptrdiff_t>(pages.width));
    }
    const auto width = static_cast<size_t>(inner_bytes(of.in[at.q].desc));
    for (const int32_t t : rows) {
        positions.push_back(data.ids(at.positions)[static_cast<size_t>(t)]);
        const auto row = std::span(data.in[at.q]).subspan(static_cast<size_t>(t) * width, width);
        part.in[at.q].insert(part.in[at.q].end(), row.begin(), row.end());
    }
    const auto set_index = [&](size_t operand, const std::vector<int32_t>& ids, Operand described) {
        const auto bytes = std::as_bytes(std::span(ids));
        part.in[operand].assign(bytes.begin(), bytes.end());
        part_case.in[operand] = std::move(described);
    };
    set_index(at.page_table, table, index_table(table, static_cast<int64_t>(parts.size()), static_cast<int64_t>(pages.width)));
    set_index(at.positions, positions, index(positions));
    set_index(at.seq_start, starts, index(starts));
    TensorDesc q = of.in[at.q].desc;
    q.extent[0] = static_cast<int64_t>(rows.size());
    part_case.in[at.q] = {.desc = q};
    part_case.in[at.cache] = {.desc = pages.desc};
    std::array<const TensorDesc*, KRAIT_MAX_INPUTS> descs{};
    for (size_t i = 0; i < of.spec().inputs.size(); ++i)
        if (part_case.in[i].present()) descs[i] = &part_case.in[i].desc;
    KRAIT_CHECK(of.spec().infer(descs, part_case.params.data(), part.out));

    KRAIT_TRY(const Resources resources, Resources::create(device, part_case, part, true));
    KRAIT_TRY(Queue queue, device->create_queue());
    KRAIT_TRY(BoundCase bound, BoundCase::create(resources, part_case, part, Layout::plain));
    KRAIT_CHECK(import_memory(queue, resources, pages.memory));
    KRAIT_TRY(const Observed observed, bound.run(part));
    if (!observed.damage.empty()) return fail(ErrorCode::internal, "{}", observed.damage);
    const auto got = observed.floats(0);
    const size_t n = rows.empty() ? 0 : got.size() / rows.size();
    for (size_t i = 0; i < rows.size(); ++i)
        std::copy_n(got.begin() + static_cast<ptrdiff_t>(i * n), n,
                    y.begin() + static_cast<ptrdiff_t>(static_cast<size_t>(rows[i]) * n));
    return {};
}

// GPUs may cut the places of a row otherwise in a prompt than in a step.
bool has_one_order_of_sums(const Device& device) {
    const std::string_view family = device.api().family;
    return !family.starts_with("cuda") && family != "vulkan";
}

}  // namespace

Result<void> check_paged_laws(const std::shared_ptr<const Device>& device, const Case& of, const CaseData& data) {
    const Indices at(of);
    const auto starts = data.ids(at.seq_start);
    const auto n_seq = static_cast<int32_t>(starts.size()) - 1;
    if (starts.back() == 0) return {};
    const Pages pages = as_they_are(of, data);
    std::vector<Part> whole;
    for (int32_t b = 0; b < n_seq; ++b) {
        Part& part = whole.emplace_back(Part{b, {}});
        for (auto t = starts[static_cast<size_t>(b)]; t < starts[static_cast<size_t>(b) + 1]; ++t) part.rows.push_back(t);
    }
    std::vector<float> expected(static_cast<size_t>(element_count(data.out[0]))), y = expected;
    KRAIT_CHECK(run_parts(device, of, data, pages, whole, expected));
    const double error = has_one_order_of_sums(*device) ? 0 : tolerance_of(of, device->capabilities()).result;
    const std::vector<double> wanted(expected.begin(), expected.end());
    const auto check = [&](const char* law) -> Result<void> {
        if (const auto why = compare({"y", error, error * kRowFactor, error_row(of, data.out[0])}, y, wanted))
            return fail(ErrorCode::internal, "{}: {}", law, *why);
        y = expected;
        return {};
    };

    KRAIT_CHECK(run_parts(device, of, data, repaged(of, data, data.slots_per_unit % 5 + 2), whole, y));
    KRAIT_CHECK(check("in pages of another size and order"));

    // In two runs, each sequence cut somewhere, the sequences in the opposite order.
    Random random(seed_of(of.name, 12));
    std::vector<Part> first, second;
    for (auto part = whole.rbegin(); part != whole.rend(); ++part) {
        const auto cut = static_cast<ptrdiff_t>(random.below(static_cast<int64_t>(part->rows.size()) + 1));
        first.push_back({part->seq, {part->rows.begin(), part->rows.begin() + cut}});
        second.push_back({part->seq, {part->rows.begin() + cut, part->rows.end()}});
    }
    std::fill(y.begin(), y.end(), -1.0f);
    KRAIT_CHECK(run_parts(device, of, data, pages, first, y));
    KRAIT_CHECK(run_parts(device, of, data, pages, second, y));
    KRAIT_CHECK(check("in chunks"));

    // The last row of a few sequences, alone. Where another order of sums is allowed, the cut above has shown enough.
    if (error > 0) return {};
    for (size_t b = 0; b < std::min<size_t>(whole.size(), 3); ++b) {
        if (whole[b].rows.empty()) continue;
        const auto n = static_cast<ptrdiff_t>(expected.size() / static_cast<size_t>(starts.back()));
        std::fill_n(y.begin() + whole[b].rows.back() * n, n, -1.0f);
        KRAIT_CHECK(run_parts(device, of, data, pages, {{whole[b].seq, {whole[b].rows.back()}}}, y));
        KRAIT_CHECK(check("alone"));
    }
    return {};
}

}  // namespace krait::harness
