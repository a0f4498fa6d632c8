//! Who may talk to a cluster that listens on more than this machine: whoever has its token.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use subtle::ConstantTimeEq;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::{Request, Status};

/// The fewest characters of a token.
const SHORTEST: usize = 16;

/// A secret that all of a cluster share. It is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(Arc<str>);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// A text that is no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadToken;

impl fmt::Display for BadToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a token is {SHORTEST} or more visible ASCII characters, without spaces")
    }
}

impl std::error::Error for BadToken {}

impl Token {
    /// A token from its text; space around it does not belong to it.
    ///
    /// # Errors
    /// It is too short, or has other characters.
    pub fn new(text: &str) -> Result<Self, BadToken> {
        let text = text.trim();
        let fine = text.len() >= SHORTEST && text.bytes().all(|byte| byte.is_ascii_graphic());
        if fine { Ok(Self(text.into())) } else { Err(BadToken) }
    }

    /// Its text, for the environment of a child.
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }

    fn header(&self) -> MetadataValue<Ascii> {
        let mut value = MetadataValue::try_from(format!("Bearer {}", self.0))
            .expect("invariant: a token is visible ASCII");
        value.set_sensitive(true);
        value
    }
}

/// Says the token with every call, if there is one, and counts the calls.
#[derive(Debug, Clone, Default)]
pub struct Say {
    token: Option<MetadataValue<Ascii>>,
    calls: Arc<AtomicU64>,
}

impl Say {
    pub(super) fn new(token: Option<&Token>, calls: &Arc<AtomicU64>) -> Self {
        Self { token: token.map(Token::header), calls: Arc::clone(calls) }
    }
}

impl Interceptor for Say {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        if let Some(value) = &self.token {
            request.metadata_mut().insert("authorization", value.clone());
        }
        Ok(request)
    }
}

/// Lets nobody in who does not say the token, if there is one.
#[derive(Debug, Clone, Default)]
pub struct Ask(Option<MetadataValue<Ascii>>);

impl Ask {
    pub(super) fn new(token: Option<&Token>) -> Self {
        Self(token.map(Token::header))
    }
}

impl Interceptor for Ask {
    fn call(&mut self, request: Request<()>) -> Result<Request<()>, Status> {
        let Some(expected) = &self.0 else { return Ok(request) };
        let said = request.metadata().get("authorization");
        let said = said.map_or(&[][..], MetadataValue::as_bytes);
        // Takes the same time however much of it is right.
        if said.ct_eq(expected.as_bytes()).into() {
            Ok(request)
        } else {
            Err(Status::unauthenticated("this cluster wants its token, and got none or another"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(server: Option<&Token>, client: Option<&Token>) -> bool {
        let request =
            Say::new(client, &Arc::default()).call(Request::new(())).expect("it only adds");
        Ask::new(server).call(request).is_ok()
    }

    #[test]
    fn only_the_token_opens() {
        let token = Token::new("0123456789abcdef\n").expect("long enough");
        let other = Token::new("0123456789abcdeF").expect("long enough");
        assert!(
            asked(None, None) && asked(None, Some(&token)) && asked(Some(&token), Some(&token))
        );
        assert!(!asked(Some(&token), None) && !asked(Some(&token), Some(&other)));
    }

    #[test]
    fn a_token_is_never_printed_and_never_short() {
        let token = Token::new("0123456789abcdef").expect("long enough");
        let said = Say::new(Some(&token), &Arc::default());
        assert!(!format!("{token:?} {said:?}").contains("0123456789"), "{token:?} {said:?}");
        for bad in ["", "short", "0123456789 abcdef", "0123456789abcdé"] {
            assert_eq!(Token::new(bad), Err(BadToken), "{bad}");
        }
    }
}
