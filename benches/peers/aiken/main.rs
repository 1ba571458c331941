//! Times aiken's `uplc` crate by the protocol of benches/driver.py.

#[path = "../protocol.rs"]
mod protocol;

use std::hint::black_box;
use std::time::Instant;

use protocol::{Answer, Request, Work};
use uplc::ast::{FakeNamedDeBruijn, NamedDeBruijn, Program};
use uplc::machine::cost_model::{CostModel, ExBudget};
use uplc::machine::Machine;
use uplc::Language;

const PROTOCOL_VERSION: u16 = 11;
const SLIPPAGE: u32 = 200;
const BUDGET: ExBudget = ExBudget {
    cpu: 1_000_000_000_000,
    mem: 10_000_000_000,
};

/// Decodes to the form that the machine takes, which has names.
fn decode(flat: &[u8]) -> Result<Program<NamedDeBruijn>, String> {
    Program::<FakeNamedDeBruijn>::from_flat(flat)
        .map(Into::into)
        .map_err(|error| error.to_string())
}

fn time_decode(request: &Request) -> Result<Answer, String> {
    for _ in 0..request.warm_up() {
        black_box(decode(black_box(&request.flat))?);
    }
    let begin = Instant::now();
    for _ in 0..request.iterations {
        black_box(decode(black_box(&request.flat))?);
    }
    Ok(Answer::time(begin.elapsed()))
}

fn time_evaluate(request: &Request, machine: &mut Machine) -> Result<Answer, String> {
    let program = decode(&request.flat)?;
    let mut run = || {
        machine.ex_budget = BUDGET;
        machine.traces.clear();
        machine
            .run(black_box(program.term.clone()))
            .map(black_box)
            .map(drop)
            .map_err(|error| error.to_string())
    };
    for _ in 0..request.warm_up() {
        run()?;
    }
    let begin = Instant::now();
    for _ in 0..request.iterations {
        run()?;
    }
    let elapsed = begin.elapsed();
    let spent = BUDGET - machine.ex_budget;
    Ok(Answer::spent(elapsed, spent.cpu, spent.mem))
}

fn main() {
    let language = Language::PlutusV3;
    let costs = CostModel::default_for_language_and_protocol(&language, PROTOCOL_VERSION);
    let mut machine =
        Machine::new_with_protocol(language, PROTOCOL_VERSION, costs, BUDGET, SLIPPAGE);
    protocol::serve(
        include_str!("Cargo.toml"),
        "uplc",
        |request| match request.work {
            Work::Decode => time_decode(request),
            Work::Evaluate => time_evaluate(request, &mut machine),
        },
    );
}
