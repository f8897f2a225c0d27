#!/usr/bin/env bash
# comment.sh BASE HEAD > comment.txt : what a pull request changes of the jobs of all sites, as the text of its comment.
#
# BASE and HEAD are two checkouts of the repository that holds the kits: a kit is any folder with startup/fed_client.json or
# startup/fed_server.json. For each kit that differs, or could not be read, the comment has
#   jobs      `fljob diff`: the manifests of all studies and the settings, before and after
#   parent    the manifests of helm_chart, before and after
#   unseen    files that change and that no manifest shows: classes, code, certificates
#   rules     what conftest says of the jobs after the change; only when it is on PATH and POLICY names a folder
#   rendered  whether KIT/../rendered, where there is one, is what `fljob template --split` writes now
#   plan      only with PLAN=1: what the cluster of KUBECONFIG would say of the jobs now, `fljob plan`. It changes no exit code
#
# Exit code, as of `kubectl diff`: 0 nothing differs; 1 something does; 2 it should not be merged: an error, a rule that is
# broken, or manifests in Git that are out of date. The comment says why in each case. Needs fljob and helm; without PLAN no
# cluster and no credentials. Nothing that the pull request brings is run.
# shellcheck disable=SC2016 # backticks are Markdown's
set -euo pipefail
[ $# = 2 ] && [ -d "$1" ] && [ -d "$2" ] || { sed -n '2,/^# shell/{/^# shell/!s/^# \{0,1\}//p}' "$0" >&2 && exit 2; }
BASE=$(cd "$1" && pwd -P) HEAD=$(cd "$2" && pwd -P)
POLICY=${POLICY:-} PLAN=${PLAN:-}
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
CODE=0
# GitHub takes 65,536 characters in a comment; `fljob diff` keeps to 60,000 of its own.
LONGEST=60000 LONGEST_PART=8000

worse() { if [ "$1" -gt "$CODE" ]; then CODE=$1; fi; }
bad() { worse 2 && printf '**Should not be merged: %s**\n\n' "$1"; }

# What others wrote is indented: a code block that no text can end.
quoted() { # FILE
  # Cut first: who writes to a `head` that has read enough dies of it, now and then.
  head -c "$LONGEST_PART" "$1" | LC_ALL=C tr -d '\000-\010\013-\037\177' | sed "s|$HEAD/||g; s|$BASE/|base: |g; s/^/    /"
  [ "$(wc -c < "$1")" -le "$LONGEST_PART" ] || printf '\n    ... %s bytes in all\n' "$(wc -c < "$1")"
  echo
}

name_of() { LC_ALL=C tr -c 'A-Za-z0-9._/-' '?' <<< "$1" | sed 's/?$//'; }

kits() {
  local root
  for root in "$BASE" "$HEAD"; do
    (cd "$root" && find . -path ./.git -prune -o -type f \( -path '*/startup/fed_client.json' -o -path '*/startup/fed_server.json' \) -print)
  done | sed 's|^\./||; s|/*startup/fed_[a-z]*\.json$||; s|^$|.|' | LC_ALL=C sort -u
}

jobs() { # KIT : `fljob diff`, in whose comment all is escaped
  local code=0
  fljob diff --kit "$BASE/$1" --to-kit "$HEAD/$1" -o markdown > "$WORK/diff" 2> "$WORK/errors" || code=$?
  worse "$code"
  sed "s|$HEAD/||g; s|$BASE/|base: |g" "$WORK/diff" && echo
  [ "$code" -lt 2 ] || { bad "the jobs cannot be compared" && quoted "$WORK/errors"; }
}

only_in() { # KIT WORD : a kit that is new or gone has nothing to be compared with
  printf '## `%s`: this kit is %s\n\n' "$(name_of "$1")" "$2"
  worse 1
}

new_jobs() { # KIT
  if fljob template --kit "$HEAD/$1" --all-studies > "$WORK/new" 2> "$WORK/errors"; then
    quoted "$WORK/new"
  else
    bad "the jobs cannot be rendered" && quoted "$WORK/errors"
  fi
}

parent_chart() { # ROOT KIT OUT
  local chart=$1/$2/helm_chart
  : > "$3"
  [ -e "$chart/Chart.yaml" ] || return 0
  helm template parent "$chart" > "$3" 2> "$WORK/errors" && return
  bad "the chart of the parent cannot be rendered (\`helm_chart\` of $4)"
  quoted "$WORK/errors"
}

parent() { # KIT
  parent_chart "$BASE" "$1" "$WORK/before" base
  parent_chart "$HEAD" "$1" "$WORK/after" head
  ! cmp -s "$WORK/before" "$WORK/after" || return 0
  worse 1
  diff -U 3 -F '^kind:' "$WORK/before" "$WORK/after" | tail -n +3 > "$WORK/parent" || true
  printf '#### the parent changes: manifests of `helm_chart`\n\n'
  quoted "$WORK/parent"
}

changed_files() { # KIT : paths below it, sorted
  local root file
  for root in "$BASE/$1" "$HEAD/$1"; do
    [ ! -d "$root" ] || (cd "$root" && find . -name .git -prune -o \( -type f -o -type l \) -print)
  done | LC_ALL=C sort -u | while IFS= read -r file; do
    cmp -s "$BASE/$1/$file" "$HEAD/$1/$file" || printf '%s\n' "${file#./}"
  done
}

# Where code and keys are. Settings, study files and templates are in the comparison of the jobs, the chart above.
unseen() { # KIT
  changed_files "$1" |
    grep -E '^(startup/|local/(custom/|resources\.json|authorization|privacy|log_config))|\.(key|pem|crt|py|tgz)$' > "$WORK/unseen" || return 0
  worse 1
  printf '#### no manifest shows these files: read their diff\n\n'
  quoted "$WORK/unseen"
  ! grep -q '\.key$' "$WORK/unseen" || bad "a private key is added or changed"
}

rendered() { # KIT : what the jobs are after the change, for the rules, for the cluster, and for the copy in Git
  local made=$WORK/rendered kept
  rm -rf "$made"
  kept=$HEAD/$(dirname "$1")/rendered
  fljob template --kit "$HEAD/$1" --all-studies --split "$made" > /dev/null 2> "$WORK/errors" ||
    { bad "the jobs cannot be rendered" && quoted "$WORK/errors" && return; }
  rules "$made"
  [ ! -d "$kept" ] || diff -rq "$kept" "$made" > "$WORK/stale" || {
    bad "\`rendered\` is not what the kit makes: run \`fljob template --kit KIT --all-studies --split rendered\`"
    sed -i "s|$kept|rendered|g; s|$made|(made now)|g" "$WORK/stale"
    quoted "$WORK/stale"
  }
  [ -z "$PLAN" ] || plan "$1" "$made"
}

plan() { # KIT FOLDER : of each study that has a folder there
  local study
  for study in "$2"/*/; do
    study=$(basename "$study")
    printf '#### plan: what the cluster would say of study `%s` now\n\n' "$(name_of "$study")"
    fljob plan --kit "$HEAD/$1" --study "$study" > "$WORK/plan" 2>&1 || true
    quoted "$WORK/plan"
  done
}

rules() { # FOLDER
  local data=()
  [ -n "$POLICY" ] || return 0
  type -P conftest > /dev/null || { printf 'rules: not asked, conftest is not on PATH\n\n' && return; }
  [ ! -e "$POLICY/data.yaml" ] || data=(--data "$POLICY/data.yaml")
  if conftest test --no-color --policy "$POLICY" "${data[@]}" "$1" > "$WORK/rules" 2>&1; then return; fi
  bad "a rule is broken"
  sed -i "s|$1/||g" "$WORK/rules"
  quoted "$WORK/rules"
}

review() { # KIT
  if [ ! -d "$BASE/$1/startup" ]; then
    only_in "$1" new
    new_jobs "$1"
  elif [ ! -d "$HEAD/$1/startup" ]; then
    only_in "$1" removed
    return
  else
    printf '## `%s`\n\n' "$(name_of "$1")"
    jobs "$1"
  fi
  parent "$1"
  unseen "$1"
  rendered "$1"
}

main() {
  local kit found
  found=$(kits)
  [ -n "$found" ] || bad "there is no kit in either checkout"
  while IFS= read -r kit; do
    [ -z "$found" ] || review "$kit"
  done <<< "$found"
}

# Not in a subshell: the exit code is collected on the way.
main > "$WORK/comment"
head -c "$LONGEST" "$WORK/comment"
if [ "$(wc -c < "$WORK/comment")" -gt "$LONGEST" ]; then
  printf '\n\n**This comment is not all of it: %s bytes were cut.** `examples/gitops/comment.sh` prints every line.\n' \
    "$(($(wc -c < "$WORK/comment") - LONGEST))"
fi
exit "$CODE"
