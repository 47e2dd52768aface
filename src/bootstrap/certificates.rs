//! Owns which files of certificates the settings name.

use std::path::PathBuf;

use crate::adapters::telemetry::Certified;
use crate::config::Config;

/// What the broker knows us by; all others are those of authorities.
const OWN: &str = "broker_client";

/// Those of the database and of the broker.
pub(super) fn named(config: &Config) -> Vec<Certified> {
    let query = config.database.url.split_once('?');
    let pairs = query.map_or("", |(_, query)| query).split('&');
    let authority = pairs.filter_map(|pair| pair.strip_prefix("sslrootcert="));
    let authority = authority.map(|file| ("database_authority", file));
    let of_kafka = |name: &str| config.kafka.properties.get(name).map(String::as_str);
    let broker = of_kafka("ssl.ca.location").map(|file| ("broker_authority", file));
    let own = of_kafka("ssl.certificate.location").map(|file| (OWN, file));
    let files = authority.chain(broker).chain(own);
    files
        .filter(|(_, file)| !file.is_empty())
        .map(|(of, file)| Certified {
            of,
            file: PathBuf::from(file),
            is_own: of == OWN,
        })
        .collect()
}
