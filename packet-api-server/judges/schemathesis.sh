#!/usr/bin/env bash
# Judges the simulated Packet API by the API's own description: schemathesis makes up requests, right and wrong, and checks
# every answer. Takes the program from PACKET_API_SERVER, or builds it. MAX_EXAMPLES (50) is how many
# requests it makes up per operation. Takes a minute; exits non-zero on any failure.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

requirements=$here/requirements.txt
venv=$target/judges/schemathesis
if ! python3 -c 'import venv, ensurepip' 2>/dev/null; then
    echo "schemathesis needs python3 with its venv module; install python3 and python3-venv and run this again" >&2
    exit 1
fi
# The copy of the requirements is the mark of an installation that went through. One that was moved since runs no more.
if ! cmp -s "$requirements" "$venv/requirements.txt" || ! "$venv/bin/schemathesis" --version >/dev/null 2>&1; then
    echo "installing $(tr '\n' ' ' <"$requirements")into $venv" >&2
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$requirements"
    cp "$requirements" "$venv/requirements.txt"
fi

serve 40
cd "$scratch"
# A deterministic seed, one worker and no example database: the same program is judged the same way every time.
PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$here timeout 300 "$venv/bin/schemathesis" --config-file "$here/schemathesis.toml" --no-color \
    run "$here/../openapi.yaml" \
    --checks all --mode all --seed 1 --workers 1 --max-examples "${MAX_EXAMPLES:-50}" --generation-database none \
    --warnings off "$@"
