// SPDX-License-Identifier: Apache-2.0
//
// The list of probes. The build says which there are: KRAIT_REGISTER_PROBES and KRAIT_TILE_PROBES are KRAIT_PROBE(variant) for
// each, without anything between them.
#include "tests/unit/cpu_probe.hpp"
#include "tests/unit/cpu_tile_probe.hpp"

namespace krait::cpu {

#define KRAIT_PROBE(variant)   \
    namespace variant {        \
    extern const Probe kProbe; \
    }
KRAIT_REGISTER_PROBES
#undef KRAIT_PROBE

#define KRAIT_PROBE(variant)           \
    namespace variant {                \
    extern const TileProbe kTileProbe; \
    }
KRAIT_TILE_PROBES
#undef KRAIT_PROBE

#define KRAIT_PROBE(variant) &variant::kTileProbe,
std::vector<const TileProbe*> tile_probes() { return {KRAIT_TILE_PROBES}; }
#undef KRAIT_PROBE

#define KRAIT_PROBE(variant) &variant::kProbe,
std::vector<const Probe*> probes() { return {KRAIT_REGISTER_PROBES}; }
#undef KRAIT_PROBE

}  // namespace krait::cpu
