#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Proves the README's two commands, and the building of backends outside of the tree, on a fresh Debian 12. See --help.

set -euo pipefail

usage() {
    cat <<'END'
scripts/chroot-test.sh [--quick | --installed BUILD] [--mirror URL] [--directory DIR] [--keep]

As root, with debootstrap: makes a minimal Debian 12 in DIR/base (once), copies it to DIR/fresh, clones the last commit
of this tree into it and runs there
  1. scripts/demo.sh as root, which installs what the build needs,
  2. scripts/test.sh as root, which installs what the tests need,
  3. scripts/demo.sh as a plain user in a second clone, where nothing is missing any more.
Each time is printed. Fails where one of the three fails.

  --quick           tests only one operator in 2., and 3. goes on in the first clone, which is the user's then
  --installed BUILD instead of 1. to 3.: installs what the build folder BUILD holds (of everything, with tests), builds
                    examples/backend-cpp there, where no source of Krait is, and runs `krait test-ops`, the conformance
                    suite and a model on it
  --mirror URL      Debian mirror (default: http://deb.debian.org/debian)
  --directory DIR   where the systems are kept (default: build/chroot); needs 3 GB
  --keep            leave DIR/fresh for a look inside
END
}

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
mirror="http://deb.debian.org/debian"
directory="$root/build/chroot"
keep=no
quick=no
installed=""
while (($# > 0)); do
    case "$1" in
        -h | --help) usage; exit 0 ;;
        --quick) quick=yes; shift ;;
        --installed) installed="$(cd "${2:?no folder after --installed}" && pwd)"; shift 2 ;;
        --mirror) mirror="${2:?no URL after --mirror}"; shift 2 ;;
        --directory) directory="${2:?no folder after --directory}"; shift 2 ;;
        --keep) keep=yes; shift ;;
        *) echo "chroot-test.sh: no option '$1'" >&2; exit 1 ;;
    esac
done
((EUID == 0)) || { echo "chroot-test.sh: chroot needs root" >&2; exit 1; }
command -v debootstrap >/dev/null || { echo "chroot-test.sh: apt-get install debootstrap" >&2; exit 1; }

base="$directory/base"
fresh="$directory/fresh"
if [[ ! -e "$base/.complete" ]]; then
    echo "==> Debian 12 from $mirror into $base"
    rm -rf "$base"
    mkdir -p "$base"
    debootstrap --variant=minbase --include=git,ca-certificates bookworm "$base" "$mirror" >"$directory/debootstrap.log" ||
        { tail -20 "$directory/debootstrap.log" >&2; exit 1; }
    touch "$base/.complete"
fi

cleanup() {
    local mounted
    for mounted in dev/shm dev proc; do
        mountpoint -q "$fresh/$mounted" && umount "$fresh/$mounted"
    done
    if [[ "$keep" == no ]]; then rm -rf --one-file-system "$fresh"; fi
}
keep_asked="$keep"
keep=no
[[ ! -e "$fresh" ]] || cleanup
keep="$keep_asked"
trap cleanup EXIT

cp -a "$base" "$fresh"
cp -L /etc/resolv.conf "$fresh/etc/resolv.conf"
mount -t proc proc "$fresh/proc"      # processors and memory are read from it
mount --bind /dev "$fresh/dev"
mount -t tmpfs -o size=64m tmpfs "$fresh/dev/shm"

chroot "$fresh" useradd --create-home --home-dir /srv/visitor visitor
if [[ -z "$installed" ]]; then git clone -q --no-hardlinks "$root" "$fresh/srv/krait"; fi
if [[ -z "$installed" && "$quick" == no ]]; then
    cp -r "$fresh/srv/krait" "$fresh/srv/visitor/krait"
    chroot "$fresh" chown -R visitor: /srv/visitor/krait
fi
echo "==> $(cat "$fresh/etc/debian_version"): $(chroot "$fresh" dpkg-query -W | wc -l) packages, commit $(git -C "$root" rev-parse --short HEAD)"

# inside NAME COMMAND...: with nothing of this shell's environment.
inside() {
    local name="$1" started=$SECONDS
    shift
    printf '\n==> %s\n' "$name"
    chroot "$fresh" env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/ "$@"
    times+="$(printf '%6d s  %s' $((SECONDS - started)) "$name")"$'\n'
}

times=""
if [[ -n "$installed" ]]; then
    # shellcheck source=scripts/dependencies.sh
    source "$root/scripts/dependencies.sh"
    cmake --install "$installed" --prefix "$fresh/usr/local" >/dev/null
    cp -r "$root/examples/backend-cpp" "$fresh/srv/example"
    inside "apt-get install" bash -c 'apt-get update -q >/dev/null && DEBIAN_FRONTEND=noninteractive apt-get install -qy "$@" >/dev/null' - \
        "${kBuildPackages[@]}" libgtest-dev
    inside "examples/backend-cpp against the installed tree" bash -euc '
        cmake -G Ninja -S /srv/example -B /srv/example/build -DCMAKE_BUILD_TYPE=Release >/dev/null
        cmake --build /srv/example/build
        ldconfig
        export KRAIT_BACKEND_PATH=/srv/example/build/backends
        krait devices | grep "^loops "
        krait test-ops --device loops --quick
        krait-conformance --gtest_brief=1 --gtest_filter="*loops*"
        krait run --device cpu,loops --place ".=loops" -p "The sea" -n 16 --seed 1'
    printf '\n%s' "$times"
    exit 0
fi
inside "scripts/demo.sh, nothing installed but git" /srv/krait/scripts/demo.sh "The sea was" -n 48 --seed 1
if [[ "$quick" == yes ]]; then
    inside "scripts/test.sh --only ssm_scan" /srv/krait/scripts/test.sh --only ssm_scan
    chroot "$fresh" chown -R visitor: /srv/krait
    inside "scripts/demo.sh as a plain user" su visitor -c "cd / && /srv/krait/scripts/demo.sh 'The sea was' -n 48 --seed 1"
else
    inside "scripts/test.sh" /srv/krait/scripts/test.sh
    inside "scripts/demo.sh as a plain user" su visitor -c "cd / && ~/krait/scripts/demo.sh 'The sea was' -n 48 --seed 1"
fi
printf '\n%s' "$times"
