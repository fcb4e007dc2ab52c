#!/usr/bin/env bash
# Prepares a fresh place for a session: its folders, the repository, the set-up script. It runs as the session's user, may
# be run again at any time, and does only what is not done yet. It asks nobody and knows no server; whoever runs it hands
# its environment in and reads its lines.
#
#   SESSION_GIT_URL        https://, http:// or ssh:// address, or user@host:path; cloned where the work tree is empty
#   SESSION_GIT_BRANCH     branch or tag to begin with; without it what the repository says
#   SESSION_SETUP_FILE     script for bash, run in the work tree once for each content that it has
#   SESSION_TRUST          "yes": a set-up script that lies in the work tree, so is the repository's own, may run
#   SESSION_SETUP_SECONDS  how long the set-up script may take, 1800 unless said
#   SESSION_GIT_TRIES      how often a clone is tried, 3 unless said
#   SESSION_WORKSPACE, SESSION_STATE, SESSION_GIT_PROTOCOLS   for tests and other layouts; /workspace,
#                          /var/lib/remote-claude and https:http:ssh unless said
#
# Standard output has one line per step: "init <step> <state> <words>", where step is folders, clone or setup, and state is
# running, done, skipped or failed. What git and the script say goes to standard error, the script's also to setup.log.
#
# Ends with 0; 2 for input that is refused, 3 where the clone failed, 4 where the set-up script failed, 5 where a folder
# cannot be used, 6 where another one is at work here. What is there is kept in every case; the next run goes on from it.
# Nothing of a repository runs while it is cloned: no hook, no submodule, no transport but those named above.
set -euo pipefail
export LC_ALL=C.UTF-8

work=${SESSION_WORKSPACE:-/workspace}
state=${SESSION_STATE:-/var/lib/remote-claude}
url=${SESSION_GIT_URL:-}
branch=${SESSION_GIT_BRANCH:-}
setup=${SESSION_SETUP_FILE:-}
setup_seconds=${SESSION_SETUP_SECONDS:-1800}
tries=${SESSION_GIT_TRIES:-3}
protocols=${SESSION_GIT_PROTOCOLS:-https:http:ssh}
# What a clone is until it is whole: in the work tree, so that it gets to its place by renaming.
cloning=$work/.session-init

child=
trap 'if [[ -n $child ]]; then kill -TERM "$child" 2>/dev/null || :; fi; exit 143' TERM INT HUP

# step, state, words
say() {
  printf 'init %s %s %s\n' "$1" "$2" "${*:3}"
}

# exit code, step, words
fail() {
  say "$2" failed "${*:3}"
  exit "$1"
}

# Runs a program so that a signal reaches it, and gives its code.
run() {
  "$@" </dev/null >&2 &
  child=$!
  local code=0
  wait "$child" || code=$?
  child=
  return "$code"
}

is_number() {
  [[ $1 =~ ^[1-9][0-9]{0,5}$ ]]
}

# An address without what may be a password, for people to read.
shown() {
  local prefix=${1%%://*}
  if [[ $1 == *://*@* ]]; then
    local rest=${1#*://}
    local host=${rest%%/*} path=
    if [[ $rest == */* ]]; then path=/${rest#*/}; fi
    printf '%s://%s%s' "$prefix" "${host##*@}" "$path"
  else
    printf '%s' "$1"
  fi
}

check_input() {
  is_number "$setup_seconds" || fail 2 setup 'SESSION_SETUP_SECONDS must be a number from 1 to 999999.'
  is_number "$tries" || fail 2 clone 'SESSION_GIT_TRIES must be a number from 1 to 999999.'
  local folder
  for folder in "$work" "$state"; do
    [[ $folder == /* ]] || fail 2 folders "$folder is not an absolute path."
  done
  if [[ -n $url ]]; then
    [[ $url != -* ]] || fail 2 clone 'An address must not begin with a dash.'
    [[ $url != *[[:cntrl:][:space:]]* ]] || fail 2 clone 'An address must not have spaces or control characters.'
    local protocol=${url%%://*}
    if [[ $url == *://* ]]; then
      [[ :$protocols: == *":$protocol:"* ]] || fail 2 clone "$(printf '%.20q' "$protocol") addresses are not cloned here, only $protocols."
      [[ $url != *://-* && $url != *://*@-* ]] || fail 2 clone 'The host of an address must not begin with a dash.'
    else
      [[ :$protocols: == *:ssh:* && $url =~ ^[A-Za-z0-9._][A-Za-z0-9._-]*@[A-Za-z0-9][A-Za-z0-9.-]*:[^-].*$ ]] ||
        fail 2 clone 'An address is https://, http:// or ssh://, or user@host:path.'
    fi
  fi
  if [[ -n $branch ]]; then
    [[ -n $url ]] || fail 2 clone 'SESSION_GIT_BRANCH is given without SESSION_GIT_URL.'
    if [[ $branch == -* ]] || ! git check-ref-format "refs/heads/$branch"; then
      fail 2 clone 'This is no name of a branch or tag.'
    fi
  fi
  if [[ -n $setup ]]; then
    [[ $setup == /* ]] || fail 2 setup 'SESSION_SETUP_FILE must be an absolute path.'
  fi
}

make_folders() {
  local folder
  for folder in "$work" "$state" "$HOME"; do
    mkdir -p -- "$folder" 2>/dev/null || fail 5 folders "$folder cannot be made."
    [[ -d $folder && -w $folder && -x $folder ]] || fail 5 folders "$folder cannot be written by user $(id -u)."
  done
  say folders 'done' "$work, $state and $HOME are there."
}

# Whether there is anything of a person's in the work tree.
is_empty() {
  local found
  found=$(find "$work" -mindepth 1 -maxdepth 1 ! -name lost+found ! -name .session-init -print -quit)
  [[ -z $found ]]
}

# Moves what was cloned to its place. It may go on where a run before was ended.
settle() {
  local entry
  while IFS= read -r -d '' entry; do
    mv -n -T -- "$entry" "$work/${entry##*/}"
  done < <(find "$cloning/tree" -mindepth 1 -maxdepth 1 -print0)
  rm -rf -- "$cloning"
}

clone() {
  if [[ -e $cloning/whole ]]; then
    settle
    say clone 'done' 'A clone that was begun before is in its place.'
    return
  fi
  if [[ -z $url ]]; then
    say clone skipped 'No repository is given.'
    return
  fi
  if ! is_empty; then
    say clone skipped 'The work tree is not empty: it stays as it is.'
    return
  fi
  local args=(-c core.hooksPath=/dev/null -c core.fsmonitor=false clone --template= --no-recurse-submodules --progress)
  if [[ -n $branch ]]; then args+=("--branch=$branch"); fi
  local try code
  for ((try = 1; ; try += 1)); do
    say clone running "$(shown "$url")${branch:+, $branch}, try $try of $tries"
    rm -rf -- "$cloning"
    mkdir -- "$cloning" || fail 5 clone "$cloning cannot be made."
    code=0
    GIT_TERMINAL_PROMPT=0 GIT_ALLOW_PROTOCOL=$protocols GIT_ASKPASS=/bin/false \
      run git "${args[@]}" -- "$url" "$cloning/tree" || code=$?
    if ((code == 0)); then break; fi
    rm -rf -- "$cloning"
    if ((try >= tries)); then
      fail 3 clone "git ended with code $code; its own words are above. The work tree is empty still, and the next start tries again."
    fi
    run sleep "$((try < 5 ? try * 2 : 10))"
  done
  : >"$cloning/whole"
  settle
  say clone 'done' "$(shown "$url") is in $work."
}

# The set-up script is copied first: what is hashed is what runs.
run_setup() {
  if [[ -z $setup ]]; then
    say setup skipped 'No set-up script is given.'
    return
  fi
  [[ -f $setup && -r $setup ]] || fail 2 setup "$setup is no file that can be read."
  local real
  real=$(realpath -- "$setup")
  if [[ $real == "$(realpath -- "$work")"/* && ${SESSION_TRUST:-} != yes ]]; then
    say setup skipped 'The set-up script comes with the repository, which nobody has trusted yet.'
    return
  fi
  local copy=$state/setup.sh hash
  cp -- "$real" "$copy.new"
  mv -- "$copy.new" "$copy"
  hash=$(sha256sum <"$copy")
  hash=${hash%% *}
  if [[ -r $state/setup.done && $(<"$state/setup.done") == "$hash" ]]; then
    say setup skipped 'This set-up script has run already.'
    return
  fi
  say setup running "up to $setup_seconds s"
  local code=0
  (
    unset "${!SESSION_@}"
    cd -- "$work"
    exec timeout --kill-after=10 "$setup_seconds" bash "$copy"
  ) </dev/null > >(tee "$state/setup.log" >&2) 2>&1 &
  child=$!
  wait "$child" || code=$?
  child=
  if ((code == 124 || code == 137)); then
    fail 4 setup "It was ended after $setup_seconds s. What it did is kept; the next start runs it again."
  elif ((code != 0)); then
    fail 4 setup "It ended with code $code; see $state/setup.log. What it did is kept; the next start runs it again."
  fi
  printf '%s\n' "$hash" >"$state/setup.done.new"
  mv -- "$state/setup.done.new" "$state/setup.done"
  say setup 'done' 'It ended well.'
}

if (($# > 0)); then
  echo 'session-init.sh takes no arguments; see the head of this file.' >&2
  exit 2
fi
check_input
make_folders
exec 9>"$state/init.lock"
flock --nonblock 9 || fail 6 folders 'Another session-init.sh is at work here.'
clone 9>&-
run_setup 9>&-
