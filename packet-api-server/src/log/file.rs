//! The log as a file: a line of JSON for each request, once it is answered.

use super::record::{Exchange, ExchangeJson};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

/// Where exchanges go to be written. A thread of its own writes, so that no answer waits for a disk; it ends once all that
/// was handed over is written and this is dropped.
#[derive(Debug)]
pub(crate) struct LogFile {
    /// There until the drop.
    lines: Option<Sender<Exchange>>,
    writer: Option<JoinHandle<()>>,
}

impl LogFile {
    /// Creates the file, or empties the one that is there.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        let file = BufWriter::new(File::create(path)?);
        let (lines, exchanges) = channel();
        let path = path.display().to_string();
        let writer = std::thread::Builder::new().name("request log".into()).spawn(move || {
            if let Err(error) = write(file, &exchanges) {
                tracing::error!(%error, path, "cannot write the request log any further; make room for it");
            }
        })?;
        Ok(Self { lines: Some(lines), writer: Some(writer) })
    }

    pub(crate) fn write(&self, exchange: Exchange) {
        if let Some(lines) = &self.lines {
            // An error means that the writer has given up, and has said so.
            let _ = lines.send(exchange);
        }
    }
}

impl Drop for LogFile {
    fn drop(&mut self) {
        self.lines = None;
        if let Some(writer) = self.writer.take() {
            // An error means that it panicked; there is nothing to save then.
            let _ = writer.join();
        }
    }
}

fn write(mut file: impl Write, exchanges: &Receiver<Exchange>) -> io::Result<()> {
    while let Ok(exchange) = exchanges.recv() {
        line(&mut file, &exchange)?;
        // Whoever follows the file sees a line as soon as there is time to show it.
        for exchange in exchanges.try_iter() {
            line(&mut file, &exchange)?;
        }
        file.flush()?;
    }
    Ok(())
}

fn line(file: &mut impl Write, exchange: &Exchange) -> io::Result<()> {
    serde_json::to_writer(&mut *file, &ExchangeJson::from(exchange))?;
    file.write_all(b"\n")
}
