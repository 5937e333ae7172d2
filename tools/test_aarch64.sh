#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Cross-builds everything for aarch64 (the portable kernels) and runs the unit tests under qemu-user.
#
#   tools/test_aarch64.sh [ctest arguments, e.g. -R test_kernels]
#
# Needs Debian's gcc-aarch64-linux-gnu and qemu-user (apt-get install gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user).
# The arm64 libraries come from the Debian archive into a folder of their own (OD_ARM64_ROOT, default
# build-aarch64/root) with a private apt state: the machine's own packages and architectures stay as they are.
set -euo pipefail
cd "$(dirname "$0")/.."
build=${BUILD:-build-aarch64}
mkdir -p "$build"
root=$(realpath -m "${OD_ARM64_ROOT:-$build/root}")
suite=$(. /etc/os-release; echo "${VERSION_CODENAME:-bookworm}")
# The libraries that tools/install_deps.sh names; OpenMP's header comes with the cross compiler.
packages=(libc6-dev libgomp1 $(sed -n '/^packages=/,/)/p' tools/install_deps.sh | grep -oE '[a-z0-9.+-]+-dev' | grep -v libomp))

for tool in aarch64-linux-gnu-gcc qemu-aarch64; do
  command -v $tool >/dev/null || { echo "needs $tool: apt-get install gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user" >&2; exit 77; }
done

fetch_root() {
  local apt="$root.apt"
  rm -rf "$apt" "$root" && mkdir -p "$apt"/{etc,state/lists/partial,cache/archives/partial} "$root/usr/lib"
  ln -s usr/lib "$root/lib"
  : > "$apt/status"
  echo "deb [arch=arm64 signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $(apt-get indextargets --format '$(SITE)' | head -1) $suite main" > "$apt/etc/sources.list"
  local options=(-qq -o Dir::Etc="$apt/etc" -o Dir::Etc::sourceparts=- -o Dir::State="$apt/state" -o Dir::State::status="$apt/status"
    -o Dir::Cache="$apt/cache" -o APT::Architecture=arm64 -o APT::Architectures::=arm64 -o APT::Sandbox::User="$(id -un)")
  apt-get "${options[@]}" update
  apt-get "${options[@]}" --no-install-recommends --download-only -y install "${packages[@]}" > "$apt/download.log" 2>&1 ||
    { tail -5 "$apt/download.log" >&2; exit 1; }
  for deb in "$apt"/cache/archives/*.deb; do dpkg-deb -x "$deb" "$root"; done
  rm -rf "$apt"
  echo "${packages[*]}" > "$root/packages"
}
[ "$(cat "$root/packages" 2>/dev/null)" = "${packages[*]}" ] || fetch_root

cat > "$build/toolchain.cmake" <<END
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_SYSROOT $root)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64 -L $root)
END
export PKG_CONFIG_SYSROOT_DIR=$root PKG_CONFIG_PATH= PKG_CONFIG_LIBDIR=$root/usr/lib/aarch64-linux-gnu/pkgconfig:$root/usr/share/pkgconfig
cmake -S . -B "$build" -DCMAKE_TOOLCHAIN_FILE="$(realpath "$build")/toolchain.cmake" > "$build/configure.log" 2>&1 || { cat "$build/configure.log"; exit 1; }
cmake --build "$build" -j"${JOBS:-$(nproc)}" > "$build/build.log" 2>&1 || { grep -E "error:|undefined" "$build/build.log" | head -20; exit 1; }
# Scripts start the program by its path, which takes binfmt_misc: the unit tests only.
ctest --test-dir "$build" -LE script --timeout 300 --output-on-failure "$@"
