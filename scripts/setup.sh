#!/usr/bin/env bash
# Installs what the whole test suite needs: Debian packages, then the npm packages. Safe to run
# again, and works offline when nothing is missing. Without root it says what is missing and goes
# on: the tests that need it are skipped with the reason.
set -euo pipefail
cd "$(dirname "$0")/.."

# program-or-file:package, one a line: what is looked for, and the package that brings it.
needs=(
  g++:g++
  make:make
  cmake:cmake
  ninja:ninja-build
  python3:python3
  clang++:clang
  clang-format:clang-format
  /usr/include/gtest/gtest.h:libgtest-dev
  socat:socat
  nc:netcat-openbsd
  ip:iproute2
  strace:strace
  tshark:tshark
  valgrind:valgrind
  flock:util-linux
  git:git
  /usr/include/enet/enet.h:libenet-dev
  /usr/include/zmq.h:libzmq3-dev
)

# Fuzzers and TSan need the run-time library of the clang that is (or will be) installed.
clang_runtime() {
  local version
  version=$(clang++ -dumpversion 2>/dev/null || apt-cache show clang 2>/dev/null |
    sed -n 's/^Version: [0-9]*:\([0-9]*\).*/\1/p' | head -1)
  version=${version%%.*}
  [ -n "$version" ] || return 0
  if command -v clang++ >/dev/null; then
    [ -e "$(clang++ -print-file-name=libclang_rt.tsan-$(uname -m).a)" ] && return 0
    ls "$(clang++ -print-resource-dir)"/lib/*/libclang_rt.tsan*.a >/dev/null 2>&1 && return 0
  fi
  echo "libclang-rt-$version-dev"
}

is_present() {
  case $1 in
    /*) [ -e "$1" ] ;;
    *) command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ] || [ -x "/sbin/$1" ] ;;
  esac
}

find_missing() {
  missing=()
  for need in "${needs[@]}"; do
    is_present "${need%%:*}" || missing+=("${need##*:}")
  done
  local runtime
  runtime=$(clang_runtime)
  [ -z "$runtime" ] || missing+=("$runtime")
}

# Returns 1 when nothing can be installed here.
install_missing() {
  local apt=(apt-get)
  if [ "$(id -u)" != 0 ]; then
    if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
      apt=(sudo -n apt-get)
    else
      echo "setup: not root, so these stay missing: ${missing[*]}" >&2
      echo "setup: install them with: sudo apt-get install ${missing[*]}" >&2
      return 1
    fi
  fi
  if ! command -v apt-get >/dev/null; then
    echo "setup: no apt-get here; missing: ${missing[*]}" >&2
    return 1
  fi
  echo "setup: installing ${missing[*]}" >&2
  export DEBIAN_FRONTEND=noninteractive
  "${apt[@]}" update -qq || echo "setup: apt-get update failed; trying with what is known" >&2
  "${apt[@]}" install -y -qq --no-install-recommends "${missing[@]}" >&2 ||
    echo "setup: apt-get could not install everything: ${missing[*]}" >&2
}

# A second round: which run-time library clang needs is known for certain once clang is there.
for _round in 1 2; do
  find_missing
  [ "${#missing[@]}" -gt 0 ] || break
  install_missing || break
done
[ "${#missing[@]}" -gt 0 ] || echo "setup: every Debian package is present" >&2

if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
  echo "setup: Node 20.17 or newer with npm is needed: https://nodejs.org" >&2
  exit 1
fi

# npm keeps a copy of the lockfile of what it installed.
stamp=node_modules/.package-lock.json
if [ -e "$stamp" ] && node scripts/modules-match.mjs; then
  echo "setup: node_modules matches package-lock.json" >&2
else
  npm ci
fi
