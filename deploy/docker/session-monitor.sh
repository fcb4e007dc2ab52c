#!/bin/sh
# How a session's place is: prints one JSON document and ends. It reads what the kernel shows inside the place, asks
# nobody and changes nothing; whoever runs it decides what the numbers mean. POSIX sh, so that any image can run it.
#
#   session-monitor.sh [--sample-ms N]        N: how long the use of CPU is measured, 200 unless said
#
#   time              when, ISO 8601 in UTC
#   cpu.usedPercent   of one CPU, over the sample; 250 is two and a half CPUs
#   cpu.limit         CPUs that may be used, null without a limit
#   memory            bytes: used (without what can be dropped from the page cache), limit or null, and kills for want of it
#   disks             bytes and files of the file system that has the folder, and what it is called in a session
#   processes         how many there are, the limit or null, and the five with most memory
#   activity          the last moment at which a terminal was typed in or wrote, and at which the work tree changed (its
#                     upper folders and git's index), or null
#
# What a place does not show is null: gVisor has no control groups, an older kernel no number of kills.
set -u
LC_ALL=C
export LC_ALL
PATH=/usr/local/bin:/usr/bin:/bin
export PATH

# For tests: where the kernel's files are read, and the folders that are looked at.
proc=${MONITOR_PROC:-/proc}
groups=${MONITOR_CGROUP:-/sys/fs/cgroup}
work=${MONITOR_WORK:-/workspace}
home=${MONITOR_HOME:-/home/claude}
state=${MONITOR_STATE:-/var/lib/remote-claude}
terminals=${MONITOR_TERMINALS:-/dev/pts}

sample_ms=200
if [ "${1-}" = --sample-ms ]; then
  sample_ms=${2-}
  case $sample_ms in
    '' | *[!0-9]* | ??????*) echo 'session-monitor.sh: --sample-ms takes a number of milliseconds below 100000.' >&2; exit 2 ;;
  esac
elif [ $# -gt 0 ]; then
  echo "session-monitor.sh: there is no argument $1; see the head of this file." >&2
  exit 2
fi

# The first word of a file, or nothing.
word() {
  { read -r first _ <"$1"; } 2>/dev/null || return 0
  printf '%s' "${first-}"
}

# A number, or null for what is none ("max", nothing).
number() {
  case ${1-} in
    '' | *[!0-9]*) printf null ;;
    *) printf '%s' "$1" ;;
  esac
}

# The value after a key in a file of "key value" lines.
field() {
  awk -v key="$2" '$1 == key { print $2; exit }' "$1" 2>/dev/null
}

# Text as a JSON string: what is no plain character becomes a question mark.
text() {
  printf '"%s"' "$(printf '%s' "${1-}" | tr -c ' -~' '?' | sed 's/[\\"]/\\&/g')"
}

# The first that exists.
first_of() {
  for path in "$@"; do
    if [ -r "$path" ]; then
      printf '%s' "$path"
      return
    fi
  done
}

if [ -r "$groups/cgroup.controllers" ] || [ -r "$groups/memory.current" ]; then version=2; else version=1; fi

# Microseconds of CPU that the place has had; nothing where no control group says it.
cpu_used_us() {
  if [ "$version" = 2 ]; then
    field "$groups/cpu.stat" usage_usec
    return
  fi
  ns=$(word "$(first_of "$groups/cpuacct/cpuacct.usage" "$groups/cpu,cpuacct/cpuacct.usage" "$groups/cpuacct.usage")")
  case $ns in '' | *[!0-9]*) ;; *) printf '%s' $((ns / 1000)) ;; esac
}

# The same from the processes that are there, in the unit of the kernel's clock (100 a second): less exact.
cpu_used_by_processes_us() {
  cat "$proc"/[0-9]*/stat 2>/dev/null | awk '{ sub(/^.*\) /, ""); ticks += $12 + $13 } END { printf "%.0f", ticks * 10000 }'
}

now_us() {
  awk '{ printf "%.0f", $1 * 1000000 }' "$proc/uptime"
}

cpu_limit() {
  if [ "$version" = 2 ]; then
    awk '$1 != "max" { printf "%.2f", $1 / $2 }' "$groups/cpu.max" 2>/dev/null
    return
  fi
  quota=$(word "$(first_of "$groups/cpu/cpu.cfs_quota_us" "$groups/cpu,cpuacct/cpu.cfs_quota_us")")
  period=$(word "$(first_of "$groups/cpu/cpu.cfs_period_us" "$groups/cpu,cpuacct/cpu.cfs_period_us")")
  case "$quota/$period" in
    /* | */ | -*) ;;
    *) awk -v quota="$quota" -v period="$period" 'BEGIN { if (period > 0) printf "%.2f", quota / period }' ;;
  esac
}

cpu() {
  measure=cpu_used_us
  if [ -z "$(cpu_used_us)" ]; then measure=cpu_used_by_processes_us; fi
  from_us=$(now_us)
  used_us=$($measure)
  sleep "$(awk -v ms="$sample_ms" 'BEGIN { printf "%.3f", ms / 1000 }')"
  percent=$(awk -v used="$(($($measure) - used_us))" -v time="$(($(now_us) - from_us))" \
    'BEGIN { if (time > 0) printf "%.1f", (used < 0 ? 0 : used) * 100 / time }')
  limit=$(cpu_limit)
  printf '{"usedPercent":%s,"limit":%s}' "${percent:-null}" "${limit:-null}"
}

memory() {
  if [ "$version" = 2 ]; then
    used=$(word "$groups/memory.current")
    limit=$(word "$groups/memory.max")
    droppable=$(field "$groups/memory.stat" inactive_file)
    kills=$(field "$groups/memory.events" oom_kill)
  else
    used=$(word "$groups/memory/memory.usage_in_bytes")
    limit=$(word "$groups/memory/memory.limit_in_bytes")
    droppable=$(field "$groups/memory/memory.stat" total_inactive_file)
    kills=$(field "$groups/memory/memory.oom_control" oom_kill)
    # "No limit" is the largest number of pages, which has 19 digits.
    case $limit in ???????????????????*) limit= ;; esac
  fi
  if [ -z "$used" ]; then
    used=$(awk '$1 == "MemTotal:" { total = $2 } $1 == "MemAvailable:" { free = $2 } END { printf "%.0f", (total - free) * 1024 }' \
      "$proc/meminfo" 2>/dev/null)
    limit=$(awk '$1 == "MemTotal:" { printf "%.0f", $2 * 1024; exit }' "$proc/meminfo" 2>/dev/null)
  elif [ -n "$droppable" ] && [ "$droppable" -le "$used" ]; then
    used=$((used - droppable))
  fi
  printf '{"usedBytes":%s,"limitBytes":%s,"kills":%s}' "$(number "$used")" "$(number "$limit")" "$(number "$kills")"
}

# name, folder
disk() {
  blocks=$(df -Pk -- "$2" 2>/dev/null | awk 'NR == 2 { printf "%.0f %.0f %.0f", $2 * 1024, $3 * 1024, $4 * 1024 }')
  files=$(df -Pi -- "$2" 2>/dev/null | awk 'NR == 2 { print $2, $3 }')
  # The words are meant to be split.
  # shellcheck disable=SC2086
  set -- "$1" ${blocks:-x x x} ${files:-x x}
  printf '{"name":"%s","totalBytes":%s,"usedBytes":%s,"freeBytes":%s,"files":%s,"usedFiles":%s}' \
    "$1" "$(number "$2")" "$(number "$3")" "$(number "$4")" "$(number "${5-}")" "$(number "${6-}")"
}

processes() {
  count=0
  for folder in "$proc"/[0-9]*; do
    if [ -d "$folder" ]; then count=$((count + 1)); fi
  done
  if [ "$version" = 2 ]; then limit=$(word "$groups/pids.max"); else limit=$(word "$groups/pids/pids.max"); fi
  printf '{"count":%s,"limit":%s,"largest":[' "$count" "$(number "$limit")"
  separator=
  # A process may end while it is read: what it then lacks is left out.
  for folder in "$proc"/[0-9]*; do
    awk -v pid="${folder##*/}" '$1 == "VmRSS:" { print $2 * 1024, pid; exit }' "$folder/status" 2>/dev/null
  done | sort -rn | head -n 5 | while read -r bytes pid; do
    name=$(cat "$proc/$pid/comm" 2>/dev/null) || continue
    printf '%s{"pid":%s,"name":%s,"memoryBytes":%s}' "$separator" "$pid" "$(text "$name")" "$bytes"
    separator=,
  done
  printf ']}'
}

# The latest change among the given files, as ISO 8601 in quotes, or null. Names come by arguments, never by a shell's text.
latest() {
  seconds=$(stat -c %Y -- "$@" 2>/dev/null | sort -rn | head -n 1)
  if [ -n "$seconds" ]; then date -u -d "@$seconds" +'"%Y-%m-%dT%H:%M:%SZ"'; else printf null; fi
}

activity() {
  set --
  for path in "$terminals"/[0-9]*; do
    if [ -e "$path" ]; then set -- "$@" "$path"; fi
  done
  if [ $# -gt 0 ]; then terminal=$(latest "$@"); else terminal=null; fi
  tree=null
  if [ -d "$work" ]; then
    set -- "$work"
    for path in "$work"/* "$work"/.git/index "$work"/.git/HEAD; do
      if [ -e "$path" ]; then set -- "$@" "$path"; fi
    done
    tree=$(latest "$@")
  fi
  printf '{"terminal":%s,"workTree":%s}' "$terminal" "$tree"
}

printf '{"time":"%s","cpu":%s,"memory":%s,"disks":[%s,%s,%s],"processes":%s,"activity":%s}\n' \
  "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$(cpu)" "$(memory)" \
  "$(disk workspace "$work")" "$(disk home "$home")" "$(disk state "$state")" "$(processes)" "$(activity)"
