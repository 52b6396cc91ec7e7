//! Decides how a webhook is answered: whether it is from GitLab, and what follows from it.
//!
//! Every failure of a hook counts for GitLab, which switches a hook off for good after forty in a row. So the answer is 200
//! for everything but a wrong secret or signature; what is not understood is counted.

use super::webhook::{HookMeaning, read_hook};
use crate::domain::tracking::Compatibility;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

/// How far the time of a signed delivery may be from ours: older ones may be repeated by others.
const TOLERANCE_SECONDS: i64 = 300;

/// How deliveries are proven.
#[derive(Debug, Clone, Default)]
pub struct HookRules {
    /// What `X-Gitlab-Token` must be.
    pub secret: Option<SecretString>,
    /// The signing token, `whsec_` and Base64: where it is set, deliveries must be signed.
    pub signing_token: Option<SecretString>,
    pub compatibility: Compatibility,
}

impl HookRules {
    /// Says whether a delivery must prove that it is GitLab's.
    pub(super) fn ask_for_proof(&self) -> bool {
        self.secret.is_some() || self.signing_token.is_some()
    }

    /// Says whether a delivery with this `X-Gitlab-Token` may be GitLab's.
    pub(super) fn accept_token(&self, given: Option<&[u8]>) -> bool {
        let Some(secret) = &self.secret else { return true };
        secret.expose_secret().as_bytes().ct_eq(given.unwrap_or_default()).into()
    }
}

/// One delivery. Headers that are missing are `None`.
#[derive(Debug, Clone, Copy, Default)]
pub struct HookDelivery<'a> {
    /// `X-Gitlab-Token`.
    pub token: Option<&'a [u8]>,
    /// `X-Gitlab-Event`.
    pub event: Option<&'a str>,
    /// `webhook-id`, or `Idempotency-Key`: the same where a delivery is repeated.
    pub id: Option<&'a str>,
    /// `webhook-timestamp`.
    pub timestamp: Option<&'a str>,
    /// `webhook-signature`.
    pub signature: Option<&'a str>,
    pub body: &'a [u8],
}

/// The answer to a delivery, and what the delivery means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookAnswer {
    pub status: u16,
    pub body: &'static str,
    pub meaning: HookMeaning,
}

/// Judges a delivery. `now` is in seconds since 1970.
pub fn answer_hook(rules: &HookRules, delivery: HookDelivery<'_>, now: i64) -> HookAnswer {
    let refused = |status, body| HookAnswer { status, body, meaning: HookMeaning::Unknown };
    if !rules.accept_token(delivery.token) {
        return refused(403, "{\"error\": \"invalid token\"}");
    }
    if !is_signed(rules, delivery, now) {
        return refused(403, "{\"error\": \"invalid signature\"}");
    }
    let meaning = read_hook(delivery.body);
    if rules.compatibility == Compatibility::Strict {
        return HookAnswer { status: strict_status(delivery), body: "", meaning };
    }
    HookAnswer { status: 200, body: "", meaning }
}

/// Checks the signature of Standard Webhooks (<https://www.standardwebhooks.com>), as GitLab 19 sends it.
fn is_signed(rules: &HookRules, delivery: HookDelivery<'_>, now: i64) -> bool {
    let Some(token) = &rules.signing_token else { return true };
    let (Some(id), Some(timestamp), Some(signatures)) = (delivery.id, delivery.timestamp, delivery.signature) else {
        return false;
    };
    let is_recent = timestamp.parse().is_ok_and(|at: i64| at.abs_diff(now) <= TOLERANCE_SECONDS.unsigned_abs());
    let encoded = token.expose_secret().strip_prefix("whsec_").unwrap_or(token.expose_secret());
    let Ok(key) = STANDARD.decode(encoded) else { return false };
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    let signed = [id.as_bytes(), b".", timestamp.as_bytes(), b".", delivery.body].concat();
    let fits = |signature: &str| {
        let tag = signature.strip_prefix("v1,").and_then(|tag| STANDARD.decode(tag).ok());
        tag.is_some_and(|tag| hmac::verify(&key, &signed, &tag).is_ok())
    };
    is_recent && signatures.split(' ').any(fits)
}

/// Returns the code that the exporter that this one replaces answers with.
fn strict_status(delivery: HookDelivery<'_>) -> u16 {
    const USED: [&str; 6] =
        ["Pipeline Hook", "Job Hook", "Deployment Hook", "Push Hook", "Tag Push Hook", "Merge Request Hook"];
    const KNOWN: [&str; 11] = [
        "Issue Hook",
        "Confidential Issue Hook",
        "Note Hook",
        "Confidential Note Hook",
        "Wiki Page Hook",
        "Release Hook",
        "Feature Flag Hook",
        "Member Hook",
        "Subgroup Hook",
        "Emoji Hook",
        "Resource Access Token Hook",
    ];
    let is_json = serde_json::from_slice::<serde::de::IgnoredAny>(delivery.body).is_ok();
    match delivery.event {
        Some(event) if is_json && USED.contains(&event) => 200,
        Some(event) if is_json && KNOWN.contains(&event) => 422,
        _ => 400,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
    const NOW: i64 = 1_790_000_000;

    fn signature(id: &str, timestamp: &str, body: &[u8]) -> String {
        let key = STANDARD.decode(KEY.trim_start_matches("whsec_")).unwrap();
        let signed = [id.as_bytes(), b".", timestamp.as_bytes(), b".", body].concat();
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), &signed);
        format!("v1,{}", STANDARD.encode(tag))
    }

    #[test]
    fn only_a_wrong_secret_or_signature_is_refused() {
        let secret = || HookRules { secret: Some("s3cret".into()), ..HookRules::default() };
        let signing = || HookRules { signing_token: Some(KEY.into()), ..HookRules::default() };
        let both = || HookRules { secret: Some("s3cret".into()), ..signing() };
        let at = NOW.to_string();
        let old = (NOW - 301).to_string();
        let (fits, other, stale) =
            (signature("a", &at, b"{}"), signature("b", &at, b"{}"), signature("a", &old, b"{}"));
        let two = format!("v1,AAAA {fits}");
        let plain = HookDelivery { body: b"{}", ..HookDelivery::default() };
        let told = HookDelivery { token: Some(b"s3cret"), ..plain };
        let signed = HookDelivery { id: Some("a"), timestamp: Some(&at), signature: Some(&fits), ..plain };
        let cases = [
            ("nothing is configured", HookRules::default(), plain, 200),
            ("the secret", secret(), told, 200),
            ("no secret", secret(), plain, 403),
            ("another secret", secret(), HookDelivery { token: Some(b"s3cre"), ..plain }, 403),
            ("an empty secret", secret(), HookDelivery { token: Some(b""), ..plain }, 403),
            ("signed", signing(), signed, 200),
            (
                "one of two signatures, while a key is changed",
                signing(),
                HookDelivery { signature: Some(&two), ..signed },
                200,
            ),
            ("not signed", signing(), plain, 403),
            ("an id and a time alone are no signature", signing(), HookDelivery { signature: None, ..signed }, 403),
            ("signed for another delivery", signing(), HookDelivery { signature: Some(&other), ..signed }, 403),
            ("another body", signing(), HookDelivery { body: b"{ }", ..signed }, 403),
            ("a signature of another version", signing(), HookDelivery { signature: Some("v2,AAAA"), ..signed }, 403),
            (
                "repeated later",
                signing(),
                HookDelivery { timestamp: Some(&old), signature: Some(&stale), ..signed },
                403,
            ),
            ("a time that is none", signing(), HookDelivery { timestamp: Some("soon"), ..signed }, 403),
            ("both are needed where both are set", both(), signed, 403),
            ("both", both(), HookDelivery { token: Some(b"s3cret"), ..signed }, 200),
            ("no body", HookRules::default(), HookDelivery::default(), 200),
            ("no JSON", HookRules::default(), HookDelivery { body: b"[", ..plain }, 200),
        ];
        for (sentence, rules, delivery, expected) in cases {
            assert_eq!(answer_hook(&rules, delivery, NOW).status, expected, "{sentence}");
        }
    }
}
