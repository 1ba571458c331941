//! The driver's side of version 1 of the driver protocol (docs/reference/driver-protocol.md), for evaluators in Rust.

use std::io::{self, BufRead, Write};
use std::time::Instant;

use serde::Deserialize;
use serde_json::{json, Value};
use sha2::{Digest, Sha256};

#[derive(Deserialize)]
pub struct Budget {
    pub cpu: i64,
    pub mem: i64,
}

#[derive(Deserialize)]
pub struct Load {
    pub program: u64,
    flat: String,
    #[serde(default)]
    arguments: Vec<String>,
    pub language: String,
    pub protocol_version: u32,
    pub cost_model: Option<Vec<i64>>,
    pub budget: Budget,
}

impl Load {
    pub fn flat(&self) -> Result<Vec<u8>, Stop> {
        bytes(&self.flat)
    }

    pub fn arguments(&self) -> Result<Vec<Vec<u8>>, Stop> {
        self.arguments.iter().map(|text| bytes(text)).collect()
    }
}

#[derive(Deserialize)]
struct Time {
    work: String,
    programs: Vec<u64>,
    warm_up: usize,
    iterations: usize,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Request {
    Load(Load),
    Time(Time),
}

/// Why there is no time.
pub enum Stop {
    Refused(String),
    Failed(String),
    OutOfBudget,
}

/// What a program came to, with the result in flat.
pub struct Outcome {
    pub cpu: i64,
    pub mem: i64,
    pub result: Vec<u8>,
}

pub trait Evaluator {
    /// Decodes a program, applies its arguments, and keeps it under its number.
    fn load(&mut self, load: Load) -> Result<(), Stop>;
    /// Runs a program, and drops what it came to.
    fn run(&mut self, program: u64) -> Result<(), Stop>;
    /// Decodes a program with its arguments, and drops it.
    fn decode(&mut self, program: u64) -> Result<(), Stop>;
    /// Runs a program once more, outside of the clock, for its result.
    fn outcome(&mut self, program: u64) -> Result<Outcome, Stop>;
}

fn bytes(text: &str) -> Result<Vec<u8>, Stop> {
    let digit = |byte: u8| (byte as char).to_digit(16);
    text.as_bytes()
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => Some((digit(*high)? << 4 | digit(*low)?) as u8),
            _ => None,
        })
        .collect::<Option<_>>()
        .ok_or_else(|| Stop::Refused("not hexadecimal".into()))
}

fn time(evaluator: &mut impl Evaluator, time: &Time) -> Result<Value, Stop> {
    if time.programs.is_empty() {
        return Err(Stop::Refused("no programs to run".into()));
    }
    let evaluating = time.work == "evaluate";
    let mut once = |turn: usize| {
        let program = time.programs[turn % time.programs.len()];
        match evaluating {
            true => evaluator.run(program),
            false => evaluator.decode(program),
        }
    };
    for turn in 0..time.warm_up {
        once(turn)?;
    }
    let begin = Instant::now();
    for turn in 0..time.iterations {
        once(turn)?;
    }
    let ns = begin.elapsed().as_nanos() as u64;
    let mut results = Vec::new();
    for program in time.programs.iter().take(time.iterations).filter(|_| evaluating) {
        let outcome = evaluator.outcome(*program)?;
        let digest: String = Sha256::digest(&outcome.result).iter().map(|byte| format!("{byte:02x}")).collect();
        results.push(json!({"cpu": outcome.cpu, "mem": outcome.mem, "digest": digest}));
    }
    Ok(json!({"type": "timed", "ns": ns, "results": results}))
}

fn answer(evaluator: &mut impl Evaluator, line: &str) -> Value {
    let answered = match serde_json::from_str(line) {
        Ok(Request::Load(load)) => evaluator.load(load).map(|()| json!({"type": "loaded"})),
        Ok(Request::Time(request)) => time(evaluator, &request),
        Err(error) => Err(Stop::Refused(format!("not a request: {error}"))),
    };
    let mut answer = match answered {
        Ok(answer) => answer,
        Err(Stop::Refused(reason)) => json!({"type": "refused", "reason": reason}),
        Err(Stop::Failed(reason)) => json!({"type": "failed", "reason": reason}),
        Err(Stop::OutOfBudget) => json!({"type": "out_of_budget", "reason": ""}),
    };
    let request: Value = serde_json::from_str(line).unwrap_or_default();
    answer["request"] = request["request"].clone();
    answer
}

fn say(message: &Value) {
    let mut out = io::stdout().lock();
    // A manager that is gone has nobody left to tell.
    let _ = writeln!(out, "{message}").and_then(|()| out.flush());
}

/// Says hello, and answers requests until standard input ends.
pub fn serve(evaluator: &mut impl Evaluator, name: &str, version: &str, versions: &[u32]) {
    say(&json!({
        "type": "hello",
        "protocol": 1,
        "evaluator": name,
        "version": version,
        "build": format!("release, opt-level 3, fat LTO, 1 codegen unit, {}", env!("RUSTC")),
        "runtime": "native",
        "clock": "std::time::Instant",
        "resolution_ns": 1,
        "capabilities": {
            "languages": ["PlutusV1", "PlutusV2", "PlutusV3"],
            "protocol_versions": versions,
            "cost_model": "given",
            "ex_units": true,
            "decode": true,
            "arguments": true,
            "results": "flat",
            "collector": false,
            "compiler": false,
        },
    }));
    for line in io::stdin().lock().lines().map_while(Result::ok) {
        say(&answer(evaluator, &line));
    }
}
