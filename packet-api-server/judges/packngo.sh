#!/usr/bin/env bash
# Judges the simulated Packet API by a client that others wrote against the real one: packngo. Takes the program from
# PACKET_API_SERVER, or builds it. Exits non-zero on any failure.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

if ! command -v go >/dev/null; then
    echo "packngo needs Go; install it from https://go.dev/dl and run this again" >&2
    exit 1
fi
serve 57
cd "$here/packngo"
go vet ./...
go test -count=1 -v ./... "$@"
