//! Owns as much of PostgreSQL's protocol (version 3) as it takes to see a COMMIT go by, and its
//! answer come back.

use std::collections::BTreeSet;
use std::io;

const SSL_REQUEST: u32 = 80_877_103;
const GSS_REQUEST: u32 = 80_877_104;
/// Longer than anything the service writes or reads at once.
const MESSAGE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// A length counts itself.
const LENGTH_BYTES: usize = 4;

const QUERY: u8 = b'Q';
const PARSE: u8 = b'P';
const BIND: u8 = b'B';
const EXECUTE: u8 = b'E';
const CLOSE: u8 = b'C';
const COMMAND_COMPLETE: u8 = b'C';
const READY_FOR_QUERY: u8 = b'Z';

/// The bytes of one direction, cut into whole messages.
#[derive(Debug, Default)]
pub(super) struct Frames {
    bytes: Vec<u8>,
}

/// A whole message: a tag, its length, its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message {
    bytes: Vec<u8>,
}

/// What a client may say before its first message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Greeting {
    /// It asks for encryption; the server's answer is one byte.
    Encryption,
    /// Anything else: who it is, or what it wants cancelled.
    Other(Vec<u8>),
}

impl Frames {
    /// Takes in what was read.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next message, once it is whole.
    pub(super) fn message(&mut self) -> io::Result<Option<Message>> {
        let Some((_, rest)) = self.bytes.split_first() else {
            return Ok(None);
        };
        let whole = length(rest)?.map(|length| length.saturating_add(1));
        Ok(self.take(whole).map(|bytes| Message { bytes }))
    }

    /// The next greeting, once it is whole; it has no tag.
    pub(super) fn greeting(&mut self) -> io::Result<Option<Greeting>> {
        let whole = length(&self.bytes)?;
        let Some(bytes) = self.take(whole) else {
            return Ok(None);
        };
        let code = bytes.get(LENGTH_BYTES..).and_then(number);
        Ok(Some(match code {
            Some(SSL_REQUEST | GSS_REQUEST) => Greeting::Encryption,
            Some(_) | None => Greeting::Other(bytes),
        }))
    }

    fn take(&mut self, whole: Option<usize>) -> Option<Vec<u8>> {
        let whole = whole.filter(|whole| *whole <= self.bytes.len())?;
        let rest = self.bytes.split_off(whole);
        Some(std::mem::replace(&mut self.bytes, rest))
    }
}

/// The length that `bytes` begin with.
fn length(bytes: &[u8]) -> io::Result<Option<usize>> {
    let Some(length) = number(bytes).and_then(|length| usize::try_from(length).ok()) else {
        return Ok(None);
    };
    if (LENGTH_BYTES..=MESSAGE_BYTES_MAX).contains(&length) {
        Ok(Some(length))
    } else {
        Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("a message of {length} bytes"),
        ))
    }
}

fn number(bytes: &[u8]) -> Option<u32> {
    bytes.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
}

impl Message {
    /// As it travels.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The server's word that a COMMIT has committed; one of a failed transaction says ROLLBACK.
    pub(super) fn says_committed(&self) -> bool {
        self.tag() == Some(COMMAND_COMPLETE) && self.body() == b"COMMIT\0"
    }

    /// The server's word that it waits for the next query.
    pub(super) fn says_ready(&self) -> bool {
        self.tag() == Some(READY_FOR_QUERY)
    }

    fn tag(&self) -> Option<u8> {
        self.bytes.first().copied()
    }

    fn body(&self) -> &[u8] {
        let from = LENGTH_BYTES.saturating_add(1);
        self.bytes.get(from..).unwrap_or_default()
    }
}

/// What a client has prepared and bound, as far as it commits.
#[derive(Debug, Default)]
pub(super) struct Frontend {
    statements: BTreeSet<Vec<u8>>,
    portals: BTreeSet<Vec<u8>>,
}

impl Frontend {
    /// Notes a message of the client; whether it runs a COMMIT.
    pub(super) fn commits(&mut self, message: &Message) -> bool {
        let (first, rest) = text(message.body());
        match message.tag() {
            Some(QUERY) => ends_in_commit(first),
            Some(PARSE) => {
                note(&mut self.statements, first, ends_in_commit(text(rest).0));
                false
            }
            Some(BIND) => {
                let commits = self.statements.contains(text(rest).0);
                note(&mut self.portals, first, commits);
                false
            }
            Some(EXECUTE) => self.portals.contains(first),
            Some(CLOSE) => {
                match first.split_first() {
                    Some((b'S', name)) => drop(self.statements.remove(name)),
                    Some((b'P', name)) => drop(self.portals.remove(name)),
                    Some(_) | None => {}
                }
                false
            }
            Some(_) | None => false,
        }
    }
}

/// A name is given anew as often as the client likes.
fn note(names: &mut BTreeSet<Vec<u8>>, name: &[u8], commits: bool) {
    if commits {
        names.insert(name.to_vec());
    } else {
        names.remove(name);
    }
}

/// The text that `bytes` begin with, up to its zero, and what follows.
fn text(bytes: &[u8]) -> (&[u8], &[u8]) {
    let mut parts = bytes.splitn(2, |byte| *byte == 0);
    let text = parts.next().unwrap_or_default();
    (text, parts.next().unwrap_or_default())
}

/// Whether the last of these statements commits.
fn ends_in_commit(sql: &[u8]) -> bool {
    let sql = String::from_utf8_lossy(sql).to_ascii_uppercase();
    let statements = sql.split(';').map(str::trim);
    let Some(last) = statements.rev().find(|statement| !statement.is_empty()) else {
        return false;
    };
    matches!(
        last,
        "COMMIT" | "COMMIT WORK" | "COMMIT TRANSACTION" | "END" | "END WORK" | "END TRANSACTION"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(tag: u8, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len().saturating_add(LENGTH_BYTES)).unwrap();
        [&[tag], length.to_be_bytes().as_slice(), body].concat()
    }

    fn commits(messages: &[(u8, &[u8])]) -> Vec<bool> {
        let (mut frames, mut frontend) = (Frames::default(), Frontend::default());
        for (tag, body) in messages {
            frames.push(&message(*tag, body));
        }
        let mut seen = Vec::new();
        while let Some(message) = frames.message().unwrap() {
            seen.push(frontend.commits(&message));
        }
        seen
    }

    #[test]
    fn messages_are_whole_however_they_arrive() {
        let sent = [message(b'Q', b"COMMIT\0"), message(b'X', b"")].concat();
        let mut frames = Frames::default();
        let mut seen = Vec::new();
        for byte in &sent {
            frames.push(&[*byte]);
            seen.extend(frames.message().unwrap());
        }
        let lengths: Vec<usize> = seen.iter().map(|seen| seen.bytes().len()).collect();
        assert_eq!(lengths, [12, 5]);
        assert_eq!(
            seen.iter()
                .flat_map(Message::bytes)
                .copied()
                .collect::<Vec<u8>>(),
            sent
        );
    }

    #[test]
    fn a_length_that_cannot_be_is_refused() {
        for length in [0_u32, 3, u32::MAX] {
            let mut frames = Frames::default();
            frames.push(&[b"Q", length.to_be_bytes().as_slice()].concat());
            assert!(frames.message().is_err(), "{length}");
        }
    }

    #[test]
    fn greetings_have_no_tag() {
        let mut frames = Frames::default();
        frames.push(&[&8_u32.to_be_bytes()[..], &SSL_REQUEST.to_be_bytes()].concat());
        let hello = [&9_u32.to_be_bytes()[..], &196_608_u32.to_be_bytes(), &[0]].concat();
        frames.push(&hello);
        assert_eq!(frames.greeting().unwrap(), Some(Greeting::Encryption));
        assert_eq!(frames.greeting().unwrap(), Some(Greeting::Other(hello)));
        assert_eq!(frames.greeting().unwrap(), None);
    }

    #[test]
    fn a_simple_commit_is_seen() {
        for (sql, expected) in [
            ("COMMIT", true),
            ("commit;", true),
            (" END TRANSACTION ", true),
            ("UPDATE x SET y = 1; COMMIT;", true),
            ("COMMIT; SELECT 1", false),
            ("SELECT 'x; COMMIT'", false),
            ("COMMIT PREPARED 'x'", false),
            ("", false),
        ] {
            let body = [sql.as_bytes(), &[0]].concat();
            assert_eq!(commits(&[(QUERY, &body)]), [expected], "{sql}");
        }
    }

    #[test]
    fn a_prepared_commit_is_seen_where_it_is_executed() {
        assert_eq!(
            commits(&[
                (PARSE, b"s1\0COMMIT\0\0\0"),
                (BIND, b"p1\0s1\0\0\0\0\0\0\0"),
                (EXECUTE, b"p1\0\0\0\0\0"),
                (EXECUTE, b"p2\0\0\0\0\0"),
                (CLOSE, b"Pp1\0"),
                (EXECUTE, b"p1\0\0\0\0\0"),
                (PARSE, b"s1\0SELECT 1\0\0\0"),
                (BIND, b"p1\0s1\0\0\0\0\0\0\0"),
                (EXECUTE, b"p1\0\0\0\0\0"),
            ]),
            [false, false, true, false, false, false, false, false, false]
        );
    }

    #[test]
    fn only_a_commit_that_took_place_says_so() {
        let mut frames = Frames::default();
        frames.push(&message(COMMAND_COMPLETE, b"COMMIT\0"));
        frames.push(&message(COMMAND_COMPLETE, b"ROLLBACK\0"));
        frames.push(&message(READY_FOR_QUERY, b"I"));
        let mut next = || frames.message().unwrap().unwrap();
        assert!(next().says_committed());
        assert!(!next().says_committed());
        assert!(next().says_ready());
    }
}
