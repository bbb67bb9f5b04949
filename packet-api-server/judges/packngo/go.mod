module packet-api-server/judges/packngo

go 1.21

require github.com/packethost/packngo v0.31.0
