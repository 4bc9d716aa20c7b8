// SPDX-License-Identifier: Apache-2.0
//
// Lists of pages: a page is in use as long as a list has it, and a list goes on behind shared rows on a page of its own.
#include "models/memory/page_list.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <set>

namespace krait {
namespace {

constexpr int64_t kPage = kRowsPerPage;

void grow(PageList& list, const std::shared_ptr<PagePool>& pool, int64_t n) {
    ASSERT_FALSE(list.ends_in_shared_page());
    const int64_t n_missing = list.n_missing(n);
    ASSERT_LE(n_missing, pool->n_free());
    list.reserve(n_missing);
    list.add_pages(pool, n_missing);
    list.append(n);
}

TEST(PageList, TakesWholePages) {
    const auto pool = std::make_shared<PagePool>(4);
    PageList list;
    EXPECT_EQ(list.n_missing(0), 0);
    EXPECT_EQ(list.n_missing(1), 1);
    EXPECT_EQ(list.n_missing(kPage), 1);
    EXPECT_EQ(list.n_missing(kPage + 1), 2);
    grow(list, pool, kPage - 1);
    EXPECT_EQ(list.n_missing(1), 0);
    EXPECT_EQ(list.n_missing(2), 1);
    grow(list, pool, 2);
    EXPECT_EQ(pool->n_free(), 2);
    std::set<int32_t> rows;
    for (int64_t i = 0; i <= kPage; ++i) {
        rows.insert(list.row(i));
        EXPECT_EQ(list.row(i), list.pages()[static_cast<size_t>(i / kPage)] * kPage + i % kPage);
    }
    EXPECT_EQ(rows.size(), static_cast<size_t>(kPage + 1));
}

TEST(PageList, ReservedPagesComeBack) {
    const auto pool = std::make_shared<PagePool>(4);
    PageList list;
    grow(list, pool, 3);
    list.reserve(2);
    list.add_pages(pool, list.n_missing(2 * kPage));
    EXPECT_EQ(pool->n_free(), 1);
    list.append(kPage - 3);
    list.drop_reserved();
    EXPECT_EQ(list.pages().size(), 1u);
    EXPECT_EQ(pool->n_free(), 3);
}

TEST(PageList, SharedPagesAreFreeWithTheirLastList) {
    const auto pool = std::make_shared<PagePool>(4);
    std::optional<PageList> first;
    first.emplace();
    grow(*first, pool, 2 * kPage + 5);
    PageList second = first->share(kPage + 2);
    EXPECT_EQ(second.n_rows(), kPage + 2);
    EXPECT_EQ(second.pages().size(), 2u);
    EXPECT_EQ(second.row(kPage + 1), first->row(kPage + 1));
    first.reset();
    EXPECT_EQ(pool->n_free(), 2);
    second = PageList();
    EXPECT_EQ(pool->n_free(), 4);
}

TEST(PageList, GoesOnBehindSharedRowsOnACopy) {
    const auto pool = std::make_shared<PagePool>(4);
    PageList list;
    grow(list, pool, 5);
    PageList kept = list.share();
    EXPECT_TRUE(list.ends_in_shared_page());
    EXPECT_TRUE(kept.ends_in_shared_page());
    EXPECT_EQ(list.n_missing(1), 0) << "besides the copy";
    EXPECT_EQ(list.n_missing(kPage), 1);
    PageList copy;
    copy.reserve(1);
    copy.add_pages(pool, 1);
    list.replace_last(std::move(copy));
    EXPECT_NE(list.row(0), kept.row(0));
    EXPECT_FALSE(list.ends_in_shared_page());
    EXPECT_FALSE(kept.ends_in_shared_page()) << "it has the old page alone";
    EXPECT_EQ(pool->n_free(), 2);

    PageList full;
    grow(full, pool, kPage);
    const PageList same = full.share();
    EXPECT_FALSE(full.ends_in_shared_page()) << "the next row is in a page of its own";
    EXPECT_EQ(full.n_missing(1), 1);
}

TEST(PageList, Truncates) {
    const auto pool = std::make_shared<PagePool>(3);
    PageList list;
    grow(list, pool, 2 * kPage + 1);
    list.truncate(3 * kPage);
    EXPECT_EQ(list.n_rows(), 2 * kPage + 1) << "never longer";
    list.truncate(kPage);
    EXPECT_EQ(list.pages().size(), 1u);
    list.truncate(0);
    EXPECT_EQ(pool->n_free(), 3);
    EXPECT_FALSE(list.ends_in_shared_page());
}

TEST(PageList, MovesKeepOneList) {
    const auto pool = std::make_shared<PagePool>(3);
    PageList a, b;
    grow(a, pool, 1);
    grow(b, pool, kPage + 1);
    const int32_t row = a.row(0);
    b = std::move(a);
    EXPECT_EQ(b.row(0), row);
    EXPECT_EQ(pool->n_free(), 2);
    PageList c(std::move(b));
    EXPECT_EQ(b.n_rows(), 0);  // NOLINT(bugprone-use-after-move): a moved list is empty
    EXPECT_EQ(c.n_rows(), 1);
    EXPECT_EQ(pool->n_free(), 2);
}

}  // namespace
}  // namespace krait
