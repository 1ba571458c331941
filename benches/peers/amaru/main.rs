//! Times the `amaru-uplc` crate, a machine on a bump arena, by the protocol of benches/driver.py.

#[path = "../protocol.rs"]
mod protocol;

use std::hint::black_box;
use std::time::Instant;

use amaru_uplc::arena::Arena;
use amaru_uplc::binder::DeBruijn;
use amaru_uplc::bumpalo::Bump;
use amaru_uplc::flat;
use amaru_uplc::machine::{ExBudget, PlutusVersion};
use protocol::{Answer, Request, Work};

const PROTOCOL_VERSION: u32 = 11;
/// Bytes that each arena starts with, as in the crate's own benchmarks; it keeps its largest chunk when reset.
const ARENA: usize = 512 << 10;

fn arena() -> Arena {
    Arena::from_bump(Bump::with_capacity(ARENA))
}

fn time_decode(request: &Request, arena: &mut Arena) -> Result<Answer, String> {
    let mut decode = || {
        let result = flat::decode::<DeBruijn>(
            arena,
            black_box(&request.flat),
            PlutusVersion::V3,
            PROTOCOL_VERSION,
        )
        .map(|program| {
            black_box(program);
        })
        .map_err(|error| error.to_string());
        arena.reset();
        result
    };
    for _ in 0..request.warm_up() {
        decode()?;
    }
    let begin = Instant::now();
    for _ in 0..request.iterations {
        decode()?;
    }
    Ok(Answer::time(begin.elapsed()))
}

fn time_evaluate(request: &Request, arena: &mut Arena) -> Result<Answer, String> {
    let decoded = Arena::new();
    let program =
        flat::decode::<DeBruijn>(&decoded, &request.flat, PlutusVersion::V3, PROTOCOL_VERSION)
            .map_err(|error| error.to_string())?;
    let mut spent = (0, 0);
    let mut run = || {
        let result = {
            let result = black_box(program).eval_version_budget(
                arena,
                PlutusVersion::V3,
                ExBudget::machine_max(),
            );
            spent = (
                result.info.consumed_budget.cpu,
                result.info.consumed_budget.mem,
            );
            result
                .term
                .map(|term| {
                    black_box(term);
                })
                .map_err(|error| error.to_string())
        };
        arena.reset();
        result
    };
    for _ in 0..request.warm_up() {
        run()?;
    }
    let begin = Instant::now();
    for _ in 0..request.iterations {
        run()?;
    }
    let elapsed = begin.elapsed();
    Ok(Answer::spent(elapsed, spent.0, spent.1))
}

fn main() {
    let mut arena = arena();
    protocol::serve(
        include_str!("Cargo.toml"),
        "amaru-uplc",
        |request| match request.work {
            Work::Decode => time_decode(request, &mut arena),
            Work::Evaluate => time_evaluate(request, &mut arena),
        },
    );
}
