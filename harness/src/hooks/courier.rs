//! Owns bringing notifications to a service, several at once, and how long its answers take.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::task::JoinSet;

use super::truth::Told;
use crate::http::{self, Reply};
use crate::output;
use crate::stats::Samples;

/// What became of what was brought.
#[derive(Debug, Default)]
pub(crate) struct Sent {
    /// How long the answers took.
    pub(crate) answers: Samples,
    /// What was not answered 200: it has to be told again.
    pub(crate) unanswered: Vec<Told>,
}

/// Brings notifications to one address.
pub(crate) struct Courier {
    http: reqwest::Client,
    url: String,
    clients: usize,
}

impl Courier {
    pub(crate) fn new(url: &str, clients: usize) -> anyhow::Result<Self> {
        Ok(Self {
            http: http::client()?,
            url: url.to_owned(),
            clients: clients.max(1),
        })
    }

    /// Brings all of these, in their order but several at once.
    pub(crate) async fn tell(&self, all: Vec<Told>) -> anyhow::Result<Sent> {
        let waiting = Arc::new(Mutex::new(VecDeque::from(all)));
        let mut clients = JoinSet::new();
        for _ in 0..self.clients {
            let (http, url) = (self.http.clone(), self.url.clone());
            let waiting = Arc::clone(&waiting);
            clients.spawn(async move {
                let mut sent = Sent::default();
                while let Some(told) = next(&waiting) {
                    // Whoever is not there answers nothing.
                    let Ok(reply) = Reply::to(told.request(&http, &url)).await else {
                        sent.unanswered.push(told);
                        continue;
                    };
                    sent.answers.add(reply.took);
                    if reply.status != 200 {
                        output::say(&format!("answered {}: {}", reply.status, reply.body));
                        sent.unanswered.push(told);
                    }
                }
                sent
            });
        }
        let mut all = Sent::default();
        while let Some(sent) = clients.join_next().await {
            let sent = sent?;
            all.answers.merge(sent.answers);
            all.unanswered.extend(sent.unanswered);
        }
        Ok(all)
    }
}

fn next(waiting: &Mutex<VecDeque<Told>>) -> Option<Told> {
    let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
    waiting.pop_front()
}
