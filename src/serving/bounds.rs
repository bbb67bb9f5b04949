//! What a client may cost at most: time, memory, connections. Whoever connects is a stranger until proven otherwise.

use std::time::Duration;

/// Connections at once. A kubelet, a few Prometheuses and a person hold some ten; each costs up to some 50 KiB of buffers and a
/// file descriptor, of which a process often has 1024, and most of those are for the controllers.
pub const MAX_CONNECTIONS: usize = 256;

/// For how long a connection may prove that it speaks TLS: a handshake takes two round trips, over the worst line a second.
pub const HANDSHAKE_TIME: Duration = Duration::from_secs(10);

/// For how long a connection may be without a whole request: between two of them, or while it sends the head of one. As upstream
/// gives a head (apiserver `ReadHeaderTimeout`, 32 s). Whoever asks more seldom connects again.
pub const IDLE_TIME: Duration = Duration::from_secs(30);

/// For how long a request may be worked on, reading its body included: two reviews that take [`REVIEW_TIME`] each, and an answer.
pub const REQUEST_TIME: Duration = Duration::from_secs(30);

/// For how long, after that, a client may read its answer; then the connection ends.
pub const SEND_TIME: Duration = Duration::from_secs(10);

/// For how long a connection that is to end may say goodbye.
pub const GOODBYE_TIME: Duration = Duration::from_secs(2);

/// For how long requests that are open may go on once serving stops, where whoever stopped it waits for that. The program itself
/// ends sooner, for it has to be gone within ten seconds.
pub const STOP_TIME: Duration = Duration::from_secs(5);

/// Bytes in the head of a request: a `ServiceAccount`'s token has some 1.5 KB, those of cloud identities up to 8.
pub const MAX_HEAD: usize = 16 * 1024;

/// Headers in the head of a request; clients send some ten.
pub const MAX_HEADERS: usize = 64;

/// Bytes in the path of a request; the longest that is served has some thirty.
pub const MAX_PATH: usize = 1024;

/// Bytes in the body of a request; the largest that anything takes is a number.
pub const MAX_BODY: usize = 4 * 1024;

/// Requests that are worked on at once whose access has to be reviewed, which may wait for the API server. What a client takes its
/// time for, sending a body and reading an answer, does not count.
pub const MAX_REVIEWED_REQUESTS: usize = 64;

/// Requests that are worked on at once on paths that everybody may read. They are counted apart, so that a probe is answered while
/// all of the others wait for an API server that is away.
pub const MAX_OPEN_REQUESTS: usize = 64;

/// Answers at once that are larger than [`MAX_UNREAD`], until they are read: metrics take some 100 KiB, and one client or two read
/// them.
pub const MAX_LARGE_ANSWERS: usize = 16;

/// Requests at once on one connection of HTTP/2. Upstream allows 100; who comes here sends one.
pub const MAX_STREAMS: u32 = 16;

/// Streams of HTTP/2 that a client may have opened and reset again while none was looked at (CVE-2023-44487); h2's own number,
/// named here so that it stays.
pub const MAX_RESET_STREAMS: usize = 20;

/// Streams of HTTP/2 that may have to be reset for the errors of a client before its connection ends (RUSTSEC-2024-0003).
pub const MAX_FAULTY_STREAMS: usize = 64;

/// Bytes of a body that a client of HTTP/2 may send unasked on each stream: a whole one, and enough of a larger one to see that it
/// is.
pub const STREAM_WINDOW: u32 = 8 * 1024;

/// Bytes of answers that wait for a client to read, for each connection of HTTP/1 or stream of HTTP/2. An answer that is larger is
/// one of [`MAX_LARGE_ANSWERS`].
pub const MAX_UNREAD: usize = 16 * 1024;

/// How long the API server may take for a review (apiserver `ClientTimeout`, 10 s).
pub const REVIEW_TIME: Duration = Duration::from_secs(10);

/// Reviews in a second, and in a burst, that the API server is asked for at most: upstream's own numbers (apiserver
/// `DelegatingAuthenticationOptions`). Without them whoever can connect could have it review invented tokens as fast as it can.
pub const REVIEWS_PER_SECOND: u32 = 200;
/// See [`REVIEWS_PER_SECOND`].
pub const REVIEWS_IN_A_BURST: u32 = 400;

/// Tokens that are remembered, some hundred bytes each.
pub const MAX_REMEMBERED_TOKENS: u64 = 1024;

/// Answers to who may do what that are remembered, some hundred bytes each.
pub const MAX_REMEMBERED_ANSWERS: u64 = 4096;

/// Bytes of what the API server says that are passed on.
pub const MAX_REASON: usize = 400;

/// How often files of certificates are looked at; reading them costs some microseconds, and some file systems tell of no change.
pub const LOOK: Duration = Duration::from_secs(1);

/// Bytes in a file of certificates or a key; a bundle of all public authorities has 200 KB.
pub const MAX_FILE: u64 = 1024 * 1024;

/// How often the authority of client certificates is looked up in the cluster.
pub const LOOK_UP: Duration = Duration::from_mins(1);

/// How soon it is looked up again as long as there is none.
pub const LOOK_UP_AGAIN: Duration = Duration::from_secs(5);

/// How long nobody is accepted after accepting failed, which is when the process has no file descriptor left.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(500);
