//! What a local process and all its descendants cost in processor time, those included that have ended.
//! Counted in the kernel's ticks of 10 ms, so for seconds of work, not for one message.

use std::collections::HashMap;
use std::fs;
use std::time::Duration;

use anyhow::Context as _;

/// The unit of times in `/proc/<pid>/stat`, the same on every Linux.
const TICK: Duration = Duration::from_millis(10);

/// A process and its descendants, such as a database server with a process for each connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct ProcessTree {
    root: u32,
}

/// What a `stat` file says of one process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stat {
    parent: u32,
    ticks: u32,
}

impl ProcessTree {
    /// The tree of the process with this id.
    pub(super) fn new(root: u32) -> Self {
        Self { root }
    }

    /// The time that it has spent on a processor.
    pub(super) fn cpu(&self) -> anyhow::Result<Duration> {
        let stats = all()?;
        stats.get(&self.root).with_context(|| format!("no process {}", self.root))?;
        Ok(TICK
            * stats.keys().filter(|pid| is_below(**pid, self.root, &stats)).map(|pid| stats[pid].ticks).sum())
    }
}

/// Every process there is.
fn all() -> anyhow::Result<HashMap<u32, Stat>> {
    let mut stats = HashMap::new();
    for entry in fs::read_dir("/proc").context("there is no /proc")? {
        let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // One that just ended has none.
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok().and_then(|text| parse(&text));
        stats.extend(stat.map(|stat| (pid, stat)));
    }
    Ok(stats)
}

fn is_below(pid: u32, root: u32, stats: &HashMap<u32, Stat>) -> bool {
    let mut at = Some(pid);
    while let Some(pid) = at {
        if pid == root {
            return true;
        }
        at = stats.get(&pid).map(|stat| stat.parent);
    }
    false
}

/// The fourth field is the parent; the 14th to 17th are times in user and kernel mode, its own and those of children
/// that have ended. The second, a name in brackets, may hold anything.
fn parse(text: &str) -> Option<Stat> {
    let (_, fields) = text.rsplit_once(')')?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let ticks = fields.get(11..15)?.iter().map(|field| field.parse::<u32>().ok()).sum::<Option<u32>>()?;
    Some(Stat { parent: fields.get(1)?.parse().ok()?, ticks })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stat_is_read_past_its_name() {
        let text = "7 (a) (b) S 3 7 7 0 -1 4194560 1 2 3 4 10 20 30 40 20 0 1 0 100 0 0";
        assert_eq!(parse(text), Some(Stat { parent: 3, ticks: 100 }));
        assert_eq!(parse("7 (a"), None);
    }

    #[test]
    fn a_tree_holds_children_and_their_children() {
        let stat = |parent| Stat { parent, ticks: 1 };
        let stats = HashMap::from([(1, stat(0)), (2, stat(1)), (3, stat(2)), (4, stat(1))]);
        let below = |root| [1, 2, 3, 4].map(|pid| is_below(pid, root, &stats));
        assert_eq!(below(2), [false, true, true, false]);
        assert_eq!(below(1), [true; 4]);
    }

    #[test]
    fn this_process_is_a_tree() {
        assert!(ProcessTree::new(std::process::id()).cpu().is_ok());
        assert!(ProcessTree::new(u32::MAX).cpu().is_err());
    }
}
