//! Many runs against one kind of cluster: drawn by number, played, and told as a report that
//! reports of other shards can be merged with.
//!
//! Run `i` of a campaign is decided by its seed and `i` alone, so it does not matter which machine
//! plays it: shard `k` of `n` plays the runs whose number is `k - 1` modulo `n`.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::edges::Edges;
use super::generate::draw;
use super::play::{Outcome, Played, play};
use super::reference::{Difference, Rule};
use super::run::Run;
use super::subject::Stand;

/// The version of the form of reports.
pub const REPORT_VERSION: u32 = 1;

/// A part of a campaign: shard `k` of `n`, written `k/n`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Shard {
    /// Which, from 1.
    pub number: u64,
    /// Of how many.
    pub of: u64,
}

impl Shard {
    /// The whole campaign.
    pub const WHOLE: Self = Self { number: 1, of: 1 };

    /// The number in the campaign of the run of this number in the shard.
    pub fn index(self, run: u64) -> u64 {
        run.saturating_mul(self.of).saturating_add(self.number - 1)
    }

    /// How many of so many runs are this shard's.
    pub fn share(self, runs: u64) -> u64 {
        runs / self.of + u64::from(self.number <= runs % self.of)
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || format!("`{text}` is no shard: write k/n with k from 1 to n, such as 3/8");
        let (number, of) = text.split_once('/').ok_or_else(bad)?;
        let number: u64 = number.parse().map_err(|_| bad())?;
        let of: u64 = of.parse().map_err(|_| bad())?;
        if (1..=of).contains(&number) { Ok(Self { number, of }) } else { Err(bad()) }
    }
}

impl TryFrom<String> for Shard {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Shard> for String {
    fn from(shard: Shard) -> Self {
        shard.to_string()
    }
}

/// A run that says something other than agreement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// Its number in the campaign.
    pub index: u64,
    /// How it ended.
    pub outcome: Outcome,
    /// The run.
    pub run: Run,
}

/// What a shard has come to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// The version of the form: 1.
    pub version: u32,
    /// Against what.
    pub on: String,
    /// What decides all runs.
    pub seed: u64,
    /// The shards that are in it, and how many runs of each were played and are known.
    pub shards: BTreeMap<Shard, u64>,
    /// Runs that each shard was to play, if that was said.
    pub asked: Option<u64>,
    /// Steps that were done.
    pub steps: u64,
    /// Events of lifecycles that were followed.
    pub followed: u64,
    /// Claims whose hard case occurred, and in how many runs.
    pub claims: BTreeMap<String, u64>,
    /// Edges of the model that were seen, and how often.
    pub edges: Edges,
    /// Runs that did not agree, in order.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Nothing was played yet.
    pub fn new(on: &str, seed: u64, shard: Shard, asked: Option<u64>) -> Self {
        Self {
            version: REPORT_VERSION,
            on: on.to_owned(),
            seed,
            shards: [(shard, 0)].into(),
            asked,
            steps: 0,
            followed: 0,
            claims: BTreeMap::new(),
            edges: Edges::default(),
            findings: Vec::new(),
        }
    }

    /// Runs that were played.
    pub fn runs(&self) -> u64 {
        self.shards.values().sum()
    }

    /// Takes a run in.
    pub fn takes(&mut self, shard: Shard, index: u64, run: Run, played: Played) {
        *self.shards.entry(shard).or_default() += 1;
        self.steps += run.steps.len() as u64;
        self.followed += played.followed;
        for claim in played.found.exercised {
            *self.claims.entry(claim).or_default() += 1;
        }
        self.edges.merge(&played.found.edges);
        if played.outcome != Outcome::Agrees {
            self.findings.push(Finding { index, outcome: played.outcome, run });
            self.findings.sort_by_key(|finding| finding.index);
        }
    }

    /// Adds what another shard, or another part of the same one, has come to.
    ///
    /// # Errors
    /// They do not belong to one campaign, or are the same shard.
    pub fn merge(&mut self, other: Self) -> Result<(), String> {
        let differ = |what: &str, one: &str, other: &str| {
            Err(format!("the {what} differs, {one} and {other}: these are two campaigns"))
        };
        if self.version != other.version {
            return differ("version", &self.version.to_string(), &other.version.to_string());
        }
        if self.seed != other.seed {
            return differ("seed", &self.seed.to_string(), &other.seed.to_string());
        }
        if self.on != other.on {
            return differ("cluster", &self.on, &other.on);
        }
        if let (Some(one), Some(other)) = (self.shards.keys().next(), other.shards.keys().next())
            && one.of != other.of
        {
            return differ("number of shards", &one.of.to_string(), &other.of.to_string());
        }
        for (shard, runs) in other.shards {
            if self.shards.contains_key(&shard) {
                return Err(format!("shard {shard} is there twice: give each report once"));
            }
            self.shards.insert(shard, runs);
        }
        self.adds(other.steps, other.followed, other.claims, &other.edges, other.findings);
        Ok(())
    }

    fn adds(
        &mut self,
        steps: u64,
        followed: u64,
        claims: BTreeMap<String, u64>,
        edges: &Edges,
        findings: Vec<Finding>,
    ) {
        self.steps += steps;
        self.followed += followed;
        for (claim, runs) in claims {
            *self.claims.entry(claim).or_default() += runs;
        }
        self.edges.merge(edges);
        self.findings.extend(findings);
        self.findings.sort_by_key(|finding| finding.index);
    }

    /// Shards that are not there, and shards that have played fewer runs than they were asked for.
    pub fn missing(&self) -> Vec<String> {
        let of = self.shards.keys().next().map_or(1, |shard| shard.of);
        let all = (1..=of).map(|number| Shard { number, of });
        all.filter_map(|shard| match (self.shards.get(&shard), self.asked) {
            (None, _) => Some(format!("shard {shard} is missing")),
            (Some(runs), Some(asked)) if *runs < shard.share(asked) => {
                let share = shard.share(asked);
                Some(format!("shard {shard} has played {runs} of its {share} runs"))
            }
            (Some(_), _) => None,
        })
        .collect()
    }
}

/// How a campaign is led.
pub struct Campaign<'a> {
    /// Where clusters come from.
    pub stand: &'a (dyn Stand + Sync),
    /// Decides all runs.
    pub seed: u64,
    /// The part that is played here.
    pub shard: Shard,
    /// How many runs the whole campaign has; without, until it is stopped.
    pub runs: Option<u64>,
    /// How many runs are played at once.
    pub threads: u64,
    /// Whether to stop before the next run.
    pub stop: &'a (dyn Fn(u64) -> bool + Sync),
    /// Whether to go on after a run that does not agree.
    pub keep_going: bool,
}

impl Campaign<'_> {
    /// Plays the runs of the shard; of several that do not agree the one of the lowest number is
    /// told, whatever the number of threads.
    pub fn lead(&self, report: &mut Report) {
        let batch = 64 * self.threads;
        let last = self.runs.map(|runs| self.shard.share(runs));
        let mut next = 0;
        while last.is_none_or(|last| next < last) && !(self.stop)(next) {
            let end = last.map_or(next + batch, |last| (next + batch).min(last));
            for (index, run, played) in self.batch(next, end) {
                let agrees = played.outcome == Outcome::Agrees;
                report.takes(self.shard, index, run, played);
                if !agrees && !self.keep_going {
                    return;
                }
            }
            next = end;
        }
    }

    /// Plays these runs of the shard, in order of their numbers.
    fn batch(&self, from: u64, to: u64) -> Vec<(u64, Run, Played)> {
        let lane = |lane: u64| {
            let numbers = (from..to).filter(move |number| number % self.threads == lane);
            let mut played = Vec::new();
            for number in numbers {
                if (self.stop)(number) {
                    break;
                }
                let index = self.shard.index(number);
                let run = draw(self.stand.abilities(), self.seed, index);
                let done = play(&run, self.stand);
                played.push((number, index, run, done));
            }
            played
        };
        let mut all: Vec<_> = std::thread::scope(|scope| {
            let lanes: Vec<_> = (0..self.threads).map(|it| scope.spawn(move || lane(it))).collect();
            let join = |it: std::thread::ScopedJoinHandle<'_, Vec<_>>| {
                it.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            };
            lanes.into_iter().flat_map(join).collect()
        });
        all.sort_by_key(|(number, ..)| *number);
        // After a stop, runs that follow a hole are not counted: the report says a number only.
        let whole = (from..).zip(&all).take_while(|(number, it)| *number == it.0).count();
        all.truncate(whole);
        all.into_iter().map(|(_, index, run, played)| (index, run, played)).collect()
    }
}

/// What two failures must have in common to be the same one: the rule, and the claim if it is one.
pub fn kind_of(difference: &Difference) -> (Rule, String) {
    let first = difference.says.lines().next().unwrap_or_default();
    let claim = first.strip_prefix("VIOLATED  ").and_then(|rest| rest.split(' ').next());
    (difference.rule, claim.unwrap_or_default().to_owned())
}
