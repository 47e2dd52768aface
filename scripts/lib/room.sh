# shellcheck shell=bash
# Owns the room that builds find on the disk. The folder they share is a cache, and keeps what
# checkouts long gone left in it: that goes before the disk is full, since a build that finds no
# room fails far from its cause.

: "${mode:?}"

# What a run over a folder with built dependencies still writes, measured and rounded up.
full_room_gib=16
quick_room_gib=8

make_room() {
  local wanted=$quick_room_gib
  if [ "$mode" = full ]; then
    wanted=$full_room_gib
    # It begins in a fresh clone: what would make a second build of it fast is half of the folder.
    export CARGO_INCREMENTAL="${CARGO_INCREMENTAL:-0}"
  fi
  mkdir -p "$CARGO_TARGET_DIR"
  [ "$(free_gib)" -lt "$wanted" ] || return 0
  say "little room on the disk: dropping what incremental builds left in $CARGO_TARGET_DIR"
  rm -rf "$CARGO_TARGET_DIR"/*/incremental
  [ "$(free_gib)" -lt "$wanted" ] || return 0
  say "little room on the disk: dropping all of $CARGO_TARGET_DIR"
  rm -rf "${CARGO_TARGET_DIR:?}"/*
  [ "$(free_gib)" -ge "$wanted" ] || say "warning: a build may want more room than the disk has"
}

free_gib() {
  df --output=avail -B1G "$CARGO_TARGET_DIR" | tail -n 1 | tr -d ' '
}
