// SPDX-License-Identifier: Apache-2.0
#include "backends/cuda/host_emulation/async_products.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "backends/cuda/host_emulation/failure.hpp"
#include "backends/cuda/host_emulation/red_zone.hpp"
#include "core/quant/half.hpp"

namespace krait::cuda::emulation {
namespace {

constexpr uint32_t kRows = 64, kDepth = 16;  // of a product
constexpr uint32_t kPiece = 16;              // bytes, what swizzles move

bool is_poisoned(const float* registers, size_t n) {
    for (size_t i = 0; i < n; ++i)
        if (std::bit_cast<uint32_t>(registers[i]) != kRedZoneWord) return false;
    return true;
}
void poison(float* registers, size_t n) {
    for (size_t i = 0; i < n; ++i) std::memcpy(registers + i, &kRedZoneWord, sizeof kRedZoneWord);
}

// ---- B: where its pieces lie -----------------------------------------------------------------------------------------

// Bits 0-13 start, 16-29 leading offset, 32-45 stride offset, all in units of 16 bytes; 49-51 base offset; 62-63 swizzle.
struct Descriptor {
    uint32_t start, leading, stride, base, swizzle;
    explicit Descriptor(uint64_t bits)
        : start(field(bits, 0, 14) * 16),
          leading(field(bits, 16, 14) * 16),
          stride(field(bits, 32, 14) * 16),
          base(field(bits, 49, 3)),
          swizzle(field(bits, 62, 2)) {}
    static uint32_t field(uint64_t bits, int from, int width) {
        return static_cast<uint32_t>(bits >> from) & ((1u << width) - 1);
    }
};

// Rows of 128, 64 or 32 bytes, in patterns of eight: of a piece's address, the bits that number it within a row are exchanged
// by those from bit 7 on.
uint32_t row_bytes(uint32_t swizzle) { return swizzle == 1 ? 128 : swizzle == 2 ? 64 : 32; }

std::vector<size_t> pieces_of(uint64_t bits, uint32_t n_columns, Site site) {
    const Descriptor of(bits);
    if (of.base != 0)
        kernel_failure("{}: a base offset of {} in a matrix descriptor: 0 is what the emulation knows", site.text(), of.base);
    const uint32_t row = of.swizzle == 0 ? kPiece : row_bytes(of.swizzle), mask = row / kPiece - 1;
    if (of.swizzle != 0 && of.start % (8 * row) + 2 * kPiece > row)
        kernel_failure(
            "{}: a matrix at address {} of shared memory: a swizzle of {} bytes has its pattern start at a multiple of {}",
            site.text(), of.start, row, 8 * row);
    std::vector<size_t> pieces;
    for (uint32_t n = 0; n < n_columns; ++n)
        for (uint32_t half = 0; half < 2; ++half) {
            uint32_t at = of.start + n / 8 * of.stride + n % 8 * row + half * (of.swizzle == 0 ? of.leading : kPiece);
            if (of.swizzle != 0) at ^= (at >> 7 & mask) * kPiece;
            pieces.push_back(at);
        }
    return pieces;
}

// ---- the product ---------------------------------------------------------------------------------------------------------

float element(uint16_t bits, bool bf16) { return bf16 ? bf16_to_f32(bits) : f16_to_f32(bits); }

// A's element of register r, upper or lower half, of a thread: its row and column.
struct Place {
    uint32_t row, column;
};
Place place_of_a(uint32_t thread, uint32_t r, uint32_t upper) {
    const uint32_t warp = thread / 32, g = thread % 32 / 4, t = thread % 4;
    return {16 * warp + g + 8 * (r % 2), 2 * t + 8 * (r / 2) + upper};
}
Place place_of_d(uint32_t thread, uint32_t i) {
    const uint32_t warp = thread / 32, g = thread % 32 / 4, t = thread % 4;
    return {16 * warp + g + 8 * (i % 4 / 2), i / 4 * 8 + 2 * t + i % 2};
}

// [64 x n_columns]
std::vector<float> multiply(ProductLane* const (&lanes)[kWarpgroupThreads], const std::vector<std::byte>& b) {
    const uint32_t n_columns = lanes[0]->n_columns;
    const bool bf16 = lanes[0]->bf16;
    float a[kRows][kDepth];
    for (uint32_t thread = 0; thread < kWarpgroupThreads; ++thread)
        for (uint32_t r = 0; r < 4; ++r)
            for (uint32_t upper = 0; upper < 2; ++upper) {
                const Place at = place_of_a(thread, r, upper);
                a[at.row][at.column] = element(static_cast<uint16_t>(lanes[thread]->a[r] >> (16 * upper)), bf16);
            }
    std::vector<float> columns(size_t{kDepth} * n_columns);  // [k][n]
    for (uint32_t n = 0; n < n_columns; ++n)
        for (uint32_t k = 0; k < kDepth; ++k) {
            uint16_t bits;
            std::memcpy(&bits, b.data() + (n * kDepth + k) * sizeof bits, sizeof bits);
            columns[k * n_columns + n] = element(bits, bf16);
        }
    std::vector<float> d(size_t{kRows} * n_columns);
    for (uint32_t m = 0; m < kRows; ++m)
        for (uint32_t k = 0; k < kDepth; ++k) {
            const float factor = a[m][k];
            float* to = d.data() + m * n_columns;
            const float* from = columns.data() + k * n_columns;
            for (uint32_t n = 0; n < n_columns; ++n) to[n] += factor * from[n];
        }
    return d;
}

}  // namespace

void AsyncProducts::begin_block(uint32_t n_threads) {
    threads_.assign(n_threads, {});
    products_.clear();
}

void AsyncProducts::fence(uint32_t thread, const void* registers, size_t bytes, Site site) {
    Thread& self = threads_[thread];
    for (const Sums& sums : self.sums)
        if (sums.registers == registers)
            kernel_failure("{}: thread {} names sums here that a product still adds to", site.text(), thread);
    auto fenced =
        std::find_if(self.fenced.begin(), self.fenced.end(), [&](const Fenced& f) { return f.registers == registers; });
    if (fenced == self.fenced.end()) fenced = self.fenced.insert(fenced, {registers, {}});
    const auto* from = static_cast<const std::byte*>(registers);
    fenced->bytes.assign(from, from + bytes);
}

bool AsyncProducts::is_fenced(const Thread& thread, const void* registers, size_t bytes) const {
    return std::any_of(thread.fenced.begin(), thread.fenced.end(), [&](const Fenced& f) {
        return f.registers == registers && f.bytes.size() == bytes && std::memcmp(f.bytes.data(), registers, bytes) == 0;
    });
}

// The sums that a product of this thread adds to, taken from it now where no other product has.
AsyncProducts::Sums& AsyncProducts::sums_of(uint32_t thread, const ProductLane& lane, Site site) {
    Thread& self = threads_[thread];
    const size_t n = lane.n_columns / 2;
    for (Sums& sums : self.sums) {
        if (sums.registers != lane.d) continue;
        if (sums.values.size() != n || !is_poisoned(lane.d, n))
            kernel_failure("{}: thread {} wrote sums that a product still adds to", site.text(), thread);
        return sums;
    }
    if (!is_fenced(self, lane.d, n * sizeof(float)))
        kernel_failure("{}: thread {} wrote sums and no warpgroup_fence followed", site.text(), thread);
    self.sums.push_back({lane.d, {lane.d, lane.d + n}, 0});
    poison(lane.d, n);
    return self.sums.back();
}

void AsyncProducts::issue(uint32_t warpgroup, ProductLane* const (&lanes)[kWarpgroupThreads], SharedMemory& shared, Site site) {
    const ProductLane& first = *lanes[0];
    Product product{site, warpgroup, 0xfu, {}, {}, {}, {}};
    const uint32_t first_thread = warpgroup * kWarpgroupThreads;
    for (uint32_t i = 0; i < kWarpgroupThreads; ++i) {
        const ProductLane& lane = *lanes[i];
        if (lane.descriptor != first.descriptor)
            kernel_failure("{}: threads {} and {} have different matrix descriptors", site.text(), first_thread,
                           first_thread + i);
        if (!is_fenced(threads_[first_thread + i], lane.a, 4 * sizeof(uint32_t)))
            kernel_failure("{}: thread {} wrote registers of A and no warpgroup_fence followed", site.text(), first_thread + i);
        Operand& operand = product.operands[i];
        operand = {lane.a, {}, lane.d, threads_[first_thread + i].group};
        std::copy_n(lane.a, 4, operand.values);
    }
    product.pieces = pieces_of(first.descriptor, first.n_columns, site);
    for (const size_t at : product.pieces) {
        const std::byte* piece = shared.read_async(at, kPiece, site);
        product.bytes.insert(product.bytes.end(), piece, piece + kPiece);
    }
    product.sorted = product.pieces;
    std::sort(product.sorted.begin(), product.sorted.end());
    const std::vector<float> d = multiply(lanes, product.bytes);
    for (uint32_t i = 0; i < kWarpgroupThreads; ++i) {
        Sums& sums = sums_of(first_thread + i, *lanes[i], site);
        ++sums.n_products;
        for (uint32_t k = 0; k < sums.values.size(); ++k) {
            const Place at = place_of_d(i, k);
            sums.values[k] += d[at.row * first.n_columns + at.column];
        }
    }
    products_.push_back(std::move(product));
}

void AsyncProducts::wait(uint32_t warp, uint32_t groups_left, const SharedMemory& shared) {
    const uint32_t bit = 1u << warp % 4;
    for (Product& product : products_) {
        if (product.warpgroup != warp / 4 || (product.warps_left & bit) == 0) continue;
        const uint32_t lane = warp % 4 * 32;  // groups of the lanes of a warp are alike
        if (product.operands[lane].group + groups_left >= threads_[warp * 32].group) continue;
        for (size_t i = 0; i < product.pieces.size(); ++i)
            if (std::memcmp(shared.at_address(product.pieces[i]), product.bytes.data() + i * kPiece, kPiece) != 0)
                kernel_failure("{}: shared memory that this product reads was overwritten before all warps waited for it",
                               product.site.text());
        for (uint32_t i = lane; i < lane + 32; ++i) finish(product, i);
        product.warps_left &= ~bit;
    }
    std::erase_if(products_, [](const Product& product) { return product.warps_left == 0; });
}

void AsyncProducts::finish(const Product& product, uint32_t lane) {
    const uint32_t thread = product.warpgroup * kWarpgroupThreads + lane;
    const Operand& operand = product.operands[lane];
    if (std::memcmp(operand.a, operand.values, sizeof operand.values) != 0)
        kernel_failure("{}: thread {} overwrote registers of A before it waited for this product", product.site.text(), thread);
    Thread& self = threads_[thread];
    const auto sums = std::find_if(self.sums.begin(), self.sums.end(), [&](const Sums& s) { return s.registers == operand.d; });
    if (!is_poisoned(operand.d, sums->values.size()))
        kernel_failure("{}: thread {} wrote the sums of this product before it waited for it", product.site.text(), thread);
    if (--sums->n_products > 0) return;
    std::copy(sums->values.begin(), sums->values.end(), sums->registers);
    std::erase_if(self.fenced, [&](const Fenced& f) { return f.registers == operand.d; });
    self.sums.erase(sums);
}

void AsyncProducts::check_store(size_t at, size_t size, Site site) const {
    for (const Product& product : products_) {
        const auto next = std::upper_bound(product.sorted.begin(), product.sorted.end(), at + size - 1);
        if (next != product.sorted.begin() && *(next - 1) + kPiece > at)
            kernel_failure("{}: a store to shared memory that the product of {} reads, for which not all warps have waited",
                           site.text(), product.site.text());
    }
}

void AsyncProducts::check_end(uint32_t thread) const {
    for (const Product& product : products_)
        if (product.warpgroup == thread / kWarpgroupThreads && (product.warps_left >> thread / 32 % 4 & 1) != 0)
            kernel_failure("{}: thread {} ends and has not waited for this product", product.site.text(), thread);
}

}  // namespace krait::cuda::emulation
