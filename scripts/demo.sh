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
  --          all that follows is for krait run
  --help      this text

Examples:
  scripts/demo.sh
  scripts/demo.sh "The old house stood"
  scripts/demo.sh "The old house stood" -n 200 --device reference
END
}

# The build takes minutes, so an option that krait run does not have is refused before it. Its options stand in its own source and
# in those whose headers this one includes.
list_run_options() {
    local name
    (
        cd "$root/tools" || exit
        cat commands/run.cpp
        sed -n 's|^#include "tools/\(.*\)\.hpp"$|\1.cpp|p' commands/run.cpp | while read -r name; do cat "$name"; done
    ) 2>/dev/null | grep -oE '"(-[a-z],)?--[a-z-]+"' | tr -d '"' | tr ',' '\n'
}
run_options="$(list_run_options || true)"
check_run_option() {
    local name="${1%%=*}"
    if [[ "$name" != --* ]]; then name="${name:0:2}"; fi
    if [[ -z "$run_options" || "$name" =~ ^-[0-9] || "$name" == -h || "$name" == --help ]]; then return 0; fi
    grep -qxF -e "$name" <<<"$run_options" || fail "neither this script nor krait run has an option '$name' (see --help)"
}

cuda=no vulkan=no all=no
prompt="" previous=""
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
        -?*)
            if ((${#run_arguments[@]} == 0)) && [[ "$1" == -h || "$1" == --help ]]; then usage; exit 0; fi
            check_run_option "$1"
            run_arguments+=("$1")
            ;;
        *)
            if ((${#run_arguments[@]} > 0)); then
                [[ "$previous" == -?* ]] || fail "'$1' comes after options; the prompt comes first, and anything goes after --"
                run_arguments+=("$1")
            else
                [[ -z "$prompt" ]] || fail "'$1' is a second prompt; put a prompt of several words between quotes"
                prompt="$1"
            fi
            ;;
    esac
    previous="$1"
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
