//! A defect: a panic in any actor or task ends the process, and its last line says where.
//!
//! The program itself has none to show, so this test program starts itself as the process that has one.

use std::process::Stdio;

use actix::{Actor, Context, Handler, Message, System};
use packet_cloud_controller_manager::config::LogFormat;
use packet_cloud_controller_manager::telemetry::logging;
use tokio::process::Command;

/// What makes this program the one with the defect.
const IS_DEFECTIVE: &str = "PACKET_CCM_TEST_IS_DEFECTIVE";

struct Defective;

impl Actor for Defective {
    type Context = Context<Self>;
}

#[derive(Message)]
#[rtype(result = "()")]
struct Divide(u32);

impl Handler<Divide> for Defective {
    type Result = ();

    fn handle(&mut self, Divide(by): Divide, _: &mut Context<Self>) {
        println!("{}", 1_u32.checked_div(by).expect("nobody divides by zero"));
    }
}

/// Does nothing but in the process that is started below, which it ends.
#[test]
fn a_process_with_a_defect() {
    if std::env::var_os(IS_DEFECTIVE).is_none() {
        return;
    }
    logging::start(2, LogFormat::Json);
    logging::end_the_process_on_panic();
    let _ = System::new().block_on(async { Defective.start().send(Divide(0)).await });
    // Half a controller would go on from here.
    std::process::exit(0);
}

#[tokio::test]
async fn a_panic_in_an_actor_ends_the_process_and_the_last_line_says_where() {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "panicking::a_process_with_a_defect", "--nocapture"]).env(IS_DEFECTIVE, "1");
    let output = command.stdin(Stdio::null()).output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(101), "{said}");
    let last: serde_json::Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
    assert!(last["place"].as_str().unwrap().contains("panicking.rs:"), "{last}");
    assert_eq!((&last["level"], &last["panic"]), (&"ERROR".into(), &"nobody divides by zero".into()), "{last}");
}
