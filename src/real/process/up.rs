//! A whole cluster on this machine: a controller, and the `local` provider with its workers.
//!
//! ```text
//! FOLDER/address             where the controller listens, while it does
//! FOLDER/journal/            the controller's journal
//! FOLDER/workers/w1/         a worker: `pid`, `log`, `incarnation`, `attempts/j1.0#0/stdout`
//! ```
//!
//! A controller that dies is started again at the same address, and workers go on meanwhile. After
//! `up` itself was ended, the next `up` with the same folder takes up the same jobs; its machines
//! are new ones.

use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::model::time::Millis;
use crate::real::chaos::Rule;
use crate::real::clock::Clock;
use crate::real::cloud::{Cloud, Hears, Pace};
use crate::real::journal::{Folder, JournalError};
use crate::real::provider::{News, Provider};
use crate::real::token::Token;

use super::folder::{Home, write};
use super::listen::allowed;
use super::local::{Children, LocalHosts, Machines, how_it_ended};
use super::stdio::Order;
use super::{ADDRESS, Event, LocalGroup, Problem, Tell, Told, aside, chaos};

/// An order that is not answered in this time is asked again.
const ASK_AGAIN: Millis = Millis::seconds(5);
/// How long the journal of an earlier `up` may still be in use.
const OLD_JOURNAL: Millis = Millis::seconds(10);
/// The first pause before a controller that died is started again; it doubles.
const PAUSE: Millis = Millis(100);
/// Starts in a row that may fail.
const STARTS: u32 = 5;

/// What a whole cluster is to be.
#[derive(Clone)]
pub struct UpSettings {
    /// Where all its files are.
    pub folder: PathBuf,
    /// Where its controller listens; port 0 means any.
    pub listen: String,
    /// Its scale groups.
    pub groups: Vec<LocalGroup>,
    /// What else its controller is started with: its policy and its groups.
    pub controller: Vec<String>,
    /// What every caller must say, if anything.
    pub token: Option<Token>,
    /// What goes wrong on demand, and the seed; each process has a registry of its own.
    pub rules: Vec<Rule>,
    /// Decides what chaos draws.
    pub seed: u64,
}

/// Runs a whole cluster until it is told to end; then nothing of it is left but its files.
///
/// # Errors
/// It cannot start, or its controller does not.
pub async fn run_up(settings: UpSettings, tell: Tell) -> Result<(), Problem> {
    allowed(&settings.listen, settings.token.as_ref())?;
    let mut told = Told::new(false)?;
    let home = Home::take(&settings.folder)?;
    let clock = Clock::real();
    let chaos = chaos(settings.seed, clock, &settings.rules)?;
    let program = std::env::current_exe()
        .map_err(|error| Problem::io("this program does not find itself", &error))?;
    let rules = settings.rules.iter().flat_map(|it| ["--chaos-rule".to_owned(), it.to_string()]);
    let seed = ["--seed".to_owned(), settings.seed.to_string()];
    let children = Children {
        program,
        folder: home.path().to_owned(),
        token: settings.token.as_ref().map(|token| token.reveal().to_owned()),
        chaos: rules.chain(seed).collect(),
        clock,
        tell: Arc::clone(&tell),
    };
    let paces = vec![AT_ONCE; settings.groups.len()];
    let machines = Machines::new(children.clone(), settings.groups.clone());
    let hosts = Arc::new(LocalHosts(Arc::clone(&machines)));
    let cloud = Cloud::new(hosts, paces, clock, chaos, ASK_AGAIN);
    machines.belong_to(&cloud);
    let mut cluster = Cluster { settings, home, children, machines, cloud, controller: None };
    let done = tokio::select! {
        done = cluster.run() => done,
        () = told.end() => {
            tell(&Event::Ends);
            Ok(())
        }
    };
    cluster.end().await;
    done
}

/// A worker process needs neither quota nor a boot.
const AT_ONCE: Pace =
    Pace { grant: Millis(0), boot: Millis(0), init: Millis(0), end: Millis(0), quota: u16::MAX };

struct Cluster {
    settings: UpSettings,
    home: Home,
    children: Children,
    machines: Arc<Machines>,
    cloud: Cloud,
    controller: Option<Child>,
}

/// A controller at the other end of a pipe.
struct Pipe(UnboundedSender<News>);

#[tonic::async_trait]
impl Hears for Pipe {
    async fn hear(&self, news: News) {
        // The next controller is told everything again.
        let _ = self.0.send(news);
    }
}

impl Cluster {
    /// Starts the controller, again and again.
    async fn run(&mut self) -> Result<(), Problem> {
        self.clear_up().await?;
        let mut address = self.settings.listen.clone();
        let (mut failed, mut pause, mut ever) = (0, PAUSE, false);
        loop {
            let served = self.run_controller(&mut address).await?;
            let status = match self.controller.take() {
                Some(mut child) => how_it_ended(child.wait().await),
                None => return Ok(()),
            };
            (failed, pause) = if served { (0, PAUSE) } else { (failed + 1, Millis(pause.0 * 2)) };
            ever |= served;
            // What is wrong the first time is wrong the next time as well.
            if !ever || failed == STARTS {
                return Err(Problem::new(format!(
                    "the controller does not start ({status}); what it said stands above"
                )));
            }
            (self.children.tell)(&Event::ControllerLost(status));
            self.children.clock.sleep(pause).await;
        }
    }

    /// What an earlier cluster left in this folder.
    async fn clear_up(&self) -> Result<(), Problem> {
        let says = |error: io::Error| Problem::io(self.home.path().display(), &error);
        let workers = self.home.path().join("workers");
        std::fs::create_dir_all(&workers).map_err(says)?;
        for entry in std::fs::read_dir(&workers).map_err(says)? {
            self.children.clear(&entry.map_err(says)?.path()).await;
        }
        let (clock, journal) = (self.children.clock, self.journal());
        let until = clock.now().plus(OLD_JOURNAL);
        loop {
            let path = journal.clone();
            let taken = aside(move || Ok(Folder::open(path).map(drop))).await.map_err(says)?;
            match taken {
                Err(JournalError::Locked { .. }) if clock.now() < until => {
                    clock.sleep(PAUSE).await;
                }
                // What else is wrong with it, the controller says.
                Ok(()) | Err(_) => return Ok(()),
            }
        }
    }

    fn journal(&self) -> PathBuf {
        self.home.path().join("journal")
    }

    /// Runs a controller until it ends. Answers whether it ever served.
    async fn run_controller(&mut self, address: &mut String) -> Result<bool, Problem> {
        let journal = self.journal().display().to_string();
        let words =
            ["controller", "--provider", "stdio", "--listen", address, "--journal", &journal];
        let mut command = self.children.command(&words);
        command.args(&self.settings.controller).stdout(Stdio::piped());
        let mut child = command
            .spawn()
            .map_err(|error| Problem::io(self.children.program.display(), &error))?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        self.controller = Some(child);
        let (Some(input), Some(output)) = (input, output) else {
            unreachable!("invariant: it was started with two pipes")
        };
        let (news, queue) = unbounded_channel();
        tokio::spawn(hand_on(queue, input));
        let mut lines = BufReader::new(output).lines();
        let mut provider: Option<Box<dyn Provider>> = None;
        while let Ok(Some(line)) = lines.next_line().await {
            let order: Order = serde_json::from_str(&line)
                .map_err(|error| Problem::new(format!("the controller said {line:?}: {error}")))?;
            match (order, &mut provider) {
                (Order::Serves(at), _) => {
                    at.clone_into(address);
                    self.machines.controller_is_at(&at);
                    write(self.home.path(), ADDRESS, &format!("{at}\n"))
                        .map_err(|error| Problem::io(self.home.path().display(), &error))?;
                    provider = Some(self.cloud.speaks_to(Arc::new(Pipe(news.clone()))));
                    (self.children.tell)(&Event::Serves(at));
                }
                (Order::Have(slices), _) => {
                    for slice in slices {
                        self.cloud.disown(slice).await;
                    }
                }
                (Order::Create { slice, group, vms }, Some(provider)) => {
                    provider.create(slice, group, &vms);
                }
                (Order::Terminate(slice), Some(provider)) => provider.terminate(slice),
                (Order::Create { .. } | Order::Terminate(_), None) => {
                    return Err(Problem::new("the controller ordered before it served"));
                }
            }
        }
        Ok(provider.is_some())
    }

    async fn end(mut self) {
        // Nobody is to look for a cluster where there is none.
        let _ = std::fs::remove_file(self.home.path().join(ADDRESS));
        let controller = async {
            if let Some(mut child) = self.controller.take() {
                self.children.end(&mut child).await;
            }
        };
        tokio::join!(self.machines.end(), controller);
    }
}

/// Hands news on to a controller, until that has ended.
async fn hand_on(mut news: UnboundedReceiver<News>, mut input: ChildStdin) {
    while let Some(news) = news.recv().await {
        let line = serde_json::to_string(&news).expect("invariant: news hold text only");
        if input.write_all(format!("{line}\n").as_bytes()).await.is_err() {
            return;
        }
    }
}
