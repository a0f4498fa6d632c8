//! A Rust file as tokens and paths: what the rules look at; no comment or string fools them.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};
use std::fmt;

/// One untidy place and what to do about it.
#[derive(Debug, PartialEq, Eq)]
pub struct Finding {
    pub path: String,
    pub line: usize,
    pub says: String,
}

impl Finding {
    pub fn new(path: &str, line: usize, says: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, says: says.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}: {}", self.path, self.line, self.says)
    }
}

/// A token with the lines it begins and ends on.
pub struct Token {
    pub line: usize,
    pub end: usize,
    pub kind: Kind,
}

pub enum Kind {
    Word(String),
    /// `::`
    Separator,
    Mark(char),
    Literal,
    Group(Delimiter, Vec<Token>),
}

impl Token {
    pub fn word(&self) -> Option<&str> {
        if let Kind::Word(word) = &self.kind { Some(word) } else { None }
    }

    pub fn is_word(&self, wanted: &str) -> bool {
        self.word() == Some(wanted)
    }

    pub fn is_mark(&self, wanted: char) -> bool {
        matches!(self.kind, Kind::Mark(mark) if mark == wanted)
    }

    pub fn is_separator(&self) -> bool {
        matches!(self.kind, Kind::Separator)
    }

    pub fn group(&self, wanted: Delimiter) -> Option<&[Token]> {
        match &self.kind {
            Kind::Group(delimiter, inside) => (*delimiter == wanted).then_some(inside),
            Kind::Word(_) | Kind::Separator | Kind::Mark(_) | Kind::Literal => None,
        }
    }
}

/// The tokens of a file; comments are gone, doc comments are literals.
pub fn tokens(path: &str, text: &str) -> Vec<Token> {
    let stream: TokenStream = text.parse().unwrap_or_else(|error| panic!("{path}: {error}"));
    convert(stream)
}

fn convert(stream: TokenStream) -> Vec<Token> {
    let mut converted = Vec::new();
    let mut trees = stream.into_iter().peekable();
    while let Some(tree) = trees.next() {
        let (line, mut end) = (tree.span().start().line, tree.span().end().line);
        let kind = match tree {
            TokenTree::Ident(word) => Kind::Word(word.to_string().replace("r#", "")),
            TokenTree::Literal(_) => Kind::Literal,
            TokenTree::Punct(mark) => {
                let joint = mark.as_char() == ':' && mark.spacing() == Spacing::Joint;
                let next = trees.next_if(|next| {
                    joint && matches!(next, TokenTree::Punct(mark) if mark.as_char() == ':')
                });
                if next.is_some() { Kind::Separator } else { Kind::Mark(mark.as_char()) }
            }
            TokenTree::Group(group) => {
                end = group.span_close().end().line;
                Kind::Group(group.delimiter(), convert(group.stream()))
            }
        };
        converted.push(Token { line, end, kind });
    }
    converted
}

/// Calls `look` with every token, its neighbours and its place among them, however deeply nested.
pub fn each(tokens: &[Token], look: &mut dyn FnMut(&[Token], usize)) {
    for at in 0..tokens.len() {
        look(tokens, at);
        if let Kind::Group(_, inside) = &tokens[at].kind {
            each(inside, look);
        }
    }
}

/// The module that a file below `src` is, without `crate`: `src/check/state.rs` is
/// `[check, state]`.
pub fn module_of(path: &str) -> Option<Vec<String>> {
    let inside = path.strip_prefix("src/")?.strip_suffix(".rs")?;
    let mut module: Vec<String> = inside.split('/').map(str::to_owned).collect();
    let root = module.len() == 1 && (module[0] == "lib" || module[0] == "main");
    if root || module.last().is_some_and(|last| last == "mod") {
        module.pop();
    }
    Some(module)
}

/// The folder a rule speaks of: `src/check/state.rs` and `src/check.rs` are in `check`,
/// `src/main.rs` in `main`, `tests/a.rs` in `tests`, `build.rs` in `build`.
pub fn folder_of(path: &str) -> &str {
    let inside = path.strip_prefix("src/").unwrap_or(path);
    let first = inside.split('/').next().unwrap_or(inside);
    first.strip_suffix(".rs").unwrap_or(first)
}

/// One path that the code names, a `use` with braces taken apart.
#[derive(Debug)]
pub struct Named {
    pub line: usize,
    /// The module it is named in, without `crate`.
    pub module: Vec<String>,
    pub segments: Vec<String>,
    /// It begins with `::`, or follows `extern crate`.
    pub absolute: bool,
    pub renamed: bool,
    /// Inside `#[cfg(test)] mod … { }`.
    pub in_test: bool,
}

/// Every path with a `::`, and every path of a `use`.
pub fn paths(path: &str, text: &str) -> Vec<Named> {
    let module = module_of(path).unwrap_or_default();
    let mut found = Vec::new();
    Walk { module, in_test: false, found: &mut found }.walk(&tokens(path, text));
    found
}

struct Walk<'a> {
    module: Vec<String>,
    in_test: bool,
    found: &'a mut Vec<Named>,
}

impl Walk<'_> {
    fn walk(&mut self, tokens: &[Token]) {
        let mut at = 0;
        let mut test_comes = false;
        while let Some(token) = tokens.get(at) {
            let next = tokens.get(at + 1);
            match &token.kind {
                Kind::Mark('#') => test_comes |= next.is_some_and(is_cfg_test),
                Kind::Mark(';') => test_comes = false,
                Kind::Group(delimiter, inside) => {
                    self.walk(inside);
                    test_comes &= *delimiter != Delimiter::Brace;
                }
                Kind::Word(word) if word == "mod" => {
                    let name = next.and_then(Token::word);
                    let body = tokens.get(at + 2).and_then(|body| body.group(Delimiter::Brace));
                    if let (Some(name), Some(body)) = (name, body) {
                        self.enter(name, test_comes, body);
                        test_comes = false;
                        at += 2;
                    }
                }
                Kind::Word(word)
                    if word == "use" && !next.is_some_and(|next| next.is_mark('<')) =>
                {
                    at += 1;
                    self.tree(tokens, &mut at, Start { imported: true, ..Start::default() });
                    continue;
                }
                Kind::Word(word) if word == "extern" => {
                    if next.is_some_and(|next| next.is_word("crate")) {
                        at += 2;
                        let start = Start { imported: true, absolute: true, ..Start::default() };
                        self.tree(tokens, &mut at, start);
                        continue;
                    }
                }
                Kind::Word(_) if begins_path(tokens, at) => {
                    let absolute = at > 0 && tokens[at - 1].is_separator();
                    self.tree(tokens, &mut at, Start { absolute, ..Start::default() });
                    continue;
                }
                Kind::Word(_) | Kind::Separator | Kind::Mark(_) | Kind::Literal => {}
            }
            at += 1;
        }
    }

    fn enter(&mut self, name: &str, test: bool, body: &[Token]) {
        let mut module = self.module.clone();
        module.push(name.to_owned());
        let in_test = self.in_test || test;
        Walk { module, in_test, found: self.found }.walk(body);
    }

    /// Reads one path, or one tree of a `use`, and leaves `at` behind it.
    fn tree(&mut self, tokens: &[Token], at: &mut usize, mut start: Start) {
        let Some(first) = tokens.get(*at) else { return };
        let line = first.line;
        if first.is_separator() {
            start.absolute = start.segments.is_empty();
            *at += 1;
        }
        while let Some(token) = tokens.get(*at) {
            if let Some(inside) = token.group(Delimiter::Brace).filter(|_| start.imported) {
                *at += 1;
                for part in inside.split(|token| token.is_mark(',')) {
                    self.tree(part, &mut 0, start.clone());
                }
                return;
            }
            match &token.kind {
                Kind::Word(word) => start.segments.push(word.clone()),
                Kind::Mark('*') if start.imported => start.segments.push("*".to_owned()),
                Kind::Separator | Kind::Mark(_) | Kind::Literal | Kind::Group(..) => break,
            }
            *at += 1;
            if !tokens.get(*at).is_some_and(Token::is_separator) {
                break;
            }
            *at += 1;
        }
        if start.imported && start.segments.len() > 1 {
            start.segments.pop_if(|last| last == "self");
        }
        let renamed = start.imported && tokens.get(*at).is_some_and(|token| token.is_word("as"));
        self.found.push(Named {
            line,
            module: self.module.clone(),
            segments: start.segments,
            absolute: start.absolute,
            renamed,
            in_test: self.in_test,
        });
    }
}

/// What is known of a path before its next segment is read.
#[derive(Clone, Default)]
struct Start {
    segments: Vec<String>,
    absolute: bool,
    imported: bool,
}

fn is_cfg_test(attribute: &Token) -> bool {
    let Some([cfg, condition]) = attribute.group(Delimiter::Bracket) else { return false };
    let inside = condition.group(Delimiter::Parenthesis);
    cfg.is_word("cfg") && inside.is_some_and(|inside| inside.iter().any(|it| it.is_word("test")))
}

/// Whether the word at `at` is the first of a path with at least two segments.
fn begins_path(tokens: &[Token], at: usize) -> bool {
    const NOT_A_PATH: &[&str] = &[
        "as", "break", "const", "dyn", "else", "for", "if", "impl", "in", "match", "move", "mut",
        "ref", "return", "unsafe", "where", "while",
    ];
    let goes_on = |next: &Token| next.word().is_some() || next.is_mark('$');
    if !(tokens.get(at + 1).is_some_and(Token::is_separator)
        && tokens.get(at + 2).is_some_and(goes_on))
    {
        return false;
    }
    let before = |back: usize| at.checked_sub(back).map(|place| &tokens[place]);
    if !before(1).is_some_and(Token::is_separator) {
        return true;
    }
    match before(2).map(|token| &token.kind) {
        Some(Kind::Word(word)) => NOT_A_PATH.contains(&word.as_str()),
        Some(Kind::Mark('>')) => before(3).is_some_and(|it| it.is_mark('-') || it.is_mark('=')),
        _ => true,
    }
}

#[test]
fn paths_are_found_in_code_and_nowhere_else() {
    let text = r##"
        //! crate::in_doc
        use a::{b::{self, c as d}, e::*};
        /* crate::in_comment */ // crate::in_line
        #[cfg(test)]
        mod tests { use super::super::x; }
        fn f(c: char) -> ::g::H { m!("crate::in_string", r#"crate::in_raw"#, 'c', crate::i::j()) }
        pub(in crate::k) fn l<'a>() -> impl T + use<'a> { <A as n::O>::p(q.r::<S>()) }
        extern crate t;
    "##;
    let found: Vec<String> = paths("src/check.rs", text)
        .iter()
        .map(|it| format!("{} {} {}", it.line, it.module.join("/"), it.segments.join("::")))
        .collect();
    let expected = [
        "3 check a::b",
        "3 check a::b::c",
        "3 check a::e::*",
        "6 check/tests super::super::x",
        "7 check g::H",
        "7 check crate::i::j",
        "8 check crate::k",
        "8 check n::O",
        "9 check t",
    ];
    assert_eq!(found, expected);
}
