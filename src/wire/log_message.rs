//! What a change of the audit log did, in one sentence: `sig-etcd moved from etcd-io to Kubernetes Clients`.

use serde_json::Value;

use crate::directory::{Audit, AuditAction, AuditChange, AuditMove, AuditRecord};
use crate::model::entity::EntityId;

/// The sentence of a change. `key` is that of its record, `before` and `after` are its fields.
pub(crate) fn message(
    audit: &Audit,
    change: &AuditChange,
    key: &str,
    before: Option<&Value>,
    after: Option<&Value>,
) -> String {
    // A name says more than a key; the fields of the change have the keys.
    let name = |id: EntityId| audit.names.get(&id).or(audit.keys.get(&id)).map_or("?", String::as_str);
    let updated = match (before, after, change.what) {
        (Some(before), Some(after), AuditAction::Updated) => {
            format!(": {}", changed(before, after).join(", "))
        }
        _ => String::new(),
    };
    match change.record() {
        Some(AuditRecord::Mapping(mapping)) => {
            let (parent, child) = mapping.mapping_type.parent_and_child(mapping.from, mapping.to);
            match (change.moved, change.what) {
                (Some(AuditMove { child, from, to }), _) => {
                    format!("{} moved from {} to {}", name(child), name(from), name(to))
                }
                (None, AuditAction::Created) => format!("{} added to {}", name(child), name(parent)),
                (None, AuditAction::Ended) => format!("{} removed from {}", name(child), name(parent)),
                (None, AuditAction::Updated) => {
                    format!("updated the mapping of {} to {}{updated}", name(child), name(parent))
                }
            }
        }
        Some(record) => {
            format!("{} {} {key}{updated}", change.what.as_str(), record.kind().as_str())
        }
        None => String::new(),
    }
}

/// The names of the fields that differ.
fn changed<'v>(before: &'v Value, after: &'v Value) -> Vec<&'v str> {
    let fields = after.as_object().into_iter().flatten();
    fields
        .filter(|(name, value)| before.get(name.as_str()) != Some(value))
        .map(|(name, _)| name.as_str())
        .collect()
}
