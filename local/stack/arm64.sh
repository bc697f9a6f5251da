#!/usr/bin/env bash
# The binaries for AWS: compiled for arm64 on whatever machine this is, and looked at before they leave it.
#
#   arm64.sh build [options of sam build]   sam build, with a Rust that can compile for arm64; PIPELINES=course or shop: its functions only
#   arm64.sh check                          what was built: its form, and that it runs and answers (arm64_check.py)
#
# The Rust is the machine's own when it has the target, or gets it by `rustup target add`. Where rustup can't download,
# Debian's is unpacked beside it: Debian 12's security suite carries one that is new enough for browsers (rustc-web), and
# its standard library for every architecture. Nothing is installed, so it takes no root.
set -euo pipefail
# shellcheck source=local/stack/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$MAKEGOOD_ROOT"

target=aarch64-unknown-linux-gnu
wanted=$(sed -nE 's/^rust-version = "(.*)"/\1/p' Cargo.toml)
debians="$MAKEGOOD_STATE/rust-arm64" emulator="$MAKEGOOD_STATE/qemu-arm64"
apt="$MAKEGOOD_STATE/apt-arm64"

has_target() { compgen -G "$("$1" --print target-libdir --target "$target" 2>/dev/null)/libcore-*.rlib" >/dev/null; }
new_enough() { printf '%s\n' "$wanted" "$("$1" --version | cut -d' ' -f2)" | sort --check=silent --version-sort; }
usable() { [[ -x "$1" ]] && has_target "$1" && new_enough "$1"; }

# A private apt with the machine's own sources, for both architectures; the system's lists stay as they are.
apt_get() {
  apt-get -q -o "Dir::State::lists=$apt/lists" -o "Dir::State::status=$apt/status" -o "Dir::Cache=$apt/cache" \
    -o APT::Sandbox::User=root -o Debug::NoLocking=true -o Acquire::Languages=none \
    -o "APT::Architectures::=$(dpkg --print-architecture)" -o APT::Architectures::=arm64 "$@"
}

# Knows what is installed, so that only missing libraries are fetched, but not of any Rust, which is wanted whole.
open_apt() {
  rm -rf "$apt"
  mkdir -p "$apt"/{lists/partial,cache/archives/partial,packages}
  awk 'BEGIN { RS = ""; ORS = "\n\n" } !/^Package: (rustc|cargo|libstd-rust)-/' /var/lib/dpkg/status >"$apt/status"
  # Another source of packages that fails must not keep Debian's away: what is missing shows when it is fetched.
  apt_get update || true
}

unpack() {
  local into=$1 package
  shift
  mkdir -p "$into"
  for package in "$@"; do dpkg-deb -x "$package" "$into" || return 1; done
}

# One chain of commands: bash ignores -e in a function whose failure is handled.
unpack_debians_rust() {
  local archives="$apt/cache/archives" version
  rm -rf "$debians" && open_apt &&
    apt_get install --download-only --yes --no-install-recommends rustc-web cargo-web &&
    version=$(dpkg-deb -f "$archives"/rustc-web_*.deb Version) &&
    (cd "$apt/packages" && apt_get download "libstd-rust-web-dev:arm64=$version") &&
    unpack "$debians/root" "$archives"/*.deb "$apt"/packages/*.deb &&
    mkdir "$debians/bin" && wrap rustc && wrap rustdoc && wrap cargo &&
    new_enough "$debians/bin/rustc" && has_target "$debians/bin/rustc"
}

# They find their sysroot from where they are, but not their libraries.
wrap() {
  cat >"$debians/bin/$1" <<WRAPPER
#!/bin/sh
export LD_LIBRARY_PATH="$debians/root/usr/lib/$(uname -m)-linux-gnu\${LD_LIBRARY_PATH:+:\$LD_LIBRARY_PATH}"
exec "$debians/root/usr/bin/$1" "\$@"
WRAPPER
  chmod +x "$debians/bin/$1"
}

unpack_emulator() {
  rm -rf "$emulator" && open_apt &&
    (cd "$apt/packages" && apt_get download qemu-user-static libc6:arm64 libgcc-s1:arm64) &&
    unpack "$emulator" "$apt"/packages/*_arm64.deb &&
    # Of the emulators for thirty architectures, one.
    dpkg-deb --fsys-tarfile "$apt"/packages/qemu-user-static_*.deb | tar -xC "$emulator" ./usr/bin/qemu-aarch64-static
}

use_debians_rust() {
  say "compiling with Debian's $("$debians/bin/rustc" --version | cut -d' ' -f1,2) for arm64 (in .local/rust-arm64)"
  export PATH="$debians/bin:$PATH"
  # Another Rust than the machine's: what the two compile must not meet.
  export CARGO_TARGET_DIR="$MAKEGOOD_STATE/target-arm64"
  # What cargo-lambda runs to look for the target; it would look into the machine's toolchain, and try to add it there.
  export RUSTUP=none
}

find_rust() {
  local log="$MAKEGOOD_STATE/rust-arm64.log"
  ! usable "$(command -v rustc)" || return 0
  if ! usable "$debians/bin/rustc"; then
    : >"$log"
    if command -v rustup >/dev/null; then
      say "adding the target $target (rustup)"
      timeout 300 rustup target add "$target" >>"$log" 2>&1 || true
      ! usable "$(command -v rustc)" || return 0
      say "rustup can't; fetching Debian's Rust with the target into .local (130 MB, once)"
    fi
    unpack_debians_rust >>"$log" 2>&1 || die "No Rust $wanted or newer that can compile for $target: neither this machine's has the target, nor could it be had
  from rustup or from Debian's packages rustc-web and libstd-rust-web-dev:arm64 (what they said: $log).
  Type, on a machine that can download it:  rustup target add $target"
    rm -rf "$apt"
  fi
  use_debians_rust
}

# What runs an arm64 program here, word by word in $runner; nothing where the machine is one. The processor is Lambda's.
find_emulator() {
  runner=()
  [[ $(uname -m) != aarch64 ]] || return 0
  if [[ ! -x "$emulator/usr/bin/qemu-aarch64-static" ]]; then
    say "fetching an emulator of arm64 into .local (Debian's qemu-user-static, 65 MB, once)"
    unpack_emulator >"$MAKEGOOD_STATE/qemu-arm64.log" 2>&1 || {
      rm -rf "$emulator"
      tail -5 "$MAKEGOOD_STATE/qemu-arm64.log" >&2
      die "Debian's packages qemu-user-static, libc6:arm64 and libgcc-s1:arm64 can't be had (whole output: $MAKEGOOD_STATE/qemu-arm64.log)"
    }
    rm -rf "$apt"
  fi
  runner=("$emulator/usr/bin/qemu-aarch64-static" -cpu neoverse-n1 -L "$emulator")
}

# sam build builds every function that its template has, whatever its conditions say.
build() {
  local of_one=()
  if [[ "${PIPELINES:-both}" != both ]]; then
    "$SAM_VENV/bin/python" "$STACK_DIR/cut.py" "$PIPELINES" "$MAKEGOOD_STATE/cut.yaml"
    of_one=(--template-file "$MAKEGOOD_STATE/cut.yaml" --base-dir "$MAKEGOOD_ROOT" --config-file "$MAKEGOOD_ROOT/samconfig.toml")
  fi
  find_rust
  SAM_CLI_TELEMETRY=0 PATH="$SAM_VENV/bin:$PATH" sam build "${of_one[@]}" "$@"
}

# A database of its own, which the arm64 binary of migrate fills.
check() {
  local database=makegood_arm64
  [[ -d .aws-sam/build ]] || die "Nothing was built yet. Type: make build"
  find_emulator
  "$STACK_DIR/start.sh" postgres redis
  PGOPTIONS='-c client_min_messages=warning' "$PG_BIN/psql" -Xq -v ON_ERROR_STOP=1 "$MAKEGOOD_TEST_DATABASE_URL" \
    -c "DROP DATABASE IF EXISTS $database WITH (FORCE)" -c "CREATE DATABASE $database"
  DATABASE_URL=$(database_url "$MAKEGOOD_TEST_DATABASE_URL" $database) \
    "$SAM_VENV/bin/python" "$STACK_DIR/arm64_check.py" "${runner[@]}"
}

case ${1:-} in
  build) shift && build "$@" ;;
  check) check ;;
  *) die "Type: arm64.sh build, or arm64.sh check" ;;
esac
