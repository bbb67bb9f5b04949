//! The client of the Packet API against single canned answers.

use std::time::Duration;

use packet_api_server::DeviceSpec;
use packet_cloud_controller_manager::packet::{
    Client, Connection, DeviceId, Error, Exchange, Hostname, PageRequest, RateLimitWord, Reply, Request, decode,
};
use secrecy::SecretString;
use wiremock::matchers::{header, header_regex, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

const TOKEN: &str = "s3cret-token";
const PATIENCE: Duration = Duration::from_secs(30);
const DEVICE: &str = "/metal/v1/devices/e781ae1b";

fn client(server: &MockServer) -> Client {
    let connection = Connection {
        base_url: format!("{}/metal/v1/", server.uri()).parse().unwrap(),
        project: "p1".into(),
        token: SecretString::from(TOKEN),
    };
    Client::new(connection).unwrap()
}

fn device() -> Request {
    Request::Device(DeviceId::parse("e781ae1b").unwrap())
}

/// What the client makes of an answer to a question for one device.
async fn exchange(answer: ResponseTemplate) -> Exchange {
    let server = MockServer::start().await;
    Mock::given(method("GET")).and(path(DEVICE)).respond_with(answer).expect(1).mount(&server).await;
    client(&server).send(&device(), PATIENCE).await
}

async fn error_of(answer: ResponseTemplate) -> Error {
    exchange(answer).await.result.unwrap_err()
}

fn json(status: u16, body: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_raw(body.as_bytes().to_vec(), "application/json; charset=utf-8")
}

#[tokio::test]
async fn a_request_carries_the_token_and_says_who_asks() {
    let server = MockServer::start().await;
    Mock::given(path(DEVICE))
        .and(header("x-auth-token", TOKEN))
        .and(header("accept", "application/json"))
        .and(header_regex("user-agent", "^packet-cloud-controller-manager/[0-9.]+$"))
        .respond_with(json(200, r#"{"id":"e781ae1b","hostname":"a"}"#))
        .expect(1)
        .mount(&server)
        .await;
    let reply = client(&server).send(&device(), PATIENCE).await.result.unwrap();
    assert!(matches!(reply, Reply::Device(device) if device.hostname == Hostname::new("a")));
}

#[tokio::test]
async fn a_list_is_asked_for_by_page_without_what_is_not_read() {
    let server = MockServer::start().await;
    Mock::given(path("/metal/v1/projects/p1/devices"))
        .and(query_param("page", "2"))
        .and(query_param("per_page", "250"))
        .and(query_param("hostname", "a b&c"))
        .respond_with(json(200, r#"{"devices":[],"meta":{"total":0}}"#))
        .expect(1)
        .mount(&server)
        .await;
    let page = PageRequest { hostname: Some(Hostname::new("a b&c")), number: 2, size: 250 };
    client(&server).send(&Request::Page(page), PATIENCE).await.result.unwrap();
    let asked = &server.received_requests().await.unwrap()[0];
    let excluded = asked.url.query_pairs().find(|(key, _)| key == "exclude").unwrap().1.into_owned();
    let excluded: Vec<&str> = excluded.split(',').collect();
    for large in ["network_ports", "operating_system", "created_by", "ip_addresses.metro"] {
        assert!(excluded.contains(&large), "{large} is not in {excluded:?}");
    }
    for read in ["plan", "facility", "facility.metro", "metro", "ip_addresses"] {
        assert!(!excluded.contains(&read), "{read} is in {excluded:?}");
    }
}

#[tokio::test]
async fn what_is_left_out_on_the_wire_saves_bytes_and_is_not_missed() {
    let server = packet_api_server::Server::start().await.unwrap();
    let spec = DeviceSpec::new("a").facility("ny5").plan("c3.small.x86").realistic_size(true);
    let id = server.store().create_device(spec).id.to_string();
    let connection = Connection {
        base_url: server.url().parse().unwrap(),
        project: server.project_id().to_string(),
        token: SecretString::from(server.token()),
    };
    let request = Request::Device(DeviceId::parse(&id).unwrap());
    let lean = Client::new(connection).unwrap().send(&request, PATIENCE).await;
    let whole = reqwest::Client::new().get(format!("{}devices/{id}", server.url()));
    let whole = whole.header("x-auth-token", server.token()).send().await.unwrap().bytes().await.unwrap();
    let Reply::Device(device) = lean.result.unwrap() else { panic!("no device") };
    assert_eq!(*device, decode::device(&whole).unwrap());
    assert!(device.plan.is_some() && device.facility.is_some() && device.metro.is_some(), "{device:?}");
    assert!(lean.bytes + 1_000 < whole.len(), "{} bytes of {}", lean.bytes, whole.len());
}

#[tokio::test]
async fn each_refusal_is_its_own_error() {
    let own = r#"{"errors":["Not found"]}"#;
    assert!(matches!(error_of(json(404, own)).await, Error::NotFound { .. }));
    assert!(matches!(error_of(json(404, r#"{"message":"no route"}"#)).await, Error::ForeignNotFound { .. }));
    assert!(matches!(error_of(json(404, "")).await, Error::ForeignNotFound { .. }));
    assert!(matches!(error_of(json(401, own)).await, Error::Unauthorized { .. }));
    assert!(matches!(error_of(json(403, own)).await, Error::Forbidden { .. }));
    assert!(matches!(error_of(json(422, own)).await, Error::Unexpected { status: 422, .. }));
    assert!(matches!(error_of(json(503, "<html>")).await, Error::Server { status: 503, .. }));
    assert!(matches!(
        error_of(ResponseTemplate::new(301).insert_header("location", "/x")).await,
        Error::Unexpected { status: 301, .. }
    ));
}

#[tokio::test]
async fn a_body_that_is_no_device_says_what_it_is() {
    assert!(matches!(error_of(json(200, "")).await, Error::CutOff { .. }));
    assert!(matches!(error_of(json(200, r#"{"id":"e781ae1b","hostn"#)).await, Error::CutOff { .. }));
    let html = ResponseTemplate::new(200).set_body_raw("<!DOCTYPE html>", "text/html");
    assert!(matches!(error_of(html).await, Error::NotJson { content_type, .. } if &*content_type == "text/html"));
    let other = error_of(json(200, r#"{"id":"e781ae1b","hostname":null}"#)).await;
    assert!(matches!(other, Error::Shape { ref field, .. } if &**field == "hostname"), "{other}");
}

#[tokio::test]
async fn the_apis_word_on_limits_is_read_from_the_head_of_every_answer() {
    let word = |answer| async { exchange(answer).await.word };
    let seconds = |wait: Option<Duration>| wait.map(|wait| wait.as_secs());
    let refused = word(ResponseTemplate::new(429).insert_header("retry-after", "17")).await;
    assert_eq!((refused.refused, seconds(refused.retry_after)), (true, Some(17)));
    assert_eq!(word(ResponseTemplate::new(429)).await, RateLimitWord { refused: true, ..RateLimitWord::default() });
    let failed = word(ResponseTemplate::new(503).insert_header("retry-after", "17")).await;
    assert_eq!((failed.refused, seconds(failed.retry_after)), (false, Some(17)));
    let good = json(200, r#"{"id":"e781ae1b","hostname":"a"}"#);
    // The API's clock is what its moments are told by, whatever ours says.
    let good = good.insert_header("date", "Sun, 09 Sep 2001 01:46:40 GMT").insert_header("retry-after", "17");
    let good =
        word(good.insert_header("x-ratelimit-remaining", "3").insert_header("x-ratelimit-reset", "1000000060")).await;
    assert_eq!((good.remaining, seconds(good.reset), good.retry_after), (Some(3), Some(60), None));
    let nonsense =
        ResponseTemplate::new(429).insert_header("retry-after", "soon").insert_header("x-ratelimit-reset", "-1");
    assert_eq!(word(nonsense).await, RateLimitWord { refused: true, ..RateLimitWord::default() });
}

#[tokio::test]
async fn the_token_is_in_no_error_even_where_the_answer_repeats_it() {
    let error = error_of(json(401, &format!(r#"{{"error":"token {TOKEN} is\nunknown"}}"#))).await;
    let said = error.to_string();
    assert!(said.contains("token [token] is unknown"), "{said}");
    let server = MockServer::start().await;
    let debug = format!(
        "{:?}",
        Connection { base_url: server.uri().parse().unwrap(), project: "p1".into(), token: SecretString::from(TOKEN) }
    );
    assert!(!debug.contains(TOKEN), "{debug}");
}

#[tokio::test]
async fn an_answer_larger_than_any_true_one_is_refused_before_it_fills_the_memory() {
    let error = error_of(json(200, &" ".repeat(65 << 20))).await;
    assert!(matches!(error, Error::TooLarge { .. }), "{error}");
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_a_timeout_and_a_closed_port_says_so() {
    let server = MockServer::start().await;
    let late = json(200, "{}").set_delay(Duration::from_mins(1));
    Mock::given(path(DEVICE)).respond_with(late).mount(&server).await;
    let timeout = client(&server).send(&device(), Duration::from_millis(50)).await;
    assert!(matches!(timeout.result, Err(Error::Timeout { .. })), "{timeout:?}");
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let connection = Connection {
        base_url: format!("http://{closed}/").parse().unwrap(),
        project: "p1".into(),
        token: SecretString::from(TOKEN),
    };
    let error = Client::new(connection).unwrap().send(&device(), PATIENCE).await.result.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }) && error.to_string().contains("refused"), "{error}");
}
