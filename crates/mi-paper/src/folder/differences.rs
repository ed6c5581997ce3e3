//! Says in what two plans differ.

use std::collections::HashMap;

use serde_json::Value;

use crate::config::TrialConfig;
use crate::plan::Plan;

/// The fields in which two plans differ, as text. If all trials that are there are asked for under
/// the same ids, what is asked for in addition is no difference.
pub(super) fn differences(there: &Plan, asked: &Plan) -> Vec<String> {
    const SHOWN: usize = 8;
    let mut found = Vec::new();
    let asked = without_more(there, asked);
    match (serde_json::to_value(there), serde_json::to_value(&asked)) {
        (Ok(there), Ok(asked)) => compare("", &there, &asked, &mut found),
        (Err(error), _) | (_, Err(error)) => found.push(error.to_string()),
    }
    if found.len() > SHOWN {
        let more = found.len() - SHOWN;
        found.truncate(SHOWN);
        found.push(format!("and {more} more"));
    }
    found
}

/// What is asked for of the trials that are there.
fn without_more(there: &Plan, asked: &Plan) -> Plan {
    let by_id: HashMap<String, &TrialConfig> =
        asked.trials.iter().map(|trial| (trial.id(), trial)).collect();
    let find = |trial: &TrialConfig| by_id.get(&trial.id()).map(|&found| found.clone());
    match there.trials.iter().map(find).collect::<Option<Vec<_>>>() {
        Some(trials) => Plan { trials, seeds: there.seeds.clone(), ..asked.clone() },
        None => asked.clone(),
    }
}

fn compare(path: &str, there: &Value, asked: &Value, found: &mut Vec<String>) {
    match (there, asked) {
        (Value::Object(a), Value::Object(b)) => {
            for key in a.keys().chain(b.keys().filter(|key| !a.contains_key(*key))) {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                let missing = &Value::Null;
                compare(&path, a.get(key).unwrap_or(missing), b.get(key).unwrap_or(missing), found);
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (index, (a, b)) in a.iter().zip(b).enumerate() {
                compare(&format!("{path}[{index}]"), a, b, found);
            }
        }
        (Value::Array(a), Value::Array(b)) => {
            found.push(format!("{path}: {} there, {} requested", a.len(), b.len()));
        }
        _ if there == asked => {}
        _ => found.push(format!("{path}: {there} there, {asked} requested")),
    }
}
