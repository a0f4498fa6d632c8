//! How values are written on the command line.

use std::str::FromStr;

use crate::controller_sm::GroupConfig;
use crate::model::id::{AttemptId, JobId, TaskId};
use crate::model::resources::{Attributes, Resources};
use crate::model::time::Millis;

use super::super::args::bytes;

/// CPUs, as thousandths.
pub(super) fn cpus(text: &str) -> Result<u32, String> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let fine = !whole.is_empty() && digits(whole) && digits(part) && part.len() <= 3;
    let milli = format!("{whole}{part:0<3}").parse().ok().filter(|_| fine);
    milli.ok_or_else(|| "expected CPUs, such as 4 or 0.5".to_owned())
}

/// A length of time above 0.
pub(super) fn length(text: &str) -> Result<Millis, String> {
    let units = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000)];
    let unit = units.into_iter().find_map(|(unit, n)| Some((text.strip_suffix(unit)?, n)));
    let length = unit.and_then(|(digits, n)| digits.parse::<u32>().ok()?.checked_mul(n));
    let length = length.filter(|it| *it > 0).map(Millis);
    length.ok_or_else(|| "expected a time above 0, such as 500ms, 5s, 2m or 1h".to_owned())
}

/// `KEY=VALUE`.
pub(super) fn pair(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').filter(|(key, _)| !key.is_empty());
    let pair = pair.map(|(key, value)| (key.to_owned(), value.to_owned()));
    pair.ok_or_else(|| "expected KEY=VALUE".to_owned())
}

/// What `logs` is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Whose {
    /// This attempt.
    Attempt(AttemptId),
    /// The last attempt of a task.
    LastOf(TaskId),
}

impl FromStr for Whose {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(attempt) = text.parse() {
            return Ok(Self::Attempt(attempt));
        }
        if let Ok(task) = text.parse() {
            return Ok(Self::LastOf(task));
        }
        let job = text.parse::<JobId>().map(|job| Self::LastOf(job.task(0)));
        job.map_err(|_| {
            format!("`{text}` is neither an attempt such as `j1.0#2` nor a task such as `j1.0`")
        })
    }
}

/// A scale group, by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) struct Group {
    /// As it was written.
    pub text: String,
    /// Groups are numbered in the order of names.
    pub name: String,
    /// What it is.
    pub config: GroupConfig,
}

impl FromStr for Group {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, rest) = text.split_once(':').unwrap_or((text, ""));
        if name.is_empty() {
            return Err("a group begins with its name: NAME:max=4,cpus=2".to_owned());
        }
        let mut pairs = vec![("group".to_owned(), name.to_owned())];
        let mut config = GroupConfig {
            min_slices: 0,
            max_slices: 1,
            vms_per_slice: 1,
            capacity: Resources::cpus(4),
            attributes: Attributes::default(),
        };
        for part in rest.split(',').filter(|part| !part.is_empty()) {
            let (key, value) = pair(part)?;
            match key.as_str() {
                "min" => config.min_slices = number(&key, &value)?,
                "max" => config.max_slices = number(&key, &value)?,
                "vms" => config.vms_per_slice = number(&key, &value)?,
                "cpus" => config.capacity.cpu_milli = cpus(&value)?,
                "memory" => config.capacity.memory_bytes = bytes(&value)?,
                _ => match key.strip_prefix("attribute.") {
                    Some(key) => pairs.push((key.to_owned(), value)),
                    None => {
                        return Err(format!(
                            "a group has no `{key}`: write min, max, vms, cpus, memory or \
                             attribute.KEY"
                        ));
                    }
                },
            }
        }
        if config.vms_per_slice == 0 || config.min_slices > config.max_slices {
            return Err("a group has 1 or more vms in a slice, and min is at most max".to_owned());
        }
        config.attributes = Attributes::new(pairs);
        Ok(Self { text: text.to_owned(), name: name.to_owned(), config })
    }
}

fn number<T: FromStr>(key: &str, value: &str) -> Result<T, String> {
    value.parse().map_err(|_| format!("`{key}={value}`: a small whole number was expected"))
}

/// Groups in the order of their names, each once.
pub(super) fn sorted(mut groups: Vec<Group>) -> Result<Vec<Group>, String> {
    groups.sort_by(|a, b| a.name.cmp(&b.name));
    let twice = groups.windows(2).find(|pair| pair[0].name == pair[1].name);
    match twice {
        Some(pair) => Err(format!("two groups are called {}", pair[0].name)),
        None => Ok(groups),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_as_people_write_them() {
        let rows = [("4", Some(4000)), ("0.5", Some(500)), ("1.25", Some(1250)), ("0", Some(0))];
        let bad = ["", ".5", "-1", "1.2345", "x", "99999999"].map(|text| (text, None));
        for (text, expected) in rows.into_iter().chain(bad) {
            assert_eq!(cpus(text).ok(), expected, "{text}");
        }
        let rows = [("500ms", Some(500)), ("5s", Some(5000)), ("2m", Some(120_000))];
        let bad = ["0s", "5", "", "s", "-1s", "1d", "2000h"].map(|text| (text, None));
        for (text, expected) in rows.into_iter().chain(bad) {
            assert_eq!(length(text).ok(), expected.map(Millis), "{text}");
        }
    }

    #[test]
    fn a_group_is_one_word() {
        let group: Group =
            "cpu:min=1,max=3,vms=2,cpus=0.5,memory=1G,attribute.zone=a".parse().expect("it is one");
        let it = group.config;
        assert_eq!((it.min_slices, it.max_slices, it.vms_per_slice), (1, 3, 2));
        assert_eq!((it.capacity.cpu_milli, it.capacity.memory_bytes), (500, 1 << 30));
        let attributes: Vec<String> =
            it.attributes.iter().map(|(key, value)| format!("{key}={value}")).collect();
        assert_eq!(attributes, ["group=cpu", "zone=a"]);
        for bad in ["", ":max=1", "a:max", "a:vms=0", "a:min=2", "a:colour=red", "a:max=-1"] {
            assert!(bad.parse::<Group>().is_err(), "{bad}");
        }
    }

    #[test]
    fn logs_are_asked_for_by_attempt_task_or_job() {
        let task = JobId(3).task(1);
        assert_eq!("j3.1#2".parse(), Ok(Whose::Attempt(task.attempt(2))));
        assert_eq!("j3.1".parse(), Ok(Whose::LastOf(task)));
        assert_eq!("j3".parse(), Ok(Whose::LastOf(JobId(3).task(0))));
        assert!("w3".parse::<Whose>().is_err());
    }
}
