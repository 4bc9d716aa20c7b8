# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Debian's packages for another release or another processor than this system's, unpacked into a folder. Nothing is installed and no root
# is needed: apt is given lists and a state of its own, and the mirror that this system's apt uses. Sourced after dependencies.sh.
#
#   debian_tree FOLDER ARCHITECTURE "SUITE..." PACKAGE...   afterwards FOLDER/tree holds the packages and all libraries that they need, and
#                                                           FOLDER/packages names their files; FOLDER keeps lists and a log
#   Where they cannot be had it says why, and the shell ends with exit code 3.

readonly kKeyring=/usr/share/keyrings/debian-archive-keyring.gpg

# Says why this cannot be done here.
unavailable() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 3
}

debian_codename() {
    # shellcheck disable=SC1091
    (. /etc/os-release && echo "${VERSION_CODENAME:-}")
}

# The Debian mirror of this system's apt, by what it would fetch.
debian_mirror() { apt-get update --print-uris 2>/dev/null | sed -n "s|^'\(.*\)/dists/$(debian_codename)/InRelease'.*|\1|p" | head -1; }

debian_tree() {
    local folder="$1" architecture="$2" suites="$3" uri package
    shift 3
    command -v apt-get >/dev/null || unavailable "this system has no apt-get"
    [[ -e "$kKeyring" ]] || unavailable "there is no $kKeyring (debian-archive-keyring)"
    uri="$(debian_mirror)"
    [[ -n "$uri" ]] || unavailable "this system's apt has no Debian mirror"
    mkdir -p "$folder/lists/partial" "$folder/cache/archives/partial"
    : >"$folder/status"
    printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By: %s\n' "$uri" "$suites" "$kKeyring" >"$folder/apt.sources"
    local -a options=(-o "APT::Architecture=$architecture" -o "APT::Architectures=$architecture"
        -o "Dir::Etc::SourceList=$folder/apt.sources" -o Dir::Etc::SourceParts=/dev/null -o Dir::Etc::PreferencesParts=/dev/null
        -o "Dir::State::Lists=$folder/lists" -o "Dir::State::status=$folder/status" -o "Dir::Cache=$folder/cache"
        -o APT::Install-Recommends=false -o "APT::Sandbox::User=$(id -un)" -o Debug::NoLocking=1 -o Acquire::Retries=2)
    say "Fetching Debian's packages ($suites, $architecture) into ${folder#"$root"/}"
    # With errors, not warnings, where a list cannot be had.
    apt-get "${options[@]}" -o APT::Update::Error-Mode=any update -qq >"$folder/fetch.log" 2>&1 ||
        unavailable "the package lists cannot be had: $(tail -1 "$folder/fetch.log")"
    apt-get "${options[@]}" install -qq -y --download-only "$@" >>"$folder/fetch.log" 2>&1 ||
        unavailable "the packages cannot be had: $(tail -1 "$folder/fetch.log")"
    rm -rf "$folder/tree" "$folder/tree.new"
    for package in "$folder"/cache/archives/*.deb; do
        dpkg-deb -x "$package" "$folder/tree.new" || fail "$package cannot be unpacked"
        basename "$package"
    done >"$folder/packages"
    mv "$folder/tree.new" "$folder/tree" || fail "$folder/tree cannot be written"
    rm -rf "$folder/cache"
}
