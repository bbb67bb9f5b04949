//! What the heads of answers say of limits, and what the budget makes of it.
//!
//! An input is a row of answers. A line without a colon begins one with its status, and with how many milliseconds pass until
//! the next; the lines that follow are its headers.

#![no_main]

use std::sync::LazyLock;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use libfuzzer_sys::fuzz_target;
use packet_cloud_controller_manager::packet::{Budget, Client, Error, Limits, NotYet, Plain, RateLimitWord, Request};
use tokio::runtime::{Builder, Runtime};
use tokio::time::{Instant, advance};

/// A budget that nothing but the API's word ever closes.
const LIMITS: Limits =
    Limits { requests_per_second: 1e9, burst: fuzz::not_zero(1_000), max_in_flight: fuzz::not_zero(8) };

static CLIENT: LazyLock<Client> = LazyLock::new(fuzz::client);

fuzz_target!(init: { LazyLock::force(&CLIENT); }, |answers: &[u8]| {
    let answers: Vec<Answer> = answers.split_inclusive(|byte| *byte == b'\n').fold(Vec::new(), with_line);
    paused_clock().block_on(hear(answers));
});

struct Answer {
    status: StatusCode,
    pause: Duration,
    headers: HeaderMap,
}

/// The answers with one more line of the input read into them.
fn with_line(mut answers: Vec<Answer>, line: &[u8]) -> Vec<Answer> {
    let line = line.trim_ascii();
    if let Some(answer) = answers.last_mut()
        && let Some(colon) = line.iter().position(|byte| *byte == b':')
    {
        let (name, value) = (HeaderName::from_bytes(&line[..colon]), HeaderValue::from_bytes(&line[colon + 1..]));
        if let (Ok(name), Ok(value)) = (name, value) {
            // More than fit into a head are none of ours to read.
            let _ = answer.headers.try_append(name, value);
        }
    } else if let Ok(line) = str::from_utf8(line) {
        let mut words = line.split_whitespace();
        let status = words.next().and_then(|word| StatusCode::from_bytes(word.as_bytes()).ok());
        let pause = words.next().and_then(|word| word.parse::<u32>().ok()).unwrap_or_default();
        answers.extend(status.map(|status| Answer {
            status,
            pause: Duration::from_millis(pause.into()),
            headers: HeaderMap::new(),
        }));
    }
    answers
}

fn paused_clock() -> Runtime {
    Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime")
}

async fn hear(answers: Vec<Answer>) {
    let budget = Budget::new(LIMITS);
    advance(Duration::from_secs(1)).await;
    for Answer { status, pause, headers } in answers {
        let permit = budget.try_admit().ok();
        let exchange = CLIENT.understand(&Request::Plain(Plain::Project), status, &headers, b"{}");
        let word = exchange.word;
        is_read_as_meant(status, &headers, word);
        if let Err(error @ Error::RateLimited { .. }) = exchange.result {
            assert!(error.to_string().contains("429"), "{error}");
        }
        budget.heard(word);
        drop(permit);
        is_heeded(word, budget.try_admit().map(drop));
        let tokens = budget.tokens();
        assert!((0.0..=f64::from(LIMITS.burst.get())).contains(&tokens), "{tokens} tokens");
        advance(pause).await;
    }
    advance(RateLimitWord::LONGEST).await;
    assert!(budget.try_admit().is_ok(), "the gate is still closed");
}

fn is_read_as_meant(status: StatusCode, headers: &HeaderMap, word: RateLimitWord) {
    assert_eq!(word.refused, status == StatusCode::TOO_MANY_REQUESTS);
    let may_ask_to_wait = word.refused || status.is_server_error();
    assert!(may_ask_to_wait || word.retry_after.is_none(), "{word:?} with {status}");
    let number = |name: &str| headers.get(name)?.to_str().ok()?.parse::<u32>().ok();
    if let Some(seconds) = number("retry-after").filter(|_| may_ask_to_wait) {
        assert_eq!(word.retry_after, Some(Duration::from_secs(seconds.into())));
    }
    if let Some(remaining) = number("x-ratelimit-remaining") {
        assert_eq!(word.remaining, Some(remaining.into()));
    }
}

/// After a refusal nothing goes out for a while: as long as the API asks for, and never longer than the longest wait.
fn is_heeded(word: RateLimitWord, admitted: Result<(), NotYet>) {
    let now = Instant::now();
    let wait = match admitted {
        Ok(()) => Duration::ZERO,
        Err(NotYet::Until(until) | NotYet::ApiAsks(until)) => until - now,
        Err(NotYet::AnAnswer) => panic!("every answer has come"),
    };
    assert!(wait <= RateLimitWord::LONGEST, "closed for {wait:?}");
    if word.refused {
        assert!(wait > Duration::ZERO, "a refusal closes the gate: {word:?}");
    }
    if let Some(asked_for) = word.retry_after.filter(|asked_for| !word.refused || *asked_for >= Duration::from_secs(1))
    {
        assert!(wait >= asked_for.min(RateLimitWord::LONGEST), "{wait:?} for {word:?}");
    }
}
