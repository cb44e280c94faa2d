//! What a local process costs: its processor time in nanoseconds and its memory, read from `/proc`.
//! Linux only, and blind to memory that the kernel holds for the process's sockets.

use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use serde::Serialize;

/// A running process, by its id.
#[derive(Clone, Copy, Debug)]
pub struct Process {
    pid: u32,
}

/// A process's memory, in bytes.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Memory {
    /// Resident set size.
    pub rss: u64,
    /// Proportional set size: shared pages divided by their users.
    pub pss: u64,
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mebibytes = |bytes: u64| bytes as f64 / f64::from(1 << 20);
        write!(f, "{:.1} MiB RSS, {:.1} MiB PSS", mebibytes(self.rss), mebibytes(self.pss))
    }
}

impl Process {
    /// The process with this id; that it exists shows at the first reading.
    pub fn new(pid: u32) -> Self {
        Self { pid }
    }

    /// The time that all living threads have spent on a processor.
    ///
    /// Threads that have ended are not in it, so take differences over windows in which none ends.
    pub fn cpu(&self) -> anyhow::Result<Duration> {
        let tasks = fs::read_dir(self.file("task")).with_context(|| format!("no process {}", self.pid))?;
        let mut nanoseconds = 0;
        for task in tasks {
            nanoseconds += on_cpu(task?.path().join("schedstat"))?;
        }
        Ok(Duration::from_nanos(nanoseconds))
    }

    /// The memory it holds now.
    pub fn memory(&self) -> anyhow::Result<Memory> {
        let file = self.file("smaps_rollup");
        let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let bytes = |name| field(&text, name).map(|kilobytes| kilobytes * 1024);
        Ok(Memory { rss: bytes("Rss:")?, pss: bytes("Pss:")? })
    }

    fn file(&self, name: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{name}", self.pid))
    }
}

/// The first number of a `schedstat` file: nanoseconds on a processor. A thread that just ended counts nothing.
fn on_cpu(schedstat: PathBuf) -> anyhow::Result<u64> {
    let Ok(text) = fs::read_to_string(schedstat) else {
        return Ok(0);
    };
    let first = text.split_whitespace().next().context("an empty schedstat")?;
    first.parse().context("a schedstat without a number")
}

fn field(text: &str, name: &str) -> anyhow::Result<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|rest| rest.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).with_context(|| format!("no {name} in smaps_rollup"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_used_time_and_memory() {
        let process = Process::new(std::process::id());
        assert!(process.cpu().expect("own /proc").as_nanos() > 0);
        let memory = process.memory().expect("own /proc");
        assert!(memory.rss >= memory.pss && memory.pss > 0);
    }

    #[test]
    fn a_field_is_found_by_its_name() {
        let text = "00-ff [rollup]\nRss:    1680 kB\nPss:     409 kB\nPss_Dirty: 1 kB\n";
        assert_eq!(field(text, "Pss:").expect("present"), 409);
        assert!(field(text, "Swap:").is_err());
    }
}
