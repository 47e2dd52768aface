//! Owns a client of server-sent events: takes a stream apart as it comes.

use std::time::Duration;

use reqwest::{RequestBuilder, Response};
use serde_json::Value;
use tokio::time::timeout;

/// Nothing here takes longer, unless it never comes.
const SOON: Duration = Duration::from_secs(10);

/// What was said between two empty lines.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Said {
    pub(crate) id: Option<i64>,
    pub(crate) name: String,
    pub(crate) data: Value,
    pub(crate) retry: Option<u64>,
    /// Nothing but a comment.
    pub(crate) is_beat: bool,
}

/// Somebody who listens to a stream.
pub(crate) struct Listener {
    response: Response,
    heard: String,
}

impl Listener {
    /// Opens a stream, which has to be there.
    pub(crate) async fn open(request: RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        let header = |name| response.headers()[name].to_str().unwrap();
        assert_eq!(header("content-type"), "text/event-stream");
        assert_eq!(header("cache-control"), "no-store");
        assert_eq!(header("x-accel-buffering"), "no");
        let heard = String::new();
        Self { response, heard }
    }

    /// Goes on behind what was heard last.
    pub(crate) async fn resume(request: RequestBuilder, id: i64) -> Self {
        Self::open(request.header("last-event-id", id)).await
    }

    /// What is said next, comments too; none at the end.
    pub(crate) async fn any(&mut self) -> Option<Said> {
        let said = async {
            loop {
                if let Some((block, rest)) = self.heard.split_once("\n\n") {
                    let said = read(block);
                    let rest = rest.to_owned();
                    self.heard = rest;
                    return Some(said);
                }
                let Some(bytes) = self.response.chunk().await.unwrap() else {
                    assert_eq!(self.heard, "", "cut off in the middle");
                    return None;
                };
                self.heard.push_str(str::from_utf8(&bytes).unwrap());
            }
        };
        timeout(SOON, said).await.expect("something is said")
    }

    /// What is said next; none at the end.
    pub(crate) async fn next(&mut self) -> Option<Said> {
        loop {
            match self.any().await {
                Some(said) if said.is_beat => {}
                said => return said,
            }
        }
    }

    /// What is said next, which has this name.
    pub(crate) async fn named(&mut self, name: &str) -> Said {
        let said = self.next().await.expect("more is said");
        assert_eq!(said.name, name, "{said:?}");
        said
    }
}

fn read(block: &str) -> Said {
    let mut said = Said::default();
    for line in block.lines() {
        let (field, value) = line.split_once(':').expect("a field");
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "id" => said.id = Some(value.parse().unwrap()),
            "event" => value.clone_into(&mut said.name),
            "data" => said.data = serde_json::from_str(value).unwrap(),
            "retry" => said.retry = Some(value.parse().unwrap()),
            "" => said.is_beat = true,
            _ => panic!("{line}"),
        }
    }
    assert!(!said.is_beat || said.name.is_empty(), "{block}");
    said
}
