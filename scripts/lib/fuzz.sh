# shellcheck shell=bash
# Owns the fuzzing: how the targets are built, and how one of them is run.

fuzz_cache="${XDG_CACHE_HOME:-$HOME/.cache}/payflow/fuzz"

# Compiled with counters in our own crates only, beside the other builds and out of the same
# dependencies; the stable compiler will do.
fuzz_build() {
  fuzz_program=$(realpath -m "${CARGO_TARGET_DIR:-target}")/debug/fuzz
  # Cargo does not see what stands before the compiler.
  [ ! scripts/lib/instrument.sh -nt "$fuzz_program" ] ||
    touch src/lib.rs src/domain/mod.rs src/application/mod.rs fuzz/src/lib.rs fuzz/src/main.rs
  RUSTC_WORKSPACE_WRAPPER=$PWD/scripts/lib/instrument.sh \
    cargo build --locked --quiet --package payflow-fuzz --bin fuzz --features engine
}

fuzz_targets() {
  (cd fuzz/corpus && printf '%s\n' *)
}

# Arguments: a target, how many inputs, a folder for what is found interesting, more of the
# engine's flags. The committed corpus is read, and never written.
fuzz_run() {
  local target=$1 executions=$2 found=$3 begun=$SECONDS log result=0
  shift 3
  local seeds=("$found" "fuzz/corpus/$target")
  [ "$target" != answer ] || seeds+=(tests/toss-examples)
  mkdir -p "$found"
  log=$(mktemp "${TMPDIR:-/tmp}/payflow-fuzz.XXXXXX")
  RUST_BACKTRACE=0 PAYFLOW_FUZZ_TARGET=$target "${fuzz_program:?}" -runs="$executions" \
    -max_len=4096 -timeout=10 -rss_limit_mb=1024 -artifact_prefix="$fuzz_cache/$target-" \
    "$@" "${seeds[@]}" >"$log" 2>&1 || result=$?
  if [ "$result" -eq 0 ]; then
    say "$target: $(fuzz_summary "$log") in $((SECONDS - begun)) s"
  else
    say "$target: found something"
    grep -E -A 3 'panicked at|ERROR: libFuzzer|Test unit written' "$log"
  fi
  rm "$log"
  return "$result"
}

# How many executions, and how many edges of our code they went through.
fuzz_summary() {
  sed -nE 's/^#([0-9]+)[[:space:]]+DONE[[:space:]]+cov: ([0-9]+).*/\1 executions, \2 edges/p' "$1"
}
