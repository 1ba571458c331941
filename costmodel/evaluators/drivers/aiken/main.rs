//! Drives aiken's `uplc` crate. Its machine takes named variables, to which decoding converts.

mod protocol;

use std::collections::HashMap;
use std::hint::black_box;

use protocol::{Evaluator, Load, Outcome, Stop};
use uplc::ast::{DeBruijn, FakeNamedDeBruijn, NamedDeBruijn, Program, Term};
use uplc::machine::cost_model::{initialize_cost_model_with_protocol, CostModel, ExBudget};
use uplc::machine::{Error, Machine};
use uplc::{plutus_data, Language};

const SLIPPAGE: u32 = 200;

struct Kept {
    program: Program<NamedDeBruijn>,
    flat: Vec<u8>,
    arguments: Vec<Vec<u8>>,
    language: Language,
    protocol_version: u16,
    cost_model: Option<Vec<i64>>,
    budget: ExBudget,
}

#[derive(Default)]
struct Aiken {
    programs: HashMap<u64, Kept>,
}

fn prepare(flat: &[u8], arguments: &[Vec<u8>]) -> Result<Program<NamedDeBruijn>, Stop> {
    let mut program: Program<NamedDeBruijn> = Program::<FakeNamedDeBruijn>::from_flat(black_box(flat))
        .map_err(|error| Stop::Refused(error.to_string()))?
        .into();
    for argument in arguments {
        let data = plutus_data(argument).map_err(|error| Stop::Refused(error.to_string()))?;
        program = program.apply_data(data);
    }
    Ok(program)
}

impl Kept {
    /// The resulting term, and the ExUnits that it took.
    fn evaluate(&self) -> Result<(Term<NamedDeBruijn>, ExBudget), Stop> {
        let costs = match &self.cost_model {
            Some(array) => initialize_cost_model_with_protocol(&self.language, self.protocol_version, array),
            None => CostModel::default_for_language_and_protocol(&self.language, self.protocol_version),
        };
        let (language, version) = (self.language.clone(), self.protocol_version);
        let mut machine = Machine::new_with_protocol(language, version, costs, self.budget, SLIPPAGE);
        match machine.run(black_box(self.program.term.clone())) {
            Ok(term) => Ok((term, self.budget - machine.ex_budget)),
            Err(Error::OutOfExError(_)) => Err(Stop::OutOfBudget),
            Err(error) => Err(Stop::Failed(error.to_string())),
        }
    }
}

impl Aiken {
    fn kept(&self, program: u64) -> Result<&Kept, Stop> {
        self.programs
            .get(&program)
            .ok_or_else(|| Stop::Refused(format!("no program {program} is loaded")))
    }
}

impl Evaluator for Aiken {
    fn load(&mut self, load: Load) -> Result<(), Stop> {
        let (flat, arguments) = (load.flat()?, load.arguments()?);
        let language = match load.language.as_str() {
            "PlutusV1" => Language::PlutusV1,
            "PlutusV2" => Language::PlutusV2,
            "PlutusV3" => Language::PlutusV3,
            other => return Err(Stop::Refused(format!("no language {other}"))),
        };
        let kept = Kept {
            program: prepare(&flat, &arguments)?,
            flat,
            arguments,
            language,
            protocol_version: load.protocol_version as u16,
            cost_model: load.cost_model,
            budget: ExBudget {
                cpu: load.budget.cpu,
                mem: load.budget.mem,
            },
        };
        self.programs.insert(load.program, kept);
        Ok(())
    }

    fn run(&mut self, program: u64) -> Result<(), Stop> {
        self.kept(program)?.evaluate().map(|ended| drop(black_box(ended)))
    }

    fn decode(&mut self, program: u64) -> Result<(), Stop> {
        let kept = self.kept(program)?;
        prepare(&kept.flat, &kept.arguments).map(|program| drop(black_box(program)))
    }

    fn outcome(&mut self, program: u64) -> Result<Outcome, Stop> {
        let kept = self.kept(program)?;
        let (term, spent) = kept.evaluate()?;
        let version = kept.program.version;
        let program: Program<DeBruijn> = Program { version, term }.into();
        Ok(Outcome {
            cpu: spent.cpu,
            mem: spent.mem,
            result: program.to_flat().unwrap_or_default(),
        })
    }
}

fn main() {
    // Its machine and its values recurse with the depth of the program.
    let run = || protocol::serve(&mut Aiken::default(), "aiken-uplc", "1.1.24", &[9, 10, 11]);
    let thread = std::thread::Builder::new().stack_size(1 << 30).spawn(run);
    thread.expect("no thread could be started").join().ok();
}
