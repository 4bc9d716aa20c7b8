// SPDX-License-Identifier: Apache-2.0
//
// The rows of a product: which row of x, by which matrix, gives which row of y. mul_mat has one matrix for all rows in their
// order; mul_mat_experts has them sorted by expert. So both go through the same loops, which see places (0, 1, ...) and pieces
// of places that have one matrix.
#pragma once

#include <algorithm>
#include <span>

#include "backends/cpu/cpu_backend.hpp"

namespace krait::cpu::KRAIT_CPU_VARIANT {

// Places first .. first + count, all of one matrix; `of` rows have that matrix in all.
struct ProductPiece {
    int64_t matrix, first, count, of;
};

// How a kernel wants the places.
struct ProductOrder {
    int64_t few = 0;       // matrices of so many rows and less come last, and are pieces of their own
    int64_t align = 1;     // where the places of the others begin: a multiple of this
    int64_t max_rows = 1;  // of a piece, rounded up to whole tiles
    int64_t tile = 1;
};

class ProductRows {
  public:
    // y[t] = x[t] by the only matrix, plus a row of the residual, which may be absent.
    ProductRows(const Tensor& x, const Tensor& residual, const Tensor& y);
    // Row ids[t, i] says the matrix of y[t, i]: of x[t], or of x[t, i] where x has rank 3. Rows of y without one become zeros.
    ProductRows(const Tensor& x, const Tensor& ids, int64_t n_matrix, const Tensor& y);

    // Puts the rows in order. Takes memory of the context, which lasts until the next call.
    void arrange(const ProductOrder& order, Context& context);

    int64_t n_rows() const { return n_rows_; }    // of y, those without a matrix included
    int64_t n_row_x() const { return n_row_x_; }  // of x
    const float* x_row(int64_t row) const { return x_->row<const float>(row / rows_of_index_) + row % rows_of_index_ * d_in_; }
    // Whether no row of x stands at two places.
    bool has_x_once() const { return ids_ == nullptr || n_row_x_ == n_rows_; }

    // After arrange(): places 0 .. n_places(), of which large_places() belong to the pieces of matrices with more than `few`
    // rows. Where these are aligned some places are empty: x() is nullptr there.
    int64_t n_places() const { return n_places_; }
    int64_t large_places() const { return large_places_; }
    std::span<const ProductPiece> pieces() const { return {pieces_, static_cast<size_t>(n_pieces_)}; }
    std::span<const ProductPiece> large_pieces() const { return pieces().first(static_cast<size_t>(n_large_)); }
    std::span<const ProductPiece> small_pieces() const { return pieces().subspan(static_cast<size_t>(n_large_)); }
    const float* x(int64_t place) const { return places_ ? places_[place].x : x_->row<const float>(place); }
    float* y(int64_t place) const { return places_ ? places_[place].y : y_->row<float>(place); }
    int64_t index_of_x(int64_t place) const { return places_ ? places_[place].index_of_x : place; }
    const float* residual(int64_t place) const { return residual_ ? residual_->row<const float>(place) : nullptr; }

  private:
    struct Place {
        const float* x;
        float* y;
        int64_t index_of_x;
    };
    void sort(const ProductOrder& order, int64_t* first_of);
    void add_pieces(const ProductOrder& order, int64_t matrix, int64_t first, int64_t count);
    int32_t matrix_of(int64_t row) const { return ids_->row<const int32_t>(row / n_used_)[row % n_used_]; }

    const Tensor *x_, *residual_ = nullptr, *y_, *ids_ = nullptr;
    int64_t n_matrix_ = 1, n_used_ = 1;
    int64_t n_rows_, n_row_x_, rows_of_index_ = 1, d_in_;
    int64_t n_places_ = 0, large_places_ = 0;
    int64_t n_pieces_ = 0, n_large_ = 0;
    ProductPiece* pieces_ = nullptr;
    Place* places_ = nullptr;  // nullptr: place t is row t
};

// Rows of a piece in the mean, by which work is cut; 1 where there is none.
inline int64_t mean_rows(std::span<const ProductPiece> pieces) {
    int64_t n_rows = 0;
    for (const ProductPiece& piece : pieces) n_rows += piece.count;
    return std::max<int64_t>(n_rows / std::max<int64_t>(static_cast<int64_t>(pieces.size()), 1), 1);
}

}  // namespace krait::cpu::KRAIT_CPU_VARIANT
