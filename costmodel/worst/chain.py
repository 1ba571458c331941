"""What a witness means on the chain: whether a transaction can hold it, how long a block of it takes, what it pays."""

from __future__ import annotations

from costmodel.judging.estimate import Estimate
from costmodel.model import ProtocolParameters
from costmodel.plutus import BuiltinTerm, decode_flat
from costmodel.plutus.term import children
from costmodel.records.figures import ExUnitsRecord
from costmodel.records.worst import Reach
from costmodel.worst.calls import byte_charge_ps
from costmodel.worst.target import TX_OVERHEAD_BYTES, ChargedPrices, Probe


def reach(probe: Probe, chain: ProtocolParameters) -> Reach:
    """Whether a transaction can hold a witness and pay for it."""
    script = len(probe.flat)
    argument = sum(map(len, probe.cells[0].arguments))
    limit = chain.max_tx_execution_units
    spent = ExUnitsRecord(cpu=probe.spent.cpu, mem=probe.spent.mem)
    fits = script + argument + TX_OVERHEAD_BYTES <= chain.max_tx_size
    paid = limit is not None and probe.spent.cpu <= limit.cpu and probe.spent.mem <= limit.mem
    built = _other_builtins(probe)
    how = f"in one transaction: {script + argument} bytes, {spent.cpu:,} ps, {spent.mem:,} words"
    if built:
        how += f"; operands are made on chain by {', '.join(built)}, which it pays for"
    if not (fits and paid):
        how = "not reachable: " + ("it spends more than a transaction may" if fits else "it is too large")
    return Reach(
        reachable=fits and paid,
        how=how,
        script_bytes=script,
        argument_bytes=argument,
        ex_units=spent,
        built=bool(built),
    )


def _other_builtins(probe: Probe) -> list[str]:
    """Builtins that a witness applies beside the one whose price it is about."""
    if probe.target.startswith("calls/"):  # which run nothing of what they hold
        return []
    found: set[str] = set()
    waiting = [decode_flat(probe.flat).term]
    while waiting:
        term = waiting.pop()
        if isinstance(term, BuiltinTerm):
            found.add(term.builtin.name)
        waiting += children(term)
    return sorted(found - {probe.target}) if not probe.target.startswith("steps/") else []


def fills(probe: Probe, pricing: ChargedPrices) -> float | None:
    """How many times a block has room for a witness: by its ExUnits or, where none are charged, by its bytes."""
    chain = pricing.chain
    if probe.target.startswith("calls/"):
        return chain.max_block_body_size / (len(probe.flat) + sum(map(len, probe.cells[0].arguments)))
    block = chain.max_block_execution_units
    if block is None:
        return None
    return min(block.cpu / max(probe.spent.cpu, 1), block.mem / max(probe.spent.mem, 1))


def block_seconds(probe: Probe, seconds: Estimate, pricing: ChargedPrices) -> Estimate | None:
    """How long a node takes to run a block full of a witness."""
    times = fills(probe, pricing)
    return None if times is None else Estimate(*(times * bound for bound in seconds))


def lovelace_per_second(probe: Probe, seconds: float, pricing: ChargedPrices) -> float | None:
    """What a second of delay costs whoever sends witnesses: ExUnits, or bytes where those are charged."""
    chain = pricing.chain
    if chain.price_steps is None or chain.price_memory is None or seconds <= 0:
        return None
    if probe.target.startswith("calls/"):
        octets = len(probe.flat) + sum(map(len, probe.cells[0].arguments))
        return octets * byte_charge_ps(pricing) * float(chain.price_steps) / seconds
    return float(probe.spent.cpu * chain.price_steps + probe.spent.mem * chain.price_memory) / seconds
