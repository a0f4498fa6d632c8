//! A log, one line at a time: what is in memory is the line that is looked at.

use std::io::{self, BufRead, Read};

use serde::de::DeserializeOwned;

use super::Verdict;

/// The longest line that is taken: a header holds a whole controller.
const LONGEST: u64 = 256 * 1024 * 1024;

/// The lines of a log.
pub(super) struct Lines<R> {
    reader: R,
    buffer: Vec<u8>,
    number: u64,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader, buffer: Vec::new(), number: 0 }
    }

    /// The number of the line that was read last, from 1.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// Reads the next line; false at the end.
    pub(super) fn next(&mut self) -> Result<bool, Verdict> {
        self.buffer.clear();
        let line = self.number + 1;
        let read = (&mut self.reader).take(LONGEST).read_until(b'\n', &mut self.buffer);
        let read = read.map_err(|error| unreadable(line, &error))?;
        if read == 0 {
            return Ok(false);
        }
        self.number = line;
        if read as u64 == LONGEST {
            let why = format!("the line is longer than {LONGEST} bytes: this is no log");
            return Err(Verdict::Bad { line, column: 0, why });
        }
        Ok(true)
    }

    /// The line as it was written.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(self.bytes()).into_owned()
    }

    /// The line as a value.
    pub(super) fn parse<T: DeserializeOwned>(&self) -> Result<T, Verdict> {
        serde_json::from_slice(self.bytes()).map_err(|error| self.bad(&error))
    }

    fn bytes(&self) -> &[u8] {
        self.buffer.strip_suffix(b"\n").unwrap_or(&self.buffer)
    }

    /// Only a line without its end may have been cut off; any other was written like this.
    fn bad(&self, error: &serde_json::Error) -> Verdict {
        let line = self.number;
        let column = error.column();
        let says = error.to_string();
        let why = says.split(" at line ").next().unwrap_or(&says).to_owned();
        if error.is_eof() && !self.buffer.ends_with(b"\n") {
            return Verdict::Truncated { line, why };
        }
        Verdict::Bad { line, column, why }
    }
}

fn unreadable(line: u64, error: &io::Error) -> Verdict {
    Verdict::Bad { line, column: 0, why: format!("it cannot be read: {error}") }
}
