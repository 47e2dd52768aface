//! Owns the order in which two requests come through the ports: whenever both could go on, the
//! schedule says who does.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::sleep;

/// Which of the two requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    First,
    Second,
}

/// Where both have to pass before each call of a port.
#[derive(Default)]
pub(crate) struct Turnstile(Mutex<Gate>);

#[derive(Default)]
struct Gate {
    /// Bits, the next one lowest: set where the second goes first.
    schedule: u32,
    decisions_left: u32,
    waiting: [u32; 2],
}

/// One side's way through.
#[derive(Clone)]
pub(crate) struct Pass {
    turnstile: Arc<Turnstile>,
    side: Side,
}

impl Turnstile {
    /// The next `decisions` times that both could go on, `schedule` decides.
    pub(crate) fn set(&self, schedule: u32, decisions: u32) {
        let mut gate = self.0.lock().unwrap();
        gate.schedule = schedule;
        gate.decisions_left = decisions;
    }

    pub(crate) fn pass(self: &Arc<Self>, side: Side) -> Pass {
        Pass {
            turnstile: Arc::clone(self),
            side,
        }
    }
}

impl Pass {
    /// Waits for its turn.
    pub(crate) async fn through(&self) {
        let (me, other) = match self.side {
            Side::First => (0, 1),
            Side::Second => (1, 0),
        };
        if self.turnstile.0.lock().unwrap().decisions_left == 0 {
            return;
        }
        self.turnstile.0.lock().unwrap().waiting[me] += 1;
        loop {
            // Virtual time moves when nobody can run: who could arrive has arrived by then.
            sleep(Duration::from_millis(1)).await;
            let mut gate = self.turnstile.0.lock().unwrap();
            let contended = gate.waiting[other] > 0 && gate.decisions_left > 0;
            let mine = usize::try_from(gate.schedule & 1).unwrap() == me;
            if contended && !mine {
                continue;
            }
            if contended {
                gate.schedule >>= 1;
                gate.decisions_left -= 1;
            }
            gate.waiting[me] -= 1;
            return;
        }
    }
}
