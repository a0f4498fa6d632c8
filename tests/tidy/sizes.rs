//! What does not fit on a few screens is split.

use super::source::{Finding, Token, each, tokens};
use proc_macro2::Delimiter;

const FILE_LINES: usize = 400;
const FUNCTION_LINES: usize = 70;
const LINE_CHARACTERS: usize = 100;

/// Reports each file, function and line that is too long.
pub fn check(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let tokens = tokens(path, text);
    let lines = text.lines().count();
    if lines > FILE_LINES && !is_table(&tokens) {
        let says = format!(
            "the file has {lines} lines, {FILE_LINES} are allowed: split the subject into parts \
             below a folder of its name (only a file of nothing but `const` tables may be longer)"
        );
        findings.push(Finding::new(path, FILE_LINES + 1, says));
    }
    each(&tokens, &mut |tokens, at| {
        if let Some((name, length)) = function(&tokens[at..])
            && length > FUNCTION_LINES
        {
            let says = format!(
                "`{name}` has {length} lines, {FUNCTION_LINES} are allowed: give its steps names \
                 of their own, or its rows a `const` table"
            );
            findings.push(Finding::new(path, tokens[at].line, says));
        }
    });
    for (at, line) in text.lines().enumerate() {
        let length = line.chars().count();
        if length > LINE_CHARACTERS {
            let says = format!(
                "the line has {length} characters, {LINE_CHARACTERS} are allowed: break it"
            );
            findings.push(Finding::new(path, at + 1, says));
        }
    }
    findings
}

/// Name and lines of the function whose `fn` stands first, from there to its closing brace.
fn function(tokens: &[Token]) -> Option<(&str, usize)> {
    let [keyword, name, rest @ ..] = tokens else { return None };
    // `fn(u32)` is a type; `fn $name` stands in a macro.
    if !keyword.is_word("fn") || !(name.word().is_some() || name.is_mark('$')) {
        return None;
    }
    let mut before = name;
    for (at, token) in rest.iter().enumerate() {
        if token.is_mark(';') {
            return None;
        }
        // `Array<{ N }>` is a type as well.
        let argument = before.is_mark('<') || rest.get(at + 1).is_some_and(|it| it.is_mark('>'));
        if token.group(Delimiter::Brace).is_some() && !argument {
            return Some((name.word().unwrap_or("$"), token.end - keyword.line + 1));
        }
        before = token;
    }
    None
}

/// A full table may fill a file of its own. Such a file holds `const` and `static` items, and the
/// `use` lines they need, and nothing else: no function, no type, no macro.
fn is_table(tokens: &[Token]) -> bool {
    let mut rest = tokens.iter().peekable();
    let mut rows = false;
    while let Some(token) = rest.next() {
        if token.is_mark('#') {
            rest.next_if(|token| token.is_mark('!'));
            rest.next_if(|token| token.group(Delimiter::Bracket).is_some());
            continue;
        }
        if token.is_word("pub") {
            rest.next_if(|token| token.group(Delimiter::Parenthesis).is_some());
            continue;
        }
        let holds = token.is_word("const") || token.is_word("static");
        let code = |next: &&&Token| {
            ["fn", "unsafe", "extern", "async"].iter().any(|word| next.is_word(word))
        };
        if !(holds || token.is_word("use")) || rest.peek().is_some_and(|next| code(&next)) {
            return false;
        }
        rows |= holds;
        if !rest.by_ref().any(|token| token.is_mark(';')) {
            return false;
        }
    }
    rows
}

#[test]
fn what_is_too_long_is_reported() {
    let file = format!("fn f() {{}}\n{}", "// row\n".repeat(FILE_LINES));
    let body = "    g(\"}\", '}', r#\"}\"#); // }\n".repeat(FUNCTION_LINES - 1);
    let function = format!("/// d\n#[must_use]\nfn f<'a>(x: &'a A<{{ N }}>) -> u8 {{\n{body}}}\n");
    let nested = format!("mod a {{\nimpl B {{\nconst fn c()\nwhere T: A, {{\n{body}}}\n}}\n}}\n");
    let line = format!("// ok\n// {}\n", "é".repeat(LINE_CHARACTERS - 2));
    let rows = [
        (file, "src/a.rs:401: the file has 401 lines, 400 are allowed: split the subject"),
        (function, "src/a.rs:3: `f` has 71 lines, 70 are allowed: give its steps names"),
        (nested, "src/a.rs:3: `c` has 72 lines, 70 are allowed: give its steps names"),
        (line, "src/a.rs:2: the line has 101 characters, 100 are allowed: break it"),
    ];
    for (text, expected) in rows {
        let findings = check("src/a.rs", &text);
        assert_eq!(findings.len(), 1, "{expected}: {findings:?}");
        let found = findings[0].to_string();
        assert!(found.starts_with(expected), "{found}");
    }
}

#[test]
fn what_just_fits_is_not_reported() {
    let body = "    g();\n".repeat(FUNCTION_LINES - 2);
    let rows = [
        "// row\n".repeat(FILE_LINES),
        format!("fn f() {{\n{body}}}\n"),
        format!("trait T {{ fn f(); }}\ntype F = fn(u8);\nstatic A: &[u8] = &[\n{body}{body}];\n")
            .replace("g();", "1,"),
        "é".repeat(LINE_CHARACTERS).replace("éé", "//"),
    ];
    for text in rows {
        assert_eq!(check("src/a.rs", &text), [], "{text}");
    }
}

#[test]
fn only_a_file_of_nothing_but_rows_is_a_table() {
    let table = format!(
        "//! d\nuse crate::x;\nstatic B: u8 = 1;\n\
         /// d\npub(crate) const A: &[fn(u8) -> u8] = &[\n{}];\n",
        "    |x| { let y = x; y },\n".repeat(FILE_LINES)
    );
    assert_eq!(check("src/a.rs", &table), []);
    for more in ["const fn f() {}", "fn f() {}", "struct S;", "m! {}", "impl A {}", "mod m {}"] {
        let findings = check("src/a.rs", &format!("{table}{more}\n"));
        assert_eq!(findings.len(), 1, "{more}");
    }
    assert_eq!(check("src/a.rs", &"use a;\n".repeat(FILE_LINES + 1)).len(), 1, "no row at all");
}
