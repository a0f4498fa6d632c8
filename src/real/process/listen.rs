//! Where a node may listen: on this machine, or, with a token, anywhere.

use std::net::{SocketAddr, ToSocketAddrs};

use crate::real::token::Token;

use super::{Problem, TOKEN};

/// The address to listen on, if that is allowed.
pub(super) fn allowed(text: &str, token: Option<&Token>) -> Result<SocketAddr, Problem> {
    let found = text.to_socket_addrs().map_err(|error| {
        Problem::new(format!(
            "`{text}` is no address to listen on ({error}); one such as `127.0.0.1:7077` was \
             expected"
        ))
    })?;
    let all: Vec<SocketAddr> = found.collect();
    let Some(first) = all.first() else {
        return Err(Problem::new(format!("`{text}` is the name of no machine")));
    };
    if token.is_none() && !all.iter().all(|address| address.ip().is_loopback()) {
        return Err(Problem::new(format!(
            "{text} can be reached from other machines, and whoever reaches it may run commands: \
             give the cluster a token (in the variable {TOKEN}, or a file with --token-file), or \
             listen on 127.0.0.1"
        )));
    }
    Ok(*first)
}

/// What others are told of where a node listens that listens there.
pub(super) fn reachable(listens: &str, advertised: Option<&str>) -> Result<String, Problem> {
    if let Some(advertised) = advertised {
        return Ok(advertised.to_owned());
    }
    let everywhere = listens.parse().is_ok_and(|address: SocketAddr| address.ip().is_unspecified());
    if everywhere {
        return Err(Problem::new(format!(
            "{listens} is every address of this machine, and none that others can reach: say which \
             one they are to use with --advertise HOST:PORT"
        )));
    }
    Ok(listens.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_token_only_this_machine_is_listened_to() {
        let token = Token::new("0123456789abcdef").expect("it is long enough");
        for (text, without) in [
            ("127.0.0.1:0", true),
            ("127.8.9.1:7077", true),
            ("[::1]:7077", true),
            ("0.0.0.0:7077", false),
            ("[::]:0", false),
            ("192.0.2.1:7077", false),
        ] {
            assert_eq!(allowed(text, None).is_ok(), without, "{text}");
            assert!(allowed(text, Some(&token)).is_ok(), "{text}");
        }
        let says = allowed("0.0.0.0:1", None).expect_err("it is refused").to_string();
        assert!(says.contains(TOKEN) && says.contains("--token-file"), "{says}");
        assert!(allowed("nonsense", Some(&token)).is_err());
    }

    #[test]
    fn nobody_is_told_an_address_that_reaches_nobody() {
        assert_eq!(reachable("127.0.0.1:9", None), Ok("127.0.0.1:9".to_owned()));
        assert!(reachable("0.0.0.0:9", None).is_err());
        assert_eq!(reachable("0.0.0.0:9", Some("here:9")), Ok("here:9".to_owned()));
    }
}
