#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs the Debian packages that building needs, if any is missing; with the word `tests` also python3, by which some
# tests read the JSON that the program wrote.
set -euo pipefail
packages=(gcc cmake make pkg-config libomp-dev protobuf-c-compiler libprotobuf-c-dev libjpeg62-turbo-dev libspng-dev
  libwebp-dev libexpat1-dev libjansson-dev libyajl-dev libyaml-dev libgd-dev zlib1g-dev libssl-dev libcmocka-dev)
[ "${1:-}" != tests ] || packages+=(python3)
missing=()
for p in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q 'install ok installed' || missing+=("$p")
done
[ ${#missing[@]} -eq 0 ] && exit 0
echo "installing: ${missing[*]}"
run=()
[ "$(id -u)" -eq 0 ] || run=(sudo)
command -v apt-get >/dev/null || { echo "objdet needs these Debian packages (or their equivalents): ${missing[*]}" >&2; exit 1; }
"${run[@]}" apt-get update -qq
DEBIAN_FRONTEND=noninteractive "${run[@]}" apt-get install -y -qq "${missing[@]}" >/dev/null
