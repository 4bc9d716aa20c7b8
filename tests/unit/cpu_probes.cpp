// SPDX-License-Identifier: Apache-2.0
//
// The list of probes; the build says which there are.
#include "tests/unit/cpu_probe.hpp"
#include "tests/unit/cpu_tile_probe.hpp"

namespace krait::cpu {

namespace portable {
extern const Probe kProbe;
}
namespace avx2 {
extern const Probe kProbe;
}
namespace avxvnni {
extern const Probe kProbe;
}
namespace avx512bw {
extern const Probe kProbe;
}
namespace avx512 {
extern const Probe kProbe;
}
namespace avx2_emulated {
extern const Probe kProbe;
}
namespace avxvnni_emulated {
extern const Probe kProbe;
}
namespace avx512bw_emulated {
extern const Probe kProbe;
}
namespace avx512_emulated {
extern const Probe kProbe;
}

namespace amx_emulated {
extern const TileProbe kTileProbe;
}
namespace amx {
extern const TileProbe kTileProbe;
}

std::vector<const TileProbe*> tile_probes() {
    std::vector<const TileProbe*> list{&amx_emulated::kTileProbe};
#ifdef KRAIT_CPU_HAS_AMX
    list.push_back(&amx::kTileProbe);
#endif
    return list;
}

std::vector<const Probe*> probes() {
    std::vector<const Probe*> list{&portable::kProbe};
#ifdef KRAIT_CPU_HAS_AVX2
    list.push_back(&avx2::kProbe);
#endif
#ifdef KRAIT_CPU_HAS_AVXVNNI
    list.push_back(&avxvnni::kProbe);
#endif
#ifdef KRAIT_CPU_HAS_AVX512BW
    list.push_back(&avx512bw::kProbe);
#endif
#ifdef KRAIT_CPU_HAS_AVX512
    list.push_back(&avx512::kProbe);
#endif
#ifdef KRAIT_CPU_HAS_AVX2_EMULATED
    list.push_back(&avx2_emulated::kProbe);
#endif
#ifdef KRAIT_CPU_HAS_AVXVNNI_EMULATED
    list.push_back(&avxvnni_emulated::kProbe);
#endif
#ifdef KRAIT_CPU_HAS_AVX512BW_EMULATED
    list.push_back(&avx512bw_emulated::kProbe);
#endif
#ifdef KRAIT_CPU_HAS_AVX512_EMULATED
    list.push_back(&avx512_emulated::kProbe);
#endif
    return list;
}

}  // namespace krait::cpu
