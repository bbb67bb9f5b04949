#!/bin/sh
# Prints where a kubectl is: the one that is installed, or one that Go builds into the file $1 as go.mod here says. Go itself knows
# whether what is there has to be built anew.
set -eu
if kubectl version --client >/dev/null 2>&1; then
    command -v kubectl
else
    [ -e "$1" ] || echo "Building kubectl with Go into $1: some two minutes the first time." >&2
    cd "$(dirname "$0")"
    GOWORK=off GOOS='' GOARCH='' CGO_ENABLED=0 go build -buildvcs=false -ldflags='-s -w' -o "$1" .
    echo "$1"
fi
