//! The driver's side of the protocol that benches/driver.py describes.

use std::fs;
use std::io::{self, BufRead, Write};
use std::time::Duration;

pub enum Work {
    Decode,
    Evaluate,
}

pub struct Request {
    pub work: Work,
    pub iterations: u64,
    pub flat: Vec<u8>,
}

impl Request {
    /// Iterations before the clock starts.
    pub fn warm_up(&self) -> u64 {
        self.iterations / 8
    }
}

pub struct Answer {
    elapsed: Duration,
    spent: Option<(i64, i64)>,
}

impl Answer {
    pub fn time(elapsed: Duration) -> Self {
        Answer {
            elapsed,
            spent: None,
        }
    }

    pub fn spent(elapsed: Duration, cpu: i64, mem: i64) -> Self {
        Answer {
            elapsed,
            spent: Some((cpu, mem)),
        }
    }
}

fn parse(line: &str) -> Result<Request, String> {
    let parts: Vec<&str> = line.splitn(3, '\t').collect();
    let [work, iterations, path] = parts[..] else {
        return Err(format!("not a request: {line}"));
    };
    Ok(Request {
        work: match work {
            "decode" => Work::Decode,
            "evaluate" => Work::Evaluate,
            _ => return Err(format!("no such work: {work}")),
        },
        iterations: iterations
            .parse()
            .map_err(|_| format!("not a number: {iterations}"))?,
        flat: fs::read(path).map_err(|error| format!("{path}: {error}"))?,
    })
}

fn say(out: &mut impl Write, line: &str) {
    let one_line: Vec<&str> = line.lines().collect();
    // A manager that is gone has nobody left to tell.
    let _ = writeln!(out, "{}", one_line.join(" ")).and_then(|()| out.flush());
}

/// The version that a manifest pins a dependency to.
fn pinned<'a>(manifest: &'a str, package: &str) -> &'a str {
    manifest
        .lines()
        .find_map(|line| {
            line.strip_prefix(package)?
                .trim_start()
                .strip_prefix("= \"=")
        })
        .map_or("unknown", |rest| rest.trim_end_matches('"'))
}

/// Answers requests until standard input ends.
pub fn serve(
    manifest: &str,
    package: &str,
    mut answer: impl FnMut(&Request) -> Result<Answer, String>,
) {
    let mut out = io::stdout().lock();
    say(
        &mut out,
        &format!(
            "ready\t{package} {}\trelease, opt-level 3, fat LTO, 1 codegen unit",
            pinned(manifest, package)
        ),
    );
    for line in io::stdin().lock().lines().map_while(Result::ok) {
        let text = match parse(&line).and_then(|request| answer(&request)) {
            Ok(Answer {
                elapsed,
                spent: Some((cpu, mem)),
            }) => format!("ok\t{}\t{cpu}\t{mem}", elapsed.as_nanos()),
            Ok(Answer { elapsed, .. }) => format!("ok\t{}", elapsed.as_nanos()),
            Err(reason) => format!("fail\t{reason}"),
        };
        say(&mut out, &text);
    }
}
