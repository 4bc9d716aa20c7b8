#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Builds Krait and lets the demo model write. See --help.

# shellcheck source=scripts/dependencies.sh
source "$(dirname "${BASH_SOURCE[0]}")/dependencies.sh"

usage() {
    cat <<'END'
scripts/demo.sh [--jobs N] ["PROMPT"] [OPTION OF krait run...]

Installs what the build needs and this machine lacks (Debian packages, by apt-get), builds the Release preset in
build/release, and continues PROMPT with the demo model on the best device of this machine.

  --jobs N   build with N parallel jobs (default: one per processor)
  --help     this text

Examples:
  scripts/demo.sh
  scripts/demo.sh "The old house stood"
  scripts/demo.sh "The old house stood" -n 200 --device reference
END
}

prompt="Once upon a time"
while (($# > 0)); do
    case "$1" in
        -h | --help) usage; exit 0 ;;
        -j | --jobs)
            (($# > 1)) || fail "no number after --jobs"
            jobs="$2"
            shift 2
            ;;
        --) shift; break ;;
        -*) break ;;
        *) prompt="$1"; shift; break ;;
    esac
done
[[ "$jobs" =~ ^[0-9]*$ ]] || fail "--jobs wants a number, not '$jobs'"

need "${kBuildPackages[@]}"
# The demo needs no tests, but leaves them where scripts/test.sh has asked for them.
if grep -qs '^KRAIT_BUILD_TESTS:BOOL=ON' "$root/build/release/CMakeCache.txt"; then
    configure release
else
    configure release -DKRAIT_BUILD_TESTS=OFF
fi
build release

say "krait run -p \"$prompt\" $*"
exec "$root/build/release/bin/krait" run -p "$prompt" "$@"
