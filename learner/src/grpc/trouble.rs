//! Why no answer came, in words.
//!
//! The layers below keep to themselves of which kind a failed handshake is; what they say is read here. Whatever
//! is not recognised is passed on as it is.

use std::collections::HashMap;
use std::error::Error as StdError;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tonic::Status;

/// What became of a request that was not answered.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Trouble {
    /// In words.
    pub(super) reason: String,
    /// Whether it stays until somebody changes a file or an option.
    pub(super) lasts: bool,
}

/// What a failed handshake leaves behind, and what that means. The first that fits counts.
const TLS: [(&str, &str); 10] = [
    ("peer certificate: UnknownIssuer", "its certificate was not signed by the CA that this process knows"),
    ("peer certificate: BadSignature", "its certificate was not signed by the CA that this process knows"),
    ("certificate not valid for name", "its certificate is for other hosts than the one that was dialled"),
    ("peer certificate: NotValidForName", "its certificate is for other hosts than the one that was dialled"),
    ("peer certificate: certificate expired", "its certificate has expired"),
    ("peer certificate: Expired", "its certificate has expired"),
    ("fatal alert: CertificateExpired", "this process's certificate has expired"),
    ("fatal alert: CertificateRequired", "it asks for a certificate"),
    ("InvalidContentType", "it does not speak TLS"),
    ("fatal alert", "it does not accept this process's certificate"),
];
/// What the first bytes of TLS look like to whoever expects HTTP/2.
const NOT_PLAIN: &str = "frame with invalid size";

impl Trouble {
    /// Reads a status; `tls` says whether TLS was spoken.
    pub(super) fn of(status: &Status, tls: bool) -> Self {
        let (message, cause) = (status.message(), deepest(status));
        // What comes from another process is its own affair.
        let known = match (status.source().is_some(), tls) {
            (false, _) => None,
            (true, true) => TLS.iter().find(|(sign, _)| cause.contains(sign)).map(|(_, meaning)| *meaning),
            (true, false) => cause.contains(NOT_PLAIN).then_some("it speaks TLS, and this process has no certificate"),
        };
        let reason = match known {
            Some(meaning) => format!("{meaning} ({cause})"),
            None if message.contains(&cause) => message.to_owned(),
            None => format!("{message}: {cause}"),
        };
        Self { reason, lasts: known.is_some() }
    }
}

/// The words of the error that all others came from.
pub(super) fn deepest(error: &(dyn StdError + 'static)) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    match last.downcast_ref::<Status>() {
        Some(status) => status.message().to_owned(),
        None => last.to_string(),
    }
}

/// What was said of whom, so that it is not said again with each attempt. Several may come from one address, each
/// with a trouble of its own.
#[derive(Default)]
pub(super) struct Told(Mutex<HashMap<(String, String), Instant>>);

impl Told {
    /// Whether this was not said of `who` within an hour.
    pub(super) fn is_news(&self, who: &str, what: &str) -> bool {
        const AGAIN: Duration = Duration::from_secs(3600);
        /// Strangers may come from anywhere.
        const KEPT: usize = 1024;
        let told = &mut *self.0.lock();
        let pair = (who.to_owned(), what.to_owned());
        if told.get(&pair).is_some_and(|at| at.elapsed() < AGAIN) {
            return false;
        }
        if told.len() >= KEPT {
            told.clear();
        }
        told.insert(pair, Instant::now());
        true
    }

    #[cfg(test)]
    pub(super) fn all(&self) -> Vec<String> {
        self.0.lock().keys().map(|(_, what)| what.clone()).collect()
    }
}
