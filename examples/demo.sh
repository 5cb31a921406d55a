#!/bin/sh
# What foldglass does, on the proteins of this folder. `make demo` runs it.
set -e
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -R "$(dirname "$0")"/*.fasta "$(dirname "$0")"/zinc_fingers "$work"
cd "$work"

title() { printf '\n=== %s\n\n' "$1"; }
run() {
    printf '$ %s\n\n' "$*"
    "$@"
}

title "1. Two structures: zinc fingers of different proteins"
run foldglass compare zinc_fingers/1zaa1.pdb zinc_fingers/1sp2.pdb --exact --format table
cat <<'TEXT'

The column "predicted" is the model's answer, made from one vector per protein and one per residue; "TM-align" is what
superposing the coordinates gives, for comparison. A TM-score is 1 for the same shape and below 0.3 for most unrelated
proteins; above 0.5 two proteins share a fold. It depends on whose length it is divided by, so there are two. The
digits between the sequences are the local score of each residue of the query: 9 fits best, and about 7 is what
unrelated chains get.
TEXT

title "2. Two remote relatives, from sequence alone: human haemoglobin and leghaemoglobin of a plant"
run foldglass compare globins.fasta:P69905 globins.fasta:P02240 --format table
cat <<'TEXT'

Both bind oxygen with the same fold, though animals and plants have parted long ago. No structure was used.
TEXT

title "3. A search: what looks like haemoglobin among globins, lysozymes and zinc fingers?"
run foldglass embed globins.fasta lysozymes.fasta zinc_fingers -o examples.parquet
echo
run foldglass search examples.parquet globins.fasta:P69905 -k 12 --format table
cat <<'TEXT'

Sequences and structures are in one table: the query, a sequence, is compared with both. The globins should come
first; p_same_fold is the probability that tm is above 0.5.
TEXT
