//! Judges what clients of a room saw: is anything lost, doubled, out of order, invented, or different elsewhere?
//! Pure, and blind to how the evidence was gathered; a clean verdict on thin evidence says little.

mod findings;
mod histories;
mod readings;
mod sends;
mod sightings;
#[cfg(test)]
mod testbed;
mod truth;

pub use findings::{Anomaly, Findings, Found};

use self::truth::Truth;
use super::evidence::RoomEvidence;

/// Everything that is wrong with one room, with at most so many examples of each anomaly.
pub fn judge(room: &RoomEvidence, examples: usize) -> Findings {
    let mut findings = Findings::new(examples);
    let truth = Truth::of(room);
    histories::judge(room, &truth, &mut findings);
    sends::judge(room, &truth, &mut findings);
    readings::judge(room, &truth, &mut findings);
    sightings::judge(room, &truth, &mut findings);
    findings
}
