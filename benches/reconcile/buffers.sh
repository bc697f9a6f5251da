#!/usr/bin/env bash
# Pages hit and read (and temporary blocks) by one statement file, each of its parameters given as an SQL literal:
#
#   buffers.sh URL FILE.sql [LITERAL...]
#
# Column annotations of sqlx ("name!") are plain aliases to Postgres.
set -euo pipefail
url=$1 file=$2
shift 2
arguments=$(IFS=,; echo "$*")
{
  echo "SET client_min_messages = warning; SET jit = off; ${SETTINGS:-}"
  echo "PREPARE asked AS"; cat "$file"; echo ";"
  echo "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE asked${arguments:+($arguments)};"
} | psql -XqtA -v ON_ERROR_STOP=1 "$url" | python3 -c "
import json, sys
plan = json.load(sys.stdin)[0]
top = plan['Plan']
print('%-45s %9d buffers %7d temporary %9.1f ms' % ('$(basename "$file")', top['Shared Hit Blocks'] + top['Shared Read Blocks'], top['Temp Written Blocks'], plan['Execution Time']))"
