// SPDX-License-Identifier: Apache-2.0
#include "models/sampler/filters.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "models/sampler/portable_exp.hpp"

namespace krait {

namespace {

// Puts the most likely `count` of [begin, end) first, sorted.
template <class Iterator>
void select(Iterator begin, Iterator end, std::ptrdiff_t count) {
    // A heap of `count` looks at most candidates once and drops them; with many to keep its logarithm costs more than
    // putting them on one side and sorting that.
    constexpr std::ptrdiff_t kHeapPays = 256;
    if (count <= kHeapPays) {
        std::partial_sort(begin, begin + count, end, likelier);
    } else {
        std::nth_element(begin, begin + count - 1, end, likelier);
        std::sort(begin, begin + count, likelier);
    }
}

// Relative to the most likely, so nothing overflows.
double weight(const Candidate& candidate, float largest) {
    return portable_exp(static_cast<double>(candidate.logit) - static_cast<double>(largest));
}

}  // namespace

void penalize_repetition(std::vector<Candidate>& candidates, std::vector<int32_t>& recent, float penalty) {
    std::sort(recent.begin(), recent.end());
    recent.erase(std::unique(recent.begin(), recent.end()), recent.end());
    for (const int32_t token : recent) {
        if (token < 0 || static_cast<size_t>(token) >= candidates.size()) continue;
        float& logit = candidates[token].logit;
        if (std::isinf(logit)) continue;
        // An extreme penalty must not make a token certain or impossible.
        constexpr float kLargest = std::numeric_limits<float>::max();
        logit = std::clamp(logit > 0 ? logit / penalty : logit * penalty, -kLargest, kLargest);
    }
}

size_t most_likely(std::span<const Candidate> candidates) {
    return static_cast<size_t>(std::min_element(candidates.begin(), candidates.end(), likelier) - candidates.begin());
}

void keep_top_k(std::vector<Candidate>& candidates, size_t k) {
    k = std::min(k, candidates.size());
    select(candidates.begin(), candidates.end(), static_cast<std::ptrdiff_t>(k));
    candidates.resize(k);
}

void keep_top_p(std::vector<Candidate>& candidates, double p, bool sorted) {
    const float largest = candidates[sorted ? 0 : most_likely(candidates)].logit;
    double total = 0;
    for (const Candidate& candidate : candidates) total += weight(candidate, largest);
    const double wanted = p * total;

    // A few hundred tokens hold p in most texts, so sort a few first and then four times as many.
    size_t n_sorted = sorted ? candidates.size() : 0;
    double sum = 0;
    for (size_t i = 0; i < candidates.size(); ++i) {
        if (i == n_sorted) {
            const size_t count = std::min(candidates.size() - i, std::max<size_t>(256, 3 * i));
            select(candidates.begin() + static_cast<std::ptrdiff_t>(i), candidates.end(), static_cast<std::ptrdiff_t>(count));
            n_sorted += count;
        }
        sum += weight(candidates[i], largest);
        if (sum >= wanted) {
            candidates.resize(i + 1);
            return;
        }
    }
    // The sum in the other order fell short of the total by its rounding: all stay, and all are sorted.
}

void keep_min_p(std::vector<Candidate>& candidates, double m) {
    const float largest = candidates[most_likely(candidates)].logit;
    std::erase_if(candidates, [&](const Candidate& candidate) { return weight(candidate, largest) < m; });
}

size_t draw(std::span<const Candidate> candidates, double temperature, double uniform, std::vector<double>& weights) {
    const auto largest = static_cast<double>(candidates[most_likely(candidates)].logit);
    weights.resize(candidates.size());
    double total = 0;
    size_t last = 0;  // the last one of any width
    for (size_t i = 0; i < candidates.size(); ++i) {
        weights[i] = portable_exp((static_cast<double>(candidates[i].logit) - largest) / temperature);
        total += weights[i];
        if (weights[i] > 0) last = i;
    }
    const double target = uniform * total;
    double sum = 0;
    for (size_t i = 0; i < last; ++i) {
        sum += weights[i];
        if (sum > target) return i;
    }
    return last;
}

}  // namespace krait
