//! The client of the Packet API against single canned answers.

use packet_cloud_controller_manager::packet::{Client, Connection, DeviceId, Error, Hostname};
use secrecy::SecretString;
use wiremock::matchers::{header, header_regex, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

const TOKEN: &str = "s3cret-token";
const DEVICE: &str = "/metal/v1/devices/e781ae1b";

fn client(server: &MockServer) -> Client {
    let connection = Connection {
        base_url: format!("{}/metal/v1/", server.uri()).parse().unwrap(),
        project: "p1".into(),
        token: SecretString::from(TOKEN),
    };
    Client::new(connection).unwrap()
}

/// What the client makes of an answer to a question for one device.
async fn error_of(answer: ResponseTemplate) -> Error {
    let server = MockServer::start().await;
    Mock::given(method("GET")).and(path(DEVICE)).respond_with(answer).expect(1).mount(&server).await;
    client(&server).device(&DeviceId::parse("e781ae1b").unwrap()).await.unwrap_err()
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
    let device = client(&server).device(&DeviceId::parse("e781ae1b").unwrap()).await.unwrap();
    assert_eq!(device.hostname, Hostname::new("a"));
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
    client(&server).devices(Some(&Hostname::new("a b&c")), 2).await.unwrap();
    let asked = &server.received_requests().await.unwrap()[0];
    assert!(asked.url.query().unwrap().contains("exclude="), "{}", asked.url);
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
async fn the_apis_wish_to_wait_is_read_from_either_header() {
    let wait = |answer| async { error_of(answer).await.retry_after().map(|wait| wait.as_secs()) };
    assert_eq!(wait(ResponseTemplate::new(429).insert_header("retry-after", "17")).await, Some(17));
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let reset = ResponseTemplate::new(429).insert_header("x-ratelimit-reset", (now + 60).to_string());
    assert!(wait(reset).await.is_some_and(|seconds| (55..=60).contains(&seconds)));
    assert_eq!(wait(ResponseTemplate::new(429)).await, None);
    assert_eq!(wait(ResponseTemplate::new(503).insert_header("retry-after", "17")).await, Some(17));
    let reset = ResponseTemplate::new(500).insert_header("x-ratelimit-reset", (now + 60).to_string());
    assert_eq!(wait(reset).await, None, "it comes with every answer, and means nothing but with a 429");
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
    let late = json(200, "{}").set_delay(std::time::Duration::from_mins(1));
    Mock::given(path(DEVICE)).respond_with(late).mount(&server).await;
    let id = DeviceId::parse("e781ae1b").unwrap();
    let patient = client(&server).with_answer_timeout(std::time::Duration::from_millis(50));
    assert!(matches!(patient.device(&id).await, Err(Error::Timeout { .. })));
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let connection = Connection {
        base_url: format!("http://{closed}/").parse().unwrap(),
        project: "p1".into(),
        token: SecretString::from(TOKEN),
    };
    let error = Client::new(connection).unwrap().device(&id).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }) && error.to_string().contains("refused"), "{error}");
}
