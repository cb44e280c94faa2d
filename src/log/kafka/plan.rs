//! What the topics should be like and how one differs from that; pure.
//! Brokers are asked in `topics`.

use std::collections::BTreeMap;

use super::{
    Partition,
    client::KafkaOptions,
    tuning::{HEADERS_BYTES, RECORD_BYTES},
};

/// How long signals are kept. Nobody reads an old one; it only has to be there until everybody has it.
const SIGNALS_KEPT_MS: u64 = 10 * 60 * 1000;

/// What a topic should be like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) name: String,
    pub(super) partitions: Partition,
    pub(super) replicas: Option<i32>,
    pub(super) configs: Vec<(&'static str, String)>,
}

/// What a topic is like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) partitions: Partition,
    pub(super) replicas: i32,
    pub(super) configs: BTreeMap<String, String>,
}

/// Something about a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// It breaks a promise, or will.
    Fault(String),
    /// It is worth knowing.
    Note(String),
}

/// The topics that the options name.
pub(super) fn plans(options: &KafkaOptions) -> [Plan; 3] {
    let (names, layout) = (&options.names, &options.layout);
    let plan = |name: &str, partitions, configs: Vec<(&'static str, String)>| Plan {
        name: name.to_owned(),
        partitions,
        replicas: layout.replication,
        configs,
    };
    // The rooms' topic is the truth, and the database follows it: a record that the brokers forget before a saver
    // has stored it is lost, and `klatsch verify` compares what is still there. So they keep it for ever, unless
    // somebody decides otherwise.
    let lasting = |bytes: usize| {
        let mut configs = vec![
            ("message.timestamp.type", "LogAppendTime".to_owned()),
            ("cleanup.policy", "delete".to_owned()),
            ("retention.ms", "-1".to_owned()),
            ("retention.bytes", "-1".to_owned()),
            ("unclean.leader.election.enable", "false".to_owned()),
            ("max.message.bytes", bytes.to_string()),
        ];
        let insync = layout.min_insync_replicas.map(|replicas| ("min.insync.replicas", replicas.to_string()));
        configs.extend(insync);
        configs
    };
    let passing = vec![
        ("message.timestamp.type", "LogAppendTime".to_owned()),
        ("cleanup.policy", "delete".to_owned()),
        ("retention.ms", SIGNALS_KEPT_MS.to_string()),
        ("segment.ms", SIGNALS_KEPT_MS.to_string()),
    ];
    [
        plan(&names.rooms, layout.partitions, lasting(RECORD_BYTES)),
        plan(&names.dead_letters, 1, lasting(RECORD_BYTES + HEADERS_BYTES)),
        plan(&names.signals, 1, passing),
    ]
}

impl Plan {
    /// What is to be said of the topic.
    pub(super) fn compare(&self, found: Option<&Found>) -> Vec<Finding> {
        let Some(found) = found else {
            return vec![Finding::Fault("it is not there; `klatsch topics create` makes it".to_owned())];
        };
        let mut findings = Vec::new();
        if found.partitions < self.partitions {
            findings.push(Finding::Fault(format!(
                "it has {} partitions, not {}; `klatsch topics create --partitions {}` adds them",
                found.partitions, self.partitions, self.partitions
            )));
        }
        if self.replicas.is_some_and(|replicas| found.replicas < replicas) {
            let replicas = self.replicas.unwrap_or_default();
            let fault = format!("a partition of it has {} replicas, not {replicas}", found.replicas);
            findings.push(Finding::Fault(fault));
        }
        findings.extend(self.configs.iter().filter_map(|(name, wanted)| self.differs(name, wanted, found)));
        findings.extend(self.advice(found));
        findings
    }

    fn differs(&self, name: &str, wanted: &str, found: &Found) -> Option<Finding> {
        let is = found.configs.get(name).map_or("", String::as_str);
        let number = |text: &str| text.parse::<i64>().unwrap_or_default();
        let is_enough = match name {
            "min.insync.replicas" | "max.message.bytes" => number(is) >= number(wanted),
            _ => is == wanted,
        };
        if is_enough {
            return None;
        }
        let difference = format!("{name} is {is}, not {wanted}: {}", consequence(name));
        match name {
            "retention.ms" | "retention.bytes" | "segment.ms" => Some(Finding::Note(difference)),
            _ => Some(Finding::Fault(difference)),
        }
    }

    fn advice(&self, found: &Found) -> Option<Finding> {
        let is_lasting = self.configs.iter().any(|(name, _)| *name == "unclean.leader.election.enable");
        let insync = found.configs.get("min.insync.replicas").map_or("", String::as_str);
        match found.replicas {
            _ if !is_lasting => None,
            1 => Some(Finding::Note(
                "it has one replica, so a broker's disk that is lost loses records".into(),
            )),
            2.. if insync == "1" => Some(Finding::Note(format!(
                "min.insync.replicas is 1 with {} replicas, so a record may be acknowledged by one broker alone",
                found.replicas
            ))),
            _ => None,
        }
    }
}

/// What happens where a topic's setting is not as wanted.
fn consequence(name: &str) -> &'static str {
    match name {
        "message.timestamp.type" => "records have the clocks of nodes instead of the broker's",
        "cleanup.policy" => "the broker may remove records out of the middle of a room",
        "unclean.leader.election.enable" => "a broker that lacks acknowledged records may become the leader",
        "min.insync.replicas" => "fewer replicas than that may acknowledge a record",
        "max.message.bytes" => "large records are refused",
        "retention.ms" | "retention.bytes" => {
            "records go before their time; those that no saver has stored until then are lost"
        }
        _ => "it was made otherwise",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::kafka::testbed::options;

    fn plan() -> Plan {
        let mut options = options("localhost:1");
        options.layout.replication = Some(3);
        options.layout.min_insync_replicas = Some(2);
        let [rooms, _, _] = plans(&options);
        rooms
    }

    fn as_planned(plan: &Plan) -> Found {
        let configs = plan.configs.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        Found {
            partitions: plan.partitions,
            replicas: plan.replicas.unwrap_or(1),
            configs: configs.collect(),
        }
    }

    #[test]
    fn a_topic_as_planned_or_with_more_partitions_and_replicas_has_no_findings() {
        let plan = plan();
        let mut found = as_planned(&plan);
        assert_eq!(plan.compare(Some(&found)), []);
        found.partitions += 1;
        found.replicas += 1;
        found.configs.insert("min.insync.replicas".to_owned(), "3".to_owned());
        assert_eq!(plan.compare(Some(&found)), []);
    }

    #[test]
    fn whatever_breaks_a_promise_is_a_fault_that_names_it() {
        let plan = plan();
        assert!(matches!(plan.compare(None)[..], [Finding::Fault(_)]));
        for (name, value) in [
            ("message.timestamp.type", "CreateTime"),
            ("cleanup.policy", "compact,delete"),
            ("min.insync.replicas", "1"),
            ("max.message.bytes", "1048588"),
            ("unclean.leader.election.enable", "true"),
        ] {
            let mut found = as_planned(&plan);
            found.configs.insert(name.to_owned(), value.to_owned());
            let findings = plan.compare(Some(&found));
            let Some(Finding::Fault(fault)) = findings.first() else { panic!("{findings:?}") };
            assert!(fault.starts_with(&format!("{name} is {value}, not ")), "{fault}");
        }
        let mut found = as_planned(&plan);
        (found.partitions, found.replicas) = (1, 2);
        assert_eq!(plan.compare(Some(&found)).len(), 2);
    }

    #[test]
    fn what_an_operator_may_decide_is_a_note() {
        let plan = plan();
        let mut found = as_planned(&plan);
        found.configs.insert("retention.ms".to_owned(), "604800000".to_owned());
        assert!(matches!(plan.compare(Some(&found))[..], [Finding::Note(_)]));

        let plain = Plan { replicas: None, ..plan };
        let mut found = as_planned(&plain);
        (found.replicas, found.partitions) = (1, plain.partitions);
        assert!(matches!(plain.compare(Some(&found))[..], [Finding::Note(_)]));
    }
}
