//! Owns what is refused of the edge: bounds that protect nothing, and callers nobody should trust.

use std::time::Duration;

use axum::http::Uri;
use ipnet::IpNet;
use tracing_subscriber::EnvFilter;

use super::{Check, is_encrypted, is_http, is_loopback, need};
use crate::config::Config;

impl Config {
    pub(super) fn check_edge(&self) -> Check {
        let server = &self.server;
        need(
            server.listen.port() == 0 || server.listen != self.metrics.listen,
            "metrics.listen",
            "the API listens there",
        )?;
        need(
            (1024..=1_048_576).contains(&server.body_bytes_max),
            "server.body_bytes_max",
            "outside of 1 KiB to 1 MiB",
        )?;
        need(
            (16..=1000).contains(&server.headers_max),
            "server.headers_max",
            "outside of 16 to 1000",
        )?;
        need(
            server.connections_max > 0,
            "server.connections_max",
            "it is zero",
        )?;
        need(server.requests_max > 0, "server.requests_max", "it is zero")?;
        for (timeout, setting) in [
            (server.header_timeout, "server.header_timeout"),
            (server.body_timeout, "server.body_timeout"),
            (server.write_timeout, "server.write_timeout"),
        ] {
            let longest = Duration::from_mins(5);
            need(
                !timeout.duration().is_zero() && timeout.duration() <= longest,
                setting,
                "outside of 1 ms to 5 m: a client could hold a connection for as long",
            )?;
        }
        self.check_callers()?;
        need(
            EnvFilter::try_new(&self.log.filter).is_ok(),
            "log.filter",
            "not a level or a list of directives",
        )
    }

    fn check_callers(&self) -> Check {
        let server = &self.server;
        for network in &server.trusted_proxies {
            let parsed = network.parse::<IpNet>();
            need(
                parsed.is_ok(),
                "server.trusted_proxies",
                "one of them is no network, for example 10.0.0.0/8",
            )?;
            need(
                parsed.is_ok_and(|network| network.prefix_len() > 0),
                "server.trusted_proxies",
                "everybody would be believed about which address a request comes from",
            )?;
        }
        for origin in &server.cors_origins {
            need(
                origin != "*" && origin != "null",
                "server.cors_origins",
                "name the origins: the pages of everybody must not call",
            )?;
            need(
                is_origin(origin),
                "server.cors_origins",
                "an origin is a scheme, a host in lower case and perhaps a port, and nothing else",
            )?;
            need(
                is_encrypted(origin) || is_loopback(origin),
                "server.cors_origins",
                "whoever can change a page on its way over plain http could call with its key",
            )?;
        }
        Ok(())
    }
}

/// Whether a browser would send exactly this as `Origin`.
fn is_origin(text: &str) -> bool {
    let Ok(uri) = text.parse::<Uri>() else {
        return false;
    };
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return false;
    };
    let default = match scheme {
        "https" => Some(443),
        _ => Some(80),
    };
    let plain =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-:[]".contains(&byte);
    let as_sent =
        format!("{scheme}://{authority}") == text && authority.as_str().bytes().all(plain);
    is_http(text) && as_sent && authority.port_u16() != default
}
