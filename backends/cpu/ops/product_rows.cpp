// SPDX-License-Identifier: Apache-2.0
#include "backends/cpu/ops/product_rows.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

namespace {

int64_t whole(int64_t n, int64_t unit) { return (n + unit - 1) / unit * unit; }

}  // namespace

ProductRows::ProductRows(const Tensor& x, const Tensor& residual, const Tensor& y)
    : x_(&x),
      residual_(residual ? &residual : nullptr),
      y_(&y),
      n_rows_(x.extent(0)),
      n_row_x_(x.extent(0)),
      d_in_(x.extent(1)) {}

ProductRows::ProductRows(const Tensor& x, const Tensor& ids, int64_t n_matrix, const Tensor& y)
    : x_(&x),
      y_(&y),
      ids_(&ids),
      n_matrix_(n_matrix),
      n_used_(ids.extent(1)),
      n_rows_(ids.extent(0) * ids.extent(1)),
      n_row_x_(x.desc.rank == 3 ? n_rows_ : x.extent(0)),
      rows_of_index_(x.desc.rank == 3 ? n_used_ : 1),
      d_in_(last_extent(x.desc)) {}

void ProductRows::arrange(const ProductOrder& order, Context& context) {
    // Of n rows in m matrices at most m + n / max_rows pieces; behind each aligned matrix at most align - 1 places are empty.
    const int64_t n_used_matrices = std::min(n_matrix_, n_rows_);
    const int64_t max_pieces = n_used_matrices + n_rows_ / std::max<int64_t>(order.max_rows, 1) + 1;
    const int64_t max_places = ids_ ? n_rows_ + (n_used_matrices + 1) * (order.align - 1) : 0;
    const int64_t n_counters = ids_ ? n_matrix_ : 0;
    std::byte* memory = context.reserve_lists(max_pieces * int64_t{sizeof(ProductPiece)} + max_places * int64_t{sizeof(Place)} +
                                              n_counters * int64_t{sizeof(int64_t)});
    pieces_ = reinterpret_cast<ProductPiece*>(memory);
    if (ids_) {
        places_ = reinterpret_cast<Place*>(pieces_ + max_pieces);
        sort(order, reinterpret_cast<int64_t*>(places_ + max_places));
        return;
    }
    n_places_ = n_rows_;
    if (n_rows_ > order.few) large_places_ = n_rows_;
    add_pieces(order, 0, 0, n_rows_);
    if (n_rows_ > order.few) n_large_ = n_pieces_;
}

// A counting sort. first_of: [n_matrix], the rows of each matrix and then where its next place is.
void ProductRows::sort(const ProductOrder& order, int64_t* first_of) {
    std::fill_n(first_of, n_matrix_, 0);
    for (int64_t row = 0; row < n_rows_; ++row)
        if (const int32_t matrix = matrix_of(row); matrix >= 0 && matrix < n_matrix_) ++first_of[matrix];
    const auto place_those = [&](auto&& wanted, int64_t align) {
        for (int64_t matrix = 0; matrix < n_matrix_; ++matrix) {
            const int64_t count = first_of[matrix];
            if (count == 0 || !wanted(count)) continue;
            add_pieces(order, matrix, n_places_, count);
            const int64_t end = n_places_ + count;
            n_places_ = whole(end, align);
            std::fill(places_ + end, places_ + n_places_, Place{});
        }
    };
    place_those([&](int64_t count) { return count > order.few; }, order.align);
    n_large_ = n_pieces_;
    large_places_ = n_places_;
    place_those([&](int64_t count) { return count <= order.few; }, 1);

    for (int64_t i = 0; i < n_pieces_; ++i)
        if (const ProductPiece& piece = pieces_[i]; i == 0 || pieces_[i - 1].matrix != piece.matrix)
            first_of[piece.matrix] = piece.first;
    const int64_t d_out = last_extent(y_->desc);
    for (int64_t row = 0; row < n_rows_; ++row) {
        const int64_t t = row / n_used_, i = row % n_used_, matrix = matrix_of(row);
        float* y = y_->row<float>(t) + i * d_out;
        if (matrix < 0 || matrix >= n_matrix_) {
            std::fill_n(y, d_out, 0.0f);
            continue;
        }
        const int64_t index_of_x = n_row_x_ == n_rows_ ? row : t;
        places_[first_of[matrix]++] = {x_row(index_of_x), y, index_of_x};
    }
}

void ProductRows::add_pieces(const ProductOrder& order, int64_t matrix, int64_t first, int64_t count) {
    const int64_t n_parts = count <= order.few ? 1 : (count + order.max_rows - 1) / order.max_rows;
    const int64_t part = whole((count + n_parts - 1) / n_parts, order.tile);
    for (int64_t begin = 0; begin < count; begin += part)
        pieces_[n_pieces_++] = {matrix, first + begin, std::min(part, count - begin), count};
}

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
