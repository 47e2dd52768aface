# shellcheck shell=bash
# Owns how the scripts speak to the terminal.

say() {
  printf '%s\n' "$*"
}

die() {
  printf '%s\n' "$*" >&2
  exit 1
}
