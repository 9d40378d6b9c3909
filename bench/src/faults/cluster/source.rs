//! Who opened a connection.
//!
//! All processes reach a member at one address, so the link before it has to find out which of them a
//! connection comes from: the kernel lists for each connection the number of its socket, and for each process
//! the sockets that it holds. On systems without `/proc` nobody is found, and every connection counts as one
//! from outside, which is never cut.

use std::fs;

/// The place in `pids` of the process whose end of a connection to `to_port` is `from_port`.
pub(super) fn opener(from_port: u16, to_port: u16, pids: &[(usize, u32)]) -> Option<usize> {
    let socket = socket_number(&fs::read_to_string("/proc/net/tcp").ok()?, from_port, to_port)?;
    let wanted = format!("socket:[{socket}]");
    let holds = |pid: u32| -> Option<()> {
        let files = fs::read_dir(format!("/proc/{pid}/fd")).ok()?;
        let mut targets = files.filter_map(|file| fs::read_link(file.ok()?.path()).ok());
        targets.find(|target| target.as_os_str() == wanted.as_str()).map(drop)
    };
    pids.iter().find(|(_, pid)| holds(*pid).is_some()).map(|(place, _)| *place)
}

/// The number of the socket on the side of `from_port`, as the kernel's table of connections has it: both
/// addresses, and seven words later the number. The table may be long, so the addresses are looked for as text.
fn socket_number(connections: &str, from_port: u16, to_port: u16) -> Option<u64> {
    let host = u32::from_ne_bytes(std::net::Ipv4Addr::LOCALHOST.octets());
    let ends = format!("{host:08X}:{from_port:04X} {host:08X}:{to_port:04X} ");
    let rest = &connections[connections.find(&ends)? + ends.len()..];
    let socket = rest.split_whitespace().nth(6)?.parse().ok()?;
    (socket != 0).then_some(socket)
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn this_process_is_found() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let to = listener.local_addr().unwrap();
        let connection = TcpStream::connect(to).unwrap();
        let from = connection.local_addr().unwrap();
        let pids = [(3, 1), (7, std::process::id())];
        assert_eq!(opener(from.port(), to.port(), &pids), Some(7));
        assert_eq!(opener(from.port(), to.port(), &pids[..1]), None);
    }
}
