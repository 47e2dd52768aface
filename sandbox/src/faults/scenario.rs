//! Owns scripted scenarios: which orders each means, and what happens to their calls in turn.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::pattern::Pattern;
use super::rule::{Which, check};
use super::{Chaos, Fault, Subject};
use crate::calls::Operation;

/// What a file of scenarios holds.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Script {
    #[serde(default)]
    pub(super) scenario: Vec<Scenario>,
    #[serde(default)]
    pub(super) random: Option<Chaos>,
}

/// Steps that every order of a kind goes through by itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Scenario {
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    order_id: Option<Pattern>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    order_name: Option<Pattern>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    amount: Option<i64>,
    pub(super) steps: Vec<Step>,
}

/// How far somebody is in a row of steps.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Place {
    step: usize,
    /// How many calls came to the present step.
    calls: u64,
}

/// A fault and the calls that it strikes, once the steps before it are over.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Step {
    operation: Which,
    /// How many such calls pass first.
    #[serde(default)]
    skip: u64,
    /// How many it strikes then.
    #[serde(default)]
    times: Times,
    fault: Fault,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "times is a number or \"always\"")]
enum Times {
    Count(u64),
    Word(Always),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Always {
    Always,
}

impl Default for Times {
    fn default() -> Self {
        Self::Count(1)
    }
}

impl Script {
    /// The text of a file, in TOML; or what is wrong with it, and where.
    pub(crate) fn of_toml(text: &str) -> Result<Self, String> {
        let script: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        script.checked()
    }

    /// The same as a JSON object.
    pub(crate) fn of_json(value: Value) -> Result<Self, String> {
        let script: Self = serde_json::from_value(value).map_err(|error| error.to_string())?;
        script.checked()
    }

    fn checked(self) -> Result<Self, String> {
        for (index, scenario) in self.scenario.iter().enumerate() {
            let (name, earlier) = (&scenario.name, self.scenario.iter().take(index));
            scenario
                .check()
                .map_err(|problem| format!("scenario {name:?}: {problem}"))?;
            if earlier.into_iter().any(|other| other.name == *name) {
                return Err(format!("two scenarios are called {name:?}"));
            }
        }
        self.random.as_ref().map_or(Ok(()), Chaos::check)?;
        Ok(self)
    }
}

impl Scenario {
    /// Whether the call's order goes through these steps.
    pub(super) fn means(&self, subject: &Subject) -> bool {
        let fits = |wanted: &Option<Pattern>, actual: &Option<String>| match (wanted, actual) {
            (None, _) => true,
            (Some(pattern), Some(text)) => pattern.means(text),
            (Some(_), None) => false,
        };
        fits(&self.order_id, &subject.order_id)
            && fits(&self.order_name, &subject.order_name)
            && self
                .amount
                .is_none_or(|amount| subject.amount == Some(amount))
    }

    fn check(&self) -> Result<(), String> {
        let patterns = [&self.order_id, &self.order_name];
        if self.name.trim().is_empty() {
            return Err("it needs a name".to_owned());
        }
        if patterns.iter().all(|pattern| pattern.is_none()) && self.amount.is_none() {
            return Err("it needs an orderId, an orderName or an amount to go by".to_owned());
        }
        if patterns.into_iter().flatten().any(Pattern::is_empty) {
            return Err("an empty pattern means no order".to_owned());
        }
        if self.steps.is_empty() {
            return Err("it has no steps".to_owned());
        }
        for (number, step) in (1..).zip(&self.steps) {
            let is_last = number == self.steps.len();
            let checked = step.check().and_then(|()| match step.times {
                Times::Word(Always::Always) if !is_last => {
                    Err("no step is reached behind one that is always".to_owned())
                }
                Times::Word(Always::Always) | Times::Count(_) => Ok(()),
            });
            checked.map_err(|problem| format!("step {number}: {problem}"))?;
        }
        Ok(())
    }
}

impl Step {
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.times == Times::Count(0) {
            return Err("it never happens: times is 0".to_owned());
        }
        check(self.operation, &self.fault)
    }

    /// Whether it has struck as often as it should.
    fn is_over(&self, place: Place) -> bool {
        match self.times {
            Times::Word(Always::Always) => false,
            Times::Count(times) => place.calls >= self.skip.saturating_add(times),
        }
    }
}

/// The fault a call meets at this place of the steps, and the place moved on.
pub(super) fn play(steps: &[Step], place: &mut Place, operation: Operation) -> Option<Fault> {
    let step = steps.get(place.step)?;
    if !step.operation.means(operation) || !step.fault.can_strike(operation) {
        return None;
    }
    place.calls = place.calls.saturating_add(1);
    let fault = (place.calls > step.skip).then(|| step.fault.clone());
    if step.is_over(*place) {
        *place = Place {
            step: place.step.saturating_add(1),
            calls: 0,
        };
    }
    fault
}
