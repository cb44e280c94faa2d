//! Clusters on Apache Kafka while their parts are killed, stopped and frozen, judged by `klatsch check` and `verify`.
//! What one node promises by itself is tested elsewhere.

mod brokers;
mod compare;
