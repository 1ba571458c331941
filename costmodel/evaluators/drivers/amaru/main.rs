//! Drives the `amaru-uplc` crate, the machine of the node Amaru, on a bump arena that is emptied after each run.

mod protocol;

use std::collections::HashMap;
use std::hint::black_box;

use amaru_uplc::arena::Arena;
use amaru_uplc::binder::DeBruijn;
use amaru_uplc::bumpalo::Bump;
use amaru_uplc::data::PlutusData;
use amaru_uplc::flat;
use amaru_uplc::machine::{ExBudget, MachineError, PlutusVersion};
use amaru_uplc::program::Program;
use amaru_uplc::term::Term;
use protocol::{Evaluator, Load, Outcome, Stop};

/// Bytes that the arena of runs starts with, as in the crate's own benchmarks; it keeps its largest chunk when emptied.
const ARENA: usize = 512 << 10;

struct Kept {
    program: &'static Program<'static, DeBruijn>,
    arena: *mut Arena,
    flat: Vec<u8>,
    arguments: Vec<Vec<u8>>,
    version: PlutusVersion,
    protocol_version: u32,
    cost_model: Option<Vec<i64>>,
    budget: (i64, i64),
}

impl Drop for Kept {
    fn drop(&mut self) {
        // SAFETY: made by Box::into_raw in `load`, and nothing but `program` points into it.
        drop(unsafe { Box::from_raw(self.arena) });
    }
}

struct Amaru {
    programs: HashMap<u64, Kept>,
    arena: Arena,
}

fn language(name: &str) -> Result<PlutusVersion, Stop> {
    match name {
        "PlutusV1" => Ok(PlutusVersion::V1),
        "PlutusV2" => Ok(PlutusVersion::V2),
        "PlutusV3" => Ok(PlutusVersion::V3),
        _ => Err(Stop::Refused(format!("no language {name}"))),
    }
}

fn prepare<'a>(
    arena: &'a Arena,
    flat: &[u8],
    arguments: &[Vec<u8>],
    version: PlutusVersion,
    protocol_version: u32,
) -> Result<&'a Program<'a, DeBruijn>, Stop> {
    let mut program = flat::decode::<DeBruijn>(arena, black_box(flat), version, protocol_version)
        .map_err(|error| Stop::Refused(error.to_string()))?;
    for argument in arguments {
        let data =
            PlutusData::from_cbor(arena, argument).map_err(|error| Stop::Refused(error.to_string()))?;
        program = program.apply(arena, Term::data(arena, data));
    }
    Ok(program)
}

fn kept(programs: &HashMap<u64, Kept>, program: u64) -> Result<&Kept, Stop> {
    programs
        .get(&program)
        .ok_or_else(|| Stop::Refused(format!("no program {program} is loaded")))
}

impl Kept {
    fn evaluate<T>(
        &self,
        arena: &Arena,
        take: impl FnOnce(&Program<'_, DeBruijn>, &Term<'_, DeBruijn>, i64, i64) -> T,
    ) -> Result<T, Stop> {
        let budget = ExBudget {
            cpu: self.budget.0,
            mem: self.budget.1,
        };
        let program = black_box(self.program);
        let result = match &self.cost_model {
            Some(array) => program.eval_with_params(arena, self.version, array, budget),
            None => program.eval_version_budget(arena, self.version, budget),
        };
        let spent = result.info.consumed_budget;
        match result.term {
            Ok(term) => Ok(take(program, term, spent.cpu, spent.mem)),
            Err(MachineError::OutOfExError(_)) => Err(Stop::OutOfBudget),
            Err(error) => Err(Stop::Failed(error.to_string())),
        }
    }
}

impl Evaluator for Amaru {
    fn load(&mut self, load: Load) -> Result<(), Stop> {
        let (flat, arguments, version) = (load.flat()?, load.arguments()?, language(&load.language)?);
        let arena = Box::into_raw(Box::new(Arena::new()));
        // SAFETY: the arena lives until `Kept` is dropped.
        let made = prepare(unsafe { &*arena }, &flat, &arguments, version, load.protocol_version);
        let program = match made {
            Ok(program) => program,
            Err(stop) => {
                drop(unsafe { Box::from_raw(arena) });
                return Err(stop);
            }
        };
        let kept = Kept {
            program,
            arena,
            flat,
            arguments,
            version,
            protocol_version: load.protocol_version,
            cost_model: load.cost_model,
            budget: (load.budget.cpu, load.budget.mem),
        };
        self.programs.insert(load.program, kept);
        Ok(())
    }

    fn run(&mut self, program: u64) -> Result<(), Stop> {
        let kept = kept(&self.programs, program)?;
        let ended = kept.evaluate(&self.arena, |_, term, _, _| {
            black_box(term);
        });
        self.arena.reset();
        ended
    }

    fn decode(&mut self, program: u64) -> Result<(), Stop> {
        let kept = kept(&self.programs, program)?;
        let made = prepare(&self.arena, &kept.flat, &kept.arguments, kept.version, kept.protocol_version)
            .map(|program| {
                black_box(program);
            });
        self.arena.reset();
        made
    }

    fn outcome(&mut self, program: u64) -> Result<Outcome, Stop> {
        let kept = kept(&self.programs, program)?;
        let arena = &self.arena;
        let outcome = kept.evaluate(arena, |program, term, cpu, mem| {
            let result = flat::encode(Program::<DeBruijn>::new(arena, program.version, term));
            result.map(|result| Outcome { cpu, mem, result }).unwrap_or(Outcome { cpu, mem, result: vec![] })
        });
        self.arena.reset();
        outcome
    }
}

fn main() {
    let mut amaru = Amaru {
        programs: HashMap::new(),
        arena: Arena::from_bump(Bump::with_capacity(ARENA)),
    };
    protocol::serve(&mut amaru, "amaru-uplc", "0.4.0", &[9, 10, 11]);
}
