//! The proof of a password by `mysql_native_password`.
//!
//! The server keeps `SHA1(SHA1(password))`. The client sends
//! `SHA1(password) XOR SHA1(challenge + SHA1(SHA1(password)))`, from which whoever knows the digest gets
//! `SHA1(password)` back, and can check it.

use sha1::{Digest, Sha1};

/// Bytes of a digest, and of a proof.
const LENGTH: usize = 20;

/// What is kept of a password; `None` for the empty one.
pub(crate) fn digest(password: &str) -> Option<[u8; LENGTH]> {
    (!password.is_empty()).then(|| sha1(&sha1(password.as_bytes())))
}

/// A digest as MySQL writes it: `*` and hexadecimal digits.
pub(crate) fn digest_text(digest: &[u8; LENGTH]) -> String {
    let digits: String = digest.iter().map(|byte| format!("{byte:02X}")).collect();
    format!("*{digits}")
}

/// Reads what [`digest_text`] writes.
pub(crate) fn parse_digest(text: &str) -> Option<[u8; LENGTH]> {
    let digits = text.strip_prefix('*').filter(|digits| digits.len() == 2 * LENGTH && digits.is_ascii())?;
    let mut digest = [0; LENGTH];
    for (i, byte) in digest.iter_mut().enumerate() {
        *byte = u8::from_str_radix(digits.get(2 * i..2 * i + 2)?, 16).ok()?;
    }
    Some(digest)
}

/// Whether a proof is right. An empty password is proven by nothing, or by a zero byte.
pub(crate) fn verify(proof: &[u8], challenge: &[u8], digest: Option<&[u8; LENGTH]>) -> bool {
    let Some(digest) = digest else { return proof.is_empty() || proof == [0] };
    let Ok(proof) = <[u8; LENGTH]>::try_from(proof) else { return false };
    let mask = sha1(&[challenge, digest].concat());
    let password: [u8; LENGTH] = std::array::from_fn(|i| proof[i] ^ mask[i]);
    // Every byte is compared: how long it takes must not tell how many were right.
    sha1(&password).iter().zip(digest).fold(0, |differences, (a, b)| differences | (a ^ b)) == 0
}

fn sha1(bytes: &[u8]) -> [u8; LENGTH] {
    Sha1::digest(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_mysqls() {
        let text = "*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19";
        assert_eq!(digest_text(&digest("password").unwrap()), text);
        assert_eq!(parse_digest(text), digest("password"));
        assert_eq!(digest(""), None);
        for wrong in ["", "*", "2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19", "*2470C0C06DEE42FD1618BB99005ADCA2EC9D1Eéé"]
        {
            assert_eq!(parse_digest(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn only_the_right_password_for_this_challenge_proves() {
        let proof = |password: &str, challenge: &[u8]| -> Vec<u8> {
            let once = sha1(password.as_bytes());
            let mask = sha1(&[challenge, &sha1(&once)].concat());
            once.iter().zip(mask).map(|(a, b)| a ^ b).collect()
        };
        let kept = digest("secret");
        assert!(verify(&proof("secret", b"abc"), b"abc", kept.as_ref()));
        assert!(!verify(&proof("wrong", b"abc"), b"abc", kept.as_ref()));
        assert!(!verify(&proof("secret", b"xyz"), b"abc", kept.as_ref()));
        assert!(!verify(b"", b"abc", kept.as_ref()));
        assert!(verify(b"", b"abc", None) && verify(b"\0", b"abc", None));
        assert!(!verify(&proof("", b"abc"), b"abc", None));
    }
}
