#!/usr/bin/env bash
# Looks for the tokens of the tests in what they have logged: no-secret-in.sh FILE. Fails if there is one, or if the file does
# not hold what it is to be looked for in.
set -euo pipefail

log=$1
# The tokens that simulated APIs are asked with: the default, and those that tests set.
tokens=(packet-api-server-test-token a-token-that-only-this-world-has)
# Lines that are there only at the highest verbosity, so that nobody looks through an empty file.
expected=(' DEBUG ' 'asked the Packet API' 'pooling idle connection')

for line in "${expected[@]}"; do
    grep --quiet --fixed-strings -- "$line" "$log" || {
        echo "$log has no line with '$line': it is not what the tests log at the highest verbosity" >&2
        exit 1
    }
done
found=0
for token in "${tokens[@]}"; do
    if grep --line-number --fixed-strings --max-count=5 -- "$token" "$log" >&2; then
        found=1
    fi
done
if [ "$found" = 1 ]; then
    echo "a token is in the log of the tests, see above" >&2
    exit 1
fi
echo "No token is in the $(wc -l <"$log") lines that the tests have logged."
