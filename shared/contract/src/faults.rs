//! Decorators around the ports that stop the process, or fail a call, at a chosen point.

mod ports;

use std::future::{Future, pending};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use assetmill_core::ports::Unavailable;
use tokio::sync::watch;

/// What goes wrong at the chosen call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The process stops before the call takes effect.
    StopBefore,
    /// The process stops after the call took effect, before its answer is seen.
    StopAfter,
    /// The call fails without taking effect.
    FailBefore,
    /// The call takes effect and fails all the same.
    FailAfter,
}

impl Fault {
    /// Every fault.
    pub const ALL: [Self; 4] = [
        Self::StopBefore,
        Self::StopAfter,
        Self::FailBefore,
        Self::FailAfter,
    ];
}

/// The faults of one process: counts the calls to all its ports and spoils one of them.
pub struct Faults {
    calls: AtomicUsize,
    spoil: Spoilt,
    stopped: watch::Sender<bool>,
}

/// Which calls are spoilt.
#[derive(Debug, Clone, Copy)]
enum Spoilt {
    None,
    One(usize, Fault),
    All,
}

/// When a failing call took effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It did not.
    None,
    /// It did.
    Done,
}

/// A port whose calls are counted and may be spoilt.
pub struct Faulty<Port: ?Sized> {
    inner: Arc<Port>,
    faults: Arc<Faults>,
}

impl Faults {
    /// A process in which nothing goes wrong.
    pub fn none() -> Arc<Self> {
        Self::new(Spoilt::None)
    }

    /// A process in which call number `call`, from 1, is spoilt.
    pub fn at(call: usize, fault: Fault) -> Arc<Self> {
        Self::new(Spoilt::One(call, fault))
    }

    /// A process whose every call fails without taking effect.
    pub fn always() -> Arc<Self> {
        Self::new(Spoilt::All)
    }

    fn new(spoil: Spoilt) -> Arc<Self> {
        Arc::new(Self {
            calls: AtomicUsize::new(0),
            spoil,
            stopped: watch::Sender::new(false),
        })
    }

    /// Decorates a port.
    pub fn around<Port: ?Sized>(self: &Arc<Self>, inner: Arc<Port>) -> Arc<Faulty<Port>> {
        Arc::new(Faulty {
            inner,
            faults: self.clone(),
        })
    }

    /// How many calls were made.
    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    /// Runs `work` as this process: `None` when the process stopped in the middle of it.
    pub async fn run<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut stopped = self.stopped.subscribe();
        tokio::select! {
            biased;
            _ = stopped.wait_for(|stopped| *stopped) => None,
            done = work => Some(done),
        }
    }

    async fn spoil<T, E>(
        &self,
        call: impl Future<Output = Result<T, E>>,
        failure: impl FnOnce(Effect) -> E,
    ) -> Result<T, E> {
        if *self.stopped.borrow() {
            return pending().await;
        }
        let number = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        match self.spoil {
            Spoilt::All => Err(failure(Effect::None)),
            Spoilt::One(at, fault) if at == number => match fault {
                Fault::StopBefore => self.stop().await,
                Fault::StopAfter => {
                    // The effect alone matters: nobody sees the answer.
                    let _ = call.await;
                    self.stop().await
                }
                Fault::FailBefore => Err(failure(Effect::None)),
                Fault::FailAfter => {
                    let _ = call.await;
                    Err(failure(Effect::Done))
                }
            },
            _ => call.await,
        }
    }

    /// Stops the process at once: what it has begun ends, and is told to nobody.
    pub fn stop_now(&self) {
        self.stopped.send_replace(true);
    }

    async fn stop<T>(&self) -> T {
        self.stop_now();
        pending().await
    }
}

impl<Port: ?Sized> Faulty<Port> {
    async fn spoil<T>(
        &self,
        call: impl Future<Output = Result<T, Unavailable>>,
    ) -> Result<T, Unavailable> {
        let failure = |effect| Unavailable::new("injected", format!("injected fault: {effect:?}"));
        self.faults.spoil(call, failure).await
    }
}
