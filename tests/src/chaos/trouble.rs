//! What happens to a collector and those around it.

use std::time::Duration;

use super::destinations::Destinations;
use super::life::{End, SlowDisk};
use super::peers;
use crate::backend::Answer;
use crate::processes::Addresses;
use crate::random::Random;

/// Something that happens while a collector runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Two destinations answer 503.
    Refuse,
    /// They answer 429 and say when to come again.
    TooMany,
    /// They answer nothing.
    Hang,
    /// They close in the middle of a request.
    Close,
    /// They take a request and break off their answer.
    Half,
    /// Clients disconnect in the middle of a request.
    Disconnect,
    /// Clients send a byte now and then.
    Slow,
}

const TROUBLES: [Trouble; 7] = [
    Trouble::Refuse,
    Trouble::TooMany,
    Trouble::Hang,
    Trouble::Close,
    Trouble::Half,
    Trouble::Disconnect,
    Trouble::Slow,
];
const ENDS: [End; 3] = [End::Kill, End::Terminate, End::Kill];
const DISKS: [SlowDisk; 3] = [SlowDisk::No, SlowDisk::Yes, SlowDisk::No];

/// Draws without putting back until everything was drawn: a short run has some of each.
#[derive(Debug, Default)]
pub(super) struct Deck {
    troubles: Vec<Trouble>,
    ends: Vec<End>,
    disks: Vec<SlowDisk>,
}

impl Deck {
    pub(super) fn draw(&mut self, random: &mut Random) -> Trouble {
        draw(&mut self.troubles, &TROUBLES, random).unwrap_or(Trouble::Refuse)
    }

    pub(super) fn draw_end(&mut self, random: &mut Random) -> End {
        draw(&mut self.ends, &ENDS, random).unwrap_or(End::Kill)
    }

    pub(super) fn draw_disk(&mut self, random: &mut Random) -> SlowDisk {
        draw(&mut self.disks, &DISKS, random).unwrap_or(SlowDisk::No)
    }
}

fn draw<T: Copy>(deck: &mut Vec<T>, all: &[T], random: &mut Random) -> Option<T> {
    if deck.is_empty() {
        deck.extend(all);
    }
    let at = random.up_to(deck.len() as u64);
    let at = usize::try_from(at).unwrap_or(0);
    (at < deck.len()).then(|| deck.swap_remove(at))
}

impl Trouble {
    /// For the report.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Refuse => "destinations refuse",
            Self::TooMany => "destinations ask for a pause",
            Self::Hang => "destinations hang",
            Self::Close => "destinations close mid-stream",
            Self::Half => "destinations answer half",
            Self::Disconnect => "clients disconnect mid-request",
            Self::Slow => "clients are slow",
        }
    }

    /// Happens, for at most so long.
    pub(super) async fn happen(
        self,
        destinations: &Destinations,
        collector: Addresses,
        most: Duration,
        random: &mut Random,
    ) {
        let time = Duration::from_millis(700 + random.up_to(1_500)).min(most);
        let answer = match self {
            Self::Refuse => Answer::Refuse(503, None),
            Self::TooMany => Answer::Refuse(429, Some(Duration::from_secs(1))),
            Self::Hang => Answer::Hang,
            Self::Close => Answer::Close,
            Self::Half => Answer::TakeAndBreakOff,
            Self::Disconnect => {
                peers::disconnect(collector, random).await;
                return tokio::time::sleep(time / 4).await;
            }
            Self::Slow => return peers::trickle(collector, time).await,
        };
        destinations.trouble(answer, time).await;
    }
}
