#!/usr/bin/env bash
# Durable import, startup time, resident memory and file size of the program, with a generated organization.
#
#   benches/binary.sh [ENTITIES]      prints a Markdown table; a million entities by default
#
# CLADE names the program (default: the release build), CLADE_BENCH_PORT its port on 127.0.0.1.
set -euo pipefail
cd "$(dirname "$0")/.."

entities=${1:-1000000}
clade=${CLADE:-target/dist/clade}
address=127.0.0.1:${CLADE_BENCH_PORT:-7179}
[[ -n ${CLADE:-} ]] || cargo build --locked --profile dist --bin clade
folder=$(mktemp -d)
trap 'kill "${server:-}" 2> /dev/null || true; rm -rf "$folder"' EXIT

now() { date +%s%N; }
since() { echo $((($(now) - $1) / 1000000)); }
row() { printf '| %s | %s |\n' "$1" "$2"; }
per_record() { awk -v all="$1" -v records="$2" 'BEGIN { printf "%.0f", all / records }'; }
megabytes() { awk -v bytes="$1" 'BEGIN { printf "%.0f MB", bytes / 1e6 }'; }
resident() { awk '/^VmRSS/ { print $2 * 1024 }' "/proc/$server/status"; }

"$clade" demo-data --entities "$entities" --output "$folder/lines.ndjson"
lines=$(wc -l < "$folder/lines.ndjson")
mappings=$(grep -c '"kind":"mapping"' "$folder/lines.ndjson")

began=$(now)
"$clade" import --data "$folder/store.redb" "$folder/lines.ndjson" > /dev/null 2>&1
imported=$(since "$began")
size=$(stat --format %s "$folder/store.redb")

# The first start creates the admin token. It is not measured, so that the file is as a server left it.
for run in first measured; do
    began=$(now)
    "$clade" serve --data "$folder/store.redb" --listen "$address" > "$folder/$run.log" 2>&1 &
    server=$!
    until curl --silent --fail --output /dev/null "http://$address/readyz"; do
        kill -0 "$server" || { cat "$folder/$run.log" >&2; exit 1; }
        sleep 0.01
    done
    started=$(since "$began")
    # The text index is built in the background after startup: wait until memory stops growing.
    settled=0
    until [[ $(resident) == "$settled" ]]; do settled=$(resident); sleep 2; done
    kill "$server"
    wait "$server" || true
done

row "$entities entities and $mappings mappings" ''
row '---' '---:'
row "durable import of $lines lines" "$((imported / 1000)).$((imported % 1000 / 100)) s, $((lines * 1000 / imported)) lines/s"
row 'startup until ready' "$started ms"
row 'resident memory, text index included' "$(megabytes "$settled"), $(per_record "$settled" "$entities") bytes per entity, $(per_record "$settled" "$lines") per line"
row 'file size' "$(megabytes "$size"), $(per_record "$size" "$entities") bytes per entity, $(per_record "$size" "$lines") per line"
