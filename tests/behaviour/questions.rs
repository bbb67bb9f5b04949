//! Questions to the `PacketApi` actor: which of them cost a request, and how fresh their answers are.

use std::num::{NonZeroU32, NonZeroU64};
use std::time::Duration;

use actix::{Actor, Addr, Context, Handler};
use packet_api_server::{DeviceSpec, Server};
use packet_cloud_controller_manager::actors::packet_api::PacketApi;
use packet_cloud_controller_manager::config::CacheSettings;
use packet_cloud_controller_manager::election::Gatekeeper;
use packet_cloud_controller_manager::messages::devices::{Asking, DeviceFound, FindDevice};
use packet_cloud_controller_manager::packet::{
    Answer, Budget, Client, Connection, DeviceId, Hostname, Limits, LookupError, Question, Urgency,
};
use packet_cloud_controller_manager::telemetry::health::Health;
use packet_cloud_controller_manager::telemetry::metrics::PacketMetrics;
use secrecy::SecretString;
use tokio::sync::oneshot;

const MINUTE: Duration = Duration::from_mins(1);

/// Waits for one answer.
struct Asker(Option<oneshot::Sender<Answer>>);

impl Actor for Asker {
    type Context = Context<Self>;
}

impl Handler<DeviceFound> for Asker {
    type Result = ();

    fn handle(&mut self, DeviceFound { asking, answer }: DeviceFound, _: &mut Context<Self>) {
        assert_eq!(asking, Asking(7));
        self.0.take().expect("one answer to one question").send(answer).unwrap();
    }
}

fn begin(api: &Addr<PacketApi>, question: &Question, max_age: Duration) -> oneshot::Receiver<Answer> {
    let (answer, answered) = oneshot::channel();
    let answer_to = Asker(Some(answer)).start().recipient();
    let question = question.clone();
    api.do_send(FindDevice { question, max_age, urgency: Urgency::Urgent, asking: Asking(7), answer_to });
    answered
}

async fn ask(api: &Addr<PacketApi>, question: &Question, max_age: Duration) -> Result<String, LookupError> {
    Ok(begin(api, question, max_age).await.unwrap()?.id.to_string())
}

const SETTINGS: CacheSettings = CacheSettings {
    device: MINUTE,
    facility: MINUTE,
    metro: MINUTE,
    not_found: MINUTE,
    max_devices: NonZeroU64::new(1000).unwrap(),
};

/// The actor against a simulated API.
fn start(server: &Server) -> Addr<PacketApi> {
    start_with(server, SETTINGS)
}

fn start_with(server: &Server, settings: CacheSettings) -> Addr<PacketApi> {
    let connection = Connection {
        base_url: server.url().parse().unwrap(),
        project: server.project_id().to_string(),
        token: SecretString::from(server.token().to_owned()),
    };
    let many = NonZeroU32::new(100).unwrap();
    let budget = Budget::new(Limits { requests_per_second: 1000.0, burst: many, max_in_flight: many });
    let (metrics, health) = (PacketMetrics::default(), Health::default());
    let (keeper, gate) = Gatekeeper::new(true);
    // Open for as long as the test runs.
    std::mem::forget(keeper);
    PacketApi::new(Client::new(connection).unwrap(), budget, settings, gate, metrics, health).start()
}

/// Requests about devices.
fn requests(server: &Server) -> usize {
    server.requests().all().iter().filter(|request| request.path.contains("/devices")).count()
}

#[actix::test]
async fn the_same_question_put_many_times_at_once_is_one_request() {
    let server = Server::start().await.unwrap();
    let device = server.store().create_device(DeviceSpec::new("node-1"));
    let api = start(&server);
    for question in [
        Question::ByHostname(Hostname::new("node-1")),
        Question::ById(DeviceId::parse(&device.id.to_string()).unwrap()),
    ] {
        server.requests().clear();
        let answers = futures::future::join_all((0..20).map(|_| ask(&api, &question, Duration::ZERO))).await;
        assert!(answers.iter().all(|answer| answer.as_deref() == Ok(&*device.id.to_string())), "{answers:?}");
        assert_eq!(requests(&server), 1);
    }
}

#[actix::test]
async fn an_answer_is_never_older_than_was_asked_for() {
    let server = Server::start().await.unwrap();
    let device = server.store().create_device(DeviceSpec::new("node-1"));
    let api = start(&server);
    let question = Question::ById(DeviceId::parse(&device.id.to_string()).unwrap());
    ask(&api, &question, MINUTE).await.unwrap();
    server.store().delete_device(&device.id);
    assert!(ask(&api, &question, MINUTE).await.is_ok(), "what is kept is fresh enough");
    assert_eq!(requests(&server), 1);
    let gone = ask(&api, &question, Duration::ZERO).await;
    assert!(matches!(gone, Err(LookupError::NoSuchId(_))), "{gone:?}");
    assert!(
        matches!(ask(&api, &question, MINUTE).await, Err(LookupError::NoSuchId(_))),
        "what is gone is not told of again"
    );
    assert_eq!(requests(&server), 2);
}

#[actix::test]
async fn a_question_put_while_the_api_is_being_asked_is_asked_again_if_it_wants_a_newer_answer() {
    use packet_api_server::{Fault, FaultKind};
    let server = Server::start().await.unwrap();
    let device = server.store().create_device(DeviceSpec::new("node-1"));
    server.faults().push(Fault::new(FaultKind::Delay(Duration::from_millis(300))).path_prefix("/devices").times(1));
    let api = start(&server);
    let question = Question::ById(DeviceId::parse(&device.id.to_string()).unwrap());
    let first = begin(&api, &question, MINUTE);
    crate::support::until("the first request", || (requests(&server) == 1).then_some(())).await;
    server.store().delete_device(&device.id);
    let second = ask(&api, &question, Duration::ZERO).await;
    assert!(matches!(second, Err(LookupError::NoSuchId(_))), "{second:?}");
    assert!(first.await.is_ok(), "it is answered as well");
    assert_eq!(requests(&server), 2);
}

#[actix::test]
async fn many_questions_at_once_are_answered_by_the_pages_and_those_that_follow_by_what_was_kept() {
    let server = Server::builder().max_per_page(10).start().await.unwrap();
    let devices = server.store().create_devices(40, "node-");
    let api = start(&server);
    let question = |device: &packet_api_server::Device| Question::ByHostname(Hostname::new(&device.hostname));
    for _ in 0..2 {
        let questions: Vec<_> = devices.iter().map(question).collect();
        let answers = futures::future::join_all(questions.iter().map(|question| ask(&api, question, MINUTE))).await;
        for (answer, device) in answers.into_iter().zip(&devices) {
            assert_eq!(answer.unwrap(), device.id.to_string());
        }
        assert_eq!(requests(&server), 4);
    }
}

#[actix::test]
async fn a_hostname_that_a_new_device_takes_over_is_not_answered_with_the_old_one_past_its_time() {
    let server = Server::start().await.unwrap();
    let old = server.store().create_device(DeviceSpec::new("node-1"));
    let brief = CacheSettings { device: Duration::from_millis(200), ..SETTINGS };
    let api = start_with(&server, brief);
    let question = Question::ByHostname(Hostname::new("node-1"));
    assert_eq!(ask(&api, &question, MINUTE).await.unwrap(), old.id.to_string());
    server.store().delete_device(&old.id);
    let new = server.store().create_device(DeviceSpec::new("node-1"));
    let changed = std::time::Instant::now();
    loop {
        let answer = ask(&api, &question, MINUTE).await.unwrap();
        if answer == new.id.to_string() {
            break;
        }
        assert!(answer == old.id.to_string() && changed.elapsed() < Duration::from_secs(1), "{answer}");
        tokio::task::yield_now().await;
    }
}

#[actix::test]
async fn more_devices_than_are_to_be_kept_are_answered_all_the_same() {
    let server = Server::builder().max_per_page(10).start().await.unwrap();
    let devices = server.store().create_devices(40, "node-");
    let api = start_with(&server, CacheSettings { max_devices: NonZeroU64::new(5).unwrap(), ..SETTINGS });
    let questions: Vec<_> =
        devices.iter().map(|device| Question::ByHostname(Hostname::new(&device.hostname))).collect();
    let answers = futures::future::join_all(questions.iter().map(|question| ask(&api, question, MINUTE))).await;
    for (answer, device) in answers.into_iter().zip(&devices) {
        assert_eq!(answer.unwrap(), device.id.to_string());
    }
}
