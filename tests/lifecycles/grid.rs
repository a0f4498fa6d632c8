//! A table in a text: states across, events down, in each cell what the state becomes.
//!
//! `-` means that nothing changes (late news), `!` that the event does not belong there.

use std::collections::BTreeMap;

use iris_check::model::step::{Step, Transition};

/// The cells by state and event.
pub struct Grid<'a>(BTreeMap<(&'a str, &'a str), &'a str>);

impl<'a> Grid<'a> {
    /// Reads a table; the first line names the states, each further one begins with its event.
    pub fn read(text: &'a str) -> Self {
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let states: Vec<&str> = lines.next().expect("a head").split_whitespace().collect();
        let mut cells = BTreeMap::new();
        for line in lines {
            let (event, row) = line.split_once('|').expect("an event, then its row");
            let row: Vec<&str> = row.split_whitespace().collect();
            assert_eq!(row.len(), states.len(), "one cell for each state: {line}");
            for (state, cell) in states.iter().zip(row) {
                let before = cells.insert((*state, event.trim()), cell);
                assert_eq!(before, None, "{state} and {event} stand there twice");
            }
        }
        Self(cells)
    }

    /// Holds every pair of a state and an event against its cell, and every cell against a pair.
    pub fn hold<S: Copy, E: Copy>(
        mut self,
        states: &[(&'static str, S)],
        events: &[(&'static str, E)],
        on: impl Fn(S, E) -> Transition<S, E>,
        name: impl Fn(S) -> &'static str,
    ) {
        for (state, from) in states {
            for (event, happens) in events {
                let Some(expected) = self.0.remove(&(*state, *event)) else {
                    panic!("no cell for {state} and {event}");
                };
                let found = match on(*from, *happens) {
                    Ok(Step::Moved(next)) => name(next),
                    Ok(Step::Stale) => "-",
                    Err(_) => "!",
                };
                assert_eq!(found, expected, "{state} and {event}");
            }
        }
        assert!(self.0.is_empty(), "cells without a pair: {:?}", self.0);
    }
}

#[test]
#[should_panic(expected = "no cell for b and x")]
fn a_missing_cell_is_found() {
    let on = |_, ()| Ok(Step::Stale);
    Grid::read("a\nx | -").hold(&[("a", 0), ("b", 1)], &[("x", ())], on, |_| "");
}

#[test]
#[should_panic(expected = "cells without a pair")]
fn a_cell_too_many_is_found() {
    Grid::read("a b\nx | - -").hold(&[("a", 0)], &[("x", ())], |_, ()| Ok(Step::Stale), |_| "");
}

#[test]
#[should_panic(expected = "a and x")]
fn a_wrong_cell_is_found() {
    Grid::read("a\nx | !").hold(&[("a", 0)], &[("x", ())], |_, ()| Ok(Step::Stale), |_| "");
}
