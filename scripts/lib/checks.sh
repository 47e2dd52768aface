# shellcheck shell=bash
# Owns what each step of scripts/test does. A step runs in a shell of its own, from the root of
# the repository, with errexit on.

: "${run_dir:?}"
: "${mode:?}"

fmt_step() {
  cargo fmt --all --check
}

shell_step() {
  local scripts
  mapfile -t scripts < <(find . -name '*.sh' -not -path './target/*' | sort)
  shellcheck --external-sources .ci/run scripts/coverage scripts/fuzz scripts/prove scripts/sec \
    scripts/test "${scripts[@]}"
}

clippy_step() {
  cargo clippy --locked --workspace --all-targets -- -D warnings
}

# The crash binary is no part of a workspace build, so the lints must be told about it.
crash_clippy_step() {
  cargo clippy --locked --bin payflow-crash --features crash-points -- -D warnings
}

# What production runs: the service without sandbox and shop, which nothing else of it may need.
bare_clippy_step() {
  cargo clippy --locked --package payflow --no-default-features -- -D warnings
}

tidy_step() {
  cargo nextest run --locked --package payflow --test tidy
}

# Advisories are not checked: their database lives where a run without open internet cannot
# reach it, and a check that sometimes does not run is worse than none.
deny_step() {
  cargo-deny --locked --log-level error check licenses bans sources
}

doc_step() {
  RUSTDOCFLAGS="-D warnings" \
    cargo doc --locked --no-deps --workspace --document-private-items
}

doctest_step() {
  cargo test --locked --doc --workspace --quiet
}

nextest_step() {
  local profile=ci
  [ "$mode" = full ] || profile=quick
  cargo nextest run --locked --workspace --no-fail-fast --profile "$profile" 2>&1 |
    tee "$run_dir/nextest.log"
}

# Every script of faults of the longest length; once per folder.
scripts_step() {
  [ ! -e "${chaos_folder:?}/scripts" ] || return 0
  PAYFLOW_TEST_EVERY_SCRIPT=1 cargo nextest run --locked --workspace --profile ci \
    -E 'test(length_5)'
  touch "$chaos_folder/scripts"
}

# The attacks alone; without a browser.
attacks_step() {
  cargo nextest run --locked --package payflow --test sec --no-fail-fast --profile quick
}

# A short run of every target, always the same, beginning with the committed corpus; scripts/fuzz
# runs them for long.
fuzz_step() {
  # shellcheck source=scripts/lib/fuzz.sh
  source scripts/lib/fuzz.sh
  local target well=0
  fuzz_cache=$run_dir/fuzz
  cargo clippy --locked --package payflow-fuzz --bin fuzz --features engine -- -D warnings
  fuzz_build
  for target in $(fuzz_targets); do
    fuzz_run "$target" 20000 "$fuzz_cache/$target" -seed=1 -max_total_time=10 || well=1
  done
  [ "$well" -eq 0 ]
}

requests_step() {
  LOG=$run_dir/requests.log RUST_LOG=trace bash requests/run.sh
  look_through_log "$run_dir/requests.log"
}

# As whom, and for how long, is said by scripts/lib/generated.sh alone.
generated_step() {
  # shellcheck source=/dev/null
  source scripts/lib/generated.sh
}

# What is killed, how often and with which timings is said by scripts/lib/chaos.sh alone.
chaos_step() {
  # shellcheck source=/dev/null
  source scripts/lib/chaos.sh
}

# What must not be in it is said by scripts/lib/release.sh alone.
release_step() {
  # shellcheck source=/dev/null
  source scripts/lib/release.sh
}

# What is looked for in chart, compose file, units and workflows is said by scripts/lib/deploy.sh
# alone.
deploy_step() {
  # shellcheck source=/dev/null
  source scripts/lib/deploy.sh
}

# What is looked for in alerts, runbooks and dashboards is said by scripts/lib/observed.sh alone.
observed_step() {
  # shellcheck source=/dev/null
  source scripts/lib/observed.sh
}

# What an image may hold, and what it must do, is said by scripts/lib/image.sh alone.
image_step() {
  # shellcheck source=/dev/null
  source scripts/lib/image.sh
}

# Every test with counters in our code; scripts/lib/coverage.sh says what has to be gone through.
coverage_step() {
  # shellcheck source=/dev/null
  source scripts/lib/coverage.sh
}

report_step() {
  print_report
}
