use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use assetmill_core::OperationName;
use assetmill_core::pacing::Gate;
use assetmill_core::ports::{GateReads, GateRule, Gates, Unavailable};
use async_trait::async_trait;

/// Gates in memory.
#[derive(Debug, Default)]
pub struct MemoryGates {
    gates: Mutex<HashMap<OperationName, Gate>>,
    writes: AtomicU64,
}

impl MemoryGates {
    /// How often one was written.
    pub fn writes(&self) -> u64 {
        self.writes.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl GateReads for MemoryGates {
    async fn gate(&self, operation: &OperationName) -> Result<Gate, Unavailable> {
        let gates = self.gates.lock().unwrap();
        Ok(gates.get(operation).cloned().unwrap_or_default())
    }
}

#[async_trait]
impl Gates for MemoryGates {
    async fn change_gate(
        &self,
        operation: &OperationName,
        _: Option<Gate>,
        rule: GateRule,
    ) -> Result<Gate, Unavailable> {
        let mut gates = self.gates.lock().unwrap();
        let before = gates.get(operation).cloned().unwrap_or_default();
        if let Some(after) = before.apply(&*rule) {
            gates.insert(operation.clone(), after);
            self.writes.fetch_add(1, Ordering::SeqCst);
        }
        Ok(before)
    }
}
