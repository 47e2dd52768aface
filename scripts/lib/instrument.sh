#!/usr/bin/env bash
# Stands before the compiler of our own crates when the fuzz targets are built: what they run
# through is counted. Dependencies are compiled as always, and shared with every other build.
set -euo pipefail

flags=(
  -Cpasses=sancov-module
  -Cllvm-args=-sanitizer-coverage-level=4
  -Cllvm-args=-sanitizer-coverage-inline-8bit-counters
  -Cllvm-args=-sanitizer-coverage-pc-table
  -Cllvm-args=-sanitizer-coverage-trace-compares
)
case " $* " in
  # A program of the build has no engine to count for; a question to the compiler has no code.
  *" build_script_"* | *" --print "* | *" -vV "*) exec "$@" ;;
  *) exec "$@" "${flags[@]}" ;;
esac
