//! The network between the processes of a cluster.
//!
//! Before each member stands a *link* that listens at the address which the member advertises, and passes on
//! what comes to wherever the member listens in its present life. What a link does with the bytes from one
//! process to another is a rule that can change at any time, each direction by itself.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::watch;

use super::source::opener;

/// What happens to bytes on their way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Way {
    /// They arrive.
    #[default]
    Open,
    /// They arrive later.
    Slow(Duration),
    /// They wait until the rule changes, as on a network that loses every packet.
    Stalled,
    /// Connections break, and new ones do at once.
    Cut,
}

/// From whom to whom; `None` is somebody outside.
type Direction = (Option<usize>, Option<usize>);

/// Directions that are not open.
type Rules = HashMap<Direction, Way>;

/// All links. Ended when dropped.
#[derive(Debug)]
pub struct Links {
    shared: Arc<Shared>,
    /// Where each member is reached, by its place among the processes.
    addresses: Vec<SocketAddr>,
    runtime: Option<Runtime>,
}

#[derive(Debug)]
struct Shared {
    rules: watch::Sender<Rules>,
    /// Where each member listens now.
    targets: Mutex<HashMap<usize, SocketAddr>>,
    /// The processes that live.
    pids: Mutex<HashMap<usize, u32>>,
}

impl Links {
    /// A link for each of `members`, the places 0, 1, 2… among the processes. Nobody listens behind them yet.
    ///
    /// # Errors
    /// When no port is free.
    pub fn new(members: usize) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let shared =
            Arc::new(Shared { rules: watch::Sender::default(), targets: Mutex::default(), pids: Mutex::default() });
        let mut addresses = Vec::new();
        for place in 0..members {
            let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
            listener.set_nonblocking(true)?;
            addresses.push(listener.local_addr()?);
            let _there = runtime.enter();
            let listener = TcpListener::from_std(listener)?;
            runtime.spawn(serve(shared.clone(), listener, place));
        }
        Ok(Self { shared, addresses, runtime: Some(runtime) })
    }

    /// Where each member is reached.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// A process has begun to live, as this number.
    pub fn lives(&self, place: usize, pid: Option<u32>) {
        let mut pids = self.shared.pids.lock();
        match pid {
            Some(pid) => drop(pids.insert(place, pid)),
            None => drop(pids.remove(&place)),
        }
    }

    /// A member listens here from now on.
    pub fn listens(&self, place: usize, address: SocketAddr) {
        self.shared.targets.lock().insert(place, address);
    }

    /// Changes what happens from one process to another.
    pub fn set(&self, from: usize, to: usize, way: Way) {
        self.shared.rules.send_modify(|rules| {
            rules.insert((Some(from), Some(to)), way);
        });
    }

    /// Opens all ways.
    pub fn open_all(&self) {
        self.shared.rules.send_replace(Rules::new());
    }
}

impl Drop for Links {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn way(rules: &Rules, direction: Direction) -> Way {
    rules.get(&direction).copied().unwrap_or_default()
}

async fn serve(shared: Arc<Shared>, listener: TcpListener, place: usize) {
    while let Ok((incoming, from)) = listener.accept().await {
        let Ok(at) = listener.local_addr() else { return };
        let shared = shared.clone();
        tokio::spawn(async move {
            let pids: Vec<_> = shared.pids.lock().iter().map(|(&place, &pid)| (place, pid)).collect();
            let found = tokio::task::spawn_blocking(move || opener(from.port(), at.port(), &pids)).await;
            let target = shared.targets.lock().get(&place).copied();
            let (Ok(opener), Some(target)) = (found, target) else { return };
            let mut rules = shared.rules.subscribe();
            let there = (opener, Some(place));
            let back = (Some(place), opener);
            let is_cut = move |rules: &Rules| way(rules, there) == Way::Cut || way(rules, back) == Way::Cut;
            if is_cut(&rules.borrow_and_update()) {
                return;
            }
            let Ok(outgoing) = TcpStream::connect(target).await else { return };
            // Without this a small message waits for the acknowledgement of the one before.
            if incoming.set_nodelay(true).and_then(|()| outgoing.set_nodelay(true)).is_err() {
                return;
            }
            let (from_opener, to_opener) = incoming.into_split();
            let (from_member, to_member) = outgoing.into_split();
            tokio::select! {
                () = pass_on(from_opener, to_member, there, rules.clone()) => {}
                () = pass_on(from_member, to_opener, back, rules.clone()) => {}
                _ = rules.wait_for(is_cut) => {}
            }
        });
    }
}

/// Passes bytes on until a side closes.
async fn pass_on(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    direction: Direction,
    mut rules: watch::Receiver<Rules>,
) {
    let mut bytes = vec![0; 64 << 10];
    while let Ok(n @ 1..) = from.read(&mut bytes).await {
        let open = rules.wait_for(|rules| way(rules, direction) != Way::Stalled).await;
        let now = open.map(|rules| way(&rules, direction));
        if let Ok(Way::Slow(delay)) = now {
            tokio::time::sleep(delay).await;
        }
        if now.is_err() || to.write_all(&bytes[..n]).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};

    use super::*;

    /// A link to an echo, and a connection through it from this process, which is number 1.
    fn echo() -> (Links, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let links = Links::new(1).unwrap();
        links.listens(0, listener.local_addr().unwrap());
        links.lives(1, Some(std::process::id()));
        std::thread::spawn(move || {
            let (mut connection, _) = listener.accept().unwrap();
            let mut byte = [0];
            while let Ok(1) = connection.read(&mut byte) {
                connection.write_all(&byte).unwrap();
            }
        });
        let mut connection = TcpStream::connect(links.addresses()[0]).unwrap();
        connection.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
        assert_eq!(say(&mut connection, 1).unwrap(), 1);
        (links, connection)
    }

    fn say(connection: &mut TcpStream, byte: u8) -> std::io::Result<u8> {
        connection.write_all(&[byte])?;
        hear(connection)
    }

    fn hear(connection: &mut TcpStream) -> std::io::Result<u8> {
        let mut answer = [0];
        connection.read_exact(&mut answer)?;
        Ok(answer[0])
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn what_is_stalled_arrives_later() {
        let (links, mut connection) = echo();
        links.set(0, 1, Way::Stalled);
        assert!(say(&mut connection, 2).is_err(), "the answer is on its way");
        links.open_all();
        assert_eq!(hear(&mut connection).unwrap(), 2);
        links.set(1, 0, Way::Slow(Duration::from_millis(1)));
        assert_eq!(say(&mut connection, 3).unwrap(), 3);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn what_is_cut_breaks() {
        let (links, mut connection) = echo();
        links.set(1, 0, Way::Cut);
        assert_eq!(hear(&mut connection).unwrap_err().kind(), std::io::ErrorKind::UnexpectedEof);
    }
}
