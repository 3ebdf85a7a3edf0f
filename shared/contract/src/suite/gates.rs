//! The gates of operations.

use std::sync::Arc;
use std::time::Duration;

use assetmill_core::OperationName;
use assetmill_core::pacing::{Gate, Limits, LineId};
use assetmill_core::ports::GateRule;

use super::{Adapters, cases};
use crate::samples::{self, at};

cases! { "gates":
    a_gate_that_nobody_changed_is_new,
    a_gate_is_what_it_was_changed_into,
    gates_are_told_apart,
    a_rule_that_changes_nothing_writes_nothing,
    a_wrong_guess_is_no_harm,
    a_right_guess_is_as_good_as_none,
    of_changes_at_the_same_time_none_is_lost,
}

fn name(text: &str) -> OperationName {
    text.parse().unwrap()
}

/// Hands out one place in a line.
fn takes() -> GateRule {
    let limits: Limits = "rate=60/min,burst=7".parse().unwrap();
    let rate = limits.rate.unwrap();
    let line = LineId::of(&samples::tenant());
    Arc::new(move |gate| {
        gate.take(&rate, &[line], Duration::ZERO, at(100));
    })
}

async fn after(on: &Adapters, operation: &OperationName) -> Gate {
    on.gates.gate(operation).await.unwrap()
}

async fn a_gate_that_nobody_changed_is_new(on: Arc<Adapters>) {
    assert_eq!(after(&on, &name("cut")).await, Gate::default());
}

async fn a_gate_is_what_it_was_changed_into(on: Arc<Adapters>) {
    let cut = name("cut");
    let mut expected = Gate::default();
    for count in 1..=3 {
        let rule: GateRule = match count {
            1 => takes(),
            2 => Arc::new(|gate| gate.pause("acme".parse().unwrap(), at(101))),
            _ => Arc::new(|gate| gate.throttled(at(200), at(102))),
        };
        let before = on.gates.change_gate(&cut, None, rule.clone()).await;
        assert_eq!(before.unwrap(), expected);
        expected = expected.apply(&*rule).unwrap();
        assert_eq!(expected.revision, count);
        assert_eq!(after(&on, &cut).await, expected);
    }
}

async fn gates_are_told_apart(on: Arc<Adapters>) {
    on.gates
        .change_gate(&name("cut"), None, takes())
        .await
        .unwrap();
    assert_eq!(after(&on, &name("paint")).await, Gate::default());
}

async fn a_rule_that_changes_nothing_writes_nothing(on: Arc<Adapters>) {
    let cut = name("cut");
    let nothing: GateRule = Arc::new(|gate| gate.resume(at(100)));
    for guess in [None, Some(Gate::default())] {
        let before = on.gates.change_gate(&cut, guess, nothing.clone()).await;
        assert_eq!(before.unwrap(), Gate::default());
    }
    assert_eq!(after(&on, &cut).await, Gate::default());
    on.gates.change_gate(&cut, None, takes()).await.unwrap();
    on.gates.change_gate(&cut, None, nothing).await.unwrap();
    assert_eq!(after(&on, &cut).await.revision, 1);
}

async fn a_wrong_guess_is_no_harm(on: Arc<Adapters>) {
    let cut = name("cut");
    let new = Gate::default();
    on.gates
        .change_gate(&cut, Some(new.clone()), takes())
        .await
        .unwrap();
    let once = after(&on, &cut).await;
    // Of before; of one that never was; and one after which nothing is left to change.
    let mut ahead = once.clone();
    ahead.revision = 9;
    let before = on.gates.change_gate(&cut, Some(new), takes()).await;
    assert_eq!(before.unwrap(), once);
    let twice = after(&on, &cut).await;
    assert_eq!(twice.revision, 2);
    let before = on.gates.change_gate(&cut, Some(ahead), takes()).await;
    assert_eq!(before.unwrap(), twice);
    let mut paused = after(&on, &cut).await;
    paused.pause("acme".parse().unwrap(), at(103));
    let pause: GateRule = Arc::new(|gate| gate.pause("acme".parse().unwrap(), at(103)));
    on.gates
        .change_gate(&cut, Some(paused), pause)
        .await
        .unwrap();
    assert!(after(&on, &cut).await.paused().is_some());
}

async fn a_right_guess_is_as_good_as_none(on: Arc<Adapters>) {
    let cut = name("cut");
    let mut gate = Gate::default();
    for _ in 0..5 {
        let before = on
            .gates
            .change_gate(&cut, Some(gate.clone()), takes())
            .await;
        assert_eq!(before.unwrap(), gate);
        gate = gate.apply(&*takes()).unwrap();
    }
    assert_eq!(after(&on, &cut).await, gate);
}

async fn of_changes_at_the_same_time_none_is_lost(on: Arc<Adapters>) {
    let changes = (0..12).map(|_| {
        let on = on.clone();
        tokio::spawn(async move {
            let guess = Some(Gate::default());
            on.gates
                .change_gate(&name("cut"), guess, takes())
                .await
                .unwrap();
        })
    });
    for change in changes.collect::<Vec<_>>() {
        change.await.unwrap();
    }
    let mut expected = Gate::default();
    for _ in 0..12 {
        expected = expected.apply(&*takes()).unwrap();
    }
    assert_eq!(after(&on, &name("cut")).await, expected);
}
