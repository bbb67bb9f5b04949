# What both judges need: the program, and a server of it that ends with the script. Sourced, not run.
# shellcheck shell=bash

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
workspace=$(cd "$here/../.." && pwd)
target=${CARGO_TARGET_DIR:-$workspace/target}
export PACKET_API_SERVER_TOKEN=judge-token

# The path of the program: the one given, else one that is built now.
program() {
    if [ -n "${PACKET_API_SERVER:-}" ]; then
        if [ ! -x "$PACKET_API_SERVER" ]; then
            echo "PACKET_API_SERVER is $PACKET_API_SERVER, which cannot be run; give the path of the program" >&2
            return 1
        fi
        echo "$PACKET_API_SERVER"
        return
    fi
    cargo build --quiet --manifest-path "$workspace/Cargo.toml" --package packet-api-server >&2 || return 1
    echo "$target/debug/packet-api-server"
}

# Starts a server with so many devices on a free port; sets PACKET_API_URL and PACKET_API_PROJECT.
serve() {
    local devices=$1 program
    program=$(program) || exit 1
    scratch=$(mktemp -d)
    "$program" --listen 127.0.0.1:0 --devices "$devices" --seed 1 >"$scratch/out" 2>"$scratch/err" &
    server=$!
    trap 'kill "$server" 2>/dev/null; wait "$server" 2>/dev/null; rm -rf "$scratch"' EXIT
    for _ in $(seq 100); do
        # The later of the two lines first: once it is there, so is the other.
        PACKET_API_PROJECT=$(sed -n 's/^project \([0-9a-f-]*\) with .*/\1/p' "$scratch/out")
        PACKET_API_URL=$(sed -n 's|^serving the Packet API at \(.*\)/$|\1|p' "$scratch/out")
        if [ -n "$PACKET_API_PROJECT" ]; then
            export PACKET_API_URL PACKET_API_PROJECT
            return
        fi
        if ! kill -0 "$server" 2>/dev/null; then
            break
        fi
        sleep 0.1
    done
    echo "the server did not start:" >&2
    cat "$scratch/err" >&2
    exit 1
}
