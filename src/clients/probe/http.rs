//! One GET, of which only the status line is read.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::read::{Stop, Target, Verdict, Walk, failed};
use crate::domain::text::{Raw, Shown};
use crate::shown;

/// Longest status line that is read.
const LINE: usize = 1024;

/// 2xx and 3xx are up.
pub async fn get<S>(stream: &mut S, target: &Target, walk: &mut Walk) -> Result<Verdict, Stop>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    walk.enter("http");
    let agent = concat!("tierdeck/", env!("CARGO_PKG_VERSION"));
    let request = format!(
        "GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: {agent}\r\nAccept: */*\r\nConnection: close\r\n\r\n",
        target.path, target.server_name
    );
    stream.write_all(request.as_bytes()).await.map_err(|error| failed(&error))?;
    stream.flush().await.map_err(|error| failed(&error))?;
    let mut head = Vec::new();
    while head.len() < LINE && !head.contains(&b'\n') {
        if stream.read_buf(&mut head).await.map_err(|error| failed(&error))? == 0 {
            break;
        }
    }
    let head = String::from_utf8_lossy(&head);
    let line = head.lines().next().unwrap_or_default();
    let code = line.strip_prefix("HTTP/1.").and_then(|rest| rest.split(' ').nth(1)).and_then(|code| code.parse().ok());
    Ok(match code {
        Some(200..=399_u16) => Verdict::Up(Raw::from(format!("HTTP {}", code.unwrap_or(0)))),
        Some(code) => Verdict::Down(shown!("HTTP {}", code)),
        None if line.is_empty() => Verdict::Down(Shown::fixed("the answer was cut")),
        None => Verdict::Down(shown!("not HTTP: {}", Raw::from(line.chars().take(80).collect::<String>()))),
    })
}
