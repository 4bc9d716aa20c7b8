#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Builds Krait and lets the demo model write. See --help.

# shellcheck source=scripts/dependencies.sh
source "$(dirname "${BASH_SOURCE[0]}")/dependencies.sh"

usage() {
    cat <<'END'
scripts/demo.sh [OPTION...] ["PROMPT"] [OPTION OF krait run...]

Installs what the build needs and this machine lacks (Debian packages, by apt-get), builds the krait command in build/demo with
what this machine can use, and continues PROMPT with the demo model on the best device of this machine.

  --cuda      build the CUDA backend too; without it only where there are nvcc and an NVIDIA GPU, for that GPU alone
  --vulkan    build the Vulkan backend too; without it only where there is a GPU with a Vulkan driver
  --all       both (CUDA where there is nvcc), and the CPU backend for every instruction set
  --cmake ARGUMENT   one more argument for cmake, as -DKRAIT_WERROR=ON; as often as wanted
  --jobs N    build with N parallel jobs (default: one per processor)
  --          what follows is for krait run, whatever it is
  --help      this text

Examples:
  scripts/demo.sh
  scripts/demo.sh "The old house stood"
  scripts/demo.sh "The old house stood" -n 200 --device reference
END
}

cuda=no vulkan=no all=no
prompt=""
declare -a cmake_arguments=() run_arguments=()
while (($# > 0)); do
    case "$1" in
        --cuda) cuda=yes ;;
        --vulkan) vulkan=yes ;;
        --all) all=yes ;;
        -j | --jobs | --cmake)
            (($# > 1)) || fail "nothing after $1"
            if [[ "$1" == --cmake ]]; then cmake_arguments+=("$2"); else jobs="$2"; fi
            shift
            ;;
        --) shift; run_arguments+=("$@"); break ;;
        *)
            if ((${#run_arguments[@]} == 0)) && [[ "$1" == -h || "$1" == --help ]]; then usage; exit 0; fi
            if [[ -z "$prompt" && ${#run_arguments[@]} == 0 && "$1" != -* ]]; then prompt="$1"; else run_arguments+=("$1"); fi
            ;;
    esac
    shift
done
prompt="${prompt:-Once upon a time}"
[[ "$jobs" =~ ^[0-9]*$ ]] || fail "--jobs wants a number, not '$jobs'"

packages=("${kBuildPackages[@]}")
choose_cpu_variants "$all"
choose_cuda "$cuda" "$all"
find_vulkan_gpu
if [[ "$vulkan$all" == *yes* || -n "$found" ]]; then
    packages+=("${kVulkanPackages[@]}")
    arguments+=(-DKRAIT_VULKAN=ON)
else
    omitted+=("Vulkan ($lack; --vulkan)")
    arguments+=(-DKRAIT_VULKAN=OFF)
fi
# Without ccache, which cannot store what is made with them, precompiled headers are the fastest way.
if has_cache; then arguments+=(-DKRAIT_PCH=OFF); else arguments+=(-DKRAIT_PCH=ON); fi

need "${packages[@]}"
configure demo "${arguments[@]}" "${cmake_arguments[@]}"
note_what_cmake_left_out "$root/build/demo/configure.log"
if ((${#omitted[@]} > 0)); then
    printf -v text ', %s' "${omitted[@]}"
    say "Not built: ${text#, }"
fi
build demo krait_command krait_plugins

say "krait run -p \"$prompt\" ${run_arguments[*]}"
exec "$root/build/demo/bin/krait" run -p "$prompt" "${run_arguments[@]}"
