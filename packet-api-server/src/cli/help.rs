//! What `--help` says after the options.

pub(super) const EXAMPLES: &str = "\
Examples:
  packet-api-server
      500 devices on http://127.0.0.1:8080/metal/v1/
  packet-api-server --devices 100000 --realistic-size --latency p50=80ms,p99=900ms+2ms/device
      a very large cluster behind an API that is slow, and slower the more is on a page
  packet-api-server --rate-limit 10/1s --rate-limit-burst 20 --rate-limit-headers retry-after
      ten requests a second after a burst of twenty; the rest is told with 429 when to come again
  packet-api-server --fault 'GET /devices/ 500 share=0.05' --fault 'delay=5s contains=?page=3&'
      one lookup in twenty fails, and the third page always comes late
  packet-api-server --shifting both --max-per-page 250
      narrow pages of a list that moves while it is read
  packet-api-server --outage 'refuse for=30s'
      the port is closed for the first half minute
  packet-api-server --devices 0 --fixtures lab.json --listen 127.0.0.1:0
      just the devices of a file, on any free port; the first line printed says which
  packet-api-server --facility ny5,sv15 --devices 10
      five devices in each of two facilities

Latencies:
  50ms                    every answer takes as long
  20ms..200ms             any time between the two
  p50=80ms,p99=900ms      log-normal: half take no longer than the one, one in a hundred longer than the other
  …+2ms/device            at the end of any of them: what each device on a page adds

Faults are words in any order: [METHOD] [/path-prefix] WHAT [OPTION…]. Without times= one lasts until it is removed.
  429, 500, 401, …        this status with the API's own error
                            retry-after=7  header=Name:value  content-type=text/plain
                            body={…}       the body, to the end of the text
  html=502                a proxy's page
  hang, reset             no answer; a closed connection
  truncated, malformed    half an answer, announced as a whole one or as what it is
  wrong-shape             the real answer, wrapped in {\"data\": …}
  delay=2s                the real answer, late
  slow-body=1000          the real answer, at so many bytes a second after its head
  contains=?page=3&       only where the path and query have this text, to the letter and in the client's order
  share=0.05              only one in twenty, by the seed
  after=10                only once ten were let through
  times=3                 three times, then no more
A word with spaces in it goes into double quotes: retry-after=\"Sun, 22 Nov 2026 12:00:00 GMT\".

All of it can be changed while the server runs: GET /_admin/ lists how. It needs no token.

A fixtures file is as short as this:
  {\"devices\": [{\"hostname\": \"node-a\", \"facility\": {\"code\": \"ewr1\"}, \"plan\": {\"slug\": \"c3.small.x86\"}}]}
Fields of a device that the simulator does not know are served as they are.

Ctrl-C or SIGTERM stops it; what was asked is summed up then.";
