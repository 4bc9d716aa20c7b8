# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034  # found and lack are for those who call
#
# Sourced by dependencies.sh: asks which devices this machine has, so that nothing is built in vain. Each find_ function sets `found`; where
# that is empty, `lack` says why.
#   find_cpu_levels [FILE [ARCHITECTURE]]
#                                 the variants of the CPU backend that this processor runs, best last, as FILE (/proc/cpuinfo) has it;
#                                 `lack` has those that can be emulated (of x86-64) and that it does not run.
#                                 backends/cpu/instruction_sets.cpp decides at run time
#   find_nvcc                     the CUDA compiler
#   find_nvidia_gpu               the architectures of the NVIDIA GPUs, as CMAKE_CUDA_ARCHITECTURES wants them
#   find_vulkan_gpu [DIRECTORY]   the render node of a GPU in DIRECTORY (/dev/dri), if there is a Vulkan driver for one

find_cpu_levels() {
    local architecture="${2:-$(uname -m)}" levels flags level flag below
    # AVX-512 came long before AVX-VNNI, and does not need it.
    local -A needs=([avx2]="avx2 fma f16c" [avxvnni]="avx_vnni" [avx512bw]="avx512f avx512bw avx512dq avx512vl"
                    [avx512]="avx512_vnni"
                    [amx]="avx512_bf16 amx_tile amx_int8 amx_bf16"
                    [neon]="asimd atomics asimddp" [i8mm]="i8mm")
    local -A needs_level=([avx2]=portable [avxvnni]=avx2 [avx512bw]=avx2 [avx512]=avx512bw [amx]=avx512 [neon]=portable [i8mm]=neon)
    found=portable
    lack=""
    case "$architecture" in
        x86_64) levels="avx2 avxvnni avx512bw avx512 amx" ;;
        aarch64) levels="neon i8mm" ;;
        *) return 0 ;;
    esac
    flags=" $(sed -nE '/^(flags|Features)/{s/^[^:]*://p;q}' "${1:-/proc/cpuinfo}" 2>/dev/null) "
    for level in $levels; do
        below="${needs_level[$level]}"
        for flag in ${needs[$level]}; do
            if [[ " $found " != *" $below "* || "$flags" != *" $flag "* ]]; then
                if [[ "$architecture" == x86_64 ]]; then lack+="${lack:+ }$level"; fi
                continue 2
            fi
        done
        found+=" $level"
    done
}

find_nvcc() {
    local nvcc
    for nvcc in "${CUDACXX:-}" nvcc /usr/local/cuda/bin/nvcc; do
        if [[ -n "$nvcc" ]] && found="$(command -v "$nvcc")"; then return 0; fi
    done
    found=""
    lack="there is no nvcc (12.4 or newer), neither in PATH nor named by CUDACXX"
}

# 9.0 becomes 90a, without which there are no instructions for groups of warps (backends/cuda/CMakeLists.txt).
find_nvidia_gpu() {
    lack="there is no NVIDIA GPU that nvidia-smi knows"
    found="$({ nvidia-smi --query-gpu=compute_cap --format=csv,noheader || true; } 2>/dev/null |
             sed -n 's/^ *\([0-9]\+\)\.\([0-9]\) *$/\1\2/p' | sort -un | sed 's/^90$/90a/; s/$/-real/' | paste -sd ';')"
}

find_vulkan_gpu() {
    local driver
    found="$(compgen -G "${1:-/dev/dri}/renderD*" | head -1)" || found=""
    lack="there is no GPU (no render node ${1:-/dev/dri}/renderD*)"
    if [[ -z "$found" ]]; then return 0; fi
    for driver in "${2:-/usr/share/vulkan/icd.d}"/*.json /etc/vulkan/icd.d/*.json; do
        if [[ -e "$driver" && "$driver" != */lvp_icd* ]]; then return 0; fi
    done
    found=""
    lack="the GPU has no Vulkan driver (Debian: mesa-vulkan-drivers, or the vendor's)"
}

# Of the backends: what to build here. Both append to `arguments` (of cmake), and to `omitted` what is not built, why, and how to get it.
declare -a arguments=() omitted=()

# choose_cpu_variants ALL [emulated]: the levels of this processor, with `emulated` the others in emulated form; with ALL=yes every one.
choose_cpu_variants() {
    local variants=all level how=""
    if [[ "$1" == no ]]; then
        find_cpu_levels
        variants="${found// /;}"
        if [[ "${2:-}" == emulated ]]; then
            for level in $lack; do variants+=";${level}_emulated"; done
            how=", so emulated"
        fi
        if [[ -n "$lack" ]]; then omitted+=("cpu:${lack// /, cpu:} (not in this processor$how; --all)"); fi
    fi
    arguments+=("-DKRAIT_CPU_VARIANTS=$variants")
}

# choose_cuda CUDA ALL: where there are nvcc and an NVIDIA GPU, for that GPU; with CUDA=yes in any case, with ALL=yes where there is nvcc.
choose_cuda() {
    local architectures=-UCMAKE_CUDA_ARCHITECTURES cuda=AUTO
    find_nvidia_gpu
    if [[ -n "$found" ]]; then architectures="-DCMAKE_CUDA_ARCHITECTURES=$found"; fi
    if [[ "$1" == yes ]]; then
        cuda=ON
    elif [[ "$2" == no ]]; then
        if [[ -n "$found" ]]; then find_nvcc; fi
        if [[ -z "$found" ]]; then
            omitted+=("CUDA ($lack; --cuda)")
            cuda=OFF
        fi
    fi
    arguments+=("-DKRAIT_CUDA=$cuda" "$architectures")
}

# note_what_cmake_left_out LOG: adds to `omitted` the backends that were not built after all, as cmake's output in LOG says.
note_what_cmake_left_out() {
    local name reason
    while IFS='|' read -r name reason; do omitted+=("$name ($reason)"); done < <(
        sed -n 's/^-- cuda: not built, /CUDA|/p; s/^-- cuda-host: not built, /cuda-host|/p; s/^-- Vulkan backend: not built, because /Vulkan|/p' "$1")
}
