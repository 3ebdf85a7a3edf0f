//! Places in lines, where an operation has a rate: asked for at the gate by all flows of this process together.

use std::num::NonZeroU32;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::oneshot;
use tokio::sync::oneshot::error::TryRecvError;

use super::known::{Ask, Handed};
use super::{Line, Pacer};
use crate::OperationName;
use crate::pacing::{Gate, LineId, Rate, Slot};
use crate::ports::Unavailable;

/// How soon a line that begins may take turns from others, where other processes let flows pass by what they believe: longer
/// than that ([`TURNS_BELIEVED_FOR`](super::TURNS_BELIEVED_FOR)) by what clocks differ, and the write of the gate takes.
const NOTICE: Duration = Duration::from_secs(1);
/// How soon a flow asks for a place in a line again where too many lines wait, at the least.
const LOOK_FOR_LINE: Duration = Duration::from_secs(5);

impl Pacer {
    /// A place in a line and when its turn comes, or when to ask for one again.
    pub(super) async fn line_up(
        &self,
        name: &OperationName,
        line: &Line,
        gate: &Gate,
        of: LineId,
        rate: Rate,
        most: Option<NonZeroU32>,
    ) -> Result<(Option<Slot>, Timestamp), Unavailable> {
        // Asking in vain would be a write.
        if gate.has_room_for(of)
            && let Some(Handed { slot, at }) = self.take_slot(name, line, of, rate, most).await?
        {
            return Ok((Some(slot), at));
        }
        let rest = LOOK_FOR_LINE + LOOK_FOR_LINE.mul_f64(rand::random());
        Ok((None, self.clock.after(rest)))
    }

    /// The next place in a line, unless too many lines wait. Those who ask while another does are asked for together; for
    /// turns that have come, places for their calls are taken in the same write, where no others wait for those.
    async fn take_slot(
        &self,
        name: &OperationName,
        line: &Line,
        of: LineId,
        rate: Rate,
        most: Option<NonZeroU32>,
    ) -> Result<Option<Handed>, Unavailable> {
        let (hand, mut handed) = oneshot::channel();
        line.known().asks.push(Ask { of, hand });
        let _asking = line.asking.lock().await;
        match handed.try_recv() {
            Ok(handed) => return Ok(handed),
            // Who asked for it failed.
            Err(error @ TryRecvError::Closed) => return Err(Unavailable::new("gates", error)),
            Err(TryRecvError::Empty) => {}
        }
        let asks = std::mem::take(&mut line.known().asks);
        let (of, hands): (Vec<_>, Vec<_>) = asks.into_iter().map(|ask| (ask.of, ask.hand)).unzip();
        let now = self.clock.now();
        let notice = self.process.map_or(Duration::ZERO, |_| NOTICE);
        let places = self.places_needed(line, most);
        let take = {
            let of = of.clone();
            move |gate: &mut Gate| {
                let slots = gate.take(&rate, &of, notice, now);
                let held = places.as_ref().and_then(|places| {
                    let mut due = gate.due_of(&rate, &given(&of, &slots), now);
                    // Where others wait, a place is given to who begins its call at once.
                    due.retain(|line| !gate.others_wait_for_places(*line, now));
                    (!due.is_empty()).then(|| gate.hold_places(&places.with_more(&due, now), now))
                });
                (slots, held)
            }
        };
        let ((slots, held), gate) = self.change(name, line, take).await?;
        let times = gate.times_of(&rate, &given(&of, &slots), now);
        if let Some(held) = held {
            line.known().calls.give(&held);
        }
        line.told();
        let mut times = times.into_iter();
        for (hand, slot) in hands.into_iter().zip(slots) {
            let handed = slot.and_then(|slot| {
                let at = times.next()?;
                Some(Handed { slot, at })
            });
            // Who gave up leaves a turn unused.
            let _ = hand.send(handed);
        }
        handed
            .try_recv()
            .map_err(|error| Unavailable::new("gates", error))
    }
}

/// The places that were handed out.
fn given(of: &[LineId], slots: &[Option<Slot>]) -> Vec<(LineId, Slot)> {
    let places = std::iter::zip(of, slots);
    places
        .filter_map(|(of, slot)| Some((*of, (*slot)?)))
        .collect()
}
