//! CPU time, memory, descriptors and start of this process, read from `/proc` when somebody asks.
//! Not portable: where there is no `/proc` these metrics stay at zero.

use std::{fs, str::FromStr};

use prometheus::{
    Counter, Gauge, IntGauge,
    core::{Collector, Desc},
    proto::MetricFamily,
};

/// Ticks a second in which Linux counts a process's time for programs (USER_HZ), the same on every machine
/// that this runs on.
const TICKS_PER_SECOND: f64 = 100.0;

/// The standard `process_…` metrics.
#[derive(Clone)]
pub(super) struct ProcessCollector {
    cpu_seconds: Counter,
    resident_bytes: IntGauge,
    virtual_bytes: IntGauge,
    open_descriptors: IntGauge,
    most_descriptors: IntGauge,
    threads: IntGauge,
    started_seconds: Gauge,
}

impl ProcessCollector {
    pub(super) fn new() -> Self {
        let gauge = |name, help| Gauge::new(name, help).expect("the name is valid");
        let whole = |name, help| IntGauge::new(name, help).expect("the name is valid");
        Self {
            cpu_seconds: Counter::new("process_cpu_seconds_total", "User and system time of the process.")
                .expect("the name is valid"),
            resident_bytes: whole("process_resident_memory_bytes", "Memory of the process that is resident."),
            virtual_bytes: whole("process_virtual_memory_bytes", "Memory that the process has mapped."),
            open_descriptors: whole("process_open_fds", "File descriptors that are open."),
            most_descriptors: whole("process_max_fds", "File descriptors that may be open."),
            threads: whole("process_threads", "Threads of the process."),
            started_seconds: gauge("process_start_time_seconds", "When the process started, in Unix time."),
        }
    }

    fn all(&self) -> [&dyn Collector; 7] {
        [
            &self.cpu_seconds,
            &self.resident_bytes,
            &self.virtual_bytes,
            &self.open_descriptors,
            &self.most_descriptors,
            &self.threads,
            &self.started_seconds,
        ]
    }

    fn read(&self) -> Option<()> {
        let stat = Stat::parse(&fs::read_to_string("/proc/self/stat").ok()?)?;
        self.cpu_seconds.inc_by(stat.cpu_seconds);
        let boot: f64 = field(&fs::read_to_string("/proc/stat").ok()?, "btime")?;
        self.started_seconds.set(boot + stat.started_after_boot);

        let status = fs::read_to_string("/proc/self/status").ok()?;
        let kibibytes = |name| field::<i64>(&status, name).map(|number| number * 1024);
        self.resident_bytes.set(kibibytes("VmRSS:")?);
        self.virtual_bytes.set(kibibytes("VmSize:")?);
        self.threads.set(field(&status, "Threads:")?);

        self.most_descriptors.set(field(&fs::read_to_string("/proc/self/limits").ok()?, "Max open files")?);
        // The listing itself holds one descriptor open.
        let open = fs::read_dir("/proc/self/fd").ok()?.count().saturating_sub(1);
        self.open_descriptors.set(i64::try_from(open).ok()?);
        Some(())
    }
}

impl Collector for ProcessCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.all().into_iter().flat_map(|metric| metric.desc()).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        // Fresh ones for each scrape, as two may come at once. What cannot be read stays at zero: a scrape must
        // not fail for it.
        let fresh = Self::new();
        fresh.read();
        fresh.all().into_iter().flat_map(|metric| metric.collect()).collect()
    }
}

/// The fields of `/proc/self/stat` that matter here.
struct Stat {
    cpu_seconds: f64,
    started_after_boot: f64,
}

impl Stat {
    /// The second field is the name in parentheses, which may hold anything; what counts stands behind it.
    fn parse(text: &str) -> Option<Self> {
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
        let ticks = |index: usize| fields.get(index)?.parse::<f64>().ok();
        Some(Self {
            cpu_seconds: (ticks(11)? + ticks(12)?) / TICKS_PER_SECOND,
            started_after_boot: ticks(19)? / TICKS_PER_SECOND,
        })
    }
}

/// The first word behind `name` on the line that starts with it.
fn field<T: FromStr>(text: &str, name: &str) -> Option<T> {
    text.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_with_parentheses_in_its_name_is_read() {
        let text = "7 (a) b) S 1 2 3 4 5 6 7 8 9 10 150 50 13 14 15 16 17 18 1200 20";
        let stat = Stat::parse(text).expect("all fields are there");
        assert!((stat.cpu_seconds - 2.0).abs() < 1e-9);
        assert!((stat.started_after_boot - 12.0).abs() < 1e-9);
    }

    #[test]
    fn this_process_has_memory_and_descriptors() {
        let collector = ProcessCollector::new();
        assert!(collector.read().is_some());
        assert!(collector.resident_bytes.get() > 1024 * 1024);
        assert!(collector.open_descriptors.get() > 0);
        assert!(collector.started_seconds.get() > 1e9);
    }
}
