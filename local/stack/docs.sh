#!/usr/bin/env bash
# make docs: the documentation of the code (rustdoc) and every page of docs/ as HTML, in one folder that opens in a browser.
set -euo pipefail
# shellcheck source=local/stack/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$MAKEGOOD_ROOT"

OUT="${CARGO_TARGET_DIR:-target}/doc"

say "documentation of the code (a warning is an error)"
SQLX_OFFLINE=true RUSTDOCFLAGS="-D warnings" \
  cargo doc --workspace --no-deps --features "${MAKEGOOD_FEATURES:-makegood-tests/kafka}" --quiet

say "pages"
# Each page keeps its place, so that the links between them hold. The forms of .github are for GitHub alone.
rm -rf "$OUT/book"
git ls-files -z '*.md' ':!.github' | while IFS= read -r -d '' page; do
  folder="$OUT/book/$(dirname "$page")"
  mkdir -p "$folder"
  up="$(dirname "$page")"
  # From a page at the root the folder is here; from any other as many steps up as its path has folders.
  [[ $up == . ]] || up="$(sed -E 's#[^/]+#..#g' <<< "$up")"
  rustdoc --edition 2024 --markdown-no-toc --markdown-css "$up/docs/page.css" --output "$folder" "$page" 2>/dev/null ||
    die "rustdoc can't read $page"
  sed -Ei 's/href="([^":]*)\.md(#[^"]*)?"/href="\1.html\2"/g' "$folder/$(basename "${page%.md}").html"
done
git ls-files -z 'docs/*.svg' 'docs/*.png' 'docs/*.css' | while IFS= read -r -d '' picture; do
  install -D -m 644 "$picture" "$OUT/book/$picture"
done
python3 "$MAKEGOOD_ROOT/tests/contract/links_check.py" "$OUT/book"
say "open $OUT/book/README.html; the crates are in $OUT/makegood/index.html and beside it"
