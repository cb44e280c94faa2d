//! What a node tells about itself: log lines and metrics.
//! It knows neither settings nor actors; whoever has something to tell is handed what it tells it to.

mod counted;
mod kafka;
pub mod logging;
mod metrics;
mod process;
mod saver;
mod stopwatch;

pub use self::counted::Counted;
pub use self::kafka::{ClientMeters, KafkaMeters};
pub use self::metrics::{Connections, Meters, Metrics};
pub use self::stopwatch::Stopwatch;
