// SPDX-License-Identifier: Apache-2.0
//
// Pages of memories that grow with their sequence, a row for each token (keys and values). A page number means the same in all
// memories of pages. A page is in use as long as a list has it; lists share pages, and a list goes on behind rows that it
// shares on a copy of their last page:
//   KRAIT_CHECK(memory.reserve_pages(executor, {{&list, 40}}));   // for 40 more rows (sequence_memory.hpp)
//   ... a run writes the rows list.row(list.n_rows()) and on ...
//   list.append(40);                                              // they count
//   PageList before = list.share(10);                             // the first ten rows
// One thread at a time for all lists of one PagePool. Lists may outlive the session.
#pragma once

#include <cassert>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "models/layers/memory_spec.hpp"

namespace krait {

// Counts how many lists have each page.
class PagePool {
  public:
    explicit PagePool(int64_t n_pages) : n_lists_(static_cast<size_t>(n_pages), 0) {
        for (int64_t page = n_pages; page > 0; --page) free_.push_back(static_cast<int32_t>(page - 1));
    }
    int64_t n_pages() const { return static_cast<int64_t>(n_lists_.size()); }
    int64_t n_free() const { return static_cast<int64_t>(free_.size()); }
    int32_t n_lists(int32_t page) const { return n_lists_[static_cast<size_t>(page)]; }

  private:
    friend class PageList;
    int32_t take() noexcept {
        assert(!free_.empty());
        const int32_t page = free_.back();
        free_.pop_back();
        n_lists_[static_cast<size_t>(page)] = 1;
        return page;
    }
    void add(int32_t page) noexcept { ++n_lists_[static_cast<size_t>(page)]; }
    void drop(int32_t page) noexcept {
        if (--n_lists_[static_cast<size_t>(page)] == 0)
            free_.push_back(page);  // there has been room for it since the beginning
    }

    std::vector<int32_t> n_lists_;  // by page
    std::vector<int32_t> free_;     // the last one is taken next
};

// The pages of a state: those of its rows, and those that are reserved for a run under way. Move-only.
class PageList {
  public:
    PageList() = default;
    PageList(PageList&& other) noexcept
        : pool_(std::move(other.pool_)), pages_(std::move(other.pages_)), n_rows_(std::exchange(other.n_rows_, 0)) {
        other.pages_.clear();
    }
    PageList& operator=(PageList&& other) noexcept {
        PageList taken(std::move(other));
        std::swap(pool_, taken.pool_);
        std::swap(pages_, taken.pages_);
        std::swap(n_rows_, taken.n_rows_);
        return *this;
    }
    ~PageList() { truncate(0); }

    int64_t n_rows() const { return n_rows_; }
    std::span<const int32_t> pages() const { return pages_; }
    // Where row i is, counted through all pages (core/ops/paged.hpp); i may be a row that is reserved.
    int32_t row(int64_t i) const {
        return static_cast<int32_t>(pages_[static_cast<size_t>(i / kRowsPerPage)] * kRowsPerPage + i % kRowsPerPage);
    }
    // One more list of the pages of the first n_rows rows.
    PageList share(int64_t n_rows) const {
        PageList list;
        list.pool_ = pool_;
        list.pages_.assign(pages_.begin(), pages_.begin() + pages_of_rows(n_rows));
        list.n_rows_ = n_rows;
        for (const int32_t page : list.pages_) pool_->add(page);
        return list;
    }
    PageList share() const { return share(n_rows_); }

    // The next row is in a page that another list has too.
    bool ends_in_shared_page() const { return n_rows_ % kRowsPerPage != 0 && pool_->n_lists(pages_.back()) > 1; }
    // Pages that n more rows take; a copy of the last page, where it is shared, is one more.
    int64_t n_missing(int64_t n) const { return pages_of_rows(n_rows_ + n) - static_cast<int64_t>(pages_.size()); }
    // Memory for the numbers of so many pages more, after which add_pages() and replace_last() allocate nothing.
    void reserve(int64_t n_pages) {
        const size_t wanted = pages_.size() + static_cast<size_t>(n_pages);
        if (pages_.capacity() < wanted) pages_.reserve(2 * wanted);
    }
    void add_pages(const std::shared_ptr<PagePool>& pool, int64_t n) noexcept {
        if (!pool_) pool_ = pool;
        for (; n > 0; --n) pages_.push_back(pool_->take());
    }
    // By the page of a list that has one.
    void replace_last(PageList list) noexcept {
        assert(list.pages_.size() == 1);
        std::swap(pages_.back(), list.pages_.front());
    }

    void append(int64_t n) noexcept { n_rows_ += n; }  // that were reserved, and are written now
    // Keeps the first n_rows rows, or as many as there are, and their pages; reserved ones are free again.
    void truncate(int64_t n_rows) noexcept {
        n_rows_ = n_rows < n_rows_ ? n_rows : n_rows_;
        for (const auto kept = static_cast<size_t>(pages_of_rows(n_rows_)); pages_.size() > kept; pages_.pop_back())
            pool_->drop(pages_.back());
    }
    void drop_reserved() noexcept { truncate(n_rows_); }

  private:
    std::shared_ptr<PagePool> pool_;
    std::vector<int32_t> pages_;
    int64_t n_rows_ = 0;
};

}  // namespace krait
