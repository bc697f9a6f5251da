#!/usr/bin/env bash
# Makes sure of everything that the local stack and the tests need, in the order in which it is needed:
# Debian packages, PgBouncer, cargo-nextest, the Python tools. Each step is skipped when it is already there.
#
#   install.sh            everything
#   install.sh servers    only what Postgres, PgBouncer and Redis need
#   install.sh chaos      the same, and what gives an environment of make chaos another clock
#   install.sh build      only what `sam build` needs
#   install.sh browser    only what the console's tests in a browser need
#   install.sh contracts  only what make contracts needs; contracts-all: with Go and PHP
#   install.sh kafka      only the broker and the Kafka clients of the tests
#   install.sh valkey     only the cache server of make test ARGS=--postgres=18
set -euo pipefail
# shellcheck source=local/stack/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

# A program or file of each package, and the package: asking the file system is faster than asking dpkg.
needs=(
  "$PG_BIN/postgres=postgresql-15"
  "/usr/bin/redis-server=redis-server"
  "/usr/include/event2/event.h=libevent-dev"
  "/usr/include/openssl/ssl.h=libssl-dev"
  "/usr/bin/openssl=openssl"
  "/usr/bin/pkg-config=pkg-config"
  "/usr/bin/make=make"
  "/usr/bin/cc=build-essential"
  "/usr/bin/curl=curl"
)

# What the console is shown in: a browser, its driver, and dead letters for it to write with.
browser_needs=(
  "/usr/bin/chromium=chromium"
  "/usr/bin/chromedriver=chromium-driver"
  "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf=fonts-dejavu-core"
)

chaos_needs=("/usr/lib/$(uname -m)-linux-gnu/faketime/libfaketimeMT.so.1=libfaketime")

# Debian's Node is new enough for kafkajs; where there is another one, it does.
kafka_needs=()
command -v node >/dev/null && command -v npm >/dev/null || kafka_needs=("/usr/bin/node=nodejs" "/usr/bin/npm=npm")

contracts_needs=("/usr/bin/openssl=openssl" "/usr/bin/curl=curl")
# Half a gigabyte, for two of the languages that the page for integrators shows.
languages_needs=("/usr/bin/go=golang-go" "/usr/bin/php=php-cli")

part=${1:-all}
case $part in
  servers) ;;
  chaos) needs+=("${chaos_needs[@]}") ;;
  build) needs=("/usr/bin/cc=build-essential") ;;
  browser) needs=("${browser_needs[@]}") ;;
  contracts) needs=("${contracts_needs[@]}") ;;
  contracts-all) needs=("${contracts_needs[@]}" "${languages_needs[@]}") ;;
  kafka) needs=("${kafka_needs[@]}") ;;
  valkey) needs=() ;;
  all) needs+=("${browser_needs[@]}" "${chaos_needs[@]}") ;;
  *) die "Type: install.sh, install.sh servers, install.sh chaos, install.sh build, install.sh browser,
  install.sh contracts, install.sh kafka, or install.sh valkey" ;;
esac

missing_packages() {
  local need
  for need in "${needs[@]}"; do
    [[ -e "${need%%=*}" ]] || echo "${need#*=}"
  done
  # A Python that can make virtual environments, from wherever it comes.
  [[ $part == browser ]] || python3 -c 'import venv, ensurepip' 2>/dev/null || printf '%s\n' python3 python3-venv
}

install_packages() {
  local packages
  mapfile -t packages < <(missing_packages)
  ((${#packages[@]})) || return 0
  if ((EUID != 0)); then
    die "Missing Debian packages: ${packages[*]}
  Type:  sudo apt-get update && sudo apt-get install --no-install-recommends ${packages[*]}"
  fi
  say "installing Debian packages: ${packages[*]}"
  # Debian starts a server as soon as it is installed. We bring our own, so nothing of the system's may start.
  if [[ ! -e /usr/sbin/policy-rc.d ]]; then
    printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
    chmod +x /usr/sbin/policy-rc.d
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
  fi
  mkdir -p "$MAKEGOOD_STATE"
  local log="$MAKEGOOD_STATE/apt.log"
  { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${packages[@]}"; } \
    >"$log" 2>&1 || { tail -20 "$log" >&2; die "apt-get could not install: ${packages[*]} (whole output: $log)"; }
}

# The machine's own entry for Debian, as a source entry of the suite $1: so the mirror and keys that work here are kept.
own_apt_entry() {
  local codename suite=$1
  codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
  awk -v from="$codename" -v to="$suite" '
    function flush() { if (wanted && !done) { printf "%s", entry; done = 1 } entry = ""; wanted = 0 }
    FNR == 1 || /^[[:space:]]*$/ { flush() }
    /^#/ || /^[[:space:]]*$/ { next }
    /^Types:/ { entry = entry "Types: deb-src\n"; next }
    /^Architectures:/ { next }
    /^Suites:/ { for (i = 2; i <= NF; i++) if ($i == from) wanted = 1; entry = entry "Suites: " to "\n"; next }
    { entry = entry $0 "\n" }
    END { flush() }
  ' /dev/null /etc/apt/sources.list.d/*.sources 2>/dev/null || true
}

own_apt_line() {
  local codename suite=$1
  codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
  { cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null || true; } |
    sed -nE "s#^deb[[:space:]]+((\[[^]]*\][[:space:]]+)?[^[:space:]]+)[[:space:]]+${codename}[[:space:]]+main.*#deb-src \1 ${suite} main#p" |
    head -1
}

# Debian 12 has PgBouncer 1.18, which gives wrong rows with prepared statements in transaction mode; the next
# release has 1.24. Its source is fetched through a private apt, so the system's stays as it is.
install_pgbouncer() {
  [[ -x "$PGBOUNCER" || -n "${MAKEGOOD_POOLER_URL:-}" ]] && return 0
  local apt="$MAKEGOOD_STATE/apt" build="$MAKEGOOD_STATE/build/pgbouncer"
  say "building PgBouncer from Debian's source package"
  rm -rf "$apt" "$build"
  mkdir -p "$apt"/{sources,lists/partial,cache/archives/partial} "$build"
  own_apt_entry trixie >"$apt/sources/trixie.sources"
  if [[ ! -s "$apt/sources/trixie.sources" ]]; then
    rm "$apt/sources/trixie.sources"
    own_apt_line trixie >"$apt/sources/trixie.list"
  fi
  build_pgbouncer "$apt" "$build" >"$MAKEGOOD_STATE/pgbouncer-build.log" 2>&1 ||
    { tail -20 "$MAKEGOOD_STATE/pgbouncer-build.log" >&2; die "PgBouncer did not build (whole output: $MAKEGOOD_STATE/pgbouncer-build.log)"; }
  rm -rf "$apt" "$MAKEGOOD_STATE/build"
}

# One chain of commands: bash ignores -e in a function whose failure is handled.
build_pgbouncer() {
  local apt=$1 build=$2
  local options=(-o "Dir::Etc::sourcelist=/dev/null" -o "Dir::Etc::sourceparts=$apt/sources"
    -o "Dir::State::lists=$apt/lists" -o "Dir::Cache=$apt/cache" -o "APT::Sandbox::User=root" -q)
  cd "$build" &&
    apt-get "${options[@]}" update &&
    apt-get "${options[@]}" source --download-only pgbouncer &&
    mkdir source &&
    tar -xf pgbouncer_*.orig.tar.gz -C source --strip-components=1 &&
    cd source &&
    ./configure --prefix="$MAKEGOOD_STATE/pgbouncer" --without-cares &&
    make -j"$(nproc)" pgbouncer &&
    install -D pgbouncer "$PGBOUNCER" &&
    cd "$MAKEGOOD_ROOT"
}

# The tests run one process each, which the faults need; into our own folder, since the machine's is not ours.
install_nextest() {
  command -v cargo-nextest >/dev/null && return 0
  say "installing cargo-nextest (a few minutes, once)"
  CARGO_TARGET_DIR="$MAKEGOOD_STATE/build/nextest" cargo install cargo-nextest --locked --root "$MAKEGOOD_STATE" --quiet
  rm -rf "$MAKEGOOD_STATE/build"
}

# One virtual environment for each of these files of requirements/.
install_python_tools() {
  local name requirements venv
  for name in "$@"; do
    requirements="$STACK_DIR/requirements/$name.txt" venv="$MAKEGOOD_STATE/venv/$name"
    cmp -s "$requirements" "$venv/.installed" && continue
    say "installing the Python tools for $name into .local/venv/$name"
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$requirements"
    cp "$requirements" "$venv/.installed"
  done
}

# Debian 12 has Node 18, which redocly does not run on.
need_newer_node() {
  node -e 'const [major, minor] = process.versions.node.split("."); process.exit(major > 20 || (major == 20 && minor >= 19) ? 0 : 1)' 2>/dev/null ||
    die "Missing: Node.js 20.19 or newer, with npm."
}

# At the versions of the lock file in this folder of requirements/, without running what packages want to run when they are installed.
install_npm_tools() {
  local name=$1
  local wanted="$STACK_DIR/requirements/$name" folder="$MAKEGOOD_STATE/$name"
  cmp -s "$wanted/package-lock.json" "$folder/node_modules/.installed" && return 0
  say "installing the npm tools for $name into .local/$name"
  mkdir -p "$folder"
  cp "$wanted"/package*.json "$folder"
  npm ci --prefix "$folder" --ignore-scripts --no-audit --no-fund --silent
  cp "$wanted/package-lock.json" "$folder/node_modules/.installed"
}

command -v cargo >/dev/null || die "Missing: Rust. Install it with rustup (the toolchain in rust-version of Cargo.toml, or newer)."
mkdir -p "$MAKEGOOD_STATE"
install_packages
case $part in
  servers | chaos) install_pgbouncer ;;
  build) install_python_tools sam ;;
  contracts | contracts-all)
    install_python_tools contracts
    need_newer_node
    install_npm_tools contracts
    ;;
  valkey) install_python_tools valkey ;;
  kafka)
    install_python_tools kafka
    install_npm_tools kafka
    ;;
  all)
    install_pgbouncer
    install_nextest
    install_python_tools sam ministack
    ;;
esac
