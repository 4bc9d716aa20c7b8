// SPDX-License-Identifier: Apache-2.0
#include "text/grammar/code_points.hpp"

#include <algorithm>
#include <string>

#include "core/base/utf8.hpp"

namespace krait::grammar {
namespace {

constexpr char32_t kLastPoint = 0x10FFFF, kFirstSurrogate = 0xD800, kLastSurrogate = 0xDFFF;

ByteRanges bytes_between(char32_t first, char32_t last) {
    std::string low, high;
    append_utf8(low, first);
    append_utf8(high, last);
    ByteRanges ranges{.length = static_cast<uint32_t>(low.size())};
    for (size_t i = 0; i < low.size(); ++i) {
        ranges.first[i] = static_cast<uint8_t>(low[i]);
        ranges.last[i] = static_cast<uint8_t>(high[i]);
    }
    return ranges;
}

}  // namespace

CodePointSet::CodePointSet(std::initializer_list<CodePointRange> ranges) {
    for (const CodePointRange& range : ranges) add(range.first, range.last);
}

void CodePointSet::add(char32_t first, char32_t last) {
    if (first < kFirstSurrogate && last > kLastSurrogate) {
        add(first, kFirstSurrogate - 1);
        add(kLastSurrogate + 1, last);
        return;
    }
    if (first >= kFirstSurrogate && first <= kLastSurrogate) first = kLastSurrogate + 1;
    if (last >= kFirstSurrogate && last <= kLastSurrogate) last = kFirstSurrogate - 1;
    if (first > last) return;
    ranges_.push_back({first, last});
    is_sorted_ = false;
}

void CodePointSet::add(const CodePointSet& other) {
    for (const CodePointRange& range : other.ranges()) add(range.first, range.last);
}

const std::vector<CodePointRange>& CodePointSet::ranges() const {
    if (is_sorted_) return ranges_;
    std::ranges::sort(ranges_, {}, &CodePointRange::first);
    size_t kept = 0;
    for (const CodePointRange& range : ranges_) {
        if (kept > 0 && range.first <= ranges_[kept - 1].last + 1)
            ranges_[kept - 1].last = std::max(ranges_[kept - 1].last, range.last);
        else ranges_[kept++] = range;
    }
    ranges_.resize(kept);
    is_sorted_ = true;
    return ranges_;
}

CodePointSet CodePointSet::negated() const {
    CodePointSet others;
    char32_t next = 0;
    for (const CodePointRange& range : ranges()) {
        if (range.first > next) others.add(next, range.first - 1);
        next = range.last + 1;
    }
    if (next <= kLastPoint) others.add(next, kLastPoint);
    return others;
}

CodePointSet CodePointSet::without(const CodePointSet& other) const {
    CodePointSet lacking = negated();
    lacking.add(other);
    return lacking.negated();
}

bool CodePointSet::has(char32_t point) const {
    const auto& all = ranges();
    const auto found = std::ranges::upper_bound(all, point, {}, &CodePointRange::first);
    return found != all.begin() && point <= std::prev(found)->last;
}

// A range is cut where its bytes are no box: where the length changes, and where a byte behind the first one does not run from
// 80 to BF.
std::vector<ByteRanges> utf8_ranges(const CodePointSet& set) {
    std::vector<ByteRanges> result;
    std::vector<CodePointRange> open(set.ranges().rbegin(), set.ranges().rend());
    while (!open.empty()) {
        const char32_t first = open.back().first, last = open.back().last;
        open.pop_back();
        const auto cut = [&](char32_t end) {  // the first character of the part behind
            if (first >= end || last < end) return false;
            open.push_back({end, last});
            open.push_back({first, end - 1});
            return true;
        };
        if (cut(0x80) || cut(0x800) || cut(0x10000)) continue;
        const int n_tail = first < 0x80 ? 0 : first < 0x800 ? 1 : first < 0x10000 ? 2 : 3;
        bool was_cut = false;
        for (int i = 1; i <= n_tail && !was_cut; ++i) {
            const char32_t low_bits = (char32_t{1} << (6 * i)) - 1;
            if ((first & ~low_bits) == (last & ~low_bits)) continue;
            if ((first & low_bits) != 0) was_cut = cut((first | low_bits) + 1);
            else if ((last & low_bits) != low_bits) was_cut = cut(last & ~low_bits);
        }
        if (!was_cut) result.push_back(bytes_between(first, last));
    }
    return result;
}

}  // namespace krait::grammar
