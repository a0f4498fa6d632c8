//! What must come out, by enumeration.

use iris_check::explore::{Fairness, Kind, Subject};

use super::random::{Edge, Random};

#[derive(Debug, PartialEq)]
pub enum Expected {
    Holds,
    Vacuous,
    Cut,
    Unreachable,
    /// By a shortest run of so many steps.
    Broken(usize),
    /// With a shortest way in of so many steps.
    Endless(usize),
}

const FAR: usize = usize::MAX / 4;

pub struct Oracle<'a> {
    model: &'a Random,
    /// Steps from an initial node.
    distance: Vec<usize>,
    /// For each obligation, steps from an initial node to one where it arises and on inside.
    open_distance: Vec<Vec<usize>>,
}

impl<'a> Oracle<'a> {
    pub fn new(model: &'a Random) -> Self {
        let start = (0..model.nodes.len()).map(|node| {
            if model.inits.contains(&node) && model.nodes[node].inside { 0 } else { FAR }
        });
        let distance = relax(model, start.collect(), |node| model.nodes[node].inside);
        let of = |bit: u64| {
            let start = model.nodes.iter().zip(&distance).map(|(node, distance)| {
                if node.arises & node.open & bit != 0 { *distance } else { FAR }
            });
            let open = |node: usize| model.nodes[node].inside && model.nodes[node].open & bit != 0;
            relax(model, start.collect(), open)
        };
        let open_distance = (0..model.obligations().len()).map(|index| of(1 << index)).collect();
        Self { model, distance, open_distance }
    }

    fn reached(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.distance.len()).filter(|node| self.distance[*node] < FAR)
    }

    /// The enabled steps of a node that stay inside the boundary.
    fn steps(&self, node: usize) -> impl Iterator<Item = (usize, &Edge)> {
        let edges = self.model.nodes[node].edges.iter();
        edges
            .filter_map(|edge| edge.to.map(|to| (to, edge)))
            .filter(|(to, _)| self.model.nodes[*to].inside)
    }

    pub fn states(&self) -> u64 {
        self.reached().count() as u64
    }

    pub fn transitions(&self) -> u64 {
        self.reached().map(|node| self.steps(node).count() as u64).sum()
    }

    pub fn depth(&self) -> u32 {
        let deepest = self.reached().map(|node| self.distance[node]).max();
        u32::try_from(deepest.unwrap_or(0)).expect("small")
    }

    pub fn expect(&self, claim: usize) -> Expected {
        let bit = 1 << claim;
        let nodes = &self.model.nodes;
        let exercised = self.exercised(claim).is_some();
        let unbroken = if exercised { Expected::Holds } else { Expected::Vacuous };
        match self.model.claims()[claim].kind {
            Kind::Safety => {
                let broken = self
                    .nearest(|node| nodes[node].broken & bit != 0, |edge| edge.broken & bit != 0);
                broken.map_or(unbroken, Expected::Broken)
            }
            Kind::Reachable => {
                if exercised {
                    unbroken
                } else {
                    Expected::Unreachable
                }
            }
            Kind::Progress => self.progress(claim).unwrap_or(unbroken),
        }
    }

    /// How long the shortest run is that exercises a claim.
    pub fn exercised(&self, claim: usize) -> Option<usize> {
        let (bit, nodes) = (1 << claim, &self.model.nodes);
        self.nearest(|node| nodes[node].exercised & bit != 0, |edge| edge.exercised & bit != 0)
    }

    /// How long the shortest run is to such a node or over such an edge.
    fn nearest(&self, node: impl Fn(usize) -> bool, edge: impl Fn(&Edge) -> bool) -> Option<usize> {
        let nodes = self.reached().filter(|it| node(*it)).map(|it| self.distance[it]);
        let over = |it: &usize| self.steps(*it).any(|(_, step)| edge(step));
        let edges = self.reached().filter(over).map(|it| self.distance[it] + 1);
        nodes.chain(edges).min()
    }

    fn progress(&self, claim: usize) -> Option<Expected> {
        let obligations = self.model.obligations();
        let mine = (0..obligations.len()).filter(|index| obligations[*index].claim == claim);
        let mine: Vec<usize> = mine.collect();
        let endless = mine.iter().filter_map(|index| self.endless(*index)).min();
        let cut = || mine.iter().any(|index| self.is_cut(*index)).then_some(Expected::Cut);
        endless.map(Expected::Endless).or_else(cut)
    }

    /// The shortest way to a set of open nodes in which a fair run can stay, of all such sets.
    fn endless(&self, obligation: usize) -> Option<usize> {
        let distance = &self.open_distance[obligation];
        let sets = 1_usize..1 << distance.len();
        let ways = sets.filter_map(|set| {
            let members: Vec<usize> = (0..distance.len()).filter(|n| set >> n & 1 == 1).collect();
            let near = members.iter().map(|node| distance[*node]).min()?;
            let inside = members.iter().all(|node| distance[*node] < FAR);
            (inside && self.connected(&members) && self.fair(&members)).then_some(near)
        });
        ways.min()
    }

    /// Does every member reach every member, by members?
    fn connected(&self, members: &[usize]) -> bool {
        members.iter().all(|from| {
            let mut seen = vec![*from];
            let mut next = 0;
            while next < seen.len() {
                for (to, _) in self.steps(seen[next]) {
                    if members.contains(&to) && !seen.contains(&to) {
                        seen.push(to);
                    }
                }
                next += 1;
            }
            seen.len() == members.len()
        })
    }

    fn fair(&self, members: &[usize]) -> bool {
        let enabled = |node: usize, class: Fairness| {
            let mut edges = self.model.nodes[node].edges.iter();
            edges.any(|edge| edge.to.is_some() && edge.fairness == class)
        };
        let taken = |class: Fairness| {
            let mut steps = members.iter().flat_map(|node| self.steps(*node));
            steps.any(|(to, edge)| edge.fairness == class && members.contains(&to))
        };
        (0..2).all(|class| {
            let (weak, strong) = (Fairness::Weak(class), Fairness::Strong(class));
            let weakly = taken(weak) || members.iter().any(|node| !enabled(*node, weak));
            let strongly = taken(strong) || !members.iter().any(|node| enabled(*node, strong));
            weakly && strongly
        })
    }

    fn is_cut(&self, obligation: usize) -> bool {
        let nodes = &self.model.nodes;
        let mut open = (0..nodes.len()).filter(|n| self.open_distance[obligation][*n] < FAR);
        open.any(|node| {
            let mut targets = nodes[node].edges.iter().filter_map(|edge| edge.to);
            targets.any(|to| !nodes[to].inside && nodes[to].open & 1 << obligation != 0)
        })
    }

    /// Can a node without the obligation (or beyond the boundary) still be reached?
    pub fn leaves(&self, node: usize, obligation: usize) -> bool {
        let nodes = &self.model.nodes;
        let out = |n: usize| !nodes[n].inside || nodes[n].open & 1 << obligation == 0;
        let mut start = vec![FAR; nodes.len()];
        start[node] = 0;
        let distance = relax(self.model, start, |_| true);
        (0..nodes.len()).any(|n| distance[n] < FAR && out(n))
    }
}

/// Shortest distances over allowed nodes, by relaxing until nothing changes.
fn relax(model: &Random, mut distance: Vec<usize>, allowed: impl Fn(usize) -> bool) -> Vec<usize> {
    loop {
        let before = distance.clone();
        for (node, from) in model.nodes.iter().zip(&before) {
            for to in node.edges.iter().filter_map(|edge| edge.to) {
                if *from < FAR && allowed(to) {
                    distance[to] = distance[to].min(from + 1);
                }
            }
        }
        if distance == before {
            return distance;
        }
    }
}
