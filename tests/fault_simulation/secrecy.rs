//! The token of the simulated world, and an ear that hears every line of the log.

use std::io;
use std::sync::{Arc, Mutex};

use tracing::Level;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::fmt::MakeWriter;

use crate::invariants::Violations;

/// What must appear nowhere but in the header of requests.
pub(crate) const TOKEN: &str = "a-token-that-only-this-world-has";

/// Listens to the log of this thread.
#[derive(Clone)]
struct Ear {
    violations: Violations,
    /// What was heard, where somebody wants to read it.
    heard: Option<Arc<Mutex<Vec<u8>>>>,
}

impl io::Write for Ear {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let has_token = line.windows(TOKEN.len()).any(|window| window == TOKEN.as_bytes());
        if has_token {
            self.violations.add(format!("the log shows the token: {}", String::from_utf8_lossy(line)));
        }
        if let Some(heard) = &self.heard {
            heard.lock().unwrap().extend_from_slice(line);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Ear {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// Hears every line of the log until the guard is dropped; `heard` keeps them.
pub(crate) fn listen(violations: &Violations, level: Level, heard: Option<Arc<Mutex<Vec<u8>>>>) -> DefaultGuard {
    let ear = Ear { violations: violations.clone(), heard };
    let log = tracing_subscriber::fmt().with_max_level(level).with_ansi(false).without_time().with_writer(ear);
    tracing::subscriber::set_default(log.finish())
}
