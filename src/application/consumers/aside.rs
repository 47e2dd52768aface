//! Owns dead letters: messages that come to nothing, where people find them, with why, and how they
//! are published again.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use chrono::SecondsFormat;
use tracing::{error, info};

use super::PAUSE;
use crate::App;
use crate::ports::Bus;
use crate::ports::bus::{Header, Message, Receipt, Received, Topic};

/// Why it was put aside.
const REASON: &str = "dead-letter-reason";
/// On which topic it was.
const TOPIC: &str = "dead-letter-topic";
/// Where on it.
const PLACE: &str = "dead-letter-place";
/// When it was put aside.
const AT: &str = "dead-letter-at";
/// How many bytes of it are left out, as no broker takes them from us.
const LEFT_OUT: &str = "dead-letter-left-out";
/// Where it was the first time: stays with it when it is published again.
const ORIGIN: &str = "dead-letter-origin";
/// What we write and take away again; anything else was on the message when it came.
const NOTES: [&str; 5] = [REASON, TOPIC, PLACE, AT, LEFT_OUT];

/// Publishes the message where people find it; whether it is over with it. It is not lost for want
/// of a place, either.
pub(super) async fn put(app: &App, bus: &dyn Bus, received: &Received, why: &str) -> bool {
    let place = received.place.as_str();
    let Some(topic) = received.topic.dead_letters() else {
        error!(place, why, "comes to nothing, and is skipped");
        return true;
    };
    error!(place, why, %topic, "comes to nothing, and is put aside");
    let at = app.parts.clock.now();
    let at = at.to_rfc3339_opts(SecondsFormat::Micros, true);
    let mut letter = letter(topic, received, why, &at);
    let mut is_whole = true;
    let mut pause = PAUSE;
    loop {
        match bus.publish(std::slice::from_ref(&letter)).await.first() {
            Some(Receipt::Acknowledged) => return true,
            Some(Receipt::Refused(why)) if is_whole => {
                info!(
                    place,
                    why, "the broker takes the dead letter only without its body"
                );
                letter = without_body(letter);
                is_whole = false;
                continue;
            }
            Some(Receipt::Refused(why)) => {
                error!(
                    place,
                    why, "a dead letter is refused, and the message is skipped"
                );
                return true;
            }
            Some(Receipt::Away(why)) => info!(place, why, "a dead letter waits"),
            None => {}
        }
        app.rest(&mut pause).await;
        if app.runner.drain.is_cancelled() {
            return false;
        }
    }
}

fn letter(topic: Topic, received: &Received, why: &str, at: &str) -> Message {
    let mut headers = of_its_own(&received.headers);
    if value(&headers, ORIGIN).is_none() {
        headers.push(note(ORIGIN, &received.place));
    }
    headers.extend([
        note(REASON, why),
        note(TOPIC, received.topic.as_str()),
        note(PLACE, &received.place),
        note(AT, at),
    ]);
    Message {
        topic,
        key: received.key.clone(),
        headers,
        payload: received.payload.clone(),
    }
}

/// What is too large for the broker with our notes on it stays where it came from: the notes say
/// where that is, and that it cannot be had from here.
fn without_body(letter: Message) -> Message {
    let is_note = |name: &str| name == ORIGIN || NOTES.contains(&name);
    let mut headers = letter.headers;
    headers.retain(|(name, _)| is_note(name));
    headers.push(note(LEFT_OUT, &letter.payload.len().to_string()));
    Message {
        headers,
        payload: Vec::new(),
        ..letter
    }
}

fn note(name: &'static str, text: &str) -> Header {
    (name.into(), Some(text.as_bytes().to_vec().into()))
}

/// The headers that a message had before it was put aside, and where it was first.
fn of_its_own(headers: &[Header]) -> Vec<Header> {
    let own = headers
        .iter()
        .filter(|(name, _)| !NOTES.contains(&name.as_ref()));
    own.cloned().collect()
}

fn value(headers: &[Header], name: &str) -> Option<String> {
    let mut found = headers.iter().rev().filter(|(header, _)| header == name);
    let value = found.find_map(|(_, value)| value.as_deref())?;
    Some(String::from_utf8_lossy(value).into_owned())
}

/// What was put aside, as it came in the first place; none where that is not known, or too large to
/// be kept here.
#[must_use]
pub fn as_it_came(letter: &Received) -> Option<Message> {
    let mut topics = Topic::ALL.iter().copied();
    let topic = topics.find(|topic| topic.dead_letters() == Some(letter.topic))?;
    if value(&letter.headers, LEFT_OUT).is_some() {
        return None;
    }
    Some(Message {
        topic,
        key: letter.key.clone(),
        headers: of_its_own(&letter.headers),
        payload: letter.payload.clone(),
    })
}

/// What was noted when it was put aside: `reason`, `topic`, `place` or `at`.
#[must_use]
pub fn noted(letter: &Received, what: &str) -> String {
    value(&letter.headers, &format!("dead-letter-{what}")).unwrap_or_default()
}

/// Where the message was before it was put aside for the first time.
#[must_use]
pub fn origin(letter: &Received) -> String {
    value(&letter.headers, ORIGIN).unwrap_or_else(|| letter.place.clone())
}

/// Which letter of each message is the newest: what came to nothing again after a replay is one
/// message still. It keeps where they are and nothing of what they say.
#[derive(Debug, Default)]
pub struct Newest {
    /// By where a message was first: when it was put aside last, and where it is now.
    last: HashMap<String, (String, String)>,
}

impl Newest {
    /// Takes note of a letter. Those of one message lie in the order in which they were put aside.
    pub fn note(&mut self, letter: &Received) {
        let this = (noted(letter, "at"), letter.place.clone());
        match self.last.entry(origin(letter)) {
            Entry::Occupied(known) if known.get().0 > this.0 => {}
            Entry::Occupied(mut known) => {
                known.insert(this);
            }
            Entry::Vacant(new) => {
                new.insert(this);
            }
        }
    }

    /// Whether none that was noted is of the same message and newer.
    #[must_use]
    pub fn is(&self, letter: &Received) -> bool {
        let known = self.last.get(&origin(letter));
        known.is_none_or(|(_, place)| *place == letter.place)
    }
}
