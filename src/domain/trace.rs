//! Owns the trace that work belongs to, as W3C Trace Context (level 1) words it: which one, which
//! span of it caused the work, and whether it may be recorded. It is told to people and machines
//! that look for something; nothing is decided by it.

use std::fmt;
use std::str::FromStr;

/// Text that is not what it should be; work goes on without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a trace context")]
pub struct NoTrace;

/// Which trace: 32 lower-case hex digits, not all of them zero but for [`Trace::NONE`]'s.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct TraceId(u128);

/// Which span of a trace: 16 lower-case hex digits, not all of them zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SpanId(u64);

/// What work belongs to, and what caused it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Trace {
    id: TraceId,
    span: Option<SpanId>,
    sampled: bool,
}

impl TraceId {
    /// Its bytes, as protocols carry it.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }
}

impl SpanId {
    /// The span of these bits; zero is none.
    #[must_use]
    pub const fn of(bits: u64) -> Option<Self> {
        if bits == 0 { None } else { Some(Self(bits)) }
    }

    /// Its bytes, as protocols carry it.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 8] {
        self.0.to_be_bytes()
    }
}

impl Trace {
    /// Of what belongs to no trace.
    pub const NONE: Self = Self {
        id: TraceId(0),
        span: None,
        sampled: false,
    };

    /// A trace that begins here, around bits that nobody drew before.
    #[must_use]
    pub const fn begun(bits: u128) -> Self {
        Self {
            id: TraceId(bits),
            span: None,
            sampled: true,
        }
    }

    /// As it was kept: what cannot be read is no trace, because nothing hangs on it.
    #[must_use]
    pub fn kept(id: &str, parent: &str) -> Self {
        let id = id.parse().unwrap_or_default();
        let (span, flags) = parent.split_once('-').unwrap_or((parent, ""));
        Self {
            id,
            span: span.parse().ok(),
            sampled: flags == "01",
        }
    }

    /// Which trace.
    #[must_use]
    pub const fn id(&self) -> TraceId {
        self.id
    }

    /// The span that caused the work; none where the trace begins with it.
    #[must_use]
    pub const fn span(&self) -> Option<SpanId> {
        self.span
    }

    /// The same trace and span, recorded or not from here on.
    #[must_use]
    pub const fn recorded(self, sampled: bool) -> Self {
        Self {
            id: self.id,
            span: self.span,
            sampled,
        }
    }

    /// Whether it is recorded: as a header says, or as it was decided here.
    #[must_use]
    pub const fn is_sampled(&self) -> bool {
        self.sampled
    }

    /// The same trace, in `span`.
    #[must_use]
    pub const fn within(self, span: SpanId) -> Self {
        Self {
            id: self.id,
            span: Some(span),
            sampled: self.sampled,
        }
    }

    /// What is kept beside its id: the span and the flags, empty where neither is worth a word.
    #[must_use]
    pub fn parent(&self) -> String {
        match (self.span, self.flags()) {
            (None, "00") => String::new(),
            (None, flags) => format!("-{flags}"),
            (Some(span), flags) => format!("{span}-{flags}"),
        }
    }

    const fn flags(&self) -> &'static str {
        if self.sampled { "01" } else { "00" }
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// As a `traceparent` of version 00.
impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let span = self.span.map_or(0, |span| span.0);
        write!(f, "00-{}-{span:016x}-{}", self.id, self.flags())
    }
}

/// Whether the text is `length` hex digits as W3C writes them.
fn is_hex(text: &str, length: usize) -> bool {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    text.len() == length && text.bytes().all(is_digit)
}

impl FromStr for TraceId {
    type Err = NoTrace;

    fn from_str(text: &str) -> Result<Self, NoTrace> {
        let bits = is_hex(text, 32).then(|| u128::from_str_radix(text, 16).ok());
        let id = bits.flatten().filter(|bits| *bits != 0);
        id.map(Self).ok_or(NoTrace)
    }
}

impl FromStr for SpanId {
    type Err = NoTrace;

    fn from_str(text: &str) -> Result<Self, NoTrace> {
        let bits = is_hex(text, 16).then(|| u64::from_str_radix(text, 16).ok());
        bits.flatten().and_then(Self::of).ok_or(NoTrace)
    }
}

/// Of a `traceparent`. A later version may have more behind it, which is not looked at; of the
/// flags, only the one that version 00 knows is.
impl FromStr for Trace {
    type Err = NoTrace;

    fn from_str(text: &str) -> Result<Self, NoTrace> {
        let mut parts = text.split('-');
        let mut part = || parts.next().ok_or(NoTrace);
        let (version, id, span, flags) = (part()?, part()?, part()?, part()?);
        let known = is_hex(version, 2) && version != "ff";
        if !known || !is_hex(flags, 2) || (version == "00" && parts.next().is_some()) {
            return Err(NoTrace);
        }
        let flags = u8::from_str_radix(flags, 16).map_err(|_| NoTrace)?;
        Ok(Self {
            id: id.parse()?,
            span: Some(span.parse()?),
            sampled: flags & 1 == 1,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0af7651916cd43dd8448eb211c80319c";
    const SPAN: &str = "b7ad6b7169203331";

    #[test]
    fn what_is_valid_is_read_and_said_again() {
        for (flags, sampled) in [("01", true), ("00", false), ("03", true), ("fe", false)] {
            let trace: Trace = format!("00-{ID}-{SPAN}-{flags}").parse().unwrap();
            assert_eq!(trace.id().to_string(), ID);
            assert_eq!(trace.span().unwrap().to_string(), SPAN);
            assert_eq!(trace.is_sampled(), sampled, "{flags}");
            let said = if sampled { "01" } else { "00" };
            assert_eq!(trace.to_string(), format!("00-{ID}-{SPAN}-{said}"));
        }
        let later: Trace = format!("cc-{ID}-{SPAN}-01-more").parse().unwrap();
        assert_eq!(later.id().to_string(), ID);
    }

    #[test]
    fn what_is_not_valid_is_no_trace() {
        let (zero, zeros) = ("0".repeat(32), "0".repeat(16));
        for wrong in [
            String::new(),
            ID.to_owned(),
            format!("ff-{ID}-{SPAN}-01"),
            format!("00-{ID}-{SPAN}-01-x"),
            format!("00-{ID}-{SPAN}"),
            format!("00-{ID}-{SPAN}-1"),
            format!("00-{ID}-{SPAN}-0G"),
            format!("0-{ID}-{SPAN}-01"),
            format!("00-{ID}-{zeros}-01"),
            format!("00-{zero}-{SPAN}-01"),
            format!("00-{}-{SPAN}-01", ID.to_uppercase()),
            format!("00-{ID}-b7ad6b716920333-01"),
            format!(" 00-{ID}-{SPAN}-01"),
        ] {
            assert_eq!(wrong.parse::<Trace>(), Err(NoTrace), "{wrong}");
        }
    }

    #[test]
    fn what_is_kept_is_read_as_it_was() {
        let inbound: Trace = format!("00-{ID}-{SPAN}-00").parse().unwrap();
        let begun = Trace::begun(7);
        let child = begun.within(SpanId::of(9).unwrap());
        for trace in [inbound, begun, child, Trace::NONE] {
            let kept = Trace::kept(&trace.id().to_string(), &trace.parent());
            assert_eq!(kept, trace, "{trace}");
        }
        assert_eq!(Trace::kept("by hand", "x"), Trace::NONE);
    }
}
